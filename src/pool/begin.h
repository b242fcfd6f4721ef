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
 * The boards of earlier generations: those of the dead are swept, children that
 * live are counted, orphans in words for the log.  What /proc says of some
 * hundred takes some milliseconds, in which clients of an heir's socket would
 * wait: there it can come later, and is interrupted again and again by a call
 * of breathe(pool), if that is not NULL.
 */
void	begin_boards(struct pool *, char *orphans, size_t size,
	    void (*breathe)(void *));
void	begin_say_orphans(const char *orphans);

/* A number that no generation has had.  0 or -1. */
int	begin_generation(struct pool *);

/* The board of this generation, with so many slots.  0 or -1. */
int	begin_board(struct pool *, const struct address *, int size);

#endif
