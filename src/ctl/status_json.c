/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <stdio.h>

#include "ctl.h"
#include "net/json.h"

static void
print_child(const struct generation_child *child)
{
	bool	busy = child->state == SLOT_BUSY;

	(void)printf("{\"pid\":%d,\"busy\":%s,\"stopped\":%s,", child->pid,
	    json_bool(busy), json_bool(child->stopped));
	if (busy)
		json_member(stdout, "client", child->client);
	else
		(void)fputs("\"client\":null", stdout);
	(void)fputc(',', stdout);
	json_number(stdout, "since_ms", ctl_age(child));
	(void)printf(",\"served\":%u}", child->taken);
}

static void
print_generation(const struct ctl_status *status,
    const struct generation *generation)
{
	int	i;

	(void)printf("{\"generation\":%u,", generation->number);
	json_number(stdout, "parent", generation->parent != 0 ?
	    generation->parent : -1);
	(void)printf(",\"parent_stopped\":%s,\"owns_port\":%s,",
	    json_bool(generation->parent_stopped),
	    json_bool(generation == status->owner));
	json_member(stdout, "address", generation->address);
	(void)fputc(',', stdout);
	json_member(stdout, "service", generation->service);
	(void)fputc(',', stdout);
	json_member(stdout, "strategy", generation->strategy);
	(void)fputc(',', stdout);
	/* null: there is none. */
	json_number(stdout, "accept_lock_stopped", generation->stuck != 0 ?
	    generation->stuck : -1);
	(void)printf(",\"max_children\":%u,\"served_by_gone\":%llu,"
	    "\"children\":[", generation->max_children,
	    (unsigned long long)generation->served);
	for (i = 0; i < generation->n; i++) {
		if (i > 0)
			(void)fputc(',', stdout);
		print_child(&generation->children[i]);
	}
	(void)fputs("]}", stdout);
}

void
ctl_print_json(const struct instance *instance,
    const struct ctl_status *status)
{
	struct ctl_totals	totals = ctl_totals(status);
	bool			first = true;
	int			i;

	(void)fputc('{', stdout);
	json_member(stdout, "instance", instance->name);
	(void)fputc(',', stdout);
	json_member(stdout, "directory", instance->path);
	(void)printf(",\"removed\":%s,", json_bool(status->gone));
	/* null: there is none; 0: it is in another pid namespace. */
	json_number(stdout, "parent", status->holder);
	(void)fputc(',', stdout);
	json_number(stdout, "entrant", status->entrant);
	(void)fputc(',', stdout);
	json_number(stdout, "heir", status->heir);
	(void)printf(",\"listens\":%s,", status->elsewhere ? "null" :
	    json_bool(status->listens));
	json_number(stdout, "waiting", status->listens ?
	    (int64_t)status->listener.waiting : -1);
	(void)fputc(',', stdout);
	json_number(stdout, "backlog", status->listens ?
	    (int64_t)status->listener.backlog : -1);
	(void)fputc(',', stdout);
	json_number(stdout, "drops", status->listens ?
	    (int64_t)status->listener.drops : -1);
	(void)fputs(",\"generations\":[", stdout);
	for (i = 0; i < status->generations.n; i++) {
		const struct generation *generation =
		    &status->generations.list[i];

		if (generation->state != GENERATION_ALIVE)
			continue;
		if (!first)
			(void)fputc(',', stdout);
		first = false;
		print_generation(status, generation);
	}
	(void)printf("],\"children\":%d,\"busy\":%d,\"idle\":%d,"
	    "\"stopped\":%d,\"orphans\":%d,\"served\":%llu}\n",
	    totals.children, totals.busy, totals.idle, totals.stopped,
	    totals.orphans, (unsigned long long)totals.served);
}
