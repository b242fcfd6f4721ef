/* SPDX-License-Identifier: ISC */
/* What is measured, and what came of it. */
#ifndef FIGURE_FIGURE_H
#define FIGURE_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "measure.h"

#define CELLS	64
#define POOLS	3

/* What a cell is part of. */
enum part {
	STRATEGIES,		/* the book's figure */
	IDLE,			/* more and more idle children */
	EXEC,			/* a program for each client */
	FIRST_BYTE		/* the same, at a rate that all of them bear */
};

/* One place of the figure, measured once in each round. */
struct cell {
	enum part	 part;
	const char	*name;
	bool		 bare;		/* a loop of tests/ceiling */
	int		 children;
	struct subject	 subject;
	struct clients	 clients;
	struct sample	*samples;
	/* What it is held against; NULL: nothing. */
	const struct cell *to;
};

struct figure {
	struct cell	cells[CELLS];
	int		n;
	int		rounds;
	int		connections;	/* of a pre-forked server, in a round */
	int		pools[POOLS];	/* idle children, the fewest first */
};

/* NULL: there is no such one. */
const struct cell	*figure_cell(const struct figure *, enum part,
			    const char *name, bool bare, int children);

/* The median of a member of the samples, which is a double (offsetof()); and of
   its ratios, round by round, to what the cell is held against.  -1: there is
   none. */
double	figure_median(const struct figure *, const struct cell *,
	    size_t member);
double	figure_ratio(const struct figure *, const struct cell *,
	    size_t member);
/* One sample's. */
double	figure_member(const struct sample *, size_t member);
/* How much the bare loops' rates differ from round to round: (most - least) /
   median, the median of all. */
double	figure_noise(const struct figure *);

/* On standard output. */
void	figure_table(const struct figure *);
void	figure_json(const struct figure *);
/* A bar chart of the strategies.  0, or -1 with errno. */
int	figure_svg(const struct figure *, const char *path);

#endif
