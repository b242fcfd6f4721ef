/* SPDX-License-Identifier: ISC */
/*
 * Clients that come, ask and leave: UNP's, each with its next connection when it
 * is done with the one before (30.2), or by a schedule, whatever the server does.
 */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include "worker.h"

void	clients_new(struct worker *);
/* The time has come, for the closed loop; the open one looks itself. */
void	clients_begin(struct worker *);
/* Those that are due. */
void	clients_look(struct worker *, int64_t now);

/* When clients_look() has something to do, at the latest; INT64_MAX: it has
   not. */
int64_t	clients_next(const struct worker *);
/* How many are not done with their connection. */
int	clients_pending(const struct worker *);
/* Nobody is pending: what is left. */
void	clients_free(struct worker *);
/* There will be no more.  False where a run has no clients, or no end. */
bool	clients_done(const struct worker *);

#endif
