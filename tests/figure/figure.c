/* SPDX-License-Identifier: ISC */
/*
 * UNP's figure 30.1 on this machine: each strategy against a bare loop of the
 * same shape, interleaved, so that whatever else the machine does meets both.
 *
 *	tests/figure/figure [--json] [--quick] [--svg FILE] [--rounds N]
 *	    [--connections N] [--part strategies|idle|exec]
 *
 * --quick is one round of 500 connections, with small pools: a look whether
 * all works, whose numbers mean little.
 */
#include <err.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../measurement.h"
#include "figure.h"
#include "pool/strategy.h"

/* The book's: 15 children, 5 clients, 4000 bytes. */
#define CHILDREN	15
#define CLIENTS		5
#define ANSWER		4000

/* Of a server that forks for each client, less than of the others. */
#define FORK_SHARE	2
#define EXEC_SHARE	5
/* A tenth of what tcpserver can do here, per second. */
#define SLOW_RATE	250


/* Numbers as an argument; below 0: there is no second one. */
static const char *
text_of(int n, int m)
{
	char	*text;

	if ((m < 0 ? asprintf(&text, "%d", n) :
	    asprintf(&text, "%d:%d", n, m)) == -1)
		err(1, "malloc");
	return text;
}

static struct cell *
new_cell(struct figure *figure, enum part part, const char *name, bool bare,
    int children)
{
	struct cell	*cell = &figure->cells[figure->n++];

	*cell = (struct cell){ .part = part, .name = name, .bare = bare,
	    .children = children,
	    .subject.children = strstr(name, "fork") != NULL ? 0 : children,
	    .subject.mortal = part >= EXEC || strstr(name, "fork") != NULL,
	    .clients = { .n = CLIENTS, .bytes = part < EXEC ? ANSWER : 0 } };
	cell->clients.connections = figure->connections / CLIENTS;
	if (part == EXEC)
		cell->clients.connections /= EXEC_SHARE;
	else if (part == FIRST_BYTE) {
		cell->clients.connections = figure->connections / 200;
		cell->clients.rate = SLOW_RATE;
	} else if (cell->subject.children == 0)
		cell->clients.connections /= FORK_SHARE;
	cell->samples = calloc((size_t)figure->rounds,
	    sizeof(*cell->samples));
	if (cell->samples == NULL)
		err(1, "malloc");
	return cell;
}

static void
put_argv(struct cell *cell, const char *const argv[])
{
	int	i;

	for (i = 0; argv[i] != NULL; i++)
		cell->subject.argv[i] = argv[i];
}

/* outlived, with so many children and never more or less. */
static struct cell *
ours(struct figure *figure, enum part part, const char *strategy, int children,
    const char *service, const char *program)
{
	struct cell		*cell = new_cell(figure, part, strategy,
				    false, children);
	const char *const	 argv[] = { "./outlived", "-n", "figure", "-a",
				    strategy, "-i",
				    text_of(children, children), "-m",
				    text_of(cell->subject.children == 0 ?
				    1024 : children, -1), "0.0.0.0:9999", service,
				    program, NULL };

	cell->subject.instance = "figure";
	put_argv(cell, argv);
	return cell;
}

static struct cell *
bare(struct figure *figure, enum part part, const char *design, int children,
    const char *program)
{
	struct cell		*cell = new_cell(figure, part, design, true,
				    children);
	const char *const	 argv[] = { "tests/ceiling", design,
				    text_of(children, -1), program, NULL };

	put_argv(cell, argv);
	return cell;
}

static const char *
find_tcpserver(void)
{
	static const char *const	places[] = { "/usr/bin/tcpserver",
					    "/usr/local/bin/tcpserver" };
	size_t				i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* The book's figure: each beside its bare loop. */
static void
plan_strategies(struct figure *figure)
{
	const struct strategy	*const *row;

	for (row = strategies; *row != NULL; row++)
		ours(figure, STRATEGIES, (*row)->name, CHILDREN, "bytes",
		    NULL)->to = bare(figure, STRATEGIES, (*row)->name,
		    CHILDREN, NULL);
}

/* Pools that have far more children than clients. */
static void
plan_idle(struct figure *figure)
{
	const struct strategy	*const *row;
	const int		*pools = figure->pools;
	int			 i;

	for (i = 0; i < POOLS; i++) {
		for (row = strategies; *row != NULL; row++)
			if ((*row)->prefork)
				ours(figure, IDLE, (*row)->name, pools[i],
				    "bytes", NULL)->to = figure_cell(figure,
				    IDLE, (*row)->name, false, pools[0]);
		bare(figure, IDLE, "shared", pools[i], NULL)->to =
		    figure_cell(figure, IDLE, "shared", true, pools[0]);
	}
}

/* A program for each client, the same one for all. */
static void
plan_exec(struct figure *figure, enum part part)
{
	const char		*program = realpath("tests/line", NULL);
	const char *const	 argv[] = { find_tcpserver(), "-HRl0", "-b4096",
				    "-c1000", "0.0.0.0", "9999", program,
				    NULL };
	const struct strategy	*const *row;
	struct cell		*tcpserver = NULL;

	if (program == NULL)
		err(1, "tests/line");
	if (argv[0] != NULL) {
		tcpserver = new_cell(figure, part, "tcpserver", false, 0);
		put_argv(tcpserver, argv);
	}
	for (row = strategies; *row != NULL; row++)
		ours(figure, part, (*row)->name, CHILDREN, "exec",
		    program)->to = tcpserver;
	bare(figure, part, "fork", CHILDREN, program)->to = tcpserver;
	bare(figure, part, "vfork", CHILDREN, program)->to = tcpserver;
}

/* Every second round backwards: nobody is always first, or always behind the
   same neighbour. */
static void
run(struct figure *figure)
{
	int	round, i;

	for (round = 0; round < figure->rounds; round++)
		for (i = 0; i < figure->n; i++) {
			struct cell *cell = &figure->cells[round % 2 == 0 ? i :
			    figure->n - 1 - i];

			if (isatty(STDERR_FILENO))
				(void)fprintf(stderr, "\rround %d of %d, "
				    "%d of %d ", round + 1, figure->rounds,
				    i + 1, figure->n);
			measure(&cell->subject, &cell->clients,
			    &cell->samples[round]);
		}
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r%40s\r", "");
}

static void __attribute__((__noreturn__))
usage(int status)
{
	(void)fprintf(status == 0 ? stdout : stderr,
	    "usage: figure [--json] [--quick] [--svg FILE] "
	    "[--rounds N] [--connections N]\n"
	    "    [--part strategies|idle|exec]\n");
	exit(status);
}

int
main(int argc, char *argv[])
{
	static const struct option	options[] = {
		{ "connections", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "part", required_argument, NULL, 'p' },
		{ "quick", no_argument, NULL, 'q' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "svg", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	static struct figure	figure = { .rounds = 5, .connections = 20000,
				    .pools = { 15, 100, 1000 } };
	static const struct figure quick = { .rounds = 1, .connections = 500,
				    .pools = { 15, 30, 60 } };
	const char		*svg = NULL, *part = NULL;
	bool			json = false;
	int			option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'c':
			figure.connections = option_number("--connections",
			    optarg, 500, 100000);
			break;
		case 'h':
			usage(0);
		case 'j':
			json = true;
			break;
		case 'p':
			part = optarg;
			break;
		case 'q':
			figure = quick;
			break;
		case 'r':
			figure.rounds = option_number("--rounds", optarg, 1,
			    100);
			break;
		case 's':
			svg = optarg;
			break;
		default:
			usage(64);
		}
	if (optind != argc)
		usage(64);
	if (part == NULL || strcmp(part, "strategies") == 0)
		plan_strategies(&figure);
	if (part == NULL || strcmp(part, "idle") == 0)
		plan_idle(&figure);
	if (part == NULL || strcmp(part, "exec") == 0) {
		plan_exec(&figure, EXEC);
		plan_exec(&figure, FIRST_BYTE);
	}
	if (figure.n == 0)
		errx(64, "--part '%s' is no part: expected strategies, idle or "
		    "exec", part);
	if (svg != NULL && figure.cells[0].part != STRATEGIES)
		errx(64, "--svg draws the strategies: expected no other "
		    "--part");
	run(&figure);
	if (json)
		figure_json(&figure);
	else
		figure_table(&figure);
	if (svg != NULL && figure_svg(&figure, svg) == -1)
		err(1, "%s", svg);
	return 0;
}
