/* SPDX-License-Identifier: ISC */
/*
 * One fork for each client (UNP 30.5).  The book's parent forks, whatever
 * becomes of it; here max_children is the limit, and whoever comes then waits
 * in the kernel's backlog, as with all the others.
 *
 * Between fork() and its first act a child has the listening socket, too.  It
 * lets go of it before anything else, and a parent that is told to end does not
 * rely on that (listener_end()).
 */
#include <sys/types.h>

#include <unistd.h>

#include "pool.h"
#include "spawn.h"

static int
fork_newborn(struct pool *pool)
{
	if (pool->listener != -1)
		(void)close(pool->listener);
	return -1;
}

/* The client with which it was born was its only one. */
static int
fork_take_client(struct pool *pool, int *fd, struct address *peer)
{
	(void)pool;
	(void)fd;
	(void)peer;
	return 0;
}

const struct strategy	strategy_fork = {
	.name = "fork",
	.place = "UNP 30.5",
	.parent_accepts = true,
	.place_client = spawn_birth,
	.newborn = fork_newborn,
	.take_client = fork_take_client,
};
