/* SPDX-License-Identifier: ISC */
/*
 * The board: what each child is doing, in memory that parent and children
 * share, and in a file that outlives the parent (boardfile.h): whoever opens it
 * sees whom the orphans serve.  Each child owns one slot, and one word of it
 * says what the child does and how many connections it has taken; only the
 * parent counts, and it does not count by the file.  A child that is killed
 * between two updates leaves nothing half done.
 *
 * A child that runs wild may write anything: sizes and places are kept where it
 * cannot, and nobody believes a text or a pid that stands in the file.
 */
#ifndef POOL_BOARD_H
#define POOL_BOARD_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

/* Connections are counted modulo this. */
#define BOARD_MODULUS	(1U << 30)

enum slot_state { SLOT_FREE, SLOT_IDLE, SLOT_BUSY };

struct board;
struct board_head;

/*
 * Make one, with room for so many children, as a file in the directory dir,
 * whose name comes from the head's number.  All of its space is taken at once:
 * a file system that is full is an error here, not a SIGBUS later.  NULL with
 * errno.  dir stays the caller's, and open as long as the board is.
 */
struct board	*board_create(int dir, const struct board_head *, int size);
/* For a test: a board that has no file. */
struct board	*board_open(int size);
void		 board_close(struct board *);
int		 board_size(const struct board *);

/* The parent ends: the board names it no more, and goes too if no child has a
   slot. */
void		 board_part(struct board *);

/*
 * For a child, its first act, and its last: it is there; it leaves, and takes
 * the board with it if it is the last one and its parent has gone.  A signal
 * handler may call board_leave().
 */
void		 board_here(struct board *, int slot);
/* For a child: it is about to wait for its first client; for the parent:
   whether it has been. */
void		 board_ready(struct board *, int slot);
bool		 board_is_ready(const struct board *, int slot);
void		 board_leave(struct board *, int slot, pid_t parent);

/*
 * For a child: it has taken a connection; it waits for the next one.  Where
 * that changes how many clients there is room for, it says by how many (+1,
 * -1), and is told whether the parent wants to know now (board_ask).
 */
bool		 board_busy(struct board *, int slot, const char *client,
		    int change);
bool		 board_idle(struct board *, int slot, int change);

/* For the parent: a slot for a child that it is about to fork, idle, or busy
   from its birth with a client; the child that was forked; one that has
   ended. */
void		 board_born(struct board *, int slot, const char *client);
void		 board_forked(struct board *, int slot, pid_t);
void		 board_free(struct board *, int slot);

/* For the parent: nobody is to count on that child any more.  What it does is
   no change, but for a connection that it takes all the same: of that the
   parent is told. */
void		 board_discount(struct board *, int slot);

/* For a child: it cannot accept until then, clock_ms(); returns whether that is
   news.  And it has accepted.  For the parent: no child has said the one, or one
   has said the other since, or its time has long been over. */
bool		 board_cannot_accept(struct board *, int64_t until);
void		 board_has_accepted(struct board *);
bool		 board_accepts(const struct board *);

/* From now on connections may have inherited what shuts SYNs out
   (net/shutout.h): whoever takes one asks. */
void		 board_shut_out(struct board *);
bool		 board_is_shut_out(const struct board *);

/* For the parent: a stopped child keeps the others from accepting; or (0) none
   does. */
void		 board_stuck(struct board *, pid_t);

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
 * system call for each client.  Before it walks the slots the parent calls
 * board_look(), after that board_looked(): false if a child has changed
 * something in between, and the walk may have seen it or not.  From then on
 * board_change() is the sum of all changes since that walk; and once it is at
 * least most, or at most -fewest, whoever makes such a change is told to wake
 * the parent: each who does, because the first one may be stopped before it
 * has.  board_ask() returns true if it is so already.  A child that was in the
 * middle of a change when the parent looked wakes it, too: nobody can tell
 * what the walk has seen of that.
 */
#define BOARD_NEVER	(1 << 30)
void		 board_look(struct board *);
bool		 board_looked(struct board *);
int		 board_change(const struct board *);
bool		 board_ask(struct board *, int fewest, int most);

#endif
