/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl.h"

/* What was found so far. */
struct search {
	const char	*wanted;
	struct instance	 alive;		/* the last one that is, or the only
					   one that there is */
	int		 living, n;
	char		 names[1024];	/* of all, to be said */
};

/* Whether it has a parent, an heir or orphans. */
static bool
is_alive(const struct instance *instance)
{
	struct generations	generations = { .list = NULL };
	bool			alive = instance_holder(instance,
				    INSTANCE_OWNER) != -1 ||
				    instance_heir(instance) != -1;
	int			i;

	if (!alive && generations_read(&generations, instance->dir) == 0) {
		for (i = 0; i < generations.n; i++)
			alive = alive || generations.list[i].state ==
			    GENERATION_ALIVE;
	}
	generations_free(&generations);
	return alive;
}

static void
found(const char *place, const char *name, void *arg)
{
	struct search	*search = arg;
	struct instance	 instance;
	char		 why[PATH_MAX + 128];

	search->n++;
	if (search->names[0] != '\0')
		(void)strlcat(search->names, ", ", sizeof(search->names));
	(void)strlcat(search->names, name, sizeof(search->names));
	if (instance_look(&instance, place, name, why, sizeof(why)) == -1)
		return;
	if (is_alive(&instance))
		search->living++;
	else if (search->living > 0 || search->alive.dir != -1) {
		instance_close(&instance);
		return;
	}
	instance_close(&search->alive);
	search->alive = instance;
}

/* Who has looked for nothing in particular gets what there is. */
static void
find_only(struct instance *instance, const char *state_dir)
{
	struct search	search = { .alive = { .dir = -1, .lock = -1 } };

	instance_list(state_dir, found, &search);
	if (search.n == 0 || search.alive.dir == -1)
		errx(EX_UNAVAILABLE, search.n > 0 ? "no instance here can be "
		    "read: expected to be run as the server's user" :
		    "there is no instance here: expected -S "
		    "with the server's state directory, or its user");
	if (search.living == 0 && search.n > 1)
		errx(EX_UNAVAILABLE, "no instance is alive; with -n there are: "
		    "%s", search.names);
	if (search.living > 1)
		errx(EX_USAGE, "several instances are alive: expected -n with "
		    "one of: %s", search.names);
	*instance = search.alive;
}

static void
find_name(struct instance *instance, const char *state_dir, const char *name)
{
	struct search	search = { .alive = { .dir = -1, .lock = -1 } };
	const char	*bad = instance_bad_name(name);
	char		 why[PATH_MAX + 128];

	if (bad != NULL)
		errx(EX_USAGE, "'%s' is no name: %s", name, bad);
	if (instance_look(instance, state_dir, name, why, sizeof(why)) == 0)
		return;
	instance_list(state_dir, found, &search);
	errx(EX_UNAVAILABLE, "%s; instances here: %s", why,
	    search.n == 0 ? "none" : search.names);
}

/* Root has every right, and uses those of the instance's user only. */
static void
become_owner(const struct instance *instance)
{
	struct stat	st;

	if (fstat(instance->dir, &st) == -1)
		err(EX_OSERR, "%s", instance->path);
	if (geteuid() != 0 || st.st_uid == 0)
		return;
	if (setgroups(0, NULL) == -1 ||
	    setresgid(st.st_gid, st.st_gid, st.st_gid) == -1 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) == -1)
		err(EX_OSERR, "cannot become user %u of %s", st.st_uid,
		    instance->path);
}

void
ctl_find(struct instance *instance, const char *state_dir, const char *name)
{
	struct generations	generations;

	if (name != NULL)
		find_name(instance, state_dir, name);
	else
		find_only(instance, state_dir);
	become_owner(instance);
	/* Whoever comes sweeps. */
	if (generations_read(&generations, instance->dir) == 0)
		generations_sweep(&generations, instance->dir,
		    instance->path, instance_holder(instance,
		    INSTANCE_OWNER) != -1);
	generations_free(&generations);
}
