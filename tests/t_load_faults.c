/* SPDX-License-Identifier: ISC */
/*
 * outlive-load against what a good server never does: each failure is counted,
 * as what it was, with its times.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "loader.h"

#define SIZE	64		/* of an answer */

static const char *const	kinds[] = { "refused", "reset_before",
				    "reset_after", "timeout", "short",
				    "corrupt", "unreachable", "local" };
#define KINDS	(sizeof(kinds) / sizeof(kinds[0]))

/* Servers. */

static void
reads_and_resets(int fd, int number)
{
	(void)number;
	(void)hear_line(fd);
	reset(fd);
}

/* Of an echo that is larger than what both sockets hold. */
static void
resets_early(int fd, int number)
{
	char	one;

	(void)number;
	(void)hear_all(fd, &one, 1);
	reset(fd);
}

/* As many x as said, and a FIN. */
static void
says(int fd, int n)
{
	char	xs[SIZE + 1];

	memset(xs, 'x', sizeof(xs));
	(void)hear_line(fd);
	(void)send(fd, xs, (size_t)n, MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	hear_end(fd);
}

static void
says_half(int fd, int number)
{
	(void)number;
	says(fd, SIZE / 2);
}

static void
says_more(int fd, int number)
{
	(void)number;
	says(fd, SIZE + 1);
}

static void
leaves_at_once(int fd, int number)
{
	(void)number;
	(void)shutdown(fd, SHUT_WR);
	hear_end(fd);
}

/* A byte of an echo is another one: each of them in turn, the newline too. */
static void
flips(int fd, int number)
{
	char	answer[SIZE];

	if (!hear_all(fd, answer, SIZE))
		return;
	answer[(number * 21) % SIZE] ^= 1;
	(void)send(fd, answer, SIZE, MSG_NOSIGNAL);
	hear_end(fd);
}

/* Each has the answer of the one before. */
static void
answers_another(int fd, int number)
{
	static char	last[SIZE] = "nobody's";
	char		answer[SIZE];

	(void)number;
	if (!hear_all(fd, answer, SIZE))
		return;
	(void)send(fd, last, SIZE, MSG_NOSIGNAL);
	memcpy(last, answer, SIZE);
	hear_end(fd);
}

static void
says_nothing(int fd, int number)
{
	(void)number;
	hear_end(fd);
}

static void
accepts_nobody(int listener)
{
	(void)listener;
	for (;;)
		(void)pause();
}

static const struct part {
	const char	*name, *kind, *options;
	void		(*serve)(int fd, int number);
} parts[] = {
	{ "a request is answered by an RST", "reset_after", "",
	    reads_and_resets },
	{ "a large request is cut off by an RST", "reset_before",
	    "-s echo -b 100000000 ", resets_early },
	{ "a FIN after half of the answer", "short", "", says_half },
	{ "a FIN at once", "short", "", leaves_at_once },
	{ "a FIN at once, of daytime", "short", "-s daytime ",
	    leaves_at_once },
	{ "a byte too many", "corrupt", "", says_more },
	{ "a bit is wrong", "corrupt", "-s echo ", flips },
	{ "another's answer", "corrupt", "-s echo ", answers_another },
	{ "no answer", "timeout", "-t 0.3 ", says_nothing },
};

/* All that failed was of this kind; at these times. */
static void
all_are(const char *kind, int n, const char *name)
{
	char	path[64];
	size_t	i;
	int	others = 0;
	double	first, last;

	for (i = 0; i < KINDS; i++) {
		(void)snprintf(path, sizeof(path), "failures/%s/n", kinds[i]);
		if (strcmp(kinds[i], kind) != 0)
			others += (int)reported(path);
		else if ((int)reported(path) != n)
			others += 1000000;
	}
	if (!ok(others == 0 && (int)reported("requests") == n &&
	    (int)reported("done") == 0, "%s: %d times %s, nothing else", name,
	    n, kind))
		note("%s", report());
	if (others >= 1000000)
		return;
	(void)snprintf(path, sizeof(path), "failures/%s/first", kind);
	first = reported(path);
	(void)snprintf(path, sizeof(path), "failures/%s/last", kind);
	last = reported(path);
	ok(first >= 0 && first <= last && last <= reported("seconds"),
	    "%s: times in order", name);
}

static void
each_kind(void)
{
	const struct part	*part;
	unsigned int		 port;
	int			 status;

	for (part = parts; part < parts + sizeof(parts) / sizeof(parts[0]);
	    part++) {
		port = hostile(part->serve);
		status = loader("--json %s-c 2 -n 3 127.0.0.1:%u",
		    part->options, port);
		ok(status == 1, "%s: exit status 1", part->name);
		all_are(part->kind, 6, part->name);
	}
}

/* Those of each second round come when the first has failed: between them, a
   timeout. */
static void
times(void)
{
	unsigned int	port = hostile(says_nothing);

	(void)loader("--json -t 0.2 -n 3 127.0.0.1:%u", port);
	ok(reported("failures/timeout/first") >= 0.2 &&
	    reported("failures/timeout/first") <
	    reported("failures/timeout/last") - 0.3 &&
	    reported("failures/timeout/last") >= 0.6 &&
	    reported("longest_gap/seconds") >= 0.6 &&
	    reported("longest_gap/at") < 1e-9,
	    "three timeouts: the first, the last, and no answer all the time");
}

static void
not_accepted(void)
{
	unsigned int	port = hostile_with(1, accepts_nobody);

	ok(loader("--json -t 0.3 -c 8 127.0.0.1:%u", port) == 1,
	    "a queue that nobody empties: exit status 1");
	all_are("timeout", 8, "a queue that nobody empties");
}

/* A port that was free a moment ago, and nobody else takes it. */
static unsigned int
nobodys_port(void)
{
	unsigned int	port = hostile(says_nothing);

	hostile_end();
	return port;
}

static void
refused(void)
{
	unsigned int	port = nobodys_port();
	int		n;

	ok(loader("--json -c 2 -n 3 127.0.0.1:%u", port) == 1,
	    "nobody listens: exit status 1");
	all_are("refused", 6, "nobody listens");
	(void)loader("-n 3 127.0.0.1:%u", port);
	ok(reports("failed         3: refused, from 0.0") &&
	    reports("answers        0 of 3"), "nobody listens: in words");
	ok(loader("--json -c 2 --for 1 127.0.0.1:%u", port) == 1,
	    "nobody listens for a second: exit status 1");
	n = (int)reported("failures/refused/n");
	ok(n >= 2 && n <= 202, "they rest after each failure: %d tries", n);
	ok(loader("--json --rate 50 --for 0.5 127.0.0.1:%u", port) == 1,
	    "nobody listens, by the clock: exit status 1");
	all_are("refused", 25, "nobody listens, by the clock");
}

static void
unreachable(void)
{
	ok(loader("--json -c 2 -n 3 192.0.2.1:9") == 1,
	    "no route: exit status 1");
	all_are("unreachable", 6, "no route");
}

static void
few_descriptors(void)
{
	const struct rlimit	few = { 20, 20 };

	(void)setrlimit(RLIMIT_NOFILE, &few);
}

static void
descriptors(void)
{
	unsigned int	port = hostile(says_half);
	int		n;

	loader_prepare(few_descriptors);
	ok(loader("--json -c 50 127.0.0.1:%u", port) == 1,
	    "descriptors run out: exit status 1");
	n = (int)reported("failures/local/n");
	ok(n >= 30 && n < 50 && (int)reported("failures/short/n") == 50 - n &&
	    (int)reported("no_port") == 0,
	    "descriptors run out: %d of 50 say so", n);
	(void)loader("-c 50 127.0.0.1:%u", port);
	loader_prepare(NULL);
	ok(reports(": failed on this side (Too many open files), ") &&
	    !reports("none was left"), "descriptors run out: in words");
}

static bool
narrow(const char *range)
{
	int	fd = open("/proc/sys/net/ipv4/ip_local_port_range",
		    O_WRONLY | O_CLOEXEC);
	bool	written;

	if (fd == -1)
		return false;
	written = write(fd, range, strlen(range)) == (ssize_t)strlen(range);
	(void)close(fd);
	return written;
}

static void
answers(int fd, int number)
{
	(void)number;
	says(fd, SIZE);
}

/* All of them are there before the first one is answered. */
static void
ports(void)
{
	unsigned int	port = hostile(answers);

	if (!narrow("20000 20009")) {
		skip("ports run out", "the range cannot be changed here");
		return;
	}
	ok(loader("--json -c 12 127.0.0.1:%u", port) == 1 &&
	    (int)reported("failures/local/n") == 2 &&
	    (int)reported("no_port") == 2 && (int)reported("done") == 10,
	    "ten ports, twelve clients: two have none");
	(void)loader("-c 40 127.0.0.1:%u", port);
	ok(reports("source ports   none was left ") &&
	    reports(" times: net.ipv4.ip_local_port_range is 20000 to 20009; "
	    "--source gives more addresses"), "and the report says why");
	ok(loader("--json --source 127.0.0.2 --source 127.0.0.3 -c 20 "
	    "127.0.0.1:%u", port) == 0 && (int)reported("no_port") == 0 &&
	    (int)reported("done") == 20 &&
	    (int)reported("source_addresses") == 2,
	    "from two addresses, twenty have one");
	(void)narrow("32768 60999");
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	each_kind();
	times();
	not_accepted();
	refused();
	unreachable();
	descriptors();
	ports();
	hostile_end();
	ok(harness_nobody_left(), "no process is left");
	return done();
}
