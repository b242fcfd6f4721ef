/* SPDX-License-Identifier: ISC */
/*
 * Clients that are a burden, and others, who are served meanwhile: how many of
 * them, and how long each took, is said.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "net/clock.h"
#include "process.h"

#define SERVER	"127.0.0.1:9999"
#define FLOOD	"127.0.0.2:0"
#define SILENT	"127.0.0.3:0"
#define UNREAD	"127.0.0.4:0"
#define FEW	8		/* of each that may stay */
#define OTHERS	100

static bool
is_served(void)
{
	int	client = dial_to(SERVER);
	bool	served;

	say(client, "5\n");
	served = hears(client, "xxxxx");
	(void)close(client);
	return served;
}

/* Ordinary clients, one after the other: all are served. */
static void
others(const char *what)
{
	long long	began = clock_ms(), before, took, longest = 0;
	int		i, served = 0;

	for (i = 0; i < OTHERS; i++) {
		before = clock_ms();
		served += is_served();
		took = clock_ms() - before;
		longest = took > longest ? took : longest;
	}
	ok(served == OTHERS, "%s: of %d others %d are served, in %lld ms, the "
	    "longest in %lld ms", what, OTHERS, served, clock_ms() - began,
	    longest);
}

static void
hang_up(const int *clients, int n)
{
	int	i;

	for (i = 0; i < n; i++)
		(void)close(clients[i]);
}

/* So many come, say something, or nothing, and stay. */
static void
come(const char *source, const char *text, int *clients, int n)
{
	int	i;

	for (i = 0; i < n; i++) {
		clients[i] = dial_from(source, SERVER);
		say(clients[i], text);
	}
}

/* One process, one address, one connection after the other, each for as long
   as it is let; until it is killed, or for a hundred thousand. */
static pid_t
flood(void)
{
	enum { MANY = 64 };
	int	clients[MANY], i;
	pid_t	pid = fork();

	if (pid == -1)
		bail("fork: %s", strerror(errno));
	if (pid != 0)
		return pid;
	for (i = 0; i < 100000; i++) {
		if (i >= MANY)
			(void)close(clients[i % MANY]);
		clients[i % MANY] = dial_from(FLOOD, SERVER);
	}
	_exit(0);
}

/* With -s a source has what it may have, whatever it does. */
static void
from_one_source(const struct cell *cell)
{
	struct server	server = server_start("-s", "8", "-m", "40", "-i",
			    "4:16", SERVER, "bytes", NULL);
	int		silent[FEW], unread[FEW];
	pid_t		floods;

	(void)cell;
	others("nobody else");
	come(SILENT, "", silent, FEW);
	come(UNREAD, "1000000000\n", unread, FEW);
	others("8 are silent, 8 do not read");
	floods = flood();
	await_log("127.0.0.2 has 8 clients, and may have no more");
	others("and a flood from one address");
	send_signal(floods, SIGKILL);
	(void)await_end(floods);
	ok(log_lines() <= 8, "%d lines of the log", log_lines());
	hang_up(silent, FEW);
	hang_up(unread, FEW);
	server_end(server);
}

/* Without: the pool is full of those who are silent, or do not read, from many
   addresses, and with -t those who wait have their turn. */
static void
from_everywhere(const struct cell *cell)
{
	struct server	server = server_start("-t", "1", "-m", "8", "-i",
			    "1:8", SERVER, "bytes", NULL);
	int		silent[2 * FEW], unread[FEW];

	(void)cell;
	come(SILENT, "", silent, 2 * FEW);
	come(UNREAD, "1000000000\n", unread, FEW);
	others("24 fill a pool of 8, -t 1");
	hang_up(silent, 2 * FEW);
	hang_up(unread, FEW);
	server_end(server);
}

int
main(void)
{
	static const struct cell	cells[] = {
		{ .name = "everywhere", .play = from_everywhere },
		{ .name = "one source", .play = from_one_source },
	};

	harness_begin();
	cells_play_both(cells, sizeof(cells) / sizeof(cells[0]));
	return done();
}
