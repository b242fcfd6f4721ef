/* SPDX-License-Identifier: ISC */
/*
 * A server that is restarted again and again under load, in each way in which
 * one can be, and what its clients lose by it.
 */
#ifndef RESTARTS_RESTARTS_H
#define RESTARTS_RESTARTS_H

#include <stdbool.h>
#include <stdint.h>

#define STRATEGIES	5
#define WAYS		8
#define MOST		1000	/* restarts of one cell */
#define QUIET		2	/* stretches without a restart, in each run */

/* How long a client waits for its answer, in s. */
#define PATIENCE	10

struct options {
	int		 restarts;	/* of each cell */
	int		 interval;	/* ms, from one to the next */
	int		 rate;		/* clients per second */
	int		 sessions;	/* held through all restarts */
	int		 delay;		/* ms, each way; 0: loopback */
	bool		 quick;		/* gaps are not judged */
	bool		 verbose;	/* each client that is lost */
};

/* How a parent is replaced by the next one. */
struct way {
	const char	*name;
	int		 signal;	/* to the old one; 0: the new one is to
					   take over */
	bool		 heir;
	bool		 standby;	/* the next one is started before, and
					   waits for the end */
	bool		 unshut;	/* SYNs are not shut out */
	/* What is promised: nobody but who waits for a second... */
	bool		 no_reset;
	/* ... and not even they; and a gap that is as short as can be. */
	bool		 seamless;
};

extern const struct way	ways[WAYS];

/* Of one run, or of all the runs of a cell. */
struct result {
	bool		 measured;
	int		 restarts, quiets;
	int		 tried, refused, reset, timed_out, waited, lost;
	double		 gaps[MOST], quiet[MOST];	/* ms */
	/* From the signal until the next parent says that it accepts, in ms; 0:
	   there always was one who did. */
	double		 down[MOST];
	double		 client_cpu, relay_cpu, wall;	/* ms */
	bool		 delayed;
};

/* So many restarts of a server of that strategy, in a process of its own.
   False: that is not possible here, and why has been said. */
bool	run(const struct way *, const char *strategy, int restarts,
	    const struct options *, struct result *);

struct table {
	struct options	 options;
	const char	*strategies[STRATEGIES];	/* NULL: not this one */
	bool		 ways[WAYS];
	struct result	 cells[STRATEGIES][WAYS];
	double		 start;		/* ms */
};

/* The program, from its start to its end, when it has nothing else to do: the
   median, in ms. */
double	program_takes(void);

void	table_print(const struct table *);
/* Say which promises are broken: how many. */
int	table_judge(const struct table *);

#endif
