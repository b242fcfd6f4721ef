/* SPDX-License-Identifier: ISC */
/*
 * The parent accepts and passes the descriptor (UNP 30.9).  The book has a
 * pipe for each child, and a parent that picks the child.  Here all children
 * receive from one queue, and the kernel picks: what the parent has sent does
 * not belong to anyone who could die with it, and when the parent is killed
 * the queue is served to its end, then gives end-of-file to everyone who
 * waits.
 *
 * Nothing is ever written in the other direction: unread bytes at the
 * parent's end would make the children's first read after its death an
 * ECONNRESET, before what is queued.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/fdpass.h"
#include "net/log.h"
#include "pool.h"

/* Who has received, and not said so after so long, in ms, has died. */
#define DOUBT	1000

/* A pair whose parent's end, the first, never makes the parent wait. */
static int
open_queue(int queue[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, queue) == -1)
		return -1;
	(void)fcntl(queue[0], F_SETFL, O_NONBLOCK);
	return 0;
}

static int
pass_open(struct pool *pool)
{
	return open_queue(pool->queue);
}

/* The children's end stays open, to look into (pass_in_flight). */
static void
pass_close(struct pool *pool)
{
	/*
	 * shutdown(), because a child between fork() and its first act still
	 * has a copy: close() would not give end-of-file to the others.
	 */
	(void)shutdown(pool->queue[0], SHUT_WR);
	(void)close(pool->queue[0]);
	pool->queue[0] = -1;
}

/*
 * Those who are done with their clients read end-of-file from the old queue.
 * What was in it is ours to move: its readers may be stopped, or die before
 * they take it, and nobody else will read it.
 */
static int
pass_renew(struct pool *pool)
{
	struct address	peer;
	int		old = pool->queue[1], queue[2], fd;

	if (open_queue(queue) == -1)
		return -1;
	pass_close(pool);
	pool->queue[0] = queue[0];
	pool->queue[1] = queue[1];
	/* pass_close() has left room for one descriptor. */
	while (fdpass_recv(old, &fd, &peer) == 1) {
		if (fdpass_send(queue[0], fd, &peer) == -1) {
			log_warn("a client is lost: it cannot be passed on");
			pool->sent--;
		}
		(void)close(fd);
	}
	(void)close(old);
	return 0;
}

static int
pass_place_client(struct pool *pool, int fd, const struct address *peer)
{
	if (fdpass_send(pool->queue[0], fd, peer) == -1)
		return -1;
	pool->sent++;
	pool->stock.unclaimed--;
	(void)close(fd);
	return 0;
}

/*
 * Whoever died in silence may have taken a connection with it.  What was sent
 * and not taken must still be in the queue; what is not there is written off,
 * one for each such death.  If another child was just about to say that it had
 * it, the sums show that later, and it is put back.
 */
static int
pass_in_flight(struct pool *pool, uint32_t taken)
{
	uint32_t	difference = (pool->sent - taken) % BOARD_MODULUS;
	int		waiting, missing;

	if (difference >= BOARD_MODULUS / 2) {
		pool->sent = taken;
		difference = 0;
		pool->doubtful = 0;
	}
	if (pool->silent_deaths > 0 &&
	    (waiting = fdpass_waiting(pool->queue[1])) != -1) {
		missing = (int)difference - waiting;
		if (missing > pool->silent_deaths)
			missing = pool->silent_deaths;
		if (missing > 0) {
			pool->sent -= (uint32_t)missing;
			pool->doubtful = clock_ms() + DOUBT;
			difference -= (uint32_t)missing;
		}
		pool->silent_deaths = 0;
	}
	return (int)difference;
}

static int
pass_newborn(struct pool *pool)
{
	(void)close(pool->queue[0]);
	if (pool->listener != -1)
		(void)close(pool->listener);
	return pool->queue[1];
}

static int
pass_take_client(struct pool *pool, int *fd, struct address *peer)
{
	return fdpass_recv(pool->queue[1], fd, peer);
}

const struct strategy	strategy_pass = {
	.name = "pass",
	.place = "UNP 30.9",
	.parent_accepts = true,
	.prefork = true,
	.queue = true,
	.open = pass_open,
	.place_client = pass_place_client,
	.in_flight = pass_in_flight,
	.renew = pass_renew,
	.close = pass_close,
	.newborn = pass_newborn,
	.take_client = pass_take_client,
};
