/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "aim.h"
#include "ctl.h"
#include "net/clock.h"

/* Between two looks; from TERM to KILL, and from KILL until we give up.  In
   ms. */
#define PAUSE	20
#define GRACE	1000

struct targets {
	struct target	*list;
	int		 n;
	int		 unseen;	/* who cannot be told from others */
};

static bool
is_meant(const struct generation *generation, const struct ctl_drain *drain)
{
	return generation->state == GENERATION_ALIVE &&
	    (drain->generation == 0 ||
	    generation->number == drain->generation) &&
	    (!drain->orphans || generation->parent == 0);
}

static void
take_aim(struct targets *targets, const struct generation *generation)
{
	int	i;

	targets->list = reallocarray(targets->list,
	    (size_t)(targets->n + generation->n + 1), sizeof(*targets->list));
	if (targets->list == NULL)
		err(EX_OSERR, "no memory for %d children", generation->n);
	for (i = 0; i < generation->n; i++) {
		const struct generation_child *child =
		    &generation->children[i];

		if (child->start == 0)
			targets->unseen++;
		else
			targets->list[targets->n++] = (struct target){
			    .pid = child->pid, .start = child->start };
	}
}

/* Those who have left are taken off the list. */
static void
look_again(struct targets *targets)
{
	int	i, n = 0;

	for (i = 0; i < targets->n; i++)
		if (aim_lives(&targets->list[i]))
			targets->list[n++] = targets->list[i];
	targets->n = n;
}

/* To all who are left; somebody else's processes are taken off, with a word:
   a board that names them was written by a child that runs wild. */
static void
signal_all(struct targets *targets, int signo, bool whole)
{
	int	i, n = 0;

	for (i = 0; i < targets->n; i++) {
		if (aim_signal(&targets->list[i], signo, whole) == -1 &&
		    errno != ESRCH) {
			warn("process %d is left alone", targets->list[i].pid);
			targets->unseen++;
			continue;
		}
		targets->list[n++] = targets->list[i];
	}
	targets->n = n;
}

/* Everyone who is meant: those who can be asked themselves, and those of a
   parent that serves, which is asked to replace them. */
static void
ask(struct targets *targets, const struct ctl_status *status,
    const struct ctl_drain *drain)
{
	const struct generation	*owner = status->owner;
	struct target		 parent;
	int			 i;

	for (i = 0; i < status->generations.n; i++) {
		const struct generation *generation =
		    &status->generations.list[i];

		if (generation != owner && is_meant(generation, drain))
			take_aim(targets, generation);
	}
	signal_all(targets, SIGWINCH, false);
	if (owner == NULL || !is_meant(owner, drain))
		return;
	take_aim(targets, owner);
	parent = (struct target){ .pid = owner->parent,
	    .start = owner->parent_start };
	if (aim_signal(&parent, SIGHUP, false) == -1)
		warn("process %d cannot be asked to replace its children",
		    parent.pid);
}

/* What was asked for is not to be had. */
static void
check(const struct ctl_status *status, const struct ctl_drain *drain)
{
	int	i;

	for (i = 0; i < status->generations.n; i++) {
		const struct generation *generation =
		    &status->generations.list[i];

		if (generation->state == GENERATION_ELSEWHERE)
			warnx("generation %u is another pid namespace's: "
			    "expected to be run there", generation->number);
		else if (generation->number == drain->generation &&
		    generation->state == GENERATION_ALIVE &&
		    (generation->n > 0 || generation->parent != 0))
			return;
	}
	if (drain->generation != 0)
		errx(EX_UNAVAILABLE, "nobody of generation %u is alive",
		    drain->generation);
}

/* Until all have left, or the time is over. */
static void
wait_for(struct targets *targets, int64_t deadline)
{
	for (look_again(targets); targets->n > 0; look_again(targets)) {
		if (deadline != -1 && clock_ms() >= deadline)
			return;
		(void)poll(NULL, 0, PAUSE);
	}
}

int
ctl_drain(const struct instance *instance, const struct ctl_drain *drain)
{
	struct ctl_status	status;
	struct targets		targets = { .list = NULL };
	int			asked, ended;

	ctl_look(instance, &status);
	check(&status, drain);
	ask(&targets, &status, drain);
	asked = targets.n;
	(void)printf("%s: asked to leave: %d\n", instance->name, asked);
	(void)fflush(stdout);
	wait_for(&targets, drain->deadline == -1 ? -1 :
	    clock_ms() + (int64_t)drain->deadline * 1000);
	ended = targets.n;
	if (targets.n > 0) {
		signal_all(&targets, SIGTERM, true);
		/* One that is stopped acts on a signal once it goes on. */
		signal_all(&targets, SIGCONT, true);
		wait_for(&targets, clock_ms() + GRACE);
		signal_all(&targets, SIGKILL, true);
		wait_for(&targets, clock_ms() + GRACE);
	}
	(void)printf("%s: have left: %d, were ended: %d\n", instance->name,
	    asked - ended, ended - targets.n);
	ctl_status_free(&status);
	if (targets.n > 0)
		warnx("children that cannot be ended: %d", targets.n);
	if (targets.unseen > 0)
		warnx("processes that were left alone: %d", targets.unseen);
	free(targets.list);
	return targets.n + targets.unseen > 0 ? EX_OSERR : 0;
}
