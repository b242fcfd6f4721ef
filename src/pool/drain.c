/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "control.h"
#include "drain.h"
#include "heir.h"
#include "net/clock.h"
#include "net/listener.h"
#include "net/log.h"
#include "net/shutout.h"
#include "pool.h"
#include "signals.h"
#include "spawn.h"

/*
 * How long a drain may go on for other reasons than what waited when it
 * began: clients that come all the same, a system without room.  In ms.
 */
#define PATIENCE	1000
#define PAUSE		10

/* Between two looks at handshakes in flight, in ms. */
#define LOOK		5

/* How long a next parent that waits may take to see that the port is to be had
   (port.c), in ms; and until it has children. */
#define SEEN		25
#define READY		3000

/* A child that has not ended so long after TERM is killed, and one that has
   not ended so long after KILL is given up.  In ms. */
#define GRACE		1000

/* Somebody else has the socket, who is to keep it. */
static bool
is_kept(struct pool *pool)
{
	return pool->given || pool->successor != -1 || heir_has_it(pool);
}

/* Wait a little for room.  False: there is no time left. */
static bool
be_patient(int64_t deadline)
{
	if (signals_int() || clock_ms() >= deadline)
		return false;
	(void)signals_wait(NULL, 0, PAUSE, false);
	return true;
}

static bool
into_queue(struct pool *pool, int fd)
{
	return pool->strategy->place_client(pool, fd, &pool->held_peer) == 0;
}

/*
 * A child for the connection that is held: one that is idle, else one that is
 * forked for it, beyond max_children if it must be; if that fails too it goes
 * into the queue for those who are busy now.
 */
static void
place_somehow(struct pool *pool, int64_t deadline)
{
	int	fd = pool->held;

	/* Not held any more: a child that is forked for it must keep it. */
	pool->held = -1;
	do {
		spawn_reap(pool);
		if (spawn_take_stock(pool).unclaimed > 0 &&
		    into_queue(pool, fd))
			return;
		if (spawn_birth(pool, fd, &pool->held_peer) == 0 ||
		    into_queue(pool, fd))
			return;
	} while (be_patient(deadline));
	log_warn("a client is lost: there is no child for it");
	(void)close(fd);
}

static void
place_one(struct pool *pool, int64_t deadline)
{
	const char	*failed;

	if (shutout_end(pool->held, &failed) == -1)
		log_warn("a client may not be heard: %s", failed);
	place_somehow(pool, deadline);
	/* It may take a while, and INT ends it. */
	(void)signals_wait(NULL, 0, 0, false);
}

/* Accept until nobody waits: true; or until there is no time any more, but for
   those who are due, or no room. */
static bool
place_all(struct pool *pool, int *due, int64_t deadline)
{
	while (!signals_int() && (*due > 0 || clock_ms() < deadline)) {
		pool->held = listener_accept(pool->listener,
		    &pool->held_peer);
		if (pool->held != -1) {
			place_one(pool, deadline);
			(*due)--;
			continue;
		}
		switch (listener_verdict(errno)) {
		case LISTENER_AGAIN:
			break;
		case LISTENER_WAIT:
			if (be_patient(deadline))
				break;
			log_warn("accept: clients that wait are lost");
			return false;
		case LISTENER_NOTHING:
			return true;
		case LISTENER_FATAL:
			return false;
		}
	}
	return false;
}

/* Whether handshakes are about to be complete; if that cannot be seen it is
   taken for true as long as it could be. */
static bool
is_expecting(const struct pool *pool, int64_t shut_out)
{
	int	many = shutout_handshakes(pool->listener);

	return many > 0 || (many == -1 &&
	    clock_ms() < shut_out + SHUTOUT_YOUNG);
}

/*
 * Those who waited when the drain began, as many as there are; then those whose
 * handshakes were in flight when the SYNs after theirs were shut out.
 */
static void
place_what_waits(struct pool *pool, int64_t deadline)
{
	struct pollfd	door = { .fd = pool->listener, .events = POLLIN };
	int64_t		shut_out;
	int		due;
	bool		more;

	if (pool->held != -1)
		place_somehow(pool, deadline);
	/* Nobody is reset: they wait for the next one who has the socket. */
	if (is_kept(pool))
		return;
	/* Where children accept they go on beside us. */
	(void)fcntl(pool->listener, F_SETFL, O_NONBLOCK);
	board_shut_out(pool->board);
	if (shutout_begin(pool->listener) == -1)
		log_warn("new clients cannot be shut out: some may be reset");
	shut_out = clock_ms();
	do {
		/* In this order: who is not in flight any more waits. */
		more = is_expecting(pool, shut_out);
		/* However late it is: there will be no more of them. */
		due = listener_waiting(pool->listener);
		if (!place_all(pool, &due, deadline))
			return;
		if (more)
			(void)signals_wait(&door, 1, LOOK, false);
	} while (more && clock_ms() < shut_out + PATIENCE);
}

static void
end_listen(struct pool *pool)
{
	/* Before the lock, as the next one makes his own; and before the port,
	   as who sees it free finds that the lock is, too, or nearly. */
	control_close(pool->control, &pool->instance,
	    pool->successor == -1 && !heir_has_it(pool));
	/* The next one's would have the same name; and may be another
	   instance's, who does not wait for our lock. */
	pid_file_remove(&pool->pid_file);
	if (is_kept(pool))
		/* shutdown() would end it for whoever has it, too. */
		(void)close(pool->listener);
	else
		listener_end(pool->listener);
	pool->listener = pool->control = -1;
	pool->closed = true;
	/* Whoever waits for the lock finds the port free; and an heir finds that
	   we do not have it. */
	instance_unlock(&pool->instance, INSTANCE_OWNER);
	heir_part(pool);
	if (pool->successor != -1)
		(void)close(pool->successor);
	pool->successor = -1;
}

/* Whoever comes in has the door, and then the port. */
static bool
is_coming(const struct pool *pool)
{
	return instance_holder(&pool->instance, INSTANCE_DOOR) != -1 ||
	    instance_holder(&pool->instance, INSTANCE_OWNER) != -1;
}

/*
 * An heir has the socket, and children of ours do: if the next parent waits they
 * accept until its own children do, and nobody waits for them to be born.  It
 * lets the heir go then.
 */
static void
overlap(struct pool *pool)
{
	int64_t	begun = clock_ms(), now;

	for (now = begun; pool->heir != 0 && !signals_int() &&
	    now < begun + READY && (now < begun + SEEN || is_coming(pool));
	    now = clock_ms()) {
		(void)signals_wait(NULL, 0, 1, false);
		spawn_reap(pool);
	}
}

/* Clients that a child serves, or is about to. */
static int
clients(struct pool *pool)
{
	struct policy_counts	counts = spawn_take_stock(pool);

	return counts.busy + counts.in_flight;
}

/* The next parent's children accept beside those who are still there. */
static void
dismiss_gently(struct pool *pool)
{
	int64_t	deadline = clock_ms() + PATIENCE;

	while (spawn_take_stock(pool).unclaimed > 0 && !signals_int() &&
	    clock_ms() < deadline) {
		(void)signals_wait(NULL, 0, spawn_dismiss_few(pool), false);
		spawn_reap(pool);
	}
}

/* No more births and no more clients from here on. */
static void
close_queue(struct pool *pool, const char *port, bool gently)
{
	log_info("%s; clients still served: %d", port, clients(pool));
	if (gently)
		dismiss_gently(pool);
	if (pool->strategy->close != NULL)
		pool->strategy->close(pool);
}

/* Children that died, or that were too few, may have left more in the queue
   than there are idle ones to take it. */
static bool
enough_children(struct pool *pool)
{
	while (spawn_take_stock(pool).unclaimed < 0)
		if (spawn_birth(pool, -1, NULL) == -1)
			return false;
	return true;
}

/* Everyone who waits has a child, nobody listens.  False: INT came, before or
   after that. */
static bool
drain(struct pool *pool)
{
	const char	*port;
	bool		 gently;

	/* One who is dead, and was not buried, has nothing. */
	spawn_reap(pool);
	place_what_waits(pool, clock_ms() + PATIENCE);
	if (signals_int())
		return false;
	port = pool->successor != -1 ? "the next parent has the port" :
	    pool->given ? "the socket stays with whoever gave it" :
	    heir_has_it(pool) ? "the port stays with the heir" :
	    "the port is free";
	gently = pool->successor != -1;
	end_listen(pool);
	spawn_reap(pool);
	if (!enough_children(pool))
		log_warn("fork: clients wait for children that are busy: %d",
		    -spawn_take_stock(pool).unclaimed);
	if (!gently && heir_has_it(pool) && !pool->strategy->parent_accepts)
		overlap(pool);
	close_queue(pool, port, gently);
	return !signals_int();
}

void
drain_and_part(struct pool *pool)
{
	if (!drain(pool))
		drain_and_end(pool);
}

void
drain_and_wait(struct pool *pool)
{
	struct pollfd	wake = { .fd = pool->wake, .events = POLLIN };
	uint64_t	many;
	bool		enough;
	int		tick;

	if (!drain(pool)) {
		drain_and_end(pool);
		return;
	}
	setproctitle("parent of %s, generation %u, until its children are done",
	    pool->instance.name, pool->generation);
	for (;;) {
		spawn_reap(pool);
		if (signals_int()) {
			drain_and_end(pool);
			return;
		}
		if (signals_term()) {
			log_info("TERM: not waiting for %d clients",
			    clients(pool));
			return;
		}
		if (signals_hup())
			log_reopen();
		enough = enough_children(pool);
		if (pool->living == spawn_stuck(pool))
			break;
		/* A child that is done leaves, and its end wakes us; so does
		   one that has found something to tell (log.h). */
		tick = log_tick();
		if (signals_wait(&wake, 1, enough ? tick : PATIENCE,
		    false) > 0)
			(void)!read(pool->wake, &many, sizeof(many));
	}
	log_info("no client is served any more");
}

void
drain_nothing(struct pool *pool)
{
	heir_end(pool);
	end_listen(pool);
	if (pool->held != -1)
		place_somehow(pool, clock_ms() + PATIENCE);
	close_queue(pool, "the port is free", false);
}

void
drain_and_end(struct pool *pool)
{
	int64_t	killing = clock_ms() + GRACE;

	log_info("INT: ending %d children", pool->living);
	pool->ending = true;
	heir_end(pool);
	end_listen(pool);
	if (pool->held != -1)
		(void)close(pool->held);
	pool->held = -1;
	if (pool->strategy->close != NULL)
		pool->strategy->close(pool);
	spawn_signal(pool, SIGTERM);
	/* A stopped child acts on a signal once it goes on. */
	spawn_signal(pool, SIGCONT);
	for (spawn_reap(pool); pool->living > 0; spawn_reap(pool)) {
		if (clock_ms() >= killing)
			spawn_signal(pool, SIGKILL);
		if (clock_ms() >= killing + GRACE) {
			log_info("INT: children that cannot be ended: %d",
			    pool->living);
			break;
		}
		(void)signals_wait(NULL, 0, PAUSE, false);
	}
}
