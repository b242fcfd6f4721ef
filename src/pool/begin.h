/* SPDX-License-Identifier: ISC */
/*
 * How a generation begins: its log, its place, its user, its number, its board
 * (and, between the first two and the rest, its port: port.h).  Each step takes
 * something that others see, in that order, and logs why it
 * cannot.
 */
#ifndef POOL_BEGIN_H
#define POOL_BEGIN_H

#include <stdbool.h>
#include <stddef.h>

struct address;
struct pool;

/* Where it is configured, and opened as the user whom we are to become.  0 or
   -1. */
int	begin_log(const struct pool *);

/* Whether a log is a descriptor that we were started with. */
bool	begin_log_is_ours(const char *where);

/* The address as it is configured, and the instance, opened.  0, or an exit
   status after sysexits(3). */
int	begin_place(struct pool *, struct address *);

/* What is left of what root has to do, and then the user, if we are to become
   one.  0 or -1. */
int	begin_user(struct pool *);

/*
 * A number that no generation has had; the boards of the dead are swept, and
 * the children of earlier ones counted, orphans in words for the log.  0 or -1.
 */
int	begin_generation(struct pool *, char *orphans, size_t size);

/* The board of this generation, with so many slots.  0 or -1. */
int	begin_board(struct pool *, const struct address *, int size);

#endif
