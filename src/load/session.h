/* SPDX-License-Identifier: ISC */
/*
 * Sessions that are held for the whole run: each sends a message to echo now
 * and then, with its number, the message's, and a checksum, and looks at what
 * comes back.  One that fails is not opened again.
 */
#ifndef LOAD_SESSION_H
#define LOAD_SESSION_H

#include "worker.h"

/* Open them; when each has had its first answer, or is lost, say so by a byte
   on ready. */
void	sessions_new(struct worker *, int ready);
/* Those whose turn it is speak. */
void	sessions_look(struct worker *, int64_t now);
/* When the next one's turn is; INT64_MAX: never. */
int64_t	sessions_next(const struct worker *);

/* A last message from each, and what it is answered. */
void	sessions_end(struct worker *);
void	sessions_free(struct worker *);
/* Whether an answer is still due. */
bool	sessions_pending(const struct worker *);

#endif
