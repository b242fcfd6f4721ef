/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "aim.h"
#include "ctl.h"
#include "net/clock.h"
#include "net/process.h"

/* Between two looks, in ms; and how long a parent may take: its drain is
   bounded by a second, and by who waits. */
#define PAUSE	10
#define PATIENCE	30000

/* One that has been stopped for so long will not go on by itself, in ms. */
#define STOPPED		1000

/* Who has the port: a parent, or if there is none his heir. */
static pid_t
keeper(const struct instance *instance)
{
	pid_t	parent = instance_holder(instance, INSTANCE_OWNER);

	return parent != -1 ? parent : instance_heir(instance);
}

/* He who has the lock for that, and not one that has his pid now. */
static struct target
find_keeper(const struct instance *instance)
{
	struct target	target = { .pid = keeper(instance) };
	struct process	process;

	if (target.pid == -1)
		errx(EX_UNAVAILABLE, "%s has no parent", instance->name);
	if (target.pid == 0)
		errx(EX_UNAVAILABLE, "the parent of %s is in another pid "
		    "namespace: expected to be run there", instance->name);
	if (process_read(target.pid, &process) == -1)
		errx(EX_UNAVAILABLE, "process %d has just ended", target.pid);
	target.start = process.start;
	if (keeper(instance) != target.pid)
		errx(EX_UNAVAILABLE, "process %d has just ended", target.pid);
	return target;
}

static bool
is_stopped(const struct target *target)
{
	struct process	process;

	return process_read(target->pid, &process) == 0 &&
	    process_is_stopped(&process);
}

static void
await_end(const struct target *target)
{
	int64_t	now = clock_ms(), deadline = now + PATIENCE, went_on = now;

	for (; aim_lives(target); now = clock_ms()) {
		if (!is_stopped(target))
			went_on = now;
		if (now - went_on >= STOPPED)
			errx(EX_OSERR, "process %d is stopped, and ends once "
			    "it goes on (kill -CONT %d)", target->pid,
			    target->pid);
		if (now >= deadline)
			errx(EX_OSERR, "process %d has not ended after %d s",
			    target->pid, PATIENCE / 1000);
		(void)poll(NULL, 0, PAUSE);
	}
}

int
ctl_stop(const struct instance *instance, bool now)
{
	struct target		target = find_keeper(instance);
	struct ctl_status	before, status;
	struct ctl_totals	totals;
	bool			given;

	/* Afterwards there may be no board any more that has the address. */
	ctl_look(instance, &before);
	given = before.owner != NULL && before.owner->given;
	if (aim_signal(&target, now ? SIGINT : SIGTERM, false) == -1)
		err(EX_OSERR, "process %d cannot be signalled", target.pid);
	await_end(&target);
	ctl_look(instance, &status);
	ctl_look_at_port(&status, before.owner);
	totals = ctl_totals(&status);
	(void)printf("%s: process %d has ended, the port is %s; clients still "
	    "served: %d\n", instance->name, target.pid,
	    status.holder != -1 ? "another parent's already" :
	    status.listens && status.heir > 0 ? "kept by an heir" :
	    status.listens && given ? "left to whoever gave the socket" :
	    status.listens ? "somebody else's" : status.elsewhere ||
	    (before.owner == NULL && before.holder != -1) ?
	    "not to be seen from here" : "free",
	    totals.busy);
	ctl_status_free(&status);
	ctl_status_free(&before);
	return 0;
}
