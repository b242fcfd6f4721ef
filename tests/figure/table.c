/* SPDX-License-Identifier: ISC */
/* The figure as text. */
#include <sys/utsname.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "figure.h"
#include "pool/strategy.h"

#define RATE	offsetof(struct sample, rate)
#define CPU	offsetof(struct sample, cpu)
#define MEMBER(name)	offsetof(struct sample, name)

static const struct figure	*figure;

static const struct cell *
cell_of(enum part part, const char *name, bool bare, int children)
{
	return figure_cell(figure, part, name, bare, children);
}

/* A number in so many columns; nothing where there is none. */
static void
put(int width, int digits, double number)
{
	if (number < 0)
		(void)printf("%*s", width, "-");
	else
		(void)printf("%*.*f", width, digits, number);
}

static void
put_ratio(const struct cell *cell, size_t member)
{
	put(7, 2, figure_ratio(figure, cell, member));
}

static void
put_median(int width, int digits, const struct cell *cell, size_t member)
{
	put(width, digits, figure_median(figure, cell, member));
}

/* Ours, the bare loop's, and the ratio. */
static void
put_pair(int width, int digits, const struct cell *ours,
    const struct cell *bare, size_t member)
{
	put_median(width, digits, ours, member);
	put_median(width, digits, bare, member);
	put(6, 2, figure_ratio(figure, ours, member));
}

static void
put_spread(const struct cell *cell)
{
	put_median(7, 0, cell, MEMBER(least));
	put_median(7, 0, cell, MEMBER(median));
	put_median(7, 0, cell, MEMBER(most));
}

static void
strategies_part(void)
{
	const struct strategy	*const *row;

	(void)printf("\n%-17s %21s   %20s   %19s   %20s\n", "",
	    "connections/s", "server CPU", "context switches",
	    "clients of a child");
	(void)printf("%-17s %21s   %20s   %19s   %20s\n", "", "",
	    "s per 10,000", "per connection", "");
	(void)printf("%-9s%-8s %8s%7s%6s   %7s%7s%6s   %6s%7s%6s  %7s%7s%7s\n",
	    "strategy", "UNP", "outlived", "bare", "ratio", "outl'd", "bare",
	    "ratio", "outl'd", "bare", "ratio", "least", "median", "most");
	for (row = strategies; *row != NULL; row++) {
		const struct cell *ours = cell_of(STRATEGIES, (*row)->name,
		    false, 0), *bare = cell_of(STRATEGIES, (*row)->name,
		    true, 0);

		(void)printf("%-9s%-8s ", (*row)->name, (*row)->place + 4);
		put_pair(8, 0, ours, bare, RATE);
		(void)printf("   ");
		put_pair(7, 3, ours, bare, CPU);
		(void)printf("   ");
		put_pair(7, 2, ours, bare, MEMBER(switches));
		(void)printf(" ");
		put_spread(ours);
		(void)printf("\n");
	}
}

static void
idle_row(const char *label, const char *name, bool bare)
{
	const int	*pools = figure->pools;
	int		 i;

	(void)printf("%-17s", label);
	for (i = 0; i < POOLS; i++)
		put_median(8, 0, cell_of(IDLE, name, bare, pools[i]), RATE);
	for (i = 1; i < POOLS; i++)
		put_ratio(cell_of(IDLE, name, bare, pools[i]), RATE);
	(void)printf(" ");
	for (i = 0; i < POOLS; i++)
		put_median(8, 3, cell_of(IDLE, name, bare, pools[i]), CPU);
	for (i = 1; i < POOLS; i++)
		put_ratio(cell_of(IDLE, name, bare, pools[i]), CPU);
	put_median(10, 0, cell_of(IDLE, name, bare, pools[1]), MEMBER(pss));
	(void)printf("\n");
}

static void
idle_part(void)
{
	const struct strategy	*const *row;

	const int		*n = figure->pools;

	(void)printf("\n%-17s%24s%11s %2d %24s%11s %2d%10s\n",
	    "idle children", "connections/s", "ratio to", n[0], "server CPU",
	    "ratio to", n[0], "PSS, KiB");
	(void)printf("%-17s%8d%8d%8d%7d%7d %8d%8d%8d%7d%7d%6s %3d\n", "",
	    n[0], n[1], n[2], n[1], n[2], n[0], n[1], n[2], n[1], n[2], "of",
	    n[1]);
	for (row = strategies; *row != NULL; row++)
		if ((*row)->prefork)
			idle_row((*row)->name, (*row)->name, false);
	idle_row("shared, bare", "shared", true);
}

static void
exec_row(const char *label, const char *name, bool bare)
{
	const struct cell	*cell = cell_of(EXEC, name, bare, 0),
				*slow = cell_of(FIRST_BYTE, name, bare, 0);

	if (cell == NULL)
		return;
	(void)printf("%-17s", label);
	put_median(8, 0, cell, RATE);
	put_ratio(cell, RATE);
	put_median(9, 2, cell, CPU);
	put_median(12, 0, slow, MEMBER(first_byte));
	put_ratio(slow, MEMBER(first_byte));
	(void)printf("\n");
}

static void
exec_part(void)
{
	const struct strategy	*const *row;

	(void)printf("\n%-17s%15s%9s%19s\n", "exec a program",
	    "connections/s", "CPU", "us to first byte");
	for (row = strategies; *row != NULL; row++)
		exec_row((*row)->name, (*row)->name, false);
	exec_row("fork, bare", "fork", true);
	exec_row("vfork, bare", "vfork", true);
	if (cell_of(EXEC, "tcpserver", false, 0) != NULL)
		exec_row("tcpserver", "tcpserver", false);
	else
		(void)printf("tcpserver is not installed (Debian: "
		    "ucspi-tcp): no ratios\n");
}

static void
failures(void)
{
	int	i, k, many = 0;

	for (i = 0; i < figure->n; i++)
		for (k = 0; k < figure->rounds; k++)
			many += figure->cells[i].samples[k].failed;
	(void)printf("connections without a whole answer: %d\n", many);
}

void
figure_table(const struct figure *given)
{
	struct utsname	system;

	figure = given;
	(void)uname(&system);
	(void)printf("UNP figure 30.1 on %s %s, %ld processors\n",
	    system.sysname, system.release, sysconf(_SC_NPROCESSORS_ONLN));
	(void)printf("15 children, 5 clients, 4000 bytes; %d connections in "
	    "a run; medians of %d runs, interleaved\n", figure->connections,
	    figure->rounds);
	if (cell_of(STRATEGIES, "fork", false, 0) != NULL)
		strategies_part();
	if (cell_of(IDLE, "shared", false, 0) != NULL)
		idle_part();
	if (cell_of(EXEC, "fork", false, 0) != NULL)
		exec_part();
	(void)printf("\nthe clients themselves: %.3f s of CPU per 10,000 "
	    "connections\n", figure_median(figure, &figure->cells[0],
	    MEMBER(client_cpu)));
	(void)printf("noise: the bare loops' rates differ by %.0f %% from run "
	    "to run\n", 100 * figure_noise(figure));
	failures();
}
