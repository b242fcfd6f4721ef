/* SPDX-License-Identifier: ISC */
/* The parent's life: births, accepts, deaths, until a signal ends it. */
#ifndef POOL_PARENT_H
#define POOL_PARENT_H

struct pool;

/* The first children, and clients that have waited for them. */
void	parent_begin(struct pool *);

/*
 * Serve until TERM, QUIT or INT (signals.h), then end as the signal says.  0, or -1
 * if the listening socket is gone, which has been logged.  Idle children have
 * been let go in either case.
 */
int	parent_run(struct pool *);

#endif
