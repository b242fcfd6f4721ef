/* SPDX-License-Identifier: ISC */
/*
 * Clients wait, and nobody can take them: early drop refuses those who have
 * waited longest, as many as it should, and nobody while there is another way;
 * and the log says that the accept queue has filled up.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

/* How many may wait for sure, and how many may not. */
#define DROP	"3:1:6"
#define STAY	2
#define MOST	5
#define COME	10		/* more than may wait */

#define DONE	"refusing is over: "

static void
dial_many(struct server server, int *clients, int n)
{
	int	i;

	for (i = 0; i < n; i++)
		clients[i] = dial(server.port);
}

static void
hang_up(const int *clients, int n)
{
	int	i;

	for (i = 0; i < n; i++)
		(void)close(clients[i]);
}

/* A server of two children, and two clients that keep them busy. */
static struct server
start_full(const char *drop, const char *backlog, int busy[2])
{
	struct server	server = server_start("-i", "2:2", "-m", "2", "-b",
			    backlog, drop == NULL ? "-v" : "--early-drop",
			    drop == NULL ? "-v" : drop, "-v", PORT, "echo",
			    NULL);

	dial_many(server, busy, 2);
	ok(echoes(busy[0], "hello\n") && echoes(busy[1], "hello\n"),
	    "both children are busy");
	return server;
}

/* Serve the rest, by children or by a parent that drains. */
static int
served(const int *clients, int n)
{
	int	i, many = 0;

	for (i = 0; i < n; i++) {
		many += echoes(clients[i], "at last\n");
		(void)close(clients[i]);
	}
	return many;
}

/* More come than may wait; number: TERM comes then. */
static void
drops(const struct cell *cell)
{
	int		busy[2], waiting[STAY + COME], left, many, gone, i;
	struct server	server = start_full(DROP, "4096", busy);
	char		text[64];

	log_clear();
	dial_many(server, waiting, STAY);
	await_sleeps(server.pid, 5);
	ok(not_accepted() == STAY && !log_has("refus"),
	    "%d wait, as many as may", STAY);
	dial_many(server, waiting + STAY, COME);
	await_log("all 2 children are busy and ");
	await_log(" clients wait: refusing some");
	ok(sees_end(waiting[0]), "who has waited longest is refused");
	/* No look will change that any more. */
	await_log(DONE);
	left = not_accepted();
	gone = STAY + COME - left;
	ok(left >= STAY && left <= MOST, "%d were too many: %d wait, of %d to "
	    "%d", STAY + COME, left, STAY, MOST);
	(void)snprintf(text, sizeof(text), DONE "%d clients in", gone);
	ok(log_has(text), "%s", text);
	for (many = 0, i = 0; i < gone; i++)
		many += sees_end(waiting[i]);
	ok(many == gone, "%d see the end of their connections", many);
	(void)snprintf(text, sizeof(text), "refused 127.0.0.1:%u",
	    local_port(waiting[0]));
	ok(log_has(text), "-v: %s", text);
	ok(echoes(busy[0], "on\n") && echoes(busy[1], "on\n"),
	    "the pool is full all the time");
	hang_up(waiting, gone);
	if (cell->number == SIGTERM)
		send_signal(server.pid, SIGTERM);
	else
		hang_up(busy, 2);
	ok(served(waiting + gone, left) == left, "the %d others are served",
	    left);
	if (cell->number == SIGTERM) {
		hang_up(busy, 2);
		ok(await_end(server.pid) == 0 && harness_nobody_left(),
		    "and all end");
	} else
		server_end(server);
}

/* TERM: whoever waits then is served, and nobody is refused any more. */
static void
ends_in_time(const struct cell *cell)
{
	int		busy[2], waiting[COME];
	struct server	server = start_full("11:100:11", "4096", busy);

	(void)cell;
	dial_many(server, waiting, COME);
	await_sleeps(server.pid, 3);
	log_clear();
	send_signal(server.pid, SIGTERM);
	ok(served(waiting, COME) == COME, "TERM: all %d that wait are served",
	    COME);
	ok(!log_has("refus"), "nobody is refused");
	hang_up(busy, 2);
	ok(await_end(server.pid) == 0 && harness_nobody_left(), "all end");
}

/* As long as there may be more children nobody is refused, although clients
   wait: births fail. */
static void
has_room(const struct cell *cell)
{
	const int	there = cell->strategy->prefork ? 2 : 0;
	struct server	server;
	char		pause[64];
	int		busy[2], waiting[6];
	pid_t		list[64];

	gate_close("barren", pause, sizeof(pause));
	gate_open();
	server = server_start_paused(pause, "-i", "2:8", "-m", "50", "-b", "8",
	    "--early-drop", "1:100:1", PORT, "echo", NULL);
	await_children(server.pid, there, list);
	log_clear();
	gate_close_again();
	dial_many(server, busy, there);
	ok(there == 0 || (echoes(busy[0], "hello\n") &&
	    echoes(busy[1], "hello\n")), "all %d children are busy", there);
	/* With fork the parent has accepted one of them. */
	dial_many(server, waiting, 6);
	await_log("the accept queue is more than half full: ");
	await_log(" of 8 clients wait: all ");
	await_log(" children are busy, and births fail");
	ok(1, "births fail: the log says that clients wait, and why");
	gate_open();
	ok(served(waiting, 6) == 6, "all are served when births succeed");
	ok(!log_has("refus"), "nobody was refused");
	hang_up(busy, there);
	server_end(server);
}

/* Nor while a child is idle that cannot accept: the one that has the accept
   lock is stopped. */
static void
has_idle_child(void)
{
	/* Once it goes on both are busy: those who wait then may. */
	struct server	server = server_start_paused("waiting 1", "-i", "2:2",
			    "-m", "2", "-b", "8", "--early-drop", "5:100:5",
			    PORT, "echo", NULL);
	pid_t		stopped = await_stopped(server.pid);
	char		text[128];
	int		waiting[5];

	await_log("is stopped and has the accept lock: nobody accepts");
	dial_many(server, waiting, 5);
	(void)snprintf(text, sizeof(text), "the accept queue is more than half "
	    "full: 5 of 8 clients wait: child %d is stopped", stopped);
	await_log(text);
	ok(1, "%s", text);
	ok(!log_has("refus"), "nobody is refused while a child is idle");
	send_signal(stopped, SIGCONT);
	ok(served(waiting, 5) == 5, "all are served when it goes on");
	server_end(server);
}

/*
 * The parent has refused one of three when it is stopped, and the others get
 * children: nobody is left for it to accept, and it must not wait for one.
 */
static void
beaten(const struct cell *cell)
{
	struct server	server = server_start_paused("accepted 1", "-i", "2:2",
			    "-m", "2", "--early-drop", "3:100:3", PORT, "echo",
			    NULL);
	int		busy[2], waiting[5];

	(void)cell;
	dial_many(server, busy, 2);
	ok(echoes(busy[0], "hello\n") && echoes(busy[1], "hello\n"),
	    "both children are busy");
	dial_many(server, waiting, 5);
	await_stop(server.pid);
	hang_up(busy, 2);
	ok(served(waiting + 1, 4) == 4, "children serve those who were to be "
	    "refused, while the socket does not block");
	dial_many(server, busy, 2);
	ok(echoes(busy[0], "hello\n") && echoes(busy[1], "hello\n"),
	    "and others, who keep them busy");
	send_signal(server.pid, SIGCONT);
	ok(sees_end(waiting[0]), "one has been refused");
	await_log(DONE "1 clients in");
	ok(1, "the parent does not wait for another one");
	(void)close(waiting[0]);
	hang_up(busy, 2);
	server_end(server);
}

/* accept() fails. */
static void
cannot_accept(void)
{
	struct server	server;
	char		pause[64];
	int		waiting[5];

	gate_close("crowded", pause, sizeof(pause));
	server = server_start_paused(pause, "-i", "2:2", "-m", "8", "-b", "8",
	    "--early-drop", "1:100:1", PORT, "echo", NULL);
	dial_many(server, waiting, 5);
	await_log("5 of 8 clients wait: accept() fails");
	ok(1, "accept() fails: the log says that clients wait, and why");
	gate_open();
	ok(served(waiting, 5) == 5, "all are served when it does not");
	ok(!log_has("refus"), "nobody was refused");
	server_end(server);
}

/* The alarm, without early drop: half a queue is none. */
static void
alarm_lines(const struct cell *cell)
{
	const char	*text = "the accept queue is more than half full: 5 of "
			    "8 clients wait: all 2 children are busy, and "
			    "there may be no more (-m)";
	int		busy[2], waiting[5];
	struct server	server = start_full(NULL, "8", busy);

	(void)cell;
	dial_many(server, waiting, 4);
	await_sleeps(server.pid, 3);
	ok(!log_has("accept queue"), "half a queue is no news");
	dial_many(server, waiting + 4, 1);
	await_log(text);
	ok(1, "%s", text);
	log_clear();
	await_sleeps(server.pid, 2);
	ok(!log_has("accept queue"), "it is said once");
	hang_up(busy, 2);
	ok(served(waiting, 5) == 5, "all are served");
	await_log("the accept queue is not half full any more; it was for ");
	ok(!log_has("refus"), "nobody was refused");
	server_end(server);
}

/* A parent that has nothing to look at sleeps, also after it had. */
static void
sleeps(const struct cell *cell)
{
	struct wait	wait = { .what = "a parent that sleeps" };
	struct server	clock, server;
	int		busy, client;
	long		before;

	(void)cell;
	clock = server_start("-i", "1:1", "-m", "1", "--early-drop", "1:1:1",
	    "127.0.0.1:9998", "echo", NULL);
	server = server_start("-i", "1:1", "-m", "1", "--early-drop", "1:1:1",
	    PORT, "echo", NULL);
	busy = dial(clock.port);
	client = dial(server.port);
	ok(echoes(busy, "hello\n") && echoes(client, "hello\n"),
	    "two full servers");
	await_sleeps(server.pid, 10);
	ok(1, "a parent looks now and then");
	(void)close(client);
	do {
		wait_a_moment(&wait);
		before = sleeps_of(server.pid);
		await_sleeps(clock.pid, 20);
	} while (sleeps_of(server.pid) != before);
	ok(1, "and not when it has room");
	send_signal(clock.pid, SIGTERM);
	(void)close(busy);
	(void)await_end(clock.pid);
	server_end(server);
}

static void
cannot(const struct cell *cell)
{
	if (cell->strategy->lock_holder != NULL)
		has_idle_child();
	cannot_accept();
	has_room(cell);
}

int
main(void)
{
	static const struct cell	cells[] = {
		/* The longest first. */
		{ &strategy_pass, "alarm", alarm_lines, 0 },
		{ &strategy_shared, "alarm", alarm_lines, 0 },
		{ &strategy_fork, "sleep", sleeps, 0 },
		{ &strategy_shared, "sleep", sleeps, 0 },
		{ &strategy_pass, "sleep", sleeps, 0 },
		{ &strategy_fork, "nobody accepts", cannot, 0 },
		{ &strategy_shared, "nobody accepts", cannot, 0 },
		{ &strategy_fcntl, "nobody accepts", cannot, 0 },
		{ &strategy_mutex, "nobody accepts", cannot, 0 },
		{ &strategy_pass, "nobody accepts", cannot, 0 },
		{ &strategy_fork, "drop", drops, 0 },
		{ &strategy_shared, "drop", drops, 0 },
		{ &strategy_fcntl, "drop", drops, 0 },
		{ &strategy_pass, "drop", drops, 0 },
		{ &strategy_fork, "drop, TERM", drops, SIGTERM },
		{ &strategy_shared, "drop, TERM", drops, SIGTERM },
		{ &strategy_mutex, "drop, TERM", drops, SIGTERM },
		{ &strategy_pass, "drop, TERM", drops, SIGTERM },
		{ &strategy_shared, "beaten", beaten, 0 },
		{ &strategy_fcntl, "beaten", beaten, 0 },
		{ &strategy_fork, "TERM", ends_in_time, 0 },
		{ &strategy_shared, "TERM", ends_in_time, 0 },
		{ &strategy_pass, "TERM", ends_in_time, 0 },
	};

	harness_begin();
	harness_overlook_leaks();
	cells_at_once = sizeof(cells) / sizeof(cells[0]);
	cells_play(cells, sizeof(cells) / sizeof(cells[0]));
	return done();
}
