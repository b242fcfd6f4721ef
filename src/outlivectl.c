/* SPDX-License-Identifier: ISC */
/* outlivectl(8): see and steer an instance, its parent alive or dead. */
#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ctl.h"

/* Between two looks, with --watch, in ms. */
#define PAUSE	1000

static const struct option	options[] = {
	{ "deadline",	required_argument,	NULL, 'd' },
	{ "generation",	required_argument,	NULL, 'g' },
	{ "json",	no_argument,		NULL, 'j' },
	{ "name",	required_argument,	NULL, 'n' },
	{ "now",	no_argument,		NULL, 'N' },
	{ "orphans",	no_argument,		NULL, 'o' },
	{ "state-dir",	required_argument,	NULL, 'S' },
	{ "watch",	no_argument,		NULL, 'w' },
	{ "help",	no_argument,		NULL, 'h' },
	{ "version",	no_argument,		NULL, 'V' },
	{ NULL,		0,			NULL, 0 },
};

static const char	synopsis[] =
"usage: outlivectl [-n name] [-S directory] status [--json] [--watch]\n"
"       outlivectl [-n name] [-S directory] stop [--now]\n"
"       outlivectl [-n name] [-S directory] drain [--deadline seconds]\n"
"                  [--generation number | --orphans]\n";

static const char	details[] =
"\n"
"  -n, --name NAME      the instance; if only one is alive, it is that one\n"
"  -S, --state-dir DIR  where instances are kept (/run/outlive)\n"
"\n"
"  status               its parent, its port, and the children of all\n"
"                       generations, whether there is a parent or not\n"
"      --json           one line of JSON instead of text\n"
"      --watch          again every second\n"
"\n"
"  stop                 end the parent, and say when the port is free\n"
"      --now            and its children, too\n"
"\n"
"  drain                ask children to leave when their client has\n"
"      --generation N   those of one generation; without it, all\n"
"      --orphans        those who have no parent\n"
"      --deadline S     and end those who have not left after S seconds\n"
"\n"
"      --help, --version\n";

enum command { STATUS = 1, STOP = 2, DRAIN = 4 };

struct request {
	enum command		 command;
	const char		*name, *state_dir;
	bool			 json, watch, now;
	struct ctl_drain	 drain;
};

static void
flush(void)
{
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
}

static int
number(const char *text, const char *what, int min, int max)
{
	const char	*problem;
	long long	 value;

	value = strtonum(text, min, max, &problem);
	if (problem != NULL)
		errx(EX_USAGE, "%s '%s' is %s: expected %d to %d", what, text,
		    problem, min, max);
	return (int)value;
}

static enum command
command(char *argv[])
{
	static const char *const	names[] = { [STATUS] = "status",
					    [STOP] = "stop",
					    [DRAIN] = "drain" };
	size_t				i;

	if (argv[0] == NULL)
		errx(EX_USAGE, "expected status, stop or drain; see "
		    "outlivectl --help");
	if (argv[1] != NULL)
		errx(EX_USAGE, "'%s' is too much: expected one command",
		    argv[1]);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] != NULL && strcmp(argv[0], names[i]) == 0)
			return (enum command)i;
	errx(EX_USAGE, "there is no command '%s': expected status, stop or "
	    "drain", argv[0]);
}

/* Options that are of some commands only. */
static const struct {
	int		c;
	const char	*option;
	int		commands;
} uses[] = {
	{ 'd', "--deadline", DRAIN },
	{ 'g', "--generation", DRAIN },
	{ 'j', "--json", STATUS },
	{ 'N', "--now", STOP },
	{ 'o', "--orphans", DRAIN },
	{ 'w', "--watch", STATUS },
};
#define USES	(sizeof(uses) / sizeof(uses[0]))

static void
check_uses(const bool used[USES], enum command command, const char *name)
{
	size_t	i;

	for (i = 0; i < USES; i++)
		if (used[i] && (uses[i].commands & (int)command) == 0)
			errx(EX_USAGE, "%s is not an option of %s",
			    uses[i].option, name);
}

static void
parse(int argc, char *argv[], struct request *request)
{
	bool	used[USES] = { false };
	size_t	i;
	int	c;

	while ((c = getopt_long(argc, argv, "n:S:", options, NULL)) != -1) {
		for (i = 0; i < USES; i++)
			used[i] = used[i] || uses[i].c == c;
		switch (c) {
		case 'd':
			request->drain.deadline = number(optarg,
			    "the deadline", 0, 86400 * 365);
			break;
		case 'g':
			request->drain.generation = (unsigned int)number(
			    optarg, "the generation", 1, INT_MAX);
			break;
		case 'j':
			request->json = true;
			break;
		case 'n':
			request->name = optarg;
			break;
		case 'N':
			request->now = true;
			break;
		case 'o':
			request->drain.orphans = true;
			break;
		case 'S':
			request->state_dir = optarg;
			break;
		case 'w':
			request->watch = true;
			break;
		case 'h':
			(void)printf("%s%s", synopsis, details);
			flush();
			exit(0);
		case 'V':
			(void)printf("outlivectl %s\n", PACKAGE_VERSION);
			flush();
			exit(0);
		default:
			/* getopt_long() has named what was wrong. */
			exit(EX_USAGE);
		}
	}
	request->command = command(argv + optind);
	check_uses(used, request->command, argv[optind]);
	if (request->drain.generation != 0 && request->drain.orphans)
		errx(EX_USAGE, "--generation and --orphans: expected one of "
		    "them");
}

static int
show(const struct instance *instance, const struct request *request)
{
	struct ctl_status	status;
	bool			clear = isatty(STDOUT_FILENO) && !request->json;

	for (;;) {
		ctl_look(instance, &status);
		/* Home, and what was there before. */
		if (request->watch && clear)
			(void)fputs("\033[H\033[2J", stdout);
		if (request->json)
			ctl_print_json(instance, &status);
		else
			ctl_print(instance, &status);
		ctl_status_free(&status);
		flush();
		if (!request->watch)
			return 0;
		(void)poll(NULL, 0, PAUSE);
		if (!clear && !request->json)
			(void)putchar('\n');
	}
}

int
main(int argc, char *argv[])
{
	struct request	request = { .drain = { .deadline = -1 } };
	struct instance	instance;
	int		result = 0;

	parse(argc, argv, &request);
	ctl_find(&instance, request.state_dir, request.name);
	switch (request.command) {
	case STATUS:
		result = show(&instance, &request);
		break;
	case STOP:
		result = ctl_stop(&instance, request.now);
		break;
	case DRAIN:
		/* Whoever reads what we say may go; the deadline stays. */
		(void)signal(SIGPIPE, SIG_IGN);
		result = ctl_drain(&instance, &request.drain);
		break;
	}
	instance_close(&instance);
	flush();
	return result;
}
