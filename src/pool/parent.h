/* SPDX-License-Identifier: ISC */
/* The parent's life: births, accepts, deaths, until a signal ends it. */
#ifndef POOL_PARENT_H
#define POOL_PARENT_H

#include <stdbool.h>

struct pool;

/*
 * Block what the parent handles, install the handlers; first of all, so that
 * no TERM finds a port without a parent who knows how to end.  WINCH stays
 * blocked: one that is sent to a newborn waits until its handler stands.  0,
 * or -1 with errno.
 */
int	parent_signals(void);

/* Sleep for so many milliseconds, or until TERM or INT has come: then
   false. */
bool	parent_pause(int ms);

/* Serve until TERM or INT.  0, or -1 if the listening socket is gone, which
   has been logged. */
int	parent_run(struct pool *);

#endif
