/* SPDX-License-Identifier: ISC */
/*
 * Promises P1 to P4: with each strategy the parent is ended by each signal,
 * with a client in each state; then the next parent binds the same port at its
 * first try.  HUP ends the children only.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

static pid_t	waits;		/* a parent that was sent QUIT */
static bool	prefork;	/* there are children before clients */

/* The parent ends as the signal says that it should. */
static void
end_parent(struct server server, int signo)
{
	int		status;

	send_signal(server.pid, signo);
	if (signo == SIGQUIT) {
		waits = server.pid;
		await_no_listener(9999);
		return;
	}
	status = await_end(server.pid);
	if (signo == SIGKILL) {
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		    "the parent was killed");
		/* Each child hears of it when it is scheduled. */
		await_no_listener(9999);
	} else
		ok(status == 0, "the parent ended in order: %d", status);
}

/* The next parent must have the port at once; it is served; it is ended. */
static void
next_parent(void)
{
	struct server	next = server_start("-w", "0", "-i", "1:4", PORT,
			    "echo", NULL);
	int		client = dial(next.port);

	ok(echoes(client, "new\n"), "the next parent's client is served");
	(void)close(client);
	send_signal(next.pid, SIGINT);
	ok(await_end(next.pid) == 0, "the next parent ended");
}

static void
nothing_left(void)
{
	struct wait	wait = { .what = "the port's sockets to go" };

	if (waits != 0)
		ok(await_end(waits) == 0, "the parent ended in order");
	waits = 0;
	ok(harness_nobody_left(), "no process is left");
	while (sockets_of(9999) > 0)
		wait_a_moment(&wait);
	ok(1, "and no socket");
}

/* Only so many children are left, as orphans or with a parent that waits. */
static void
await_children_left(int how_many)
{
	pid_t	list[64];

	await_children(waits, how_many, list);
	ok(1, "children left: %d", how_many);
	if (waits != 0)
		ok(waitpid(waits, NULL, WNOHANG) == 0, "the parent waits");
}

/* A client in the middle of a conversation. */
static void
busy(int signo)
{
	struct server	server = server_start("-i", "3:4", PORT, "echo", NULL);
	int		client = dial(server.port);

	ok(echoes(client, "before\n"), "a client is served");
	end_parent(server, signo);
	if (signo == SIGINT) {
		ok(sees_end(client), "it is ended");
		await_children_left(0);
	} else {
		/* The idle ones leave while the busy one stays. */
		await_children_left(1);
		ok(listeners(9999) == 0, "nobody listens");
		next_parent();
		ok(echoes(client, "after\n"), "its old child goes on");
	}
	(void)close(client);
	nothing_left();
	if (signo == SIGINT)
		next_parent();
}

/* Children that wait for clients; "fork" has none. */
static void
idle(int signo)
{
	struct server	server = server_start("-i", "3:4", PORT, "echo", NULL);
	pid_t		list[64];

	await_children(server.pid, prefork ? 3 : 0, list);
	end_parent(server, signo);
	nothing_left();
	ok(listeners(9999) == 0, "nobody listens");
	next_parent();
}

/* They let go of the port at once, and have time with the rest. */
static void
aside(void)
{
	struct server	server = server_start_paused("aside 1", "-i", "3:3",
			    PORT, "echo", NULL);
	pid_t		list[64];
	int		i;

	await_born(server.pid, 3);
	await_children(server.pid, 3, list);
	end_parent(server, SIGKILL);
	for (i = 0; i < 3; i++)
		await_stop(list[i]);
	ok(1, "three idle children step aside");
	next_parent();
	for (i = 0; i < 3; i++)
		send_signal(list[i], SIGCONT);
	nothing_left();
}

/*
 * A connection that the parent has sent into the queue, and no child has
 * taken: they are kept from it by a pause point, as long as a file is open.
 */
static void
queued(int signo)
{
	struct server	server;
	pid_t		list[64];
	char		pause[64];
	int		client;

	gate_close("gate", pause, sizeof(pause));
	server = server_start_paused(pause, "-i", "2:4", "-m", "2", PORT,
	    "echo", NULL);
	await_children(server.pid, 2, list);
	/* Newborns have the listening socket until their first act. */
	await_title(list[0], "outlived: idle");
	await_title(list[1], "outlived: idle");
	client = dial_into_queue(server.port, server.pid);
	end_parent(server, signo);
	if (signo != SIGINT)
		next_parent();
	gate_open();
	if (signo == SIGINT)
		ok(sees_end(client), "what was queued is ended");
	else
		ok(echoes(client, "queued\n"), "what was queued is served");
	(void)close(client);
	nothing_left();
	if (signo == SIGINT)
		next_parent();
}

/* Connections that the kernel has completed and nobody has accepted. */
static void
completed(int signo)
{
	struct server	server = server_start("-i", "1:1", "-m", "1", PORT,
			    "echo", NULL);
	int		client = dial(server.port), waiting[3], i;

	ok(echoes(client, "first\n"), "the only child is busy");
	for (i = 0; i < 3; i++) {
		waiting[i] = dial(server.port);
		say(waiting[i], "waiting\n");
	}
	for (i = 0; i < 3; i++)
		ok(inode_of(server.port, waiting[i]) == 1,
		    "client %d is not accepted", i + 1);
	end_parent(server, signo);
	if (signo != SIGINT)
		next_parent();
	for (i = 0; i < 3; i++)
		if (signo == SIGTERM || signo == SIGQUIT)
			ok(hears(waiting[i], "waiting\n"),
			    "client %d is served", i + 1);
		else
			ok(sees_end(waiting[i]), "client %d is ended", i + 1);
	if (signo == SIGINT)
		ok(sees_end(client), "so is the first");
	else
		ok(echoes(client, "on\n"), "the first is served");
	for (i = 0; i < 3; i++)
		(void)close(waiting[i]);
	(void)close(client);
	nothing_left();
	if (signo == SIGINT)
		next_parent();
}

/* Another signal ends the wait of a parent that was sent QUIT. */
static void
quit_and(int signo, const char *name)
{
	struct server	server = server_start("-i", "1:1", PORT, "echo",
			    NULL);
	struct wait	wait = { .what = "the title of one that waits" };
	int		client = dial(server.port);
	pid_t		list[64];

	note("QUIT, then %s", name);
	log_clear();
	ok(echoes(client, "hello\n"), "a client is served");
	send_signal(server.pid, SIGQUIT);
	await_no_listener(9999);
	while (!title_has(server.pid, "outlived: parent of 127.0.0.1:9999, "
	    "generation ") || !title_has(server.pid, ", until its children "
	    "are done"))
		wait_a_moment(&wait);
	send_signal(server.pid, SIGHUP);
	send_signal(server.pid, SIGQUIT);
	ok(echoes(client, "on\n") && waitpid(server.pid, NULL,
	    WNOHANG) == 0, "HUP and QUIT change nothing");
	await_children(server.pid, 1, list);
	ok(!log_has("before they serve") && !log_has("replacing"),
	    "the idle child that has left is no young death");
	end_parent(server, signo);
	if (signo == SIGINT)
		ok(sees_end(client), "its client is ended");
	else
		ok(echoes(client, "on\n"), "its client is served");
	(void)close(client);
	nothing_left();
}

/* QUIT waits for clients, not for an idle child that is stopped. */
static void
quit_with_a_stopped_child(void)
{
	struct server	server = server_start("-i", "1:1", PORT, "echo",
			    NULL);
	pid_t		list[64];

	note("QUIT, an idle child is stopped");
	await_children(server.pid, 1, list);
	await_title(list[0], "outlived: idle");
	stop(list[0]);
	end_parent(server, SIGQUIT);
	ok(await_end(server.pid) == 0, "the parent does not wait for it");
	waits = 0;
	send_signal(list[0], SIGCONT);
	nothing_left();
}

/* HUP: others take the children's places, a busy one's once it is done. */
static void
hup(void)
{
	struct server	server = server_start("-i", "3:4", PORT, "echo", NULL);
	int		client = dial(server.port), other, i;
	pid_t		list[64], new;

	ok(echoes(client, "before\n"), "a client is served");
	await_children(server.pid, prefork ? 4 : 1, list);
	send_signal(server.pid, SIGHUP);
	await_log("HUP: replacing");
	for (i = 0; i < (prefork ? 4 : 1); i++)
		if (list[i] != await_server_of(server.pid, client))
			await_gone(list[i]);
	ok(echoes(client, "after\n"), "its old child goes on");
	other = dial(server.port);
	ok(echoes(other, "new\n"), "a new one is served");
	new = await_server_of(server.pid, other);
	for (i = 0; i < (prefork ? 4 : 1); i++)
		ok(list[i] != new, "by none of the old children");
	new = await_server_of(server.pid, client);
	(void)close(client);
	await_gone(new);
	ok(1, "the old child leaves when it is done");
	(void)close(other);
	server_end(server);
}

static void
play(const struct cell *cell)
{
	int	signo = cell->number;

	prefork = cell->strategy->prefork;
	if (signo == SIGHUP) {
		hup();
		return;
	}
	busy(signo);
	idle(signo);
	completed(signo);
	if (cell->strategy->queue)
		queued(signo);
	if (signo == SIGKILL && prefork)
		aside();
	if (signo != SIGQUIT)
		return;
	if (prefork)
		quit_with_a_stopped_child();
	quit_and(SIGTERM, "TERM");
	quit_and(SIGINT, "INT");
	quit_and(SIGKILL, "KILL");
}

/* As under a service manager. */
static void
play_leader(const struct cell *cell)
{
	harness_lead();
	play(cell);
}

int
main(void)
{
	static const struct cell	ends[] = {
		{ .name = "TERM", .play = play, .number = SIGTERM },
		{ .name = "QUIT", .play = play, .number = SIGQUIT },
		{ .name = "INT", .play = play, .number = SIGINT },
		{ .name = "KILL", .play = play, .number = SIGKILL },
		{ .name = "HUP", .play = play, .number = SIGHUP },
		{ .name = "TERM of a leader", .play = play_leader,
		    .number = SIGTERM },
		{ .name = "QUIT of a leader", .play = play_leader,
		    .number = SIGQUIT },
		{ .name = "INT of a leader", .play = play_leader,
		    .number = SIGINT },
		{ .name = "KILL of a leader", .play = play_leader,
		    .number = SIGKILL },
		{ .name = "HUP of a leader", .play = play_leader,
		    .number = SIGHUP },
	};

	harness_begin();
	harness_overlook_leaks();
	cells_play_all(ends, sizeof(ends) / sizeof(ends[0]));
	return done();
}
