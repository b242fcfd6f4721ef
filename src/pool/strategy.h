/* SPDX-License-Identifier: ISC */
/*
 * How a listener and its children share the work (UNP chapter 30).  Rows of
 * one table: whoever needs to know something about a strategy asks its row,
 * never its name.
 */
#ifndef POOL_STRATEGY_H
#define POOL_STRATEGY_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address;
struct pool;

struct strategy {
	const char	*name;
	const char	*place;		/* where the design is in the book */

	/* The parent calls accept(); otherwise the children do, and each of
	   them has the listening socket. */
	bool		 parent_accepts;
	/* Children are there before their clients, and wait for them;
	   otherwise each is forked with the one client that it serves. */
	bool		 prefork;
	/* They wait at a queue, which outlives the parent, and which any of
	   them can end for all. */
	bool		 queue;

	/* Where nothing is to be done, a function is NULL. */

	/* In the parent, before the first birth.  0, or -1 with errno. */
	int	(*open)(struct pool *);

	/* In the parent: give a connection to a child.  0, and the descriptor
	   is closed; or -1 with errno, EAGAIN: later; EPIPE: not before
	   renew(), a child has broken what all of them use. */
	int	(*place_client)(struct pool *, int fd, const struct address *);

	/* In the parent: of what was placed, what no child has taken yet;
	   given what all children have said that they took.  Settles the
	   account of those who died in silence (pool.h). */
	int	(*in_flight)(struct pool *, uint32_t taken);

	/* In the parent: part with all children that there are, who are to
	   leave when they are done, and be ready for others.  As open(). */
	int	(*renew)(struct pool *);

	/* In the parent, at its end: there are no more clients to come. */
	void	(*close)(struct pool *);

	/* In the parent: the child without which no other can accept, if
	   there is such a one, or 0. */
	pid_t	(*lock_holder)(const struct pool *);

	/* In a child, its first act: let go of what is the parent's alone.
	   The descriptor by which the child will wait for clients; -1: it
	   will not. */
	int	(*newborn)(struct pool *);

	/* In a child: wait for a client.  1 and a descriptor; 0: it is time
	   to leave; -1 with errno. */
	int	(*take_client)(struct pool *, int *fd, struct address *);
};

extern const struct strategy	strategy_fork, strategy_shared,
				strategy_fcntl, strategy_mutex, strategy_pass;

/* All of them, in the book's order; NULL at the end. */
extern const struct strategy	*const strategies[];

/* The one of that name, or NULL. */
const struct strategy	*strategy_find(const char *name);

#endif
