/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <signal.h>
#include <string.h>

#include "../harness.h"
#include "../process.h"
#include "faults.h"

/* The parent; NULL: there is none, or we do not know, or it is told to end. */
struct server_one *
fault_parent(void)
{
	struct server_one	*owner = servers_owner();

	if (blind_until() == INT64_MAX || owner == NULL || owner->told != 0)
		return NULL;
	fault_detail("%d", owner->pid);
	return owner;
}

void
fault_hit(pid_t pid, int signo)
{
	struct seen	 one = { .pid = pid };
	const struct seen *seen = seen_of(&fault.sight, pid);

	judge_hit(seen != NULL ? seen : &one, signo);
	send_signal(pid, signo);
}

/* What a parent's end may cost. */
static void
permit_end(int signo)
{
	bool	heir = lock_heir() > 0;
	bool	killed = signo == SIGKILL || signo == SIGSEGV;

	if (!heir)
		permit(REFUSED | (killed ? RESET | SHORT : 0), -1, -1,
		    "the parent's end");
	else if (killed && (strcmp(soak.plan.strategy, "fork") == 0 ||
	    strcmp(soak.plan.strategy, "pass") == 0))
		/* The one that it has accepted, and not given away. */
		permit(RESET | SHORT, 1, 2 * S, "a parent was killed");
}

static bool
end_parent(int signo)
{
	struct server_one	*owner = fault_parent();

	if (owner == NULL)
		return false;
	fault_ends_parent(true);
	permit_end(signo);
	server_told(owner, signo);
	fault_hit(owner->pid, signo);
	return true;
}

bool
parent_term(struct dice *dice)
{
	(void)dice;
	return end_parent(SIGTERM);
}

bool
parent_kill(struct dice *dice)
{
	(void)dice;
	return end_parent(SIGKILL);
}

bool
parent_segv(struct dice *dice)
{
	(void)dice;
	return end_parent(SIGSEGV);
}

bool
parent_quit(struct dice *dice)
{
	(void)dice;
	return end_parent(SIGQUIT);
}

bool
parent_hup(struct dice *dice)
{
	struct server_one	*owner = fault_parent();

	(void)dice;
	if (owner == NULL || !owner->served)
		return false;
	send_signal(owner->pid, SIGHUP);
	return true;
}

static void
go_on(pid_t pid)
{
	fault_tell("CONT to %d", pid);
	send_signal(pid, SIGCONT);
}

static void
stop_for(pid_t pid, int64_t lasts)
{
	fault_disturb(lasts);
	send_signal(pid, SIGSTOP);
	fault_later(lasts, go_on, pid);
}

bool
parent_stop(struct dice *dice)
{
	struct server_one	*owner = fault_parent();
	int64_t			 lasts = fault_between(dice, 20, 1500);

	if (owner == NULL)
		return false;
	stop_for(owner->pid, lasts);
	return true;
}

bool
fault_is_child(const struct seen *one)
{
	return one->kind == IDLE || one->kind == BUSY;
}

/* Of those who are there, one that is a child. */
const struct seen *
fault_child(struct dice *dice)
{
	unsigned int	n = 0, which = roll(dice, 1 << 20);
	int		i, round;

	for (round = 0; round < 2; round++) {
		if (round == 1 && n == 0)
			return NULL;
		if (round == 1)
			which %= n;
		for (i = 0; i < fault.sight.n; i++) {
			const struct seen *one = &fault.sight.list[i];

			if (!fault_is_child(one))
				continue;
			if (round == 0)
				n++;
			else if (which-- == 0) {
				fault_detail("%d, %s", one->pid, one->title);
				return one;
			}
		}
	}
	return NULL;
}

static bool
hit_child(struct dice *dice, int signo)
{
	const struct seen	*one = fault_child(dice);

	if (one == NULL)
		return false;
	fault_hit(one->pid, signo);
	return true;
}

bool
child_term(struct dice *dice)
{
	return hit_child(dice, SIGTERM);
}

bool
child_kill(struct dice *dice)
{
	return hit_child(dice, SIGKILL);
}

bool
child_segv(struct dice *dice)
{
	return hit_child(dice, SIGSEGV);
}

bool
child_stop(struct dice *dice)
{
	const struct seen	*one = fault_child(dice);
	int64_t			 lasts = fault_between(dice, 20, 2500);

	if (one == NULL)
		return false;
	stop_for(one->pid, lasts);
	return true;
}

bool
heir_kill(struct dice *dice)
{
	pid_t	heir = lock_heir();

	(void)dice;
	if (blind_until() == INT64_MAX || heir <= 1)
		return false;
	fault_detail("%d", heir);
	/* Without a parent it has those who wait. */
	if (!servers_serve())
		permit(REFUSED | RESET, -1, -1, "the heir's end");
	fault_hit(heir, SIGKILL);
	return true;
}

bool
second(struct dice *dice)
{
	int	wait = (int)roll(dice, 3);

	if (fault_parent() == NULL)
		return false;
	fault_detail("%d, waits %d s",
	    servers_start(SECOND, wait)->pid, wait);
	return true;
}

bool
takeover(struct dice *dice)
{
	(void)dice;
	if (fault_parent() == NULL)
		return false;
	fault_detail("%d",
	    servers_start(TAKEOVER, soak.plan.wait)->pid);
	return true;
}

bool
takeovers(struct dice *dice)
{
	pid_t	first, other;

	(void)dice;
	if (fault_parent() == NULL)
		return false;
	first = servers_start(TAKEOVER, soak.plan.wait)->pid;
	other = servers_start(TAKEOVER, soak.plan.wait)->pid;
	fault_detail("%d, %d", first, other);
	return true;
}

/* It may have the port already, and its clients, or not yet. */
static void
kill_server(pid_t pid)
{
	struct server_one	*server = server_of(pid);

	if (server == NULL || !server->alive)
		return;
	fault_tell("KILL to %d%s", pid, server->owned ?
	    ", which has the port" : "");
	see(&fault.sight);
	permit_end(SIGKILL);
	server_told(server, SIGKILL);
	fault_hit(pid, SIGKILL);
}

bool
takeover_killed(struct dice *dice)
{
	int64_t			 in = fault_between(dice, 0, 250);
	struct server_one	*one;

	if (fault_parent() == NULL)
		return false;
	fault_ends_parent(true);
	one = servers_start(TAKEOVER, soak.plan.wait);
	fault_later(in, kill_server, one->pid);
	fault_detail("%d, in %d ms", one->pid,
	    (int)(in / MS));
	return true;
}

bool
takeover_alone(struct dice *dice)
{
	int64_t			 in = fault_between(dice, 0, 250);
	struct server_one	*owner = fault_parent();

	if (owner == NULL)
		return false;
	fault_ends_parent(true);
	fault_later(in, kill_server, owner->pid);
	fault_detail("%d from %d, in %d ms",
	    servers_start(TAKEOVER, soak.plan.wait)->pid, owner->pid,
	    (int)(in / MS));
	return true;
}
