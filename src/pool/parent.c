/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "begin.h"
#include "drain.h"
#include "generation.h"
#include "heir.h"
#include "manager.h"
#include "net/clock.h"
#include "net/listener.h"
#include "net/log.h"
#include "overload.h"
#include "parent.h"
#include "pool.h"
#include "port.h"
#include "signals.h"
#include "spawn.h"
#include "takeover.h"

/* Before the next try of something that had no room, in ms; the first one
   grows (policy.h). */
#define ACCEPT_PAUSE	100
#define QUEUE_PAUSE	10

/* How many idle children serve to the end, where somebody else keeps the socket;
   and how long it may take until there are no more, in ms. */
#define LAST		2
#define PATIENCE	1000

/* How many births come first where clients may wait. */
#define HURRIED		2

/* The ends of children wait that long after the last ones were dealt with, in
   ms: where each client has a child a busy parent would wake for each of them,
   too. */
#define REAP_PAUSE	10

/* A child has broken what all of them wait on.  errno survives. */
static void
mend_queue(struct pool *pool)
{
	int	saved = errno, ms;

	if (spawn_renew(pool) != -1)
		log_info("a child has broken the queue: here is a new one");
	else if ((ms = policy_trouble(&pool->accepts, ACCEPT_PAUSE,
	    clock_ms())) > 0)
		log_warn("a new queue: the next try in %d ms", ms);
	errno = saved;
}

/* Hand over the connection that is held.  False: there is no room yet. */
static bool
place_held(struct pool *pool)
{
	int	fd = pool->held;

	/* Not held any more: a child that is forked for it must keep it. */
	pool->held = -1;
	if (pool->strategy->place_client(pool, fd, &pool->held_peer) == 0)
		return true;
	if (errno == EPIPE || errno == EAGAIN) {
		pool->held = fd;
		if (errno == EPIPE)
			mend_queue(pool);
		return false;
	}
	log_warn("a client is lost: it cannot be passed to a child");
	(void)close(fd);
	return true;
}

/* The next client, to be held.  -1: none for now; -2: never again. */
static int
accept_one(struct pool *pool)
{
	int	ms;

	for (;;) {
		/* Whoever else has the socket may have cleared it: systemd does
		   for each process that it starts with it.  We would sleep in
		   accept(), with all signals blocked. */
		if (pool->given)
			(void)fcntl(pool->listener, F_SETFL, O_NONBLOCK);
		pool->held = listener_accept(pool->listener,
		    &pool->held_peer);
		if (pool->held != -1) {
			if (policy_fine(&pool->accepts, clock_ms()))
				log_info("accept: works again");
			return 0;
		}
		switch (listener_verdict(errno)) {
		case LISTENER_AGAIN:
			break;
		case LISTENER_NOTHING:
			return -1;
		case LISTENER_WAIT:
			if ((ms = policy_trouble(&pool->accepts, ACCEPT_PAUSE,
			    clock_ms())) > 0)
				log_warn("accept: the next try in %d ms", ms);
			return -1;
		case LISTENER_FATAL:
			log_warn("accept");
			return -2;
		}
	}
}

/* -1 if there is no listening socket any more. */
static int
accept_some(struct pool *pool, int how_many)
{
	int	result = 0;

	for (; how_many > 0; how_many--) {
		if (pool->held == -1 && (result = accept_one(pool)) < 0)
			break;
		if (!place_held(pool))
			break;
	}
	return result == -2 ? -1 : 0;
}

/*
 * max_children is this generation's.  Restarted faster than its clients leave,
 * a server has many more children: that is said once.  Others only become
 * fewer, so they are counted again only before it is said.
 */
static void
look_at_crowd(struct pool *pool)
{
	const int	most = 2 * pool->config->max_children;

	if (pool->crowded || pool->living + pool->others <= most)
		return;
	pool->others = generations_others(pool->instance.dir,
	    pool->generation);
	if (pool->living + pool->others <= most)
		return;
	pool->crowded = true;
	log_info("children of all generations: %d, more than twice the most "
	    "that one may have (%d): outlivectl status shows them",
	    pool->living + pool->others, pool->config->max_children);
}

static void
give_birth(struct pool *pool, int how_many)
{
	/* One of them after each few births. */
	if (how_many > HURRIED &&
	    (pool->hurry || pool->strategy->parent_accepts))
		how_many = HURRIED;
	while (how_many-- > 0)
		if (spawn_birth(pool, -1, NULL) == -1)
			return;
}

static int
sooner(int a, int b)
{
	if (a == -1 || b == -1)
		return a == -1 ? b : a;
	return a < b ? a : b;
}

/* What the parent found when it woke. */
enum door { DOOR_QUIET, DOOR_CLIENT, DOOR_BROKEN, DOOR_TAKEN };

/* Sleep until a client, a child or a signal wants something. */
static enum door
sleep_well(struct pool *pool, const struct policy_counts *counts)
{
	struct pollfd	fds[4] = {
		{ .fd = pool->wake, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
		{ .fd = pool->control, .events = POLLIN },
		{ .fd = pool->successor, .events = POLLIN },
	};
	int64_t		now = clock_ms();
	int		ms = policy_sleep(&pool->policy, counts, &pool->births,
			    now);
	bool		room = policy_room(&pool->policy, counts, &pool->births,
			    now) > 0;
	bool		defer_chld = room && now < pool->reaped + REAP_PAUSE;
	uint64_t	many;

	ms = sooner(ms, overload_look(pool, counts));
	if (!pool->strategy->parent_accepts) {
		/* Its end, by somebody else's shutdown(), is all that is to be
		   seen: children would leave as fast as they are born. */
		fds[1].fd = pool->listener;
		fds[1].events = 0;
	} else if (pool->held != -1)
		ms = pool->strategy->queue ? sooner(ms, QUEUE_PAUSE) : ms;
	else if (now < pool->accepts.not_before)
		ms = sooner(ms, (int)(pool->accepts.not_before - now));
	else if (room)
		fds[1].fd = pool->listener;
	if (defer_chld)
		ms = sooner(ms, (int)(pool->reaped + REAP_PAUSE - now));
	ms = sooner(ms, log_tick());
	ms = pool->hurry ? 0 : sooner(ms, sooner(heir_look(pool),
	    port_thank(pool)));
	if (spawn_ask(pool, counts))
		ms = 0;
	/* No more than there are: poll(2) refuses more than may be open. */
	if (signals_wait(fds, pool->successor != -1 ? 4 : 3, ms,
	    defer_chld) <= 0)
		return DOOR_QUIET;
	if (fds[3].revents != 0 && takeover_hear(pool))
		return DOOR_TAKEN;
	if (fds[2].revents != 0)
		takeover_offer(pool);
	if (fds[0].revents != 0) {
		(void)!read(pool->wake, &many, sizeof(many));
		pool->stale = true;
	}
	if (fds[1].revents == 0)
		return DOOR_QUIET;
	return pool->strategy->parent_accepts ? DOOR_CLIENT : DOOR_BROKEN;
}

/* Clients, as many as there is room for.  False: there will be no more. */
static bool
let_in(struct pool *pool, enum door door)
{
	struct policy_counts	counts;

	if (door == DOOR_BROKEN) {
		log_info("somebody has shut the listening socket down");
		return false;
	}
	if (door == DOOR_QUIET && pool->held == -1)
		return true;
	counts = spawn_count(pool);
	return accept_some(pool, policy_room(&pool->policy, &counts,
	    &pool->births, clock_ms())) == 0;
}

/* HUP: new children, as soon as the old ones are done. */
static void
replace_all(struct pool *pool)
{
	int	children;

	manager_reloading();
	log_reopen();
	children = spawn_renew(pool);
	if (children == -1)
		log_warn("HUP: the children stay");
	else
		log_info("HUP: replacing %d children, busy ones when they "
		    "are done", children);
	manager_ready(pool);
}

/*
 * Somebody else keeps the socket, and until the next parent is there nobody
 * accepts: so that is to be short.  Before it begins most of the idle children
 * go, and whoever comes meanwhile is served, as before; those who are left leave
 * when we have ended.
 */
static void
shrink(struct pool *pool)
{
	struct pollfd		door = { .fd = -1, .events = POLLIN };
	struct policy_counts	counts;
	int64_t			now = clock_ms(), next = now;
	int64_t			deadline = now + PATIENCE;
	int			found = 0, pause = 0;

	while (let_in(pool, found > 0 ? DOOR_CLIENT : DOOR_QUIET)) {
		spawn_reap(pool);
		counts = spawn_take_stock(pool);
		now = clock_ms();
		if (counts.unclaimed <= LAST || signals_int() ||
		    now >= deadline)
			break;
		if (now >= next) {
			pause = spawn_dismiss_few(pool);
			next = now + pause;
		}
		door.fd = pool->strategy->parent_accepts && pool->held == -1 &&
		    now >= pool->accepts.not_before ? pool->listener : -1;
		found = signals_wait(&door, 1, pause, false);
	}
}

/* In the way that was asked for; if in several, in the one that ends most. */
static void
end(struct pool *pool, bool taken)
{
	overload_end(pool);
	/* We have the port from an heir, and were about to have one. */
	if (pool->predecessor != -1 && !signals_int()) {
		(void)heir_look(pool);
		heir_await(pool);
		(void)port_thank(pool);
	}
	/* He who comes next leaves our children alone, as we do. */
	if (taken || takeover_settle(pool)) {
		drain_and_part(pool);
		return;
	}
	manager_stopping(pool);
	if (pool->given || heir_has_it(pool))
		shrink(pool);
	if (signals_int())
		drain_and_end(pool);
	else if (signals_term())
		drain_and_part(pool);
	else
		drain_and_wait(pool);
}

static void
breathe(void *pool)
{
	(void)let_in(pool, DOOR_CLIENT);
}

/* Who waited has been let in: what has been put off.  Whom we accept meanwhile
   goes into the queue: a child that were forked for him would have a file open
   that is being read. */
static void
catch_up(struct pool *pool)
{
	char	orphans[256];

	pool->hurry = false;
	if (!pool->unread)
		return;
	begin_boards(pool, orphans, sizeof(orphans),
	    pool->strategy->queue ? breathe : NULL);
	begin_say_orphans(orphans);
	manager_ready(pool);
}

void
parent_begin(struct pool *pool)
{
	struct policy_counts	counts;
	int			i;

	for (i = 0; i < HURRIED; i++) {
		counts = spawn_count(pool);
		if (policy_births(&pool->policy, &counts, &pool->births,
		    clock_ms()) > 0)
			give_birth(pool, 1);
		/* If there will be no more, we shall see that again. */
		(void)let_in(pool, DOOR_CLIENT);
	}
}

int
parent_run(struct pool *pool)
{
	struct policy_counts	counts;
	enum door		door = DOOR_QUIET;
	bool			first = true;

	while (!signals_end() && door != DOOR_TAKEN) {
		if (signals_chld())
			spawn_reap(pool);
		if (signals_hup())
			replace_all(pool);
		if (!let_in(pool, door)) {
			drain_nothing(pool);
			return -1;
		}
		counts = spawn_count(pool);
		give_birth(pool, policy_births(&pool->policy, &counts,
		    &pool->births, clock_ms()));
		look_at_crowd(pool);
		spawn_dismiss(pool, policy_excess(&pool->policy, &counts));
		if (pool->hurry && !first)
			catch_up(pool);
		first = false;
		counts = spawn_count(pool);
		door = sleep_well(pool, &counts);
	}
	end(pool, door == DOOR_TAKEN);
	return 0;
}
