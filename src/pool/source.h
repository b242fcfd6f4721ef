/* SPDX-License-Identifier: ISC */
/*
 * How many clients one address may have at once.  All of a network's /64 count
 * as one where the address is an IPv6 one: it is what a customer is given.
 */
#ifndef POOL_SOURCE_H
#define POOL_SOURCE_H

#include <stdbool.h>

struct address;
struct generations;
struct pool;

/*
 * Where there is a limit, before the first birth: room for a source in each
 * slot of the board, and those of the clients whom other generations serve.
 * 0, or -1 with errno.
 */
int	source_open(struct pool *);
int	source_others(struct pool *, const struct generations *);
void	source_close(struct pool *);

/*
 * The client is to be served by the child of this slot, which is the caller, or
 * is about to be forked.  False: its source has enough of them, which the log
 * says once a minute; the caller closes.
 *
 * Somebody may have seen the end of his connection, and be back, before those
 * who served him have noticed: so it is worth a moment, in which meanwhile() is
 * called, if there is one; but not for each of a flood.
 */
bool	source_enter(struct pool *, int slot, const struct address *,
	    void (*meanwhile)(struct pool *));

/* The client is served no longer: to be said before the connection is closed;
   whoever buries a child says so, too. */
void	source_leave(struct pool *, int slot);

#endif
