/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl.h"
#include "net/clock.h"
#include "net/place.h"

void
ctl_look_at_port(struct ctl_status *status, const struct generation *last)
{
	struct address		 address;
	struct place		 place;

	if (last == NULL || address_numeric(&address, last->address) == -1)
		return;
	if (last->net_ns != generation_network()) {
		status->elsewhere = true;
		return;
	}
	place = place_at(&address);
	status->listens = place_listener(&place, &status->listener);
}

void
ctl_look(const struct instance *instance, struct ctl_status *status)
{
	struct stat	st;
	int		i;

	*status = (struct ctl_status){
		.holder = instance_holder(instance, INSTANCE_OWNER),
		.entrant = instance_holder(instance, INSTANCE_DOOR),
		.heir = instance_heir(instance) };
	if (generations_read(&status->generations, instance->dir) == -1)
		errx(EX_OSERR, "%s: %s", instance->path, errno == ENOENT ?
		    "there is no /proc of this pid namespace" :
		    strerror(errno));
	for (i = 0; i < status->generations.n; i++) {
		const struct generation *generation =
		    &status->generations.list[i];

		if (generation->state != GENERATION_ALIVE)
			continue;
		status->last = generation;
		if (generation->parent != 0 &&
		    generation->parent == status->holder)
			status->owner = generation;
	}
	status->gone = fstat(instance->dir, &st) == 0 && st.st_nlink == 0;
	ctl_look_at_port(status, status->owner != NULL ? status->owner :
	    status->last);
}

void
ctl_status_free(struct ctl_status *status)
{
	generations_free(&status->generations);
}

static void
add(struct ctl_totals *totals, const struct generation *generation)
{
	int	i;

	totals->served += generation->served;
	for (i = 0; i < generation->n; i++) {
		const struct generation_child *child =
		    &generation->children[i];

		totals->children++;
		totals->served += child->taken;
		totals->stopped += child->stopped;
		totals->busy += !child->stopped && child->state == SLOT_BUSY;
		totals->idle += !child->stopped && child->state != SLOT_BUSY;
		totals->orphans += generation->parent == 0;
	}
}

int64_t
ctl_age(const struct generation_child *child)
{
	int64_t	now = clock_boot_ms();

	return child->state == SLOT_BUSY && child->since > 0 &&
	    child->since <= now ? now - child->since : -1;
}

struct ctl_totals
ctl_totals(const struct ctl_status *status)
{
	struct ctl_totals	totals = { .children = 0 };
	int			i;

	for (i = 0; i < status->generations.n; i++)
		if (status->generations.list[i].state == GENERATION_ALIVE)
			add(&totals, &status->generations.list[i]);
	return totals;
}

static void
print_parents(const struct instance *instance,
    const struct ctl_status *status)
{
	const struct generation	*owner = status->owner;
	int			 i;

	if (owner != NULL)
		(void)printf("%s: parent %d%s, generation %u, %s, %s\n",
		    instance->name, owner->parent,
		    owner->parent_stopped ? " (stopped)" : "", owner->number,
		    owner->strategy, owner->service);
	else if (status->holder > 0)
		(void)printf("%s: parent %d, of whom there is no board\n",
		    instance->name, status->holder);
	else if (status->holder == 0)
		(void)printf("%s: a parent in another pid namespace\n",
		    instance->name);
	else
		(void)printf("%s: no parent\n", instance->name);
	if (status->heir > 0)
		(void)printf("heir %d keeps the port %s\n", status->heir,
		    status->holder != -1 ? "when the parent ends" :
		    "for the next parent");
	for (i = 0; i < status->generations.n; i++) {
		const struct generation *generation =
		    &status->generations.list[i];

		if (generation->stuck != 0)
			(void)printf("child %d of generation %u is stopped "
			    "and has the accept lock: nobody accepts until it "
			    "goes on (kill -CONT %d) or is killed (kill -KILL "
			    "%d)\n", generation->stuck, generation->number,
			    generation->stuck, generation->stuck);
		if (generation->state == GENERATION_UNKNOWN)
			(void)printf("generation %u is not known: %s\n",
			    generation->number, generation->why);
		else if (generation->parent != 0 && generation != owner &&
		    generation->parent == status->entrant)
			(void)printf("parent %d%s of generation %u is coming "
			    "in\n", generation->parent,
			    generation->parent_stopped ? " (stopped)" : "",
			    generation->number);
		else if (generation->parent != 0 && generation != owner)
			(void)printf("parent %d%s of generation %u waits "
			    "until its children are done\n",
			    generation->parent, generation->parent_stopped ?
			    " (stopped)" : "", generation->number);
	}
}

static void
print_port(const struct ctl_status *status)
{
	const struct generation	*last = status->owner != NULL ?
				    status->owner : status->last;

	if (last == NULL)
		return;
	if (status->elsewhere)
		(void)printf("%s is in another network namespace\n",
		    last->address);
	else if (status->listens)
		(void)printf("%s: %u of %u connections wait to be accepted, "
		    "%u were dropped\n", last->address,
		    status->listener.waiting, status->listener.backlog,
		    status->listener.drops);
	else
		(void)printf("%s: nobody listens\n", last->address);
}

/* What a child does, in a word. */
static const char *
state_of(const struct generation_child *child)
{
	return child->stopped ? "stopped" :
	    child->state == SLOT_BUSY ? "busy" : "idle";
}

static void
print_child(const struct generation *generation,
    const struct generation_child *child)
{
	int64_t	age = ctl_age(child);
	char	since[24] = "-";

	if (age >= 0)
		(void)snprintf(since, sizeof(since), "%lld s",
		    (long long)age / 1000);
	(void)printf("%10u %7d  %-7s  %-21s %9s %9u\n", generation->number,
	    child->pid, state_of(child), child->client[0] == '\0' ? "-" :
	    child->client, since, child->taken);
}

void
ctl_print(const struct instance *instance, const struct ctl_status *status)
{
	struct ctl_totals	totals = ctl_totals(status);
	int			i, j;

	if (status->gone)
		(void)printf("%s has been removed: the server serves on, and "
		    "cannot be found by it any more\n", instance->path);
	print_parents(instance, status);
	print_port(status);
	if (totals.children > 0)
		(void)printf("%10s %7s  %-7s  %-21s %9s %9s\n", "GENERATION",
		    "PID", "STATE", "CLIENT", "SINCE", "SERVED");
	for (i = 0; i < status->generations.n; i++) {
		const struct generation *generation =
		    &status->generations.list[i];

		for (j = 0; j < generation->n; j++)
			print_child(generation, &generation->children[j]);
	}
	(void)printf("children: %d, busy: %d, idle: %d, stopped: %d, orphans: "
	    "%d; clients served: %llu\n", totals.children, totals.busy,
	    totals.idle, totals.stopped, totals.orphans,
	    (unsigned long long)totals.served);
}
