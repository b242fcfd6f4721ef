/* SPDX-License-Identifier: ISC */
/* The parent's life: births, accepts, deaths, until a signal ends it. */
#ifndef POOL_PARENT_H
#define POOL_PARENT_H

struct pool;

/*
 * Block what the parent handles, install the handlers; before the first
 * fork.  WINCH stays blocked: one that is sent to a newborn waits until its
 * handler stands.  0, or -1 with errno.
 */
int	parent_signals(void);

/* Serve until TERM or INT.  Returns an exit status. */
int	parent_run(struct pool *);

#endif
