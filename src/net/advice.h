/* SPDX-License-Identifier: ISC */
/* What would help against what is in the way of a bind(2). */
#ifndef NET_ADVICE_H
#define NET_ADVICE_H

#include "obstacle.h"

#define ADVICE_LINES	12

struct advice {
	char	lines[ADVICE_LINES][400];	/* the cheapest first */
	int	n;
};

/* One sentence for each thing that would help in this case. */
void		 advice_give(struct advice *, const struct obstacles *);

/* The part of it that is about EADDRINUSE of a certain port, and in it the
   part that is about processes. */
void		 advice_use(struct advice *, const struct obstacles *);
void		 advice_owners(struct advice *, const struct obstacles *);

/* One sentence more, unless it is there already. */
void		 advice_say(struct advice *, const char *fmt, ...)
		    __attribute__((__format__(printf, 2, 3)));

/* "42 s", "12 min", "5 h", "9 days"; returns the text, of 24 bytes at
   least. */
const char	*advice_time(int64_t seconds, char *text);

#endif
