/* SPDX-License-Identifier: ISC */
/*
 * Births and deaths: the one place that forks, the one that waits, the one
 * that reads a wait status.
 */
#ifndef POOL_SPAWN_H
#define POOL_SPAWN_H

#include <stdbool.h>

#include "policy.h"

struct address;
struct pool;

/*
 * Fork a child.  If fd is not -1 it is the child's first client; the parent's
 * copy is closed.  0; or -1 with errno EAGAIN, and the descriptor is still open:
 * there is no room for another process, which has been logged and delays the
 * next birth, or on the board.
 */
int	spawn_birth(struct pool *, int fd, const struct address *);

/*
 * Take notice of the children that have ended, been stopped, gone on: log what
 * is not as it should be, free the slots of the dead, and delay the next
 * birth if one died young.
 */
void	spawn_reap(struct pool *);

/* Walk the board, and settle what the dead have left unsaid. */
struct policy_counts	spawn_take_stock(struct pool *);

/* The same, without a walk if nothing but clients has come and gone since the
   last one: then children and unclaimed are true, and busy and in_flight those
   of the last walk. */
struct policy_counts	spawn_count(struct pool *);

/* Have the parent woken as soon as something else is to be done than by these
   counts, which spawn_count() has returned.  True: it is so already. */
bool	spawn_ask(struct pool *, const struct policy_counts *);

/* How many children wait for clients, or have; and not only because they were
   born to. */
int	spawn_ready(const struct pool *);

/* Ask so many idle children to leave. */
void	spawn_dismiss(struct pool *, int how_many);

/*
 * Ask a few; and how long to wait until the next few, in ms.  The end of a
 * process costs as much as a client or two: all at once they would be all that
 * the processors do.
 */
int	spawn_dismiss_few(struct pool *);

/* Ask all of them, busy ones too, to leave when they are done. */
void	spawn_ask_all(struct pool *);

/* All children that there are leave when they are done: renew the strategy,
   and count on none of them any more.  How many that are, or -1 with errno. */
int	spawn_renew(struct pool *);

/* How many children cannot leave, idle as they are: they are stopped. */
int	spawn_stuck(const struct pool *);

/* Send a signal to every child, and to what it has forked, where it leads a
   process group: a program does, and every child of a parent that is not
   secluded (pool.h). */
void	spawn_signal(struct pool *, int signo);

#endif
