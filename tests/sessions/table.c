/* SPDX-License-Identifier: ISC */
/* What has come of it, as a page has it. */
#include <sys/utsname.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sessions.h"

/* Of all rounds of a cell, one number. */
struct column {
	const char	*name;
	size_t		 at;		/* in struct result */
	int		 digits;
	bool		 held;		/* only where there are sessions */
};

#define AT(member)	offsetof(struct result, member)

static const struct column	columns[] = {
	{ "old parent gone", AT(gone), 1, false },
	{ "next one accepts", AT(accepts), 1, false },
	{ "first byte", AT(first), 1, false },
};
#define COLUMNS	(sizeof(columns) / sizeof(columns[0]))

static const struct column	opening = { "open after, s", AT(opening), 1,
				    true };
static const struct column	answered = { "all had answered, s",
				    AT(answered), 1, true };
static const struct column	client = { "client", AT(client), 2, true };

static int
compare(const void *a, const void *b)
{
	double	x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Those of all rounds, in order. */
static void
sort(const struct result *rounds, int n, const struct column *column,
    double *numbers)
{
	int	i;

	for (i = 0; i < n; i++)
		numbers[i] = *(const double *)(const void *)
		    ((const char *)&rounds[i] + column->at);
	qsort(numbers, (size_t)n, sizeof(*numbers), compare);
}

static void
cell(const struct result *rounds, int n, const struct column *column,
    int sessions)
{
	double	numbers[MOST];

	if (column->held && sessions == 0) {
		(void)printf(" |");
		return;
	}
	sort(rounds, n, column, numbers);
	(void)printf(" %.*f |", column->digits, numbers[n / 2]);
}

static void
row(const char *strategy, int sessions, const struct result *rounds, int n)
{
	double	numbers[MOST];
	size_t	i;
	long	lost = 0, messages = 0;
	int	k;

	(void)printf("| `%s` | %d |", strategy, sessions);
	for (i = 0; i < COLUMNS; i++)
		cell(rounds, n, &columns[i], sessions);
	sort(rounds, n, &columns[COLUMNS - 1], numbers);
	(void)printf(" %.1f |", numbers[n - 1]);
	cell(rounds, n, &opening, sessions);
	cell(rounds, n, &answered, sessions);
	for (k = 0; k < n; k++) {
		lost += rounds[k].lost;
		messages += rounds[k].messages;
	}
	(void)printf(" %ld | %ld |", messages, lost);
	cell(rounds, n, &client, sessions);
	(void)printf("\n");
}

void
table_print(const struct options *options,
    struct result results[STRATEGIES][SIZES][MOST])
{
	struct utsname	name;
	int		s, k;

	(void)printf("| | orphans | old parent gone, ms | next one accepts "
	    "| first byte | worst | opened in, s | last words, s "
	    "| messages | lost | client's CPU |\n"
	    "|---|---|---|---|---|---|---|---|---|---|---|\n");
	for (s = 0; options->strategies[s] != NULL; s++)
		for (k = 0; options->sizes[k] != -1; k++)
			row(options->strategies[s], options->sizes[k],
			    results[s][k], options->rounds);
	(void)uname(&name);
	(void)printf("\nLinux %s, %ld processors; medians of %d, ms from KILL "
	    "on; a session has a message each %d s\n", name.release,
	    sysconf(_SC_NPROCESSORS_ONLN), options->rounds, options->every);
}
