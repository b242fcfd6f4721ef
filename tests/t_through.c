/* SPDX-License-Identifier: ISC */
/*
 * Promise P1: with each strategy a client that talks all the time, through
 * three ends of the parent, gets every byte back, from the process that it
 * began with; whatever serves it.
 */
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "pattern.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"
#define BLOCK	(61 * 30)

static const struct {
	const char	*name;
	const char	*service[4];
} rows[] = {
	{ "echo", { "echo" } },
	{ "cat", { "exec", "cat" } },
	{ "a shell script", { "exec", "sh", "-c",
	    "while IFS= read -r line; do echo \"$line\"; done" } },
	{ "a process that a program has left behind", { "exec", "sh", "-c",
	    "exec 3<&0; cat <&3 & exit 0" } },
};

static const struct {
	int		 signo;
	const char	*name;
} ends[] = {
	{ SIGKILL, "KILL" }, { SIGTERM, "TERM" }, { SIGQUIT, "QUIT" },
};

static struct server
start(size_t row)
{
	const char *const	*service = rows[row].service;

	return server_start("-i", "2:4", PORT, service[0], service[1],
	    service[2], service[3], NULL);
}

/*
 * The client, a process of its own: sends, receives, compares; says so with
 * one byte on the pipe, until it is told to stop by the other one's
 * end-of-file.
 */
static void __attribute__((__noreturn__))
talk(int fd, int rounds, int told)
{
	struct pollfd	stop = { .fd = told, .events = POLLIN };
	struct pattern	out = { 0, 0 }, in = { 0, 0 };

	/* The rest of the machine may have a moment, too. */
	while (poll(&stop, 1, 1) == 0) {
		/* Ends in a newline, or a script, which reads it byte by byte,
		   would wait for it. */
		if (!pattern_send(&out, fd, BLOCK))
			_exit(2);
		if (!pattern_receive(&in, fd, BLOCK))
			_exit(3);
		if (write(rounds, "", 1) != 1)
			_exit(4);
	}
	_exit(0);
}

/* The client goes on: two more blocks, the second begun after this call. */
static bool
goes_on(int rounds)
{
	struct pollfd	fd = { .fd = rounds, .events = POLLIN };
	char		byte[4096];
	int		i;

	while (poll(&fd, 1, 0) == 1)
		if (read(rounds, byte, sizeof(byte)) <= 0)
			return false;
	for (i = 0; i < 2; i++)
		if (poll(&fd, 1, DEADLINE * 1000) != 1 ||
		    read(rounds, byte, 1) != 1)
			return false;
	return true;
}

/* Three ends, the first of which is that of the client's own parent. */
static void
three_ends(size_t row, size_t first)
{
	const size_t	n = sizeof(ends) / sizeof(ends[0]);
	struct server	server = start(row);
	int		rounds[2], told[2], fd = dial(server.port), status;
	pid_t		client;
	size_t		i, end;

	note("%s, %s first", rows[row].name, ends[first].name);
	if (pipe(rounds) == -1 || pipe(told) == -1 || (client = fork()) == -1)
		bail("pipe or fork");
	if (client == 0) {
		(void)close(told[1]);
		(void)close(rounds[0]);
		talk(fd, rounds[1], told[0]);
	}
	(void)close(told[0]);
	(void)close(rounds[1]);
	(void)close(fd);
	for (i = 0; i < n; i++) {
		end = (first + i) % n;
		ok(goes_on(rounds[0]), "the client talks");
		send_signal(server.pid, ends[end].signo);
		if (ends[end].signo != SIGQUIT)
			(void)await_end(server.pid);
		server = start(row);
		ok(goes_on(rounds[0]), "it talks on after %s and a restart",
		    ends[end].name);
	}
	(void)close(told[1]);
	status = await_end(client);
	ok(status == 0, "every byte came back: %d",
	    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	(void)close(rounds[0]);
	send_signal(server.pid, SIGTERM);
	ok(await_end(server.pid) == 0, "the last parent ended");
	ok(harness_nobody_left(), "no process is left");
}

/* One row, each end first. */
static void
play(const struct cell *cell)
{
	size_t	first;

	for (first = 0; first < sizeof(ends) / sizeof(ends[0]); first++)
		three_ends((size_t)cell->number, first);
}

int
main(void)
{
	struct cell	cells[sizeof(rows) / sizeof(rows[0])];
	int		n = 0;

	harness_begin();
	harness_overlook_leaks();
	for (; n < (int)(sizeof(rows) / sizeof(rows[0])); n++)
		cells[n] = (struct cell){ .name = rows[n].name,
		    .play = play, .number = n };
	cells_play_all(cells, n);
	return done();
}
