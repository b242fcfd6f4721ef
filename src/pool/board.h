/* SPDX-License-Identifier: ISC */
/*
 * The board: what each child is doing, in memory that parent and children
 * share.  Each child owns one word of it, which says what the child does and
 * how many connections it has taken; only the parent counts.  A child that is
 * killed between two updates leaves nothing half done.
 */
#ifndef POOL_BOARD_H
#define POOL_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

/* Connections are counted modulo this. */
#define BOARD_MODULUS	(1U << 30)

enum slot_state { SLOT_FREE, SLOT_IDLE, SLOT_BUSY };

struct board;

/* Room for so many children; NULL with errno.  Forked children share it. */
struct board	*board_open(int size);
void		 board_close(struct board *);
int		 board_size(const struct board *);

/*
 * For a child: it has taken a connection; it waits for the next one.  Both
 * return whether the parent wants to know now (board_ask).
 */
bool		 board_busy(struct board *, int slot, const char *client);
bool		 board_idle(struct board *, int slot);

/* For the parent: a slot for a child that it is about to fork, idle. */
void		 board_born(struct board *, int slot);
void		 board_free(struct board *, int slot);

/* A child's word, read at one moment. */
struct board_word {
	enum slot_state	state;
	uint32_t	taken;		/* connections */
};
struct board_word board_word(const struct board *, int slot);
/* Whom a busy child serves: numeric host:port, at most ADDRESS_TEXT - 1
   characters; a child that runs wild may have written anything. */
const char	*board_client(const struct board *, int slot);

/*
 * How a parent sleeps without missing anything, and children work without a
 * system call for each client: board_look() before the parent walks the
 * slots, board_ask(n) after it; then the child that makes the n-th change
 * since board_look(), and each one after it, is told to wake the parent:
 * each, because the first one may be stopped before it does.  board_ask()
 * returns true if there have been so many already.
 */
void		 board_look(struct board *);
bool		 board_ask(struct board *, int changes);

#endif
