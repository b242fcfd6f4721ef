/* SPDX-License-Identifier: ISC */
/* outlived(8): the server as a program. */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "outlive.h"
#include "service/service.h"

static const struct option	options[] = {
	{ "accept",		required_argument,	NULL, 'a' },
	{ "announce",		no_argument,		NULL, '1' },
	{ "backlog",		required_argument,	NULL, 'b' },
	{ "daemon",		no_argument,		NULL, 'D' },
	{ "early-drop",		required_argument,	NULL, 'E' },
	{ "heir",		required_argument,	NULL, 'H' },
	{ "idle",		required_argument,	NULL, 'i' },
	{ "log",		required_argument,	NULL, 'l' },
	{ "max-children",	required_argument,	NULL, 'm' },
	{ "name",		required_argument,	NULL, 'n' },
	{ "pid-file",		required_argument,	NULL, 'p' },
	{ "max-requests",	required_argument,	NULL, 'r' },
	{ "no-reuseaddr",	no_argument,		NULL, 'R' },
	{ "per-source",		required_argument,	NULL, 's' },
	{ "state-dir",		required_argument,	NULL, 'S' },
	{ "takeover",		no_argument,		NULL, 'T' },
	{ "idle-timeout",	required_argument,	NULL, 't' },
	{ "user",		required_argument,	NULL, 'u' },
	{ "verbose",		no_argument,		NULL, 'v' },
	{ "bind-wait",		required_argument,	NULL, 'w' },
	{ "session-limit",	required_argument,	NULL, 'x' },
	{ "help",		no_argument,		NULL, 'h' },
	{ "version",		no_argument,		NULL, 'V' },
	{ NULL,			0,			NULL, 0 },
};

static const char	synopsis[] =
"usage: outlived [-1DRTv] [-a strategy] [-b backlog] [-H seconds] [-i min:max]\n"
"                [-l log] [-m children] [-n name] [-p file] [-r clients]\n"
"                [-s clients] [-S directory] [-t seconds] [-u user] [-w seconds]\n"
"                [-x seconds] [--early-drop start:rate:full]\n"
"                [host:]port service [argument ...]\n";

static const char	details[] =
"\n"
"  -1, --announce        once accepting, print the port and a newline\n"
"  -a, --accept NAME     who accepts: fork, shared, fcntl, mutex or pass (pass)\n"
"  -b, --backlog N       connections that may wait to be accepted (4096)\n"
"  -D, --daemon          serve in the background; return once it accepts\n"
"  -H, --heir S          keep the port for S seconds when the parent has ended, for\n"
"                        the next one; 0: do not (0)\n"
"  -i, --idle MIN:MAX    idle children kept ready (8:32)\n"
"  -l, --log LOG         stderr, syslog, or a file (stderr; with -D syslog)\n"
"  -m, --max-children N  children at once, idle and busy (1024)\n"
"  -n, --name NAME       the instance's name (its address)\n"
"  -p, --pid-file FILE   write the parent's process ID there\n"
"  -r, --max-requests N  clients that one child serves; 0: no limit (0)\n"
"  -R, --no-reuseaddr    leave SO_REUSEADDR off, to see what happens\n"
"  -s, --per-source N    clients at once from one address (of IPv6: from one\n"
"                        /64); 0: no limit (0)\n"
"  -S, --state-dir DIR   where instances are kept (/run/outlive)\n"
"  -t, --idle-timeout S  end a client after S seconds without progress; 0: never\n"
"                        (0)\n"
"  -T, --takeover        take the port from the running parent, who leaves when\n"
"                        our children are ready\n"
"  -u, --user NAME       become this user once the port is bound\n"
"  -v, --verbose         log each client\n"
"  -w, --bind-wait S     seconds to go on trying an address that is in use,\n"
"                        or not there yet (3)\n"
"  -x, --session-limit S end a client after S seconds; 0: never (0)\n"
"      --early-drop START:RATE:FULL\n"
"                        all are busy: of clients that come while START wait,\n"
"                        refuse RATE percent, and all while FULL wait (off)\n"
"      --help, --version\n"
"\n"
"services:\n";

static void
help(void)
{
	const struct service	*service;

	(void)printf("%s%s", synopsis, details);
	for (service = services; service->name != NULL; service++)
		(void)printf("  %-7s %-17s %s\n", service->name,
		    service->arguments, service->summary);
	exit(0);
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

/* Options whose argument is a number, and what it is a number of. */
static const struct {
	int		 option;
	size_t		 where;		/* in the configuration */
	const char	*what;
	int		 min, max;
} numbers[] = {
#define IN(member)	offsetof(struct outlive_config, member)
	{ 'b', IN(backlog), "the backlog", 1, 65535 },
	{ 'H', IN(heir), "the heir's time", 0, 86400 },
	{ 'm', IN(max_children), "the number of children", 1, 100000 },
	{ 'r', IN(max_requests), "the number of clients", 0, 1000000000 },
	{ 's', IN(per_source), "clients of one address", 0, 100000 },
	{ 't', IN(idle_timeout), "the idle timeout", 0, 86400 },
	{ 'w', IN(bind_wait), "the wait", 0, 86400 },
	{ 'x', IN(session_limit), "the session limit", 0, 86400 },
#undef IN
};

static bool
is_number(int option, const char *text, struct outlive_config *config)
{
	size_t	i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].option == option) {
			*(int *)((char *)config + numbers[i].where) =
			    number(text, numbers[i].what, numbers[i].min,
			    numbers[i].max);
			return true;
		}
	return false;
}

static void
idle_range(char *text, struct outlive_config *config)
{
	char	*colon = strchr(text, ':');

	if (colon == NULL)
		errx(EX_USAGE, "idle children '%s': expected MIN:MAX, as 8:32",
		    text);
	*colon = '\0';
	config->idle_min = number(text, "the fewest idle children", 1, 100000);
	config->idle_max = number(colon + 1, "the most idle children",
	    config->idle_min, 100000);
}

static void
early_drop(char *text, struct outlive_early_drop *drop)
{
	char	*rate = strchr(text, ':');
	char	*full = rate == NULL ? NULL : strchr(rate + 1, ':');

	if (full == NULL)
		errx(EX_USAGE, "early drop '%s': expected START:RATE:FULL, as "
		    "100:30:1000", text);
	*rate++ = *full++ = '\0';
	drop->start = number(text, "the start of early drop", 0, 65535);
	drop->rate = number(rate, "the rate of early drop", 1, 100);
	drop->full = number(full, "the end of early drop",
	    drop->start > 0 ? drop->start : 1, 65535);
}

/* What was given by no -i gives way to -m, by no -l to -D. */
static void
settle(struct outlive_config *config, bool idle_given)
{
	if (config->log == NULL)
		config->log = config->daemon ? "syslog" : "stderr";
	if (idle_given && config->idle_min > config->max_children)
		errx(EX_USAGE, "%d idle children at least, but no more than "
		    "%d children: expected -i MIN up to -m",
		    config->idle_min, config->max_children);
	if (config->idle_min > config->max_children)
		config->idle_min = config->max_children;
	if (config->idle_max > config->max_children)
		config->idle_max = config->max_children;
}

/* The service and its arguments, in words of their own. */
static void
choose_service(char *argv[], struct outlive_config *config)
{
	const struct service	*service = service_find(argv[0]);
	char			 why[256];

	if (service == NULL)
		errx(EX_USAGE, "there is no service '%s'; "
		    "see outlived --help", argv[0]);
	if (service->prepare == NULL && argv[1] != NULL)
		errx(EX_USAGE, "service %s takes no arguments, but here is "
		    "'%s'", argv[0], argv[1]);
	if (service->prepare != NULL &&
	    service->prepare(argv + 1, &config->arg, why, sizeof(why)) == -1)
		errx(EX_USAGE, "service %s: %s", argv[0], why);
	config->service = service->serve;
	config->becomes_program = service->becomes_program;
	config->service_name = service->name;
}

static void
parse(int argc, char *argv[], struct outlive_config *config)
{
	bool	idle_given = false;
	int	c;

	config->log = NULL;
	/* '+': what follows the service is the service's. */
	while ((c = getopt_long(argc, argv, "+1DRTva:b:H:i:l:m:n:p:r:s:S:t:u:w:x:",
	    options, NULL)) != -1)
		switch (c) {
		case '1':
			config->announce_fd = STDOUT_FILENO;
			break;
		case 'a':
			config->strategy = optarg;
			break;
		case 'D':
			config->daemon = true;
			break;
		case 'E':
			early_drop(optarg, &config->early_drop);
			break;
		case 'i':
			idle_range(optarg, config);
			idle_given = true;
			break;
		case 'l':
			config->log = optarg;
			break;
		case 'n':
			config->name = optarg;
			break;
		case 'p':
			config->pid_file = optarg;
			break;
		case 'R':
			config->reuseaddr = false;
			break;
		case 'S':
			config->state_dir = optarg;
			break;
		case 'T':
			config->takeover = true;
			break;
		case 'u':
			config->user = optarg;
			break;
		case 'v':
			config->verbose = true;
			break;
		case 'h':
			help();
			break;
		case 'V':
			(void)printf("outlived %s\n", PACKAGE_VERSION);
			exit(0);
		default:
			/* getopt_long() has named what was wrong. */
			if (!is_number(c, optarg, config))
				exit(EX_USAGE);
		}
	argc -= optind;
	argv += optind;
	settle(config, idle_given);
	if (argc < 2)
		errx(EX_USAGE, "expected [host:]port and a service; "
		    "see outlived --help");
	config->address = argv[0];
	choose_service(argv + 1, config);
}

/*
 * Nothing of the caller's above 2 is ours, but for a socket that was passed
 * to us, least of all to hand to children; and the first descriptor that we
 * open must not become standard output.
 */
static void
clean_descriptors(int passed)
{
	int	fd;

	for (fd = STDERR_FILENO + 1; fd < passed; fd++)
		(void)close(fd);
	closefrom(fd == passed ? fd + 1 : fd);
	do {
		fd = open("/dev/null", O_RDWR);
		if (fd == -1)
			err(EX_OSERR, "/dev/null");
	} while (fd <= STDERR_FILENO);
	(void)close(fd);
}

int
main(int argc, char *argv[])
{
	struct outlive_config	config;
	const char		*why;
	int			passed = outlive_activation(&why);

	clean_descriptors(passed);
	setproctitle_init(argc, argv, environ);
	outlive_config_init(&config);
	parse(argc, argv, &config);
	if (passed == -2)
		errx(EX_USAGE, "%s", why);
	config.listen_fd = passed;
	return outlive_serve(&config);
}
