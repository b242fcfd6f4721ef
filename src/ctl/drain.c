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
#include <unistd.h>

#include "aim.h"
#include "ctl.h"
#include "net/clock.h"

/* From TERM to KILL, and from KILL until we give up; between two looks, at
   first and in the end.  In ms. */
#define GRACE	1000
#define PAUSE	10
#define PAUSES	200

struct targets {
	struct target	*list;
	int		 n;
	int		 missed;	/* who could not be asked or ended, and
					   boards that tell us nothing */
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
			targets->missed++;
		else if (child->pid != getpid())
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

/* Ask all of them.  A program that has become another user cannot be asked, as
   no program can; it is waited for. */
static void
ask_all(const struct targets *targets)
{
	int	i;

	for (i = 0; i < targets->n; i++)
		(void)aim_signal(&targets->list[i], SIGWINCH, false);
}

/* To all who are left, and what they have forked; somebody else's processes are
   taken off, with a word. */
static void
end_all(struct targets *targets, int signo)
{
	int	i, n = 0;

	for (i = 0; i < targets->n; i++) {
		if (aim_signal(&targets->list[i], signo, true) == -1 &&
		    errno != ESRCH) {
			warn("process %d is left alone", targets->list[i].pid);
			targets->missed++;
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
	ask_all(targets);
	if (owner == NULL || !is_meant(owner, drain))
		return;
	take_aim(targets, owner);
	parent = (struct target){ .pid = owner->parent,
	    .start = owner->parent_start };
	if (owner->parent_stopped)
		warnx("process %d is stopped: it replaces its children once "
		    "it goes on (kill -CONT %d)", parent.pid, parent.pid);
	if (aim_signal(&parent, SIGHUP, false) == -1)
		warn("process %d cannot be asked to replace its children",
		    parent.pid);
}

/* What is not known, and what was asked for and is not to be had. */
static void
check(const struct instance *instance, const struct ctl_status *status,
    const struct ctl_drain *drain, struct targets *targets)
{
	bool	found = drain->generation == 0;
	int	i;

	for (i = 0; i < status->generations.n; i++) {
		const struct generation *generation =
		    &status->generations.list[i];

		if (generation->state == GENERATION_UNKNOWN)
			targets->missed++;
		else if (is_meant(generation, drain) &&
		    (generation->n > 0 || generation->parent != 0))
			found = true;
	}
	if (status->holder != -1 && status->owner == NULL &&
	    !drain->orphans) {
		warnx("%s has a parent, and there is no board of its children "
		    "that can be read", instance->name);
		targets->missed++;
	}
	if (!found)
		errx(EX_UNAVAILABLE, "nobody of generation %u is alive",
		    drain->generation);
}

/* Until all have left, or the time is over. */
static void
wait_for(struct targets *targets, int64_t deadline)
{
	int	pause = PAUSE;

	for (look_again(targets); targets->n > 0; look_again(targets)) {
		if (deadline != -1 && clock_ms() >= deadline)
			return;
		(void)poll(NULL, 0, pause);
		if (pause < PAUSES)
			pause += PAUSE;
	}
}

int
ctl_drain(const struct instance *instance, const struct ctl_drain *drain)
{
	struct ctl_status	status;
	struct targets		targets = { .list = NULL };
	int			asked, ended;

	ctl_look(instance, &status);
	check(instance, &status, drain, &targets);
	ask(&targets, &status, drain);
	asked = targets.n;
	(void)printf("%s: asked to leave: %d\n", instance->name, asked);
	(void)fflush(stdout);
	wait_for(&targets, drain->deadline == -1 ? -1 :
	    clock_ms() + (int64_t)drain->deadline * 1000);
	ended = targets.n;
	if (targets.n > 0) {
		end_all(&targets, SIGTERM);
		/* One that is stopped acts on a signal once it goes on. */
		end_all(&targets, SIGCONT);
		wait_for(&targets, clock_ms() + GRACE);
		end_all(&targets, SIGKILL);
		wait_for(&targets, clock_ms() + GRACE);
	}
	(void)printf("%s: have left: %d, were ended: %d\n", instance->name,
	    asked - ended, ended - targets.n);
	ctl_status_free(&status);
	if (targets.n > 0)
		warnx("children that cannot be ended: %d", targets.n);
	free(targets.list);
	return targets.n + targets.missed > 0 ? EX_OSERR : 0;
}
