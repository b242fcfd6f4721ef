/* SPDX-License-Identifier: ISC */
/*
 * A parent that is killed while its children have thousands of sessions, and
 * how long new clients wait for the next one.
 */
#ifndef SESSIONS_SESSIONS_H
#define SESSIONS_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>

#define STRATEGIES	5
#define SIZES		5
#define MOST		100	/* rounds */

struct options {
	const char	*strategies[STRATEGIES + 1];	/* NULL at the end */
	int		 sizes[SIZES + 1];		/* sessions; -1 at the
							   end */
	int		 rounds;
	int		 every;		/* s, between two messages of one */
	bool		 verbose;
};

/* What one kill has shown. */
struct result {
	/* ms from KILL until the old parent is gone, the next one says that it
	   accepts, and a client has a byte of its child. */
	double	gone, accepts, first;
	double	opening;	/* s */
	double	answered;	/* s, until all sessions had answered after it */
	long	messages, lost;
	double	client;		/* of a processor */
};

/* A server with so many sessions, in a process of its own. */
void	run(const char *strategy, int sessions, const struct options *,
	    struct result *);

/* Why so many processes cannot be here; NULL: they can. */
const char	*limit_in_the_way(int sessions);

/* The n-th of each strategy and size is of round n. */
void	table_print(const struct options *,
	    struct result results[STRATEGIES][SIZES][MOST]);

#endif
