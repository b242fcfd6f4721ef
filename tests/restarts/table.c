/* SPDX-License-Identifier: ISC */
/* What has come of it: one line for each way and strategy. */
#include <sys/utsname.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "restarts.h"

/*
 * How much longer nobody may be served than in a quiet stretch, in ms; and where
 * the next parent is started no earlier than the old one is told to end, than
 * any program takes to start.
 */
#define GAP	5

static int
compare(const void *a, const void *b)
{
	double	x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The one at that place in order: 0.5 is the median, 1 the largest. */
static double
at(const double *numbers, int n, double place)
{
	double	sorted[MOST], result;
	int	i = (int)(place * n);

	if (n == 0)
		return 0;
	memcpy(sorted, numbers, (size_t)n * sizeof(*sorted));
	qsort(sorted, (size_t)n, sizeof(*sorted), compare);
	result = sorted[i < n ? i : n - 1];
	return result;
}

/* Of all ways of a strategy: the longest gap of a stretch without a restart, the
   median, or another part of all. */
static double
quiet_of(const struct table *table, int strategy, double part)
{
	double	all[MOST];
	int	way, i, n = 0;

	for (way = 0; way < WAYS; way++) {
		const struct result *cell = &table->cells[strategy][way];

		for (i = 0; i < cell->quiets && n < MOST; i++)
			all[n++] = cell->quiet[i];
	}
	return at(all, n, part);
}

static void
row(const struct table *table, int strategy, int way)
{
	const struct result	*cell = &table->cells[strategy][way];

	(void)printf("%-19s %-7s %8d %6d %7d %5d %9d %10d %9.1f %8.1f %6.1f "
	    "%8d\n", ways[way].name, table->strategies[strategy],
	    cell->restarts, cell->tried, cell->refused, cell->reset,
	    cell->timed_out, cell->waited, at(cell->down, cell->restarts, 0.5),
	    at(cell->gaps, cell->restarts, 0.5),
	    at(cell->gaps, cell->restarts, 1), cell->lost);
}

static void
head(const struct table *table, bool delayed)
{
	const struct options	*options = &table->options;
	struct utsname		 system;

	(void)uname(&system);
	(void)printf("restarts under load on %s %s, %ld processors\n",
	    system.sysname, system.release, sysconf(_SC_NPROCESSORS_ONLN));
	(void)printf("%d clients per second, one restart in %d ms, %d sessions "
	    "held\n", options->rate, options->interval, options->sessions);
	if (delayed)
		(void)printf("delay: packets take %d ms, each way\n",
		    options->delay);
	else if (options->delay > 0)
		(void)printf("delay: none, no TUN device is allowed here\n");
	else
		(void)printf("delay: none\n");
	(void)printf("\n%-27s %8s %6s %7s %5s %9s %10s %9s %15s %8s\n", "", "",
	    "clients", "", "", "", "", "parent", "longest gap, ms",
	    "sessions");
	(void)printf("%-19s %-7s %8s %6s %7s %5s %9s %10s %9s %8s %6s %8s\n",
	    "way", "", "restarts", "tried", "refused", "reset", "timed out",
	    "waited 1 s", "away, ms", "median", "worst", "lost");
}

/* A pair: what it is good for that new SYNs are shut out. */
static void
resets(const struct table *table, int way)
{
	int	s, reset = 0, restarts = 0;

	for (s = 0; s < STRATEGIES; s++) {
		reset += table->cells[s][way].reset;
		restarts += table->cells[s][way].restarts;
	}
	if (restarts > 0)
		(void)printf("%s: %.1f resets per 100 restarts\n",
		    ways[way].name, 100.0 * reset / restarts);
}

static void
cost(const struct table *table)
{
	double	client = 0, relay = 0, wall = 0;
	int	s, w;

	for (s = 0; s < STRATEGIES; s++)
		for (w = 0; w < WAYS; w++) {
			client += table->cells[s][w].client_cpu;
			relay += table->cells[s][w].relay_cpu;
			wall += table->cells[s][w].wall;
		}
	(void)printf("CPU time of the clients: %.0f %% of one processor, of "
	    "the delay: %.0f %%\n", 100 * client / wall, 100 * relay / wall);
}

void
table_print(const struct table *table)
{
	int	s, w;
	bool	delayed = false;

	for (s = 0; s < STRATEGIES; s++)
		for (w = 0; w < WAYS; w++)
			delayed = delayed || table->cells[s][w].delayed;
	head(table, delayed);
	for (w = 0; w < WAYS; w++)
		for (s = 0; s < STRATEGIES; s++)
			if (table->cells[s][w].measured)
				row(table, s, w);
	(void)printf("\nlongest gap without a restart, median, ms:");
	for (s = 0; s < STRATEGIES; s++)
		if (table->strategies[s] != NULL)
			(void)printf(" %s %.1f", table->strategies[s],
			    quiet_of(table, s, 0.5));
	(void)printf("\nstart of the program, and end, ms: %.1f\n",
	    table->start);
	for (w = 0; w < WAYS; w++)
		if (ways[w].signal != 0)
			resets(table, w);
	cost(table);
}

/* 1 if it is more than may be, and says so. */
static int
broken(const struct table *table, int strategy, int way, const char *what,
    double is, double most)
{
	if (is <= most)
		return 0;
	(void)printf("broken: %s, %s: %s %.3g, expected at most %.3g\n",
	    ways[way].name, table->strategies[strategy], what, is, most);
	return 1;
}

static int
judge(const struct table *table, int s, int w)
{
	const struct result	*cell = &table->cells[s][w];
	const char		*strategy = table->strategies[s];
	double			 gap = quiet_of(table, s, 0.9) + GAP;
	int			 bad, most = 0;

	bad = broken(table, s, w, "sessions lost", cell->lost, 0);
	/* A parent that is killed may hold one that it has accepted. */
	if (ways[w].signal == 9 && (strcmp(strategy, "pass") == 0 ||
	    strcmp(strategy, "fork") == 0))
		most = cell->restarts;
	if (ways[w].no_reset)
		bad += broken(table, s, w, "reset", cell->reset, most);
	if (!ways[w].seamless)
		return bad;
	bad += broken(table, s, w, "refused", cell->refused, 0);
	bad += broken(table, s, w, "timed out", cell->timed_out, 0);
	if (ways[w].heir && !ways[w].standby)
		gap += table->start;
	/* On a machine where it is as long, now and then, without a restart. */
	if (!table->options.quick)
		bad += broken(table, s, w, "longest gap in the median",
		    at(cell->gaps, cell->restarts, 0.5), gap);
	return bad;
}

int
table_judge(const struct table *table)
{
	int	s, w, bad = 0;

	for (w = 0; w < WAYS; w++)
		for (s = 0; s < STRATEGIES; s++)
			if (table->cells[s][w].measured)
				bad += judge(table, s, w);
	if (bad == 0)
		(void)printf("every promise is kept\n");
	return bad;
}
