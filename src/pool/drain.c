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
#include "pool.h"
#include "spawn.h"

/* A child that has not ended so long after TERM is killed. */
#define GRACE	1000		/* ms */

/* How long a full queue may take to move on when nothing else is left. */
#define QUEUE_TIME	1000	/* ms */

/*
 * A child for the connection that is held: one that is idle, else one that is
 * forked for it, beyond max_children if it must be.  If that fails too, the
 * queue: a busy child reads it to the end before it leaves.
 */
static void
place_somehow(struct pool *pool)
{
	struct pollfd	full = { .fd = pool->queue[0], .events = POLLOUT };
	int64_t		deadline = clock_ms() + QUEUE_TIME;
	int		fd = pool->held;

	/* Not held any more: a child that is forked for it must keep it. */
	pool->held = -1;
	if (spawn_count(pool).unclaimed <= 0 &&
	    spawn_birth(pool, fd, &pool->held_peer) == 0)
		return;
	while (pool->strategy->place_client(pool, fd, &pool->held_peer) == -1) {
		if (errno != EAGAIN || clock_ms() >= deadline) {
			log_warn("a client is lost: no child and no room in "
			    "the queue");
			(void)close(fd);
			return;
		}
		(void)poll(&full, 1, 10);
	}
}

static void
place_what_waits(struct pool *pool)
{
	if (pool->held != -1)
		place_somehow(pool);
	for (;;) {
		pool->held = listener_accept(pool->listener,
		    &pool->held_peer);
		if (pool->held != -1) {
			place_somehow(pool);
			continue;
		}
		if (listener_verdict(errno) == LISTENER_AGAIN)
			continue;
		if (listener_verdict(errno) != LISTENER_NOTHING)
			log_warn("accept, while draining");
		return;
	}
}

static void
end_listen(struct pool *pool)
{
	listener_end(pool->listener);
	pool->listener = -1;
}

/* No more births and no more clients from here on. */
static void
close_queue(struct pool *pool)
{
	struct policy_counts	counts = spawn_count(pool);

	log_info("the port is free; clients still served: %d",
	    counts.busy + counts.in_flight);
	pool->strategy->close(pool);
}

void
drain_and_part(struct pool *pool)
{
	place_what_waits(pool);
	end_listen(pool);
	/* Children that died may have left more in the queue than there are
	   idle ones to take it. */
	spawn_reap(pool);
	while (spawn_count(pool).unclaimed < 0)
		if (spawn_birth(pool, -1, NULL) == -1) {
			log_warn("fork, while draining");
			break;
		}
	close_queue(pool);
}

void
drain_nothing(struct pool *pool)
{
	end_listen(pool);
	if (pool->held != -1)
		place_somehow(pool);
	close_queue(pool);
}

void
drain_and_end(struct pool *pool)
{
	struct timespec	moment = { .tv_nsec = 10 * 1000 * 1000 };
	int64_t		killing = clock_ms() + GRACE;
	sigset_t	death;

	log_info("INT: ending %d children", pool->living);
	pool->ending = true;
	end_listen(pool);
	if (pool->held != -1)
		(void)close(pool->held);
	pool->held = -1;
	pool->strategy->close(pool);
	spawn_signal(pool, SIGTERM);
	/* A stopped child acts on a signal once it goes on. */
	spawn_signal(pool, SIGCONT);
	(void)sigemptyset(&death);
	(void)sigaddset(&death, SIGCHLD);
	for (spawn_reap(pool); pool->living > 0; spawn_reap(pool)) {
		if (clock_ms() >= killing)
			spawn_signal(pool, SIGKILL);
		(void)sigtimedwait(&death, NULL, &moment);
	}
}
