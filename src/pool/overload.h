/* SPDX-License-Identifier: ISC */
/*
 * Clients wait in the kernel's accept queue, and there is nobody to accept
 * them: say so when it has filled up, and refuse some, if that was asked for
 * (early_drop in outlive.h), before the kernel lets connections time out.
 */
#ifndef POOL_OVERLOAD_H
#define POOL_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct policy_counts;
struct pool;

/*
 * Something that is the case now and then: one line of the log when it begins,
 * one when it has not been so for a while.  That while grows if it begins again
 * soon.  Times are those of clock_ms().
 */
struct overload_spell {
	bool	open;
	int64_t	since;		/* the beginning */
	int64_t	last;		/* when it was so */
	int64_t	ended;
	int	quiet;		/* after so long without it it is over, ms */
};

struct overload {
	bool	watching;	/* the parent looks by the clock */
	int64_t	next;		/* look */
	int64_t	closed;		/* when nobody could accept, the last time */
	int	waiting;	/* as it was left by the last look */
	uint32_t taken;		/* by all children until then */
	int64_t	half;		/* since when more than half is in use; 0: it
				   is not */
	struct overload_spell alarm, refusals;
	int	refused;	/* in this spell */
};

/*
 * In the parent, before it sleeps: do what is due.  In how many milliseconds
 * it is to be called again at the latest; -1: no need, as long as nothing
 * happens that wakes the parent.
 */
int	overload_look(struct pool *, const struct policy_counts *);

/* The parent ends, and refuses nobody any more. */
void	overload_end(struct pool *);

#endif
