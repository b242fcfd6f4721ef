/* SPDX-License-Identifier: ISC */
/*
 * The heir: a process that has the listening socket, and does nothing with it.
 * A parent forks it before it accepts anyone.  When the parent has ended, in
 * whatever way, the socket stays in LISTEN: the kernel goes on completing
 * connections, and they wait for the next parent, who takes the socket from the
 * heir (control.h).  It leaves when there is another owner, or when none has
 * come for so long as the configuration says.
 */
#ifndef POOL_HEIR_H
#define POOL_HEIR_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

struct pool;

/*
 * All of these are the parent's, and do nothing if there is to be no heir.
 *
 * Fork one if there is none, unless one has just failed or died; returns when
 * it is ready, or nearly.  How long until it may be tried again, in ms; -1:
 * there is no need to.
 */
int	heir_look(struct pool *);

/* One that was forked while another one had the socket still: until it is ready,
   or nearly. */
void	heir_await(struct pool *);

/* A child that has ended, or was stopped: whether it was the heir. */
bool	heir_reaped(struct pool *, pid_t, int status);

/* Whether one has the socket, and will give it to the next parent; before
   anybody relies on it, spawn_reap(). */
bool	heir_has_it(struct pool *);

/* The port is given up: the heir has it now, even if we live on. */
void	heir_part(struct pool *);

/* End it: the port is to be free. */
void	heir_end(struct pool *);

#endif
