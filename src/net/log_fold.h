/* SPDX-License-Identifier: ISC */
/*
 * Which lines of a log are the same over and over.  A text that any process
 * has written is only counted for a second after; then its count is told, and
 * if there was one, the text is counted for twice as long, up to a minute.
 * What they count stands in memory that all processes share, without a lock: a
 * process that dies in the middle of it costs a count, or the place of one
 * text.
 */
#ifndef NET_LOG_FOLD_H
#define NET_LOG_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#define FOLD_TEXT	240	/* room for a text */

/* Before the first fork.  Without the memory each process counts alone. */
void	fold_open(void);

/*
 * A text is to be written, with its priority, at a time of clock_ms().  Returns
 * whether it has been counted instead; one that is too long never is.  Where it
 * should be rare, it is counted for a minute from the first time on, and
 * dropped where there is no room to remember it.
 */
bool	fold_line(const char *text, int priority, bool rare, int64_t now);

/* A count that is to be told now (or, if all: at any time), and is reset by
   this: false, there is none. */
struct fold_count {
	char		text[FOLD_TEXT];
	int		priority;
	unsigned int	more;
};
bool	fold_next(int64_t now, bool all, struct fold_count *);

/* In how many ms fold_next() will find one; -1: never. */
int	fold_sleep(int64_t now);

/* The eventfd that is written when there begins to be something to tell. */
void	fold_wake(int eventfd);

/* Lines that could not be written, of all processes: take the number, or give
   it back. */
unsigned long	fold_take_dropped(void);
void		fold_dropped(unsigned long);

/* Whether somebody has written the beginning of a line, and not its end; set
   it, and be told how it was. */
bool		fold_torn(bool);

#endif
