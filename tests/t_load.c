/* SPDX-License-Identifier: ISC */
/*
 * outlive-load against servers that do their best: all of its work is done, no
 * more, and what it reports is what has happened.
 */
#include <sys/socket.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "harness.h"
#include "loader.h"
#include "process.h"

#define SIZE	64		/* of an answer */
#define PAUSE	500		/* ms, of a server's that sleeps */
#define PAUSED	20		/* at this client */

/* Servers. */

static void
echo_all(int fd, int number)
{
	char	some[4096];
	ssize_t	n;

	(void)number;
	while ((n = read(fd, some, sizeof(some))) > 0)
		(void)send(fd, some, (size_t)n, MSG_NOSIGNAL);
}

static void
answer(int fd, int number)
{
	char	xs[SIZE];

	(void)number;
	memset(xs, 'x', sizeof(xs));
	if (hear_line(fd))
		(void)send(fd, xs, sizeof(xs), MSG_NOSIGNAL);
	hear_end(fd);
}

static void
pause_once(int fd, int number)
{
	if (number == PAUSED)
		(void)poll(NULL, 0, PAUSE);
	answer(fd, number);
}

/* Services. */

static const struct service {
	const char	*name, *options;
	int		 requests;
} services[] = {
	{ "bytes", "-n 5", 5 },
	{ "bytes", "-k 3 -b 1 -c 2", 6 },
	{ "bytes", "-b 300000", 1 },
	{ "daytime", "-n 5 -s daytime", 5 },
	{ "echo", "-n 5 -s echo", 5 },
	{ "echo", "-k 28 -b 1 -s echo", 28 },
	{ "echo", "-k 2 -b 1000000 -c 2 -s echo", 4 },
	{ "echo", "-b 65537 -n 3 -s echo", 3 },
};

static void
serves(void)
{
	const struct service	*service;
	struct server		 server;
	int			 status;

	for (service = services; service < services + sizeof(services) /
	    sizeof(services[0]); service++) {
		server = server_start("-i", "2:4", "-m", "4", "127.0.0.1:0",
		    service->name, NULL);
		status = loader("--json %s %u", service->options, server.port);
		if (!ok(status == 0 && (int)reported("requests") ==
		    service->requests && (int)reported("done") ==
		    service->requests && (int)reported("latency_us/whole/n") ==
		    service->requests, "%s, %s: all %d are answered",
		    service->name, service->options, service->requests))
			note("%s", report());
		harness_new_state();
	}
	server = server_start("[::1]:0", "bytes", NULL);
	ok(loader("[::1]:%u", server.port) == 0 && reports("[::1]:") &&
	    reports(", bytes, 64 bytes: ") &&
	    reports("answers        1 of 1, ") && reports("latency, ms ") &&
	    reports("  whole ") && reports("without any    ") &&
	    !reports("failed"), "IPv6, in words");
	harness_new_state();
}

/* Shares. */

static const struct share {
	const char	*options;
	int		 connections, requests;
} shares[] = {
	{ "", 1, 1 },
	{ "-c 3", 3, 3 },
	{ "-c 3 -n 4 -k 2", 12, 24 },
	{ "-c 5 -n 3 -p 2", 15, 15 },
	{ "-c 7 -k 3 -p 3", 7, 21 },
	{ "-c 4 -n 2 -k 2 -p 4", 8, 16 },
};

static void
is_shared(void)
{
	const struct share	*share;
	unsigned int		 port;
	int			 status;

	for (share = shares; share < shares + sizeof(shares) /
	    sizeof(shares[0]); share++) {
		port = hostile(echo_all);
		status = loader("--json -s echo%s%s %u", *share->options == '\0' ?
		    "" : " ", share->options, port);
		ok(status == 0 && (int)reported("connections") ==
		    share->connections && (int)reported("requests") ==
		    share->requests && (int)reported("done") ==
		    share->requests, "'%s': %d connections, %d requests",
		    share->options, share->connections, share->requests);
		ok(seen->accepted == share->connections,
		    "as many as the server has seen, %d", seen->accepted);
	}
}

/* The open loop. */

static void
server_pauses(void)
{
	int	status = loader("--json --rate 100 --for 1 %u",
		    hostile(pause_once));

	ok(status == 0 && (int)reported("requests") == 100 &&
	    (int)reported("done") == 100 && seen->accepted == 100,
	    "100 per second: they come, whatever the server does");
	ok(reported("latency_us/whole/max") >= PAUSE * 1e3 &&
	    reported("latency_us/whole/p90") >= PAUSE * 0.6e3,
	    "those who came while it slept have waited as long");
	ok(reported("latency_us/first_byte/p90") >= PAUSE * 0.6e3,
	    "for their first byte, too");
}

static void
await_accepted(int n)
{
	struct wait	wait = { .what = "clients of a server" };

	while (seen->accepted < n)
		wait_a_moment(&wait);
}

static void
client_pauses(void)
{
	unsigned int	port = hostile(answer);
	pid_t		workers[64], pid;
	int		status;

	pid = loader_start("--json --rate 100 --for 1 %u", port);
	await_children(pid, 1, workers);
	await_accepted(PAUSED);
	stop(workers[0]);
	(void)poll(NULL, 0, 2 * PAUSE);
	send_signal(workers[0], SIGCONT);
	status = loader_end(pid);
	ok(status == 0 && (int)reported("requests") == 100 &&
	    (int)reported("done") == 100,
	    "who comes late, as it was held up, comes at last");
	ok(reported("latency_us/whole/p99") >= PAUSE * 1e3 &&
	    reported("latency_us/connect/p99") >= PAUSE * 1e3,
	    "and what counts is when that should have been");
}

static void
by_many(void)
{
	int	status = loader("--json --rate 75 --for 0.4 -p 3 %u",
		    hostile(answer));

	ok(status == 0 && (int)reported("requests") == 30 &&
	    seen->accepted == 30, "three processes share a rate");
}

/* Files. */

static const char *
path_of(const char *name)
{
	static char	path[3][80];
	static int	turn;

	turn = (turn + 1) % 3;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s",
	    harness_state(), name);
	return path[turn];
}

/* Lines in order; and the longest time without a success, in us. */
struct lines { int n, wrong, out_of_order; long long gap, gap_at; };

/* kept: a connection's second request is due when it is connected. */
static struct lines
read_log(bool kept)
{
	struct lines	lines = { .n = 0 };
	long long	due, connected, first, ended, last = 0;
	const char	*at = file_text(path_of("requests"));
	char		outcome[16];

	for (; *at != '\0'; at += strcspn(at, "\n") + 1) {
		if (*at == '#')
			continue;
		lines.n++;
		if (sscanf(at, "%lld\t%lld\t%lld\t%lld\t%15s", &due,
		    &connected, &first, &ended, outcome) != 5 ||
		    strcmp(outcome, "done") != 0 ||
		    (due > connected && !kept) || due > first ||
		    connected > first || first > ended)
			lines.wrong++;
		if (ended < last)
			lines.out_of_order++;
		if (ended - last > lines.gap) {
			lines.gap = ended - last;
			lines.gap_at = last;
		}
		last = ended;
	}
	return lines;
}

static void
logs(void)
{
	struct lines	lines;
	int		status = loader("--json --log %s -n 30 %u",
			    path_of("requests"), hostile(pause_once));

	lines = read_log(false);
	ok(status == 0 && lines.n == 30 && lines.wrong == 0 &&
	    lines.out_of_order == 0,
	    "a line for each request, times in order");
	ok(reported("longest_gap/seconds") >= PAUSE / 1e3 &&
	    llabs((long long)(reported("longest_gap/seconds") * 1e6) -
	    lines.gap) <= 2 &&
	    llabs((long long)(reported("longest_gap/at") * 1e6) -
	    lines.gap_at) <= 2, "the longest gap is where the log has it");
	(void)loader("--log %s -p 2 -c 3 -n 5 -k 2 -s echo %u",
	    path_of("requests"), hostile(echo_all));
	lines = read_log(true);
	ok(lines.n == 30 && lines.wrong == 0,
	    "two processes, two requests each: %d lines", lines.n);
}

/* The sum of a column. */
static int
sum(const char *name)
{
	const char	*at = file_text(path_of("timeline")), *tab;
	char		 head[256];
	int		 column = 0, i, total = 0;
	size_t		 len = strcspn(at, "\n");

	(void)snprintf(head, sizeof(head), "\t%.*s\t", (int)len, at);
	for (tab = head; (tab = strchr(tab, '\t')) != NULL; tab++, column++)
		if (strncmp(tab + 1, name, strlen(name)) == 0 &&
		    tab[1 + strlen(name)] == '\t')
			break;
	if (tab == NULL)
		return -1;
	for (at += len + 1; *at != '\0'; at += strcspn(at, "\n") + 1) {
		for (tab = at, i = 0; i < column; i++)
			tab += strcspn(tab, "\t\n") + 1;
		total += atoi(tab);
	}
	return total;
}

/* Elements are closed in the order in which they should be. */
static bool
is_nested(const char *at)
{
	const char	*open[16];
	size_t		 len;
	int		 depth = 0, all = 0;

	for (; (at = strchr(at, '<')) != NULL; at++, all++) {
		len = strcspn(at, ">");
		if (at[len] != '>' || memchr(at + 1, '<', len - 1) != NULL)
			return false;
		if (at[1] == '/') {
			if (depth == 0 || strncmp(open[--depth], at + 2,
			    len - 2) != 0)
				return false;
		} else if (at[len - 1] != '/') {
			if (depth == 16)
				return false;
			open[depth++] = at + 1;
		}
	}
	return depth == 0 && all > 4;
}

static void
timelines(void)
{
	struct server	server = server_start("-i", "4:4", "-m", "4",
			    "127.0.0.1:0", "echo", NULL);
	int		status = loader("--json --timeline %s --svg %s --hold 2 "
			    "--every 0.1 --rate 50 --for 0.5 %u",
			    path_of("timeline"), path_of("drawing"),
			    server.port);

	ok(status == 0 && sum("begun") == 25 && sum("done") == 25 &&
	    sum("refused") == 0 && sum("local") == 0,
	    "the timeline has all requests");
	ok(sum("messages") == (int)reported("sessions/messages") - 2,
	    "and all messages but the first ones, which come before it");
	ok(strncmp(file_text(path_of("drawing")), "<svg ", 5) == 0 &&
	    file_has(path_of("drawing"), "</svg>\n") &&
	    is_nested(file_text(path_of("drawing"))),
	    "the drawing is well-formed");
	hostile_end();
	harness_new_state();
	status = loader("--json --timeline %s -c 2 -n 2 %u", path_of("timeline"),
	    server.port);
	ok(status == 1 && sum("begun") == 4 && sum("refused") == 4 &&
	    sum("done") == 0, "failures are in it, each as what it was");
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	harness_drop_capabilities();
	serves();
	is_shared();
	server_pauses();
	client_pauses();
	by_many();
	logs();
	timelines();
	hostile_end();
	ok(harness_nobody_left(), "no process is left");
	return done();
}
