/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "drain.h"
#include "net/clock.h"
#include "net/listener.h"
#include "net/log.h"
#include "parent.h"
#include "pool.h"
#include "spawn.h"

/* Between two tries of something that had no room, in ms. */
#define ACCEPT_PAUSE	100
#define QUEUE_PAUSE	10

static volatile sig_atomic_t	terminated, interrupted;

static void
on_signal(int signo)
{
	if (signo == SIGTERM)
		terminated = 1;
	else if (signo == SIGINT)
		interrupted = 1;
	/* CHLD has done its work by waking ppoll(). */
}

int
parent_signals(void)
{
	static const int	handled[] = { SIGTERM, SIGINT, SIGCHLD };
	struct sigaction	action = { .sa_handler = on_signal,
				    .sa_flags = SA_NOCLDSTOP };
	sigset_t		blocked;
	size_t			i;

	(void)sigfillset(&action.sa_mask);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGWINCH);
	for (i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		(void)sigaddset(&blocked, handled[i]);
	if (sigprocmask(SIG_SETMASK, &blocked, NULL) == -1)
		return -1;
	for (i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		if (sigaction(handled[i], &action, NULL) == -1)
			return -1;
	action.sa_handler = SIG_IGN;
	if (sigaction(SIGPIPE, &action, NULL) == -1 ||
	    sigaction(SIGXFSZ, &action, NULL) == -1)
		return -1;
	return 0;
}

/* The door: only here are signals let in, all but WINCH. */
static int
door(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec	timeout = { .tv_sec = ms / 1000,
			    .tv_nsec = ms % 1000 * 1000000L };
	sigset_t	open;

	(void)sigemptyset(&open);
	(void)sigaddset(&open, SIGWINCH);
	return ppoll(fds, n, ms == -1 ? NULL : &timeout, &open);
}

bool
parent_pause(int ms)
{
	(void)door(NULL, 0, ms);
	return !terminated && !interrupted;
}

/* Hand over the connection that is held.  False: there is no room yet. */
static bool
place_held(struct pool *pool)
{
	if (pool->strategy->place_client(pool, pool->held,
	    &pool->held_peer) == -1) {
		if (errno == EAGAIN)
			return false;
		log_warn("a client is lost: it cannot be passed to a child");
		(void)close(pool->held);
	}
	pool->held = -1;
	return true;
}

/* -1 if there is no listening socket any more. */
static int
accept_some(struct pool *pool, int how_many)
{
	if (pool->held != -1) {
		if (!place_held(pool))
			return 0;
		how_many--;
	}
	while (how_many-- > 0) {
		pool->held = listener_accept(pool->listener,
		    &pool->held_peer);
		if (pool->held != -1) {
			pool->accept_after = 0;
			if (!place_held(pool))
				return 0;
			continue;
		}
		switch (listener_verdict(errno)) {
		case LISTENER_NOTHING:
			return 0;
		case LISTENER_AGAIN:
			break;
		case LISTENER_WAIT:
			if (pool->accept_after == 0)
				log_warn("accept: clients have to wait");
			pool->accept_after = clock_ms() + ACCEPT_PAUSE;
			return 0;
		case LISTENER_FATAL:
			log_warn("accept");
			return -1;
		}
	}
	return 0;
}

static void
give_birth(struct pool *pool, int how_many)
{
	while (how_many-- > 0) {
		if (spawn_birth(pool, -1, NULL) == -1) {
			if (!pool->barren)
				log_warn("fork: trying again every second");
			pool->barren = true;
			policy_trouble(&pool->births, clock_ms());
			return;
		}
		if (pool->barren)
			log_info("fork: works again");
		pool->barren = false;
	}
}

static int
sooner(int a, int b)
{
	if (a == -1 || b == -1)
		return a == -1 ? b : a;
	return a < b ? a : b;
}

/* Sleep until a client, a child or a signal wants something.  Returns whether
   a client waits. */
static bool
sleep_well(struct pool *pool, const struct policy_counts *counts)
{
	struct pollfd	fds[2] = {
		{ .fd = pool->wake, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};
	int64_t		now = clock_ms();
	int		ms = policy_sleep(&pool->policy, counts, &pool->births,
			    now);
	uint64_t	many;

	if (pool->held != -1)
		ms = sooner(ms, QUEUE_PAUSE);
	else if (now < pool->accept_after)
		ms = sooner(ms, (int)(pool->accept_after - now));
	else if (counts->unclaimed > 0)
		fds[1].fd = pool->listener;
	if (board_ask(pool->board, policy_changes(&pool->policy, counts)))
		ms = 0;
	if (door(fds, 2, ms) <= 0)
		return false;
	if (fds[0].revents != 0)
		(void)!read(pool->wake, &many, sizeof(many));
	return fds[1].revents != 0;
}

int
parent_run(struct pool *pool)
{
	struct policy_counts	counts;
	bool			waiting = false;

	while (!terminated && !interrupted) {
		spawn_reap(pool);
		board_look(pool->board);
		counts = spawn_count(pool);
		if ((waiting || pool->held != -1) &&
		    accept_some(pool, counts.unclaimed) == -1) {
			drain_nothing(pool);
			return -1;
		}
		counts = spawn_count(pool);
		give_birth(pool, policy_births(&pool->policy, &counts,
		    &pool->births, clock_ms()));
		spawn_dismiss(pool, policy_excess(&pool->policy, &counts));
		counts = spawn_count(pool);
		waiting = sleep_well(pool, &counts);
	}
	if (interrupted)
		drain_and_end(pool);
	else
		drain_and_part(pool);
	return 0;
}
