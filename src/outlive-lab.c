/* SPDX-License-Identifier: ISC */
/* outlive-lab(1): experiments on the running kernel. */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lab/capture.h"
#include "lab/experiment.h"
#include "lab/run.h"

#define MOST	64

static const struct option	options[] = {
	{ "all",	no_argument,		NULL, 'a' },
	{ "json",	no_argument,		NULL, 'j' },
	{ "pcap",	required_argument,	NULL, 'p' },
	{ "quick",	no_argument,		NULL, 'q' },
	{ "help",	no_argument,		NULL, 'h' },
	{ "version",	no_argument,		NULL, 'V' },
	{ NULL,		0,			NULL, 0 },
};

static const char	synopsis[] =
"usage: outlive-lab list\n"
"       outlive-lab run [--json] [--pcap file] [--quick] name...\n"
"       outlive-lab run [--json] [--quick] --all\n";

static const char	details[] =
"\n"
"What is said about restarts, TIME_WAIT and SO_REUSEADDR, run and drawn on this\n"
"kernel: in a network of its own, which touches nothing of yours.\n"
"\n"
"  list               the experiments, a line each\n"
"\n"
"  run                those that are named\n"
"      --all          every one\n"
"      --json         JSON instead of text\n"
"      --pcap FILE    keep the packets of one, for Wireshark\n"
"      --quick        wait for nothing that takes longer than some seconds\n"
"\n"
"      --help, --version\n"
"\n"
"Exit status: 0 every prediction held, 1 one did not, 77 one could not run.\n";

static void
flush(void)
{
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
}

static int
list(void)
{
	const struct experiment	*experiment;

	for (experiment = experiments; experiment->name != NULL; experiment++)
		(void)printf("%-12s %s; %s; %d s, quick %d s\n",
		    experiment->name, experiment->claim, experiment->source,
		    experiment->seconds, experiment->quick);
	return 0;
}

/* Whether those who read it want colours (https://no-color.org). */
static bool
wants_colour(void)
{
	const char	*no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
}

static void
parse(int argc, char *argv[], struct run_options *run, bool *all,
    const char **pcap)
{
	int	c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'a':
			*all = true;
			break;
		case 'j':
			run->json = true;
			break;
		case 'p':
			*pcap = optarg;
			break;
		case 'q':
			run->quick = true;
			break;
		case 'h':
			(void)printf("%s%s", synopsis, details);
			flush();
			exit(0);
		case 'V':
			(void)printf("outlive-lab %s\n", PACKAGE_VERSION);
			flush();
			exit(0);
		default:
			/* getopt_long() has named what was wrong. */
			exit(EX_USAGE);
		}
}

/* Those that are named, or all. */
static size_t
choose(char *names[], bool all, const struct experiment **chosen)
{
	const struct experiment	*experiment;
	size_t			 n = 0;

	if (all)
		for (experiment = experiments; experiment->name != NULL;
		    experiment++)
			chosen[n++] = experiment;
	for (; *names != NULL; names++) {
		if (all)
			errx(EX_USAGE, "'%s' beside --all: expected one or the "
			    "other", *names);
		if ((experiment = experiment_find(*names)) == NULL)
			errx(EX_USAGE, "'%s' is no experiment: expected one "
			    "that outlive-lab list shows", *names);
		if (n == MOST)
			errx(EX_USAGE, "more than %d experiments", MOST);
		chosen[n++] = experiment;
	}
	if (n == 0)
		errx(EX_USAGE, "expected the names of experiments, or --all; "
		    "see outlive-lab list");
	return n;
}

static FILE *
create(const char *path, size_t n)
{
	FILE	*file;

	if (!capture_writes())
		errx(EX_UNAVAILABLE, "--pcap: this outlive-lab was built "
		    "without libpcap");
	if (n != 1)
		errx(EX_USAGE, "--pcap keeps the packets of one experiment: "
		    "expected one name, not %zu", n);
	if ((file = fopen(path, "we")) == NULL)
		err(EX_CANTCREAT, "%s", path);
	return file;
}

int
main(int argc, char *argv[])
{
	const struct experiment	*chosen[MOST];
	struct run_options	 options_ = { .json = false };
	const char		*pcap = NULL, *what;
	bool			 all = false;
	size_t			 n;
	int			 status;

	setproctitle_init(argc, argv, environ);
	(void)setlocale(LC_CTYPE, "");
	parse(argc, argv, &options_, &all, &pcap);
	what = argv[optind];
	if (what != NULL && strcmp(what, "list") == 0) {
		if (argv[optind + 1] != NULL)
			errx(EX_USAGE, "'%s' behind list: expected nothing",
			    argv[optind + 1]);
		status = list();
	} else if (what != NULL && strcmp(what, "run") == 0) {
		n = choose(argv + optind + 1, all, chosen);
		options_.colour = wants_colour();
		options_.boxes = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
		options_.progress = isatty(STDERR_FILENO);
		if (pcap != NULL)
			options_.pcap = create(pcap, n);
		status = run(chosen, n, &options_);
	} else
		errx(EX_USAGE, "expected list or run; see outlive-lab --help");
	flush();
	return status;
}
