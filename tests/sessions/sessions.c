/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/strategy.h"
#include "../measurement.h"
#include "sessions.h"

static void __attribute__((__noreturn__))
usage(int status)
{
	(void)fprintf(status == 0 ? stdout : stderr,
	    "usage: sessions [-qv] [-a strategy ...] [-e seconds] "
	    "[-n sessions] [-r rounds]\n"
	    "\n"
	    "  -a NAME  a strategy, more than once (pass and shared)\n"
	    "  -e S     between two messages of a session (10)\n"
	    "  -n N     at most so many; also 0, 100, and 1000 (10000)\n"
	    "  -q       a quick look: 100, one round, pass\n"
	    "  -r N     rounds (5)\n"
	    "  -v       the servers' logs, too\n");
	exit(status);
}

static void
add_strategy(struct options *options, const char *name)
{
	const struct strategy	*found = strategy_find(name);
	int			 n;

	if (found == NULL)
		errx(64, "-a '%s' is no strategy", name);
	for (n = 0; options->strategies[n] != NULL; n++)
		if (strcmp(options->strategies[n], name) == 0)
			return;
	options->strategies[n] = found->name;
}

static void
choose_sizes(struct options *options, int most, bool quick)
{
	static const int	sizes[] = { 0, 100, 1000 };
	int			n = 0, i;

	for (i = 0; i < 3 && !quick; i++)
		if (sizes[i] < most)
			options->sizes[n++] = sizes[i];
	options->sizes[n++] = most;
	options->sizes[n] = -1;
}

/* What was left open. */
static void
complete(struct options *options, int most, bool quick)
{
	if (options->rounds == 0)
		options->rounds = quick ? 1 : 5;
	if (most == -1)
		most = quick ? 100 : 10000;
	choose_sizes(options, most, quick);
	if (options->strategies[0] != NULL)
		return;
	add_strategy(options, "pass");
	if (!quick)
		add_strategy(options, "shared");
}

static void
parse(struct options *options, int argc, char *argv[])
{
	bool	quick = false;
	int	option, most = -1;

	while ((option = getopt(argc, argv, "a:e:hn:qr:v")) != -1)
		switch (option) {
		case 'a':
			add_strategy(options, optarg);
			break;
		case 'e':
			options->every = option_number("-e", optarg, 1, 1000);
			break;
		case 'h':
			usage(0);
		case 'n':
			most = option_number("-n", optarg, 0, 30000);
			break;
		case 'q':
			quick = true;
			break;
		case 'r':
			options->rounds = option_number("-r", optarg, 1, MOST);
			break;
		case 'v':
			options->verbose = true;
			break;
		default:
			usage(64);
		}
	if (optind != argc)
		usage(64);
	complete(options, most, quick);
}

/* Whatever else the machine does meets all of them. */
static void
run_all(const struct options *options,
    struct result results[STRATEGIES][SIZES][MOST])
{
	int	round, s, k;

	for (round = 0; round < options->rounds; round++)
		for (k = 0; options->sizes[k] != -1; k++)
			for (s = 0; options->strategies[s] != NULL; s++) {
				if (isatty(STDERR_FILENO))
					(void)fprintf(stderr, "\rround %d, %s, "
					    "%d sessions%10s", round + 1,
					    options->strategies[s],
					    options->sizes[k], "");
				run(options->strategies[s], options->sizes[k],
				    options, &results[s][k][round]);
			}
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r%50s\r", "");
}

static long
lost_sessions(const struct options *options,
    struct result results[STRATEGIES][SIZES][MOST])
{
	long	lost = 0;
	int	round, s, k;

	for (s = 0; options->strategies[s] != NULL; s++)
		for (k = 0; options->sizes[k] != -1; k++)
			for (round = 0; round < options->rounds; round++)
				lost += results[s][k][round].lost;
	return lost;
}

int
main(int argc, char *argv[])
{
	static struct options	 options = { .every = 10 };
	static struct result	 results[STRATEGIES][SIZES][MOST];
	const char		*why;
	int			 k;

	parse(&options, argc, argv);
	for (k = 0; options.sizes[k + 1] != -1; k++)
		;
	if ((why = limit_in_the_way(options.sizes[k])) != NULL) {
		(void)printf("1..0 # SKIP no room for %d sessions: %s\n",
		    options.sizes[k], why);
		return 77;
	}
	run_all(&options, results);
	table_print(&options, results);
	return lost_sessions(&options, results) > 0 ? 1 : 0;
}
