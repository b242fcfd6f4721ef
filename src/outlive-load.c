/* SPDX-License-Identifier: ISC */
/* outlive-load(1): many clients, and what each of them saw. */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "load/plan.h"
#include "load/record.h"
#include "load/report.h"
#include "load/run.h"

#define NS		1e9		/* in a second */
#define LONGEST		(2 * 24 * 3600)	/* s */
#define FASTEST		1000000		/* connections per second */

enum { BY_NAME = 256, FOR, HOLD, EVERY, SOURCE, JSON, LOG, TIMELINE, SVG };

static const char	shorts[] = "b:c:k:n:p:qr:s:t:";
static const struct option	longs[] = {
	{ "bytes",	required_argument,	NULL, 'b' },
	{ "clients",	required_argument,	NULL, 'c' },
	{ "every",	required_argument,	NULL, EVERY },
	{ "for",	required_argument,	NULL, FOR },
	{ "hold",	required_argument,	NULL, HOLD },
	{ "json",	no_argument,		NULL, JSON },
	{ "keep",	required_argument,	NULL, 'k' },
	{ "log",	required_argument,	NULL, LOG },
	{ "connections", required_argument,	NULL, 'n' },
	{ "processes",	required_argument,	NULL, 'p' },
	{ "quiet",	no_argument,		NULL, 'q' },
	{ "rate",	required_argument,	NULL, 'r' },
	{ "service",	required_argument,	NULL, 's' },
	{ "source",	required_argument,	NULL, SOURCE },
	{ "svg",	required_argument,	NULL, SVG },
	{ "timeline",	required_argument,	NULL, TIMELINE },
	{ "timeout",	required_argument,	NULL, 't' },
	{ "help",	no_argument,		NULL, 'h' },
	{ "version",	no_argument,		NULL, 'V' },
	{ NULL,		0,			NULL, 0 },
};

static const char	synopsis[] =
"usage: outlive-load [-q] [-b bytes] [-c clients] [-k requests] [-n connections]\n"
"                    [-p processes] [-s service] [-t seconds] [--for seconds]\n"
"                    [--hold sessions [--every seconds]] [--source address]\n"
"                    [--json] [--log file] [--svg file] [--timeline file]\n"
"                    [host:]port\n"
"       outlive-load --rate connections --for seconds [option ...] [host:]port\n"
"       outlive-load --hold sessions [option ...] [host:]port\n";

static const char	details[] =
"\n"
"A closed loop, as UNP's client (30.2): each client has its next connection when\n"
"it is done with the one before\n"
"  -c, --clients N      at once (1)\n"
"  -n, --connections N  of each (1; with --for: no end)\n"
"  -k, --keep N         requests of each connection (1)\n"
"\n"
"An open loop: connections by the clock, whatever the server does\n"
"  -r, --rate N         per second\n"
"\n"
"Sessions that are held all the time, beside these or alone; needs echo\n"
"      --hold N         so many\n"
"      --every S        between two messages of one (1)\n"
"\n"
"  -b, --bytes N        of an answer (64)\n"
"      --for S          how long; INT and TERM end it, too\n"
"      --json           the report as one object\n"
"      --log FILE       a line for each request\n"
"  -p, --processes N    that share the work (1)\n"
"  -q, --quiet          no progress line\n"
"  -s, --service NAME   what the server does: bytes, daytime or echo (bytes)\n"
"      --source HOST    connect from this address; more than one: in turn\n"
"      --svg FILE       a drawing of the timeline\n"
"      --timeline FILE  what happened in each 10 ms\n"
"  -t, --timeout S      how long a client waits for its answer (10)\n"
"\n"
"      --help, --version\n"
"\n"
"Exit status: 0 all was well, 1 something has failed.\n";

const char *const	plan_services[] = {
	[PLAN_BYTES_SERVICE] = "bytes", [PLAN_DAYTIME] = "daytime",
	[PLAN_ECHO] = "echo",
};
#define SERVICES	(sizeof(plan_services) / sizeof(plan_services[0]))

/* What is wanted beside the plan. */
struct outputs {
	const char	*log, *svg, *timeline;
	bool		 json, quiet;
};

/* Which options there were: some do not go together. */
struct given { bool clients, connections, requests, every, bytes, service; };

static int
number(const char *text, int least, int most, const char *what)
{
	const char	*problem;
	long long	 n = strtonum(text, least, most, &problem);

	if (problem != NULL)
		errx(EX_USAGE, "%s '%s' is %s: expected %d to %d", what, text,
		    problem, least, most);
	return (int)n;
}

/* More than 0. */
static double
decimal(const char *text, double most, const char *what)
{
	char	*end;
	double	 value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || *end != '\0' || errno != 0 || !(value > 0) ||
	    value > most)
		errx(EX_USAGE, "%s '%s': expected a number above 0, %g at "
		    "most", what, text, most);
	return value;
}

/* A nanosecond at least: 0 has a meaning of its own. */
static int64_t
duration(const char *text, const char *what)
{
	return (int64_t)ceil(NS * decimal(text, LONGEST, what));
}

static enum plan_service
service(const char *name)
{
	size_t	i;

	for (i = 0; i < SERVICES; i++)
		if (strcmp(name, plan_services[i]) == 0)
			return (enum plan_service)i;
	errx(EX_USAGE, "service '%s': expected bytes, daytime or echo", name);
}

/* A host is enough; address_parse() wants a port. */
static void
add_source(struct plan *plan, const char *host)
{
	struct address	*source;
	const char	*why;
	char		*text;
	int		 fd;
	bool		 bare = strchr(host, ':') != NULL && *host != '[';

	if (plan->n_sources == PLAN_SOURCES)
		errx(EX_USAGE, "--source: more than %d addresses",
		    PLAN_SOURCES);
	if (asprintf(&text, bare ? "[%s]:0" : "%s:0", host) == -1)
		err(EX_OSERR, "--source");
	source = &plan->sources[plan->n_sources++];
	if (address_parse(source, text, &why) != 0)
		errx(EX_USAGE, "--source '%s': %s", host, why);
	free(text);
	/* Its connections would fail as if no port were left. */
	if ((fd = socket(source->sa.sa_family, SOCK_STREAM, 0)) == -1 ||
	    bind(fd, &source->sa, source->len) == -1)
		errx(EX_USAGE, "--source '%s': %s: expected an address of "
		    "this machine", host, strerror(errno));
	(void)close(fd);
}

static void __attribute__((__noreturn__))
print_and_leave(const char *text, const char *more)
{
	(void)printf("%s%s", text, more);
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
	exit(0);
}

static bool
parse_output(int c, struct outputs *outputs)
{
	switch (c) {
	case JSON:
		outputs->json = true;
		return true;
	case LOG:
		outputs->log = optarg;
		return true;
	case SVG:
		outputs->svg = optarg;
		return true;
	case TIMELINE:
		outputs->timeline = optarg;
		return true;
	case 'q':
		outputs->quiet = true;
		return true;
	case 'h':
		print_and_leave(synopsis, details);
	case 'V':
		print_and_leave("outlive-load " PACKAGE_VERSION, "\n");
	default:
		return false;
	}
}

static void
parse_option(int c, struct plan *plan, struct given *given)
{
	switch (c) {
	case 'b':
		plan->bytes = number(optarg, 1, PLAN_BYTES, "bytes");
		given->bytes = true;
		break;
	case 'c':
		plan->clients = number(optarg, 1, PLAN_CLIENTS, "clients");
		given->clients = true;
		break;
	case 'k':
		plan->requests = number(optarg, 1, INT_MAX, "requests");
		given->requests = true;
		break;
	case 'n':
		plan->connections = number(optarg, 1, INT_MAX, "connections");
		given->connections = true;
		break;
	case 'p':
		plan->processes = number(optarg, 1, PLAN_PROCESSES,
		    "processes");
		break;
	case 'r':
		plan->rate = decimal(optarg, FASTEST, "rate");
		break;
	case 's':
		plan->service = service(optarg);
		given->service = true;
		break;
	case 't':
		plan->timeout = duration(optarg, "timeout");
		break;
	case EVERY:
		plan->every = duration(optarg, "every");
		given->every = true;
		break;
	case FOR:
		plan->duration = duration(optarg, "for");
		break;
	case HOLD:
		plan->sessions = number(optarg, 1, PLAN_CLIENTS, "hold");
		break;
	case SOURCE:
		add_source(plan, optarg);
		break;
	default:
		/* getopt_long() has named what was wrong. */
		exit(EX_USAGE);
	}
}

/* What does not go together; and what was left open. */
static void
complete(struct plan *plan, const struct given *given)
{
	bool	closed = given->clients || given->connections ||
		    given->requests;

	if (plan->rate > 0 && closed)
		errx(EX_USAGE, "--rate beside -c, -n or -k: expected an open "
		    "loop or a closed one");
	if (plan->sessions > 0 && given->service &&
	    plan->service != PLAN_ECHO)
		errx(EX_USAGE, "--hold with service '%s': expected echo",
		    plan_services[plan->service]);
	if (plan->sessions == 0 && given->every)
		errx(EX_USAGE, "--every: expected --hold beside it");
	if (plan->sessions > 0)
		plan->service = PLAN_ECHO;
	if (plan->service == PLAN_DAYTIME && plan->requests > 1)
		errx(EX_USAGE, "-k %d with daytime: expected 1, it has one "
		    "answer for a connection", plan->requests);
	if (plan->service == PLAN_DAYTIME && given->bytes)
		errx(EX_USAGE, "-b with daytime: expected none, the server "
		    "chooses");
	if (plan->rate <= 0 && (closed || plan->sessions == 0)) {
		if (!given->clients)
			plan->clients = 1;
		if (!given->connections && plan->duration == 0)
			plan->connections = 1;
	}
}

static void
check_shares(const struct plan *plan)
{
	int	i, most = plan->clients;

	if (most < plan->sessions)
		most = plan->sessions;
	if (plan->rate <= 0 && plan->processes > most)
		errx(EX_USAGE, "-p %d: expected at most as many processes as "
		    "there are clients or sessions, %d", plan->processes,
		    most);
	for (i = 0; i < plan->n_sources; i++)
		if (plan->sources[i].sa.sa_family !=
		    plan->server.sa.sa_family)
			errx(EX_USAGE, "--source: expected an address of the "
			    "server's family");
}

static void
parse_server(struct plan *plan, char *const argv[])
{
	const char	*why;
	int		 result;

	if (argv[0] == NULL)
		errx(EX_USAGE, "expected [host:]port; see outlive-load "
		    "--help");
	if (argv[1] != NULL)
		errx(EX_USAGE, "'%s' behind the address: expected nothing",
		    argv[1]);
	result = address_parse(&plan->server, argv[0], &why);
	if (result != 0)
		errx(result == -2 ? EX_NOHOST : EX_USAGE, "'%s': %s", argv[0],
		    why);
	if (address_port(&plan->server) == 0)
		errx(EX_USAGE, "'%s': expected a port from 1 to 65535",
		    argv[0]);
	/* Without a host it is this one. */
	if (plan->server.sa.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&plan->server.in6.sin6_addr)) {
		in_port_t port = plan->server.in6.sin6_port;

		plan->server = (struct address){ .in = {
		    .sin_family = AF_INET, .sin_port = port },
		    .len = sizeof(plan->server.in) };
	}
	if (plan->server.sa.sa_family == AF_INET &&
	    plan->server.in.sin_addr.s_addr == htonl(INADDR_ANY))
		plan->server.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static FILE *
create(const char *path)
{
	FILE	*file = path == NULL ? NULL : fopen(path, "we");

	if (path != NULL && file == NULL)
		err(EX_CANTCREAT, "%s", path);
	return file;
}

static void
write_timeline(void (*write)(FILE *, const struct record *), FILE *file,
    const struct record *record, const char *path)
{
	if (file == NULL)
		return;
	write(file, record);
	if (fclose(file) == EOF)
		err(EX_IOERR, "%s", path);
}

static bool
has_failed(const struct plan *plan, const struct record *record)
{
	return record->lost > 0 || record->done < record->begun ||
	    record->opened < plan->sessions || record->began == 0;
}

int
main(int argc, char *argv[])
{
	struct plan	 plan = { .processes = 1, .bytes = 64, .requests = 1,
			    .timeout = (int64_t)(10 * NS),
			    .every = (int64_t)NS };
	struct outputs	 outputs = { .json = false };
	struct given	 given = { .clients = false };
	struct record	*record;
	FILE		*timeline, *svg;
	int		 c;

	setproctitle_init(argc, argv, environ);
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1)
		if (!parse_output(c, &outputs))
			parse_option(c, &plan, &given);
	complete(&plan, &given);
	parse_server(&plan, argv + optind);
	check_shares(&plan);
	/* Before the work, as it would be lost. */
	timeline = create(outputs.timeline);
	svg = create(outputs.svg);
	record = record_new(&plan);
	run(&plan, record, outputs.log, !outputs.quiet &&
	    isatty(STDERR_FILENO));
	(outputs.json ? report_json : report_text)(stdout, &plan, record);
	write_timeline(timeline_text, timeline, record, outputs.timeline);
	write_timeline(timeline_svg, svg, record, outputs.svg);
	if (fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
	return has_failed(&plan, record) ? 1 : 0;
}
