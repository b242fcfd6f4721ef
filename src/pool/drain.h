/* SPDX-License-Identifier: ISC */
/* How a parent ends. */
#ifndef POOL_DRAIN_H
#define POOL_DRAIN_H

struct pool;

/*
 * TERM: what the kernel has completed gets a child, LISTEN ends, idle children
 * leave, busy ones serve to the end without us.  INT cuts it short.
 */
void	drain_and_part(struct pool *);

/*
 * QUIT: the same, and then wait until no child serves any more.  TERM and INT
 * end the wait, each in its way.
 */
void	drain_and_wait(struct pool *);

/*
 * INT: LISTEN ends, and so does everything else: what waits, and every child.
 * Returns when the children have ended.
 */
void	drain_and_end(struct pool *);

/* The listening socket is gone: what is left is to let idle children go. */
void	drain_nothing(struct pool *);

#endif
