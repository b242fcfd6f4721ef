/* SPDX-License-Identifier: ISC */
/*
 * Signals to the parent.  They are blocked but for one door, the ppoll() in
 * which the parent waits: no handler ever runs between two lines of other
 * code.
 */
#ifndef POOL_SIGNALS_H
#define POOL_SIGNALS_H

#include <poll.h>
#include <stdbool.h>

/*
 * Block what the parent handles, install the handlers; first of all, so that
 * no TERM finds a port without a parent who knows how to end.  The mask is
 * built from empty, whatever was inherited.  WINCH stays blocked: one that is
 * sent to a newborn waits until its handler stands.  0, or -1 with errno.
 */
int	signals_open(void);

/* In a child: every disposition at its default, whatever our own parent was
   given, but PIPE and XFSZ, which stay ignored, and WINCH and BUS, which are
   left as they are. */
void	signals_forked(void);

/* In a child, and before it becomes a program: no signal is blocked. */
void	signals_unblock(void);

/*
 * Wait for descriptors, a signal, or so many milliseconds (-1: for ever); as
 * ppoll(2).  Whatever it returns, signals that were pending have come, but for
 * CHLD if that is deferred: it ends no wait, and stays pending.
 */
int	signals_wait(struct pollfd *, nfds_t, int ms, bool defer_chld);

/* In an heir, which handles them as its parent does: none has come yet. */
void	signals_forget(void);

/* Which ones have come so far. */
bool	signals_term(void);
bool	signals_quit(void);
bool	signals_int(void);
/* Whether one of these three has. */
bool	signals_end(void);
/* Whether HUP has come since this was last asked. */
bool	signals_hup(void);
/* Whether CHLD has come since the last call. */
bool	signals_chld(void);

#endif
