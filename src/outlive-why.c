/* SPDX-License-Identifier: ISC */
/* outlive-why(1): who is in the way of a bind(2), and what would help. */
#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "net/clock.h"
#include "net/explain.h"
#include "net/obstacle.h"
#include "pool/orphan.h"

/* Between two looks, with --watch, in ms. */
#define PAUSE	250

static const struct option	options[] = {
	{ "json",	no_argument,	NULL, 'j' },
	{ "reuseaddr",	no_argument,	NULL, 'a' },
	{ "reuseport",	no_argument,	NULL, 'p' },
	{ "watch",	no_argument,	NULL, 'w' },
	{ "help",	no_argument,	NULL, 'h' },
	{ "version",	no_argument,	NULL, 'V' },
	{ NULL,		0,		NULL, 0 },
};

static const char	synopsis[] =
"usage: outlive-why [--json] [--reuseaddr] [--reuseport] [--watch]\n"
"                   [host:]port\n";

static const char	details[] =
"\n"
"Can this address be bound, by any program? If not: who is in the way, and\n"
"what would help?\n"
"\n"
"      --json       one line of JSON instead of text\n"
"      --reuseaddr  with SO_REUSEADDR\n"
"      --reuseport  with SO_REUSEPORT\n"
"      --watch      tell every change until it can be bound\n"
"      --help, --version\n"
"\n"
"Exit status: 0 it can be bound, 1 it cannot.\n";

struct question {
	struct address	address;
	bool		reuseaddr, reuseport;
	bool		json, watch;
};

static void
flush(void)
{
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
}

static void
parse(int argc, char *argv[], struct question *question)
{
	const char	*why;
	int		 c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'j':
			question->json = true;
			break;
		case 'a':
			question->reuseaddr = true;
			break;
		case 'p':
			question->reuseport = true;
			break;
		case 'w':
			question->watch = true;
			break;
		case 'h':
			(void)printf("%s%s", synopsis, details);
			flush();
			exit(0);
		case 'V':
			(void)printf("outlive-why %s\n", PACKAGE_VERSION);
			flush();
			exit(0);
		default:
			/* getopt_long() has named what was wrong. */
			exit(EX_USAGE);
		}
	argc -= optind;
	argv += optind;
	if (argc != 1)
		errx(EX_USAGE, "expected one [host:]port; see outlive-why "
		    "--help");
	switch (address_parse(&question->address, argv[0], &why)) {
	case -1:
		errx(EX_USAGE, "'%s' is no address: %s", argv[0], why);
	case -2:
		errx(EX_UNAVAILABLE, "'%s' cannot be found: %s", argv[0],
		    why);
	}
}

static void
print_line(const char *line)
{
	(void)puts(line);
}

static void
print_words(const struct obstacles *found)
{
	char		 name[ADDRESS_TEXT];
	const char	*with = found->reuseaddr && found->reuseport ?
			    " with SO_REUSEADDR and SO_REUSEPORT" :
			    found->reuseaddr ? " with SO_REUSEADDR" :
			    found->reuseport ? " with SO_REUSEPORT" : "";

	(void)address_print(&found->address, name);
	if (found->error == 0)
		(void)printf("%s can be bound%s\n", name, with);
	else
		(void)printf("%s cannot be bound%s: %s\n", name, with,
		    strerror(found->error));
	explain(found, print_line);
}

static void
print(const struct obstacles *found, const struct question *question)
{
	if (question->json)
		explain_json(found, stdout);
	else
		print_words(found);
	flush();
}

/* Whether waiting could help. */
static bool
may_change(int error)
{
	return error == EADDRINUSE || error == EADDRNOTAVAIL;
}

/* Ask, and ask again while it is worth it; errno of the last bind(2). */
static int
follow(const struct question *question)
{
	struct obstacles	found, told = { 0 };
	bool			first = true;
	int64_t			began;
	int			error, pause;

	for (;;) {
		began = clock_ms();
		if (obstacles_find(&found, &question->address,
		    question->reuseaddr, question->reuseport) == -1)
			err(EX_OSERR, "cannot look");
		orphans_name(&found.owners, NULL);
		error = found.error;
		if (first || obstacles_differ(&found, &told)) {
			if (!first && !question->json)
				(void)putchar('\n');
			print(&found, question);
		}
		first = false;
		obstacles_free(&told);
		told = found;
		if (!question->watch || !may_change(error))
			break;
		/* On a machine that is full, no more than half of our time. */
		pause = (int)(clock_ms() - began);
		(void)poll(NULL, 0, pause > PAUSE ? pause : PAUSE);
	}
	obstacles_free(&told);
	return error;
}

int
main(int argc, char *argv[])
{
	struct question	question = { .reuseaddr = false };

	parse(argc, argv, &question);
	return follow(&question) == 0 ? 0 : 1;
}
