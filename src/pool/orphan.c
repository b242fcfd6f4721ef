/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/stat.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "generation.h"
#include "instance.h"
#include "net/owner.h"
#include "net/process.h"
#include "orphan.h"

struct search {
	struct owners	*owners;
	const char	*option;	/* " -S PLACE", or "" */
};

static bool
is_child(const struct generation *generation, pid_t pid)
{
	int	i;

	for (i = 0; i < generation->n; i++)
		if (generation->children[i].pid == pid)
			return true;
	return false;
}

/* A child, or its program. */
static bool
is_of(const struct generation *generation, pid_t pid)
{
	struct process	process;

	return is_child(generation, pid) ||
	    (process_read(pid, &process) == 0 &&
	    is_child(generation, process.parent));
}

/* What one generation knows of them; its board is believed only about the
   processes of whoever wrote it. */
static void
ask_generation(const struct search *search, const char *name,
    const struct generation *generation, uid_t writer)
{
	struct owner	*owner;
	size_t		 i;
	uid_t		 uid;

	for (i = 0; i < search->owners->n; i++) {
		owner = &search->owners->list[i];
		if (owner->role[0] != '\0' ||
		    !is_of(generation, owner->pid) ||
		    process_user(owner->pid, &uid) == -1 || uid != writer)
			continue;
		(void)snprintf(owner->role, sizeof(owner->role),
		    "%s of %s, generation %u",
		    generation->parent == 0 ? "orphan" : "child", name,
		    generation->number);
		if (generation->parent == 0)
			(void)snprintf(owner->remedy, sizeof(owner->remedy),
			    "outlivectl -n %s%s drain --orphans --deadline 5",
			    name, search->option);
	}
}

/* The process that keeps the port for the next parent. */
static void
ask_heir(const struct search *search, const char *name,
    const struct instance *instance)
{
	struct owner	*owner;
	pid_t		 heir = instance_heir(instance);
	size_t		 i;

	for (i = 0; i < search->owners->n; i++) {
		owner = &search->owners->list[i];
		if (owner->role[0] != '\0' || owner->pid != heir)
			continue;
		(void)snprintf(owner->role, sizeof(owner->role), "heir of %s",
		    name);
	}
}

static void
ask_instance(const char *place, const char *name, void *arg)
{
	const struct search	*search = arg;
	struct generations	 generations;
	struct instance		 instance;
	struct stat		 st;
	char			 why[PATH_MAX + 128];
	int			 i;

	if (instance_look(&instance, place, name, why, sizeof(why)) == -1)
		return;
	ask_heir(search, name, &instance);
	if (fstat(instance.dir, &st) == 0 &&
	    generations_read(&generations, instance.dir) == 0) {
		for (i = 0; i < generations.n; i++)
			ask_generation(search, name, &generations.list[i],
			    st.st_uid);
		generations_free(&generations);
	}
	instance_close(&instance);
}

/* Where a user keeps his, if he is not us. */
static void
ask_user(struct owners *owners, uid_t uid)
{
	struct search	search = { .owners = owners };
	char		place[64], option[80];
	int		i;

	for (i = 0; i < 2; i++) {
		(void)snprintf(place, sizeof(place), i == 0 ?
		    "/run/user/%u/outlive" : "/tmp/outlive-%u", uid);
		(void)snprintf(option, sizeof(option), " -S %s", place);
		search.option = option;
		instance_list(place, ask_instance, &search);
	}
}

void
orphans_name(struct owners *owners, const char *state_dir)
{
	struct search	search = { .owners = owners, .option = "" };
	char		option[PATH_MAX + 8];
	size_t		i;

	if (owners->n == 0)
		return;
	if (state_dir != NULL) {
		(void)snprintf(option, sizeof(option), " -S %s", state_dir);
		search.option = option;
	}
	instance_list(state_dir, ask_instance, &search);
	for (i = 0; i < owners->n; i++)
		if (owners->list[i].role[0] == '\0' && geteuid() == 0 &&
		    owners->list[i].uid != 0)
			ask_user(owners, owners->list[i].uid);
}
