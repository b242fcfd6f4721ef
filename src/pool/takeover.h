/* SPDX-License-Identifier: ISC */
/*
 * Takeover: a parent that is started while another one owns the port is given
 * the socket by it (control.h), forks its children, and asks it to leave only
 * when they are ready.  Until then either may fail or be killed, and nothing
 * has happened.
 *
 * The new one says "mine"; the old one answers, and that is the moment in which
 * the port changes hands: if the answer can be sent the old one leaves, and if
 * the new one cannot read it any more, it has been killed behind that moment.
 */
#ifndef POOL_TAKEOVER_H
#define POOL_TAKEOVER_H

#include <stdbool.h>

struct pool;

/* In the new parent: fork children, until as many are ready as should be idle.
   0; or -1, and why is in the log. */
int	takeover_prepare(struct pool *);

/* In the new parent: ask for the port, and wait until it is let go.  0, or -1,
   and why is in the log: the old one serves on. */
int	takeover_ask(struct pool *);

/* In the old one, in its loop: somebody has come to control. */
void	takeover_offer(struct pool *);

/* He, to whom the socket was sent, has said something.  Whether the port is
   his. */
bool	takeover_hear(struct pool *);

/* We are told to end, and he has the socket, too: let him say what is to be,
   for some time.  Whether the port is his. */
bool	takeover_settle(struct pool *);

#endif
