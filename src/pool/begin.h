/* SPDX-License-Identifier: ISC */
/*
 * How a generation begins: its place, its port, its number, its board.  Each
 * step takes something that others see, in that order, and logs why it
 * cannot.
 */
#ifndef POOL_BEGIN_H
#define POOL_BEGIN_H

#include <stddef.h>

struct address;
struct pool;

/* The address as it is configured, and the instance, opened.  0, or an exit
   status after sysexits(3). */
int	begin_place(struct pool *, struct address *);

/*
 * Own the port: the instance's lock, and a socket that listens; try for as long
 * as the configuration says, or until we are told to end.  The descriptor, or
 * -1; then nothing is held.
 */
int	begin_listener(struct pool *, struct address *);

/*
 * A number that no generation has had; the boards of the dead are swept, and
 * the orphans counted, in words for the log.  0 or -1.
 */
int	begin_generation(struct pool *, char *orphans, size_t size);

/* The board of this generation, with so many slots.  0 or -1. */
int	begin_board(struct pool *, const struct address *, int size);

#endif
