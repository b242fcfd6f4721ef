/* SPDX-License-Identifier: ISC */
/*
 * With each strategy, several generations alive at once: what the next parent says of them, and
 * what becomes of their boards.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

static bool	prefork;	/* there are children before clients */

static bool
has_board(int number)
{
	struct stat	st;
	char		path[128];

	(void)snprintf(path, sizeof(path), "%s/" PORT "/board.%d",
	    harness_state(), number);
	return stat(path, &st) == 0;
}

static void
await_no_board(int number)
{
	struct wait	wait = { .what = "the end of a board" };

	while (has_board(number))
		wait_a_moment(&wait);
}

/* UNP 7.5 three times, after each of the signals, and all of them talk on. */
static void
three(const char *service, const char *argument)
{
	static const int	signals[] = { SIGTERM, SIGKILL, SIGQUIT };
	static const char *const names[] = { "TERM", "KILL", "QUIT" };
	struct server		server;
	pid_t			waiting = 0;
	int			client[3], i;

	harness_new_state();
	for (i = 0; i < 3; i++) {
		log_clear();
		server = server_start("-w", i == 0 ? "3" : "0", "-i", "2:2",
		    PORT, service, argument, NULL);
		if (i == 1)
			ok(log_has("generation 2\n") &&
			    log_has("orphans that still serve: 1 of "
			    "generation 1\n"), "generation 2 knows of 1");
		if (i == 2)
			ok(log_has("generation 3\n") && log_has("orphans that "
			    "still serve: 1 of generation 1, 1 of generation "
			    "2\n"), "generation 3 knows of 1 and 2");
		client[i] = dial(9999);
		ok(echoes(client[i], "hello\n"), "%s: generation %d serves",
		    service, i + 1);
		await_born(server.pid, prefork ? 3 : 1);
		log_clear();
		send_signal(server.pid, signals[i]);
		if (signals[i] == SIGQUIT) {
			await_log("the port is free");
			waiting = server.pid;
		} else
			(void)await_end(server.pid);
		await_no_listener(9999);
		ok(has_board(i + 1), "its board is there after %s", names[i]);
	}
	log_clear();
	server = server_start("-w", "0", "-i", "1:1", PORT, "echo", NULL);
	ok(log_has("generation 4\n") && log_has("orphans that still serve: "
	    "1 of generation 1, 1 of generation 2\n"),
	    "generation 4 does not call those orphans whose parent waits");
	for (i = 0; i < 3; i++) {
		ok(echoes(client[i], "still here\n"),
		    "and generation %d serves on", i + 1);
		(void)close(client[i]);
	}
	ok(await_end(waiting) == 0, "the parent that waits ends");
	if (strcmp(service, "echo") == 0) {
		/* Programs do not know of boards. */
		await_no_board(1);
		await_no_board(2);
	}
	await_no_board(3);
	send_signal(server.pid, SIGTERM);
	ok(await_end(server.pid) == 0 && harness_nobody_left(), "all end");
	await_no_board(4);
	server = server_start("-i", "1:1", PORT, "echo", NULL);
	ok(!has_board(1) && !has_board(2) && has_board(5),
	    "generation 5 has swept what was left");
	server_end(server);
}

/* -m is for one generation; twice that in all is worth a line, once. */
static void
crowd(void)
{
	struct server	server = { .pid = 0 };
	int		client[4], i;

	harness_new_state();
	for (i = 0; i < 4; i++) {
		log_clear();
		server = server_start("-w", "0", "-i", "1:1", "-m", "1", PORT,
		    "echo", NULL);
		client[i] = dial(9999);
		ok(echoes(client[i], "hello\n"), "-m 1, generation %d serves",
		    i + 1);
		if (i == 3)
			break;
		if (i == 2)
			await_log("children of all generations: 3, more than "
			    "twice the most that one may have (1)");
		else
			ok(!log_has("children of all"), "nothing of a crowd");
		send_signal(server.pid, SIGTERM);
		(void)await_end(server.pid);
	}
	/* Said once, before its first client if there is no idle child. */
	await_log(prefork ? "children of all generations: 4" :
	    "children of all generations: 3");
	for (i = 0; i < 4; i++)
		(void)close(client[i]);
	server_end(server);
}

static void
play(const struct cell *cell)
{
	prefork = cell->strategy->prefork;
	three("echo", NULL);
	three("exec", "cat");
	crowd();
}

int
main(void)
{
	static const struct cell	all = { .name = "all", .play = play };

	harness_begin();
	cells_play_all(&all, 1);
	return done();
}
