/* SPDX-License-Identifier: ISC */
/*
 * A pool that is full does nothing about those who wait: so the parent looks at
 * the accept queue by the clock, and only then.  It stops looking when there
 * has been room for a while: a pool whose last child is idle and busy in turns
 * costs it no more wake-ups than one that is full.
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/listener.h"
#include "net/log.h"
#include "overload.h"
#include "pool.h"
#include "spawn.h"

/* Between two looks, in ms: to refuse clients; to see that they wait. */
#define DROP_PAUSE	100
#define ALARM_PAUSE	1000

/* What was not so for so long, in ms, is over; twice as long each time that it
   begins again soon. */
#define QUIET		2000
#define LONGEST_QUIET	(16 * QUIET)

/* Before the next try of an accept() that had no room, in ms; it grows. */
#define ACCEPT_PAUSE	100

/* More arrivals than a queue can hold tell nothing else. */
#define MANY		65535

/* It is so.  True: it begins. */
static bool
spell_on(struct overload_spell *spell, int64_t now)
{
	spell->last = now;
	if (spell->open)
		return false;
	if (spell->quiet == 0 || now - spell->ended > LONGEST_QUIET)
		spell->quiet = QUIET;
	else if (spell->quiet < LONGEST_QUIET)
		spell->quiet *= 2;
	spell->open = true;
	spell->since = now;
	return true;
}

/* True: it was so, and is over. */
static bool
spell_over(struct overload_spell *spell, int64_t now)
{
	if (!spell->open || now - spell->last < spell->quiet)
		return false;
	spell->open = false;
	spell->ended = now;
	return true;
}

/* How long it was so, in s. */
static int
spell_length(const struct overload_spell *spell)
{
	return (int)((spell->last - spell->since + 999) / 1000);
}

/* Every child is busy, and there may be no more. */
static bool
is_full(const struct pool *pool, const struct policy_counts *counts)
{
	return counts->children >= pool->policy.max_children &&
	    (!pool->strategy->prefork || counts->unclaimed <= 0);
}

/* For whoever does it. */
static bool
accept_fails(const struct pool *pool, int64_t now)
{
	return now < pool->accepts.not_before || !board_accepts(pool->board);
}

static bool
births_wait(const struct pool *pool, int64_t now)
{
	return now < pool->births.fork.not_before ||
	    now < pool->births.young.not_before;
}

/* Nobody accepts, for one reason or another. */
static bool
is_closed(const struct pool *pool, const struct policy_counts *counts,
    int64_t now)
{
	return is_full(pool, counts) || pool->stuck != 0 ||
	    accept_fails(pool, now) ||
	    (births_wait(pool, now) &&
	    (!pool->strategy->prefork || counts->unclaimed <= 0));
}

/* Why, in words. */
static const char *
reason(const struct pool *pool, const struct policy_counts *counts,
    char *text, size_t size)
{
	int64_t	now = clock_ms();

	if (pool->stuck != 0)
		(void)snprintf(text, size, "child %d is stopped and has the "
		    "accept lock", pool->stuck);
	else if (accept_fails(pool, now))
		(void)snprintf(text, size, "accept() fails");
	else if (is_full(pool, counts))
		(void)snprintf(text, size, "all %d children are busy, and "
		    "there may be no more (-m)", counts->children);
	else if (births_wait(pool, now))
		(void)snprintf(text, size, "all %d children are busy, and "
		    "births fail", counts->children);
	else
		(void)snprintf(text, size, "the children do not accept fast "
		    "enough");
	return text;
}

/* A queue that is full for a moment is no news. */
static void
look_at_queue(struct pool *pool, const struct policy_counts *counts,
    int64_t now)
{
	struct overload	*overload = &pool->overload;
	char		 why[128];

	if (overload->waiting <= pool->backlog / 2) {
		overload->half = 0;
		if (spell_over(&overload->alarm, now))
			log_info("the accept queue is not half full any more; "
			    "it was for %d s", spell_length(&overload->alarm));
		return;
	}
	if (overload->half == 0)
		overload->half = now;
	if (now - overload->half >= ALARM_PAUSE &&
	    spell_on(&overload->alarm, now))
		log_info("the accept queue is more than half full: %d of %d "
		    "clients wait: %s", overload->waiting, pool->backlog,
		    reason(pool, counts, why, sizeof(why)));
}

/* Connections that children have taken so far, modulo BOARD_MODULUS. */
static uint32_t
taken_by_all(const struct pool *pool)
{
	uint32_t	taken = pool->taken;
	int		slot;

	for (slot = 0; slot < pool->used; slot++)
		taken += board_word(pool->board, slot).taken;
	return taken % BOARD_MODULUS;
}

/* The head of the queue: accept() gives no other.  False: there is nobody. */
static bool
refuse_one(struct pool *pool)
{
	struct address	peer;
	char		name[ADDRESS_TEXT];
	int		fd = listener_accept(pool->listener, &peer), ms;

	if (fd != -1) {
		(void)close(fd);
		if (policy_fine(&pool->accepts, clock_ms()))
			log_info("accept: works again");
		log_debug("refused %s", address_print(&peer, name));
		pool->overload.refused++;
		return true;
	}
	if (listener_verdict(errno) == LISTENER_AGAIN)
		return true;
	if (listener_verdict(errno) == LISTENER_WAIT &&
	    (ms = policy_trouble(&pool->accepts, ACCEPT_PAUSE,
	    clock_ms())) > 0)
		log_warn("accept: the next try in %d ms", ms);
	return false;
}

/* As many, as long as it goes on like this. */
static void
refuse(struct pool *pool, int how_many)
{
	struct policy_counts	counts;
	int			flags = fcntl(pool->listener, F_GETFL);

	/*
	 * Where children accept, one of them may be faster than the parent,
	 * which must not wait then.  The flag is theirs, too: one that meets it
	 * waits in poll().  It does not stay, or all would wake for each client
	 * (UNP 30.6).
	 */
	if (!(flags & O_NONBLOCK))
		(void)fcntl(pool->listener, F_SETFL, flags | O_NONBLOCK);
	for (; how_many > 0; how_many--) {
		counts = spawn_count(pool);
		if (!is_full(pool, &counts) || !refuse_one(pool))
			break;
	}
	if (!(flags & O_NONBLOCK))
		(void)fcntl(pool->listener, F_SETFL, flags);
}

static void
say_refused(const struct overload *overload)
{
	log_info("refusing is over: %d clients in %d s", overload->refused,
	    spell_length(&overload->refusals));
}

/* before: the length of the queue at the last look. */
static void
drop_early(struct pool *pool, const struct policy_counts *counts, int before,
    int64_t now)
{
	struct overload	*overload = &pool->overload;
	uint32_t	 taken = taken_by_all(pool);
	uint32_t	 passed = (taken - overload->taken) % BOARD_MODULUS;
	int		 arrived, how_many;

	overload->taken = taken;
	/* A child that runs wild may have said anything. */
	arrived = overload->waiting - before + (int)passed;
	if (arrived > MANY)
		arrived = MANY;
	if (!is_full(pool, counts) || now < pool->accepts.not_before)
		return;
	how_many = policy_refusals(&pool->config->early_drop, before,
	    overload->waiting, arrived, arc4random_uniform);
	if (how_many == 0)
		return;
	if (!overload->refusals.open)
		overload->refused = 0;
	refuse(pool, how_many);
	/* Children may have been faster. */
	if (overload->refused > 0 && spell_on(&overload->refusals, now))
		log_info("all %d children are busy and %d clients wait: "
		    "refusing some", counts->children, overload->waiting);
	overload->waiting = listener_waiting(pool->listener);
}

static void
look(struct pool *pool, const struct policy_counts *counts, int64_t now)
{
	struct overload	*overload = &pool->overload;
	int		 before = overload->waiting;

	overload->waiting = listener_waiting(pool->listener);
	look_at_queue(pool, counts, now);
	if (pool->config->early_drop.rate > 0)
		drop_early(pool, counts, before, now);
	if (spell_over(&overload->refusals, now))
		say_refused(overload);
}

int
overload_look(struct pool *pool, const struct policy_counts *counts)
{
	struct overload	*overload = &pool->overload;
	int64_t		 now = clock_ms(), due;
	int		 pause = pool->config->early_drop.rate > 0 ?
			    DROP_PAUSE : ALARM_PAUSE;
	bool		 closed = is_closed(pool, counts, now);

	if (!overload->watching && !closed)
		return -1;
	if (!overload->watching) {
		/* Full for a moment is no overload: the first look is later. */
		overload->watching = true;
		overload->next = now + pause;
		overload->taken = taken_by_all(pool);
	}
	if (closed)
		overload->closed = now;
	/* One who has just become idle is about to take who waits. */
	due = overload->next;
	if (!closed && due < overload->closed + pause)
		due = overload->closed + pause;
	if (now < due)
		return (int)(due - now);
	look(pool, counts, now);
	overload->next = now + pause;
	overload->watching = closed || overload->refusals.open ||
	    overload->alarm.open;
	return overload->watching ? pause : -1;
}

void
overload_end(struct pool *pool)
{
	if (pool->overload.refusals.open)
		say_refused(&pool->overload);
}
