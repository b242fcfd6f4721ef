/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "leave.h"
#include "limit.h"
#include "net/log.h"
#include "pool.h"
#include "port.h"
#include "runner.h"
#include "signals.h"
#include "source.h"
#include "title.h"

/* How long an orphan waits before it ends, in ms; and how long the next one waits
   longer, up to so many. */
#define ASIDE	20
#define APART	2
#define MANY	32

/* How long the kernel may take from the end of the parent's queue to that of the
   parent, in ms. */
#define NEWS	5

/* From a signal handler, too (leave.h). */
static void __attribute__((__noreturn__))
go_away(const struct pool *pool, int status)
{
	board_leave(pool->board, pool->slot, pool->parent);
	_exit(status);
}

/*
 * An idle child whose parent has ended has let go of everything that anybody
 * could wait for, and all of them have at once.  The rest of their end costs the
 * processors as much as many clients do: so it comes when the next parent has
 * begun, one by one.
 */
static void
step_aside(const struct pool *pool)
{
	if (getppid() != pool->parent)
		(void)poll(NULL, 0, ASIDE + APART * (pool->slot % MANY));
}

static void
go(void *pool)
{
	step_aside(pool);
	go_away(pool, 0);
}

static void __attribute__((__noreturn__))
leave(const struct pool *pool, int status)
{
	/* Nobody is left who would tell of it. */
	if (getppid() != pool->parent)
		log_settle();
	step_aside(pool);
	go_away(pool, status);
}

/*
 * The queue has ended: our parent has made another one, or is in the midst of its
 * own end.  The kernel closes what it has, and tells of its end then: whoever does
 * not wait for that does not step aside.
 */
static void
await_news(void)
{
	const struct timespec	ms = { .tv_nsec = NEWS * 1000000L };

	if (!leave_asked())
		(void)nanosleep(&ms, NULL);
}

/* The first act of a child is to stop being the parent. */
static void
become_child(struct pool *pool)
{
	struct leave	way = { .parent = pool->parent,
			    .spare = pool->spare,
			    .queue = pool->strategy->queue,
			    .go = go, .arg = pool };

	board_here(pool->board, pool->slot);
	instance_forked(&pool->instance);
	port_forked(pool);
	pid_file_forked(&pool->pid_file);
	way.door = pool->strategy->newborn(pool);
	/* Or this client would never see the end of its connection. */
	if (pool->held != -1)
		(void)close(pool->held);
	/*
	 * Ctrl-C is for the parent alone; a terminal cannot stop a child that
	 * logs; and the kernel does not hang up all children of a parent that
	 * has ended because one of them is stopped (credentials(7)).  A session
	 * has its price: the scheduler is fair to each of them (sched(7), on
	 * autogroups), and a switch between two costs it more.  Who runs
	 * programs leads one in any case, so that a signal to its group reaches
	 * them, and what they start, too.
	 */
	if (!pool->secluded || pool->config->becomes_program)
		(void)setsid();
	signals_forked();
	if (way.door != -1 && leave_arm(&way) == -1) {
		log_warn("cannot arm the parent-death signal");
		leave(pool, 1);
	}
	signals_unblock();
}

static void
wake_parent(const struct pool *pool)
{
	uint64_t	one = 1;

	(void)!write(pool->wake, &one, sizeof(one));
}

/*
 * Whether it has served as many clients as it should.  It never says that it
 * is idle then, so that nobody counts on it; but an orphan stays: it may be
 * the last one who can serve what is in the queue.
 */
static bool
worn_out(const struct pool *pool)
{
	if (!pool->strategy->prefork)
		return true;
	return pool->max_requests > 0 && pool->served >= pool->max_requests &&
	    getppid() == pool->parent;
}

/* The board has it that we are busy. */
static void
serve(struct pool *pool, int fd, const struct address *peer, const char *name)
{
	struct outlive_client	client = { .fd = fd, .peer = &peer->sa,
				    .peerlen = peer->len, .name = name };

	title_busy(pool->config->service_name, name);
	log_debug("%s for %s", pool->config->service_name, name);
	leave_later();
	if (pool->config->becomes_program) {
		runner_serve(pool, &client);
		source_leave(pool, pool->slot);
	} else {
		limit_begin(pool->config, &client);
		pool->config->service(&client, pool->config->arg);
		limit_end(pool->config, &client);
		/* Before the client sees the end, and is back. */
		source_leave(pool, pool->slot);
		(void)close(fd);
	}
	pool->served++;
	if (worn_out(pool))
		leave(pool, 0);
	leave_as_before();
	/* The board first: who reads the title finds it true. */
	if (board_idle(pool->board, pool->slot, 1))
		wake_parent(pool);
}

/* One too many of its source.  We are idle again, and it was no client. */
static void
refuse(struct pool *pool, int fd)
{
	(void)close(fd);
	if (board_idle(pool->board, pool->slot, 1))
		wake_parent(pool);
}

void
child_run(struct pool *pool, int slot, int fd, const struct address *first,
    const char *first_name)
{
	struct address	peer;
	char		name[ADDRESS_TEXT];
	int		got;

	pool->slot = slot;
	become_child(pool);
	if (fd != -1)
		serve(pool, fd, first, first_name);
	title_idle();
	board_ready(pool->board, slot);
	while ((got = pool->strategy->take_client(pool, &fd, &peer)) == 1) {
		if (board_busy(pool->board, slot, address_print(&peer, name),
		    pool->strategy->parent_accepts ? 0 : -1))
			wake_parent(pool);
		if (!source_enter(pool, slot, &peer, NULL)) {
			refuse(pool, fd);
			continue;
		}
		serve(pool, fd, &peer, name);
		title_idle();
	}
	if (got == -1)
		log_warn("a child cannot take its next client and leaves");
	else if (pool->strategy->queue)
		await_news();
	leave(pool, got == 0 ? 0 : 1);
}

/* What the parent has open is close-on-exec; its title is memory, and stays. */
void
child_become(const struct pool *pool, int slot, int fd,
    const struct address *peer, const char *name)
{
	struct outlive_client	client = { .fd = fd, .peer = &peer->sa,
				    .peerlen = peer->len, .name = name };

	board_here(pool->board, slot);
	(void)setsid();
	signals_forked();
	signals_unblock();
	log_debug("%s for %s", pool->config->service_name, name);
	limit_program(pool->config, &client);
	pool->config->service(&client, pool->config->arg);
	_exit(1);
}
