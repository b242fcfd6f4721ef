/* SPDX-License-Identifier: ISC */
/*
 * A standby, with each strategy: a parent that waits (-w) until the one before
 * has ended, in whatever way, and then has the port from its heir, without a
 * client that is refused or reset.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <signal.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

struct standby {
	pid_t	pid;
	int	port;	/* for server_await() */
};

static struct standby
stand_by(void)
{
	struct standby	standby;

	log_clear();
	standby.pid = server_begin(&standby.port, "-w", "86400", "-H", "20",
	    "-i", "1:4", PORT, "echo", NULL);
	await_log("trying for 86400 s");
	return standby;
}

/* A client's whole life. */
static bool
serves(void)
{
	int	client = dial(9999);
	bool	served = echoes(client, "hello\n");

	(void)close(client);
	return served;
}

/* Two of them: one has it next, and the other one waits for that. */
static void
play(const struct cell *cell)
{
	struct wait	wait = { .what = "the next parent" };
	struct server	server;
	struct standby	one, other;
	bool		first;
	pid_t		next, last;
	int		client;

	server = server_start("-w", "0", "-H", "20", "-i", "1:4", PORT, "echo",
	    NULL);
	one = stand_by();
	other = stand_by();
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");

	send_signal(server.pid, cell->number);
	/* It could be just about to accept. */
	if (cell->number == SIGKILL)
		(void)await_end(server.pid);
	ok(serves(), "the next one is, too");
	while (!(first = title_has(one.pid, "generation 2")) &&
	    !title_has(other.pid, "generation 2"))
		wait_a_moment(&wait);
	next = first ? one.pid : other.pid;
	last = first ? other.pid : one.pid;
	ok(server_await(first ? one.port : other.port) == 9999 && lives(last),
	    "one of two standbys has the port, and the other one waits");

	send_signal(next, SIGKILL);
	(void)await_end(next);
	ok(serves(), "it is killed: a client is served");
	ok(server_await(first ? other.port : one.port) == 9999,
	    "by the other one");
	await_title(last, "outlived: parent of " PORT ", generation 3");
	ok(echoes(client, "still here\n"), "and the first one by its child");
	(void)close(client);
	if (cell->number != SIGKILL)
		(void)await_end(server.pid);
	/* No heir is left then. */
	send_signal(last, SIGINT);
	ok(await_end(last) == 0 && harness_nobody_left(), "all end");
}

int
main(void)
{
	static const struct cell	ways[] = {
		{ .name = "TERM", .play = play, .number = SIGTERM },
		{ .name = "QUIT", .play = play, .number = SIGQUIT },
		{ .name = "KILL", .play = play, .number = SIGKILL },
	};

	harness_begin();
	cells_play_all(ways, sizeof(ways) / sizeof(ways[0]));
	return done();
}
