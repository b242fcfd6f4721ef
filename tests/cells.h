/* SPDX-License-Identifier: ISC */
/*
 * One test for many cases, side by side: each is played in a process of its
 * own, that begins as harness_begin() does and has a network of its own.
 */
#ifndef TESTS_CELLS_H
#define TESTS_CELLS_H

#include "pool/strategy.h"

/* A strategy, and what becomes of it: how its parent ends, or anything else
   that a test has a table of. */
struct cell {
	const struct strategy	*strategy;
	const char		*name;
	void			(*play)(const struct cell *);
	int			 number;
};

/*
 * Play them all, a few at once, and say their checks, in order, each behind its
 * case's strategy and name.  A case that bails out fails, and so does one that
 * says nothing.
 */
void	cells_play(const struct cell *, int n);

/* How many at the same time; more where they wait by the clock, and do little
   else. */
extern int	cells_at_once;

/* The same, each with every strategy. */
void	cells_play_all(const struct cell *, int n);
/* Each with two: the parent accepts, or the children do. */
void	cells_play_both(const struct cell *, int n);

#endif
