/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/strategy.h"
#include "../measurement.h"
#include "restarts.h"

#define HALVES	2
#define WORTH	6

/* More restarts of the same. */
static void
add(struct result *to, const struct result *more)
{
	int	i;

	for (i = 0; i < more->restarts; i++) {
		to->down[to->restarts] = more->down[i];
		to->gaps[to->restarts++] = more->gaps[i];
	}
	for (i = 0; i < more->quiets; i++)
		to->quiet[to->quiets++] = more->quiet[i];
	to->tried += more->tried;
	to->refused += more->refused;
	to->reset += more->reset;
	to->timed_out += more->timed_out;
	to->waited += more->waited;
	to->lost += more->lost;
	to->client_cpu += more->client_cpu;
	to->relay_cpu += more->relay_cpu;
	to->wall += more->wall;
	to->delayed = more->delayed;
	to->measured = true;
}

/* Of the restarts, those of one half; a few are not worth two runs. */
static int
share_of(int restarts, int half)
{
	int	second = restarts >= WORTH ? restarts / HALVES : 0;

	return half == 0 ? restarts - second : second;
}

static void
run_some(struct table *table, int s, int w, int restarts)
{
	static struct result	result;

	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r%s, %s%20s", ways[w].name,
		    table->strategies[s], "");
	if (!run(&ways[w], table->strategies[s], restarts, &table->options,
	    &result))
		exit(0);
	add(&table->cells[s][w], &result);
}

/* Half of the restarts of each way, then the other half, backwards: whatever
   else the machine does meets all of them. */
static void
run_all(struct table *table)
{
	int	s, half, i, w, n;

	for (s = 0; s < STRATEGIES; s++)
		for (half = 0; half < HALVES; half++)
			for (i = 0; i < WAYS; i++) {
				w = half == 0 ? i : WAYS - 1 - i;
				n = share_of(table->options.restarts, half);
				if (table->strategies[s] != NULL &&
				    table->ways[w] && n > 0)
					run_some(table, s, w, n);
			}
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r%50s\r", "");
}

static void __attribute__((__noreturn__))
usage(int status)
{
	int	i;

	(void)fprintf(status == 0 ? stdout : stderr,
	    "usage: restarts [-qv] [-a strategy] [-d delay, ms] "
	    "[-i interval, ms]\n"
	    "    [-n restarts] [-r clients per second] [-s sessions] "
	    "[way ...]\n"
	    "ways:");
	for (i = 0; i < WAYS; i++)
		(void)fprintf(status == 0 ? stdout : stderr, "%s '%s'",
		    i == 0 ? "" : ",", ways[i].name);
	(void)fprintf(status == 0 ? stdout : stderr, "\n");
	exit(status);
}

static void
choose_way(struct table *table, const char *name)
{
	int	i;

	for (i = 0; i < WAYS; i++)
		if (strcmp(ways[i].name, name) == 0) {
			table->ways[i] = true;
			return;
		}
	warnx("'%s' is no way", name);
	usage(64);
}

static void
parse(struct table *table, int argc, char *argv[])
{
	struct options	*options = &table->options;
	const char	*strategy = NULL;
	int		 option, i;

	while ((option = getopt(argc, argv, "a:d:hi:n:qr:s:v")) != -1)
		switch (option) {
		case 'a':
			strategy = optarg;
			break;
		case 'd':
			options->delay = option_number("-d", optarg,
			    0, 1000);
			break;
		case 'h':
			usage(0);
		case 'i':
			options->interval = option_number("-i", optarg,
			    10, 10000);
			break;
		case 'n':
			options->restarts = option_number("-n", optarg,
			    1, MOST);
			break;
		case 'q':
			options->quick = true;
			break;
		case 'r':
			options->rate = option_number("-r", optarg,
			    1, 10000);
			break;
		case 's':
			options->sessions = option_number("-s", optarg,
			    0, 900);
			break;
		case 'v':
			options->verbose = true;
			break;
		default:
			usage(64);
		}
	if (strategy != NULL && strategy_find(strategy) == NULL)
		errx(64, "-a '%s' is no strategy", strategy);
	for (i = 0; strategies[i] != NULL; i++)
		if (strategy == NULL ||
		    strcmp(strategies[i]->name, strategy) == 0)
			table->strategies[i] = strategies[i]->name;
	for (i = 0; i < WAYS; i++)
		table->ways[i] = optind == argc;
	for (; optind < argc; optind++)
		choose_way(table, argv[optind]);
}

int
main(int argc, char *argv[])
{
	/* A SYN that was shut out comes again a second later: not just when
	   there is a restart again. */
	static struct table	table = { .options = { .restarts = 10,
				    .interval = 270, .rate = 1000,
				    .sessions = 200, .delay = 2 } };

	parse(&table, argc, argv);
	table.start = program_takes();
	run_all(&table);
	table_print(&table);
	return table_judge(&table) == 0 ? 0 : 1;
}
