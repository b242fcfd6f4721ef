/* SPDX-License-Identifier: ISC */
/*
 * The parent and its children are stopped at moments that last for a
 * microsecond (pause.c), with a client in each state; and then they are ended
 * or go on.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

static const struct end {
	int		 signo;		/* 0: the parent lives */
	const char	*name;
} ends[] = {
	{ 0, "its parent lives" },
	{ SIGTERM, "TERM to its parent" },
	{ SIGQUIT, "QUIT to its parent" },
	{ SIGKILL, "KILL to its parent" },
};

/* Another parent has the port at its first try, and serves. */
static void
next_parent(void)
{
	struct server	next = server_start("-w", "0", "-i", "1:4", PORT,
			    "echo", NULL);
	int		client = dial(next.port);

	ok(echoes(client, "new\n"), "the next parent has the port at once");
	(void)close(client);
	send_signal(next.pid, SIGINT);
	ok(await_end(next.pid) == 0, "the next parent ended");
}

static void
nothing_left(void)
{
	ok(harness_nobody_left(), "no process is left");
}

/*
 * The parent stops while it has the second client in hand.  The first is
 * served, or in the queue behind a gate; the third is not accepted yet.
 */
static void
parent_stops(const char *where, bool queued, const struct end *end)
{
	struct server	server;
	char		gate_text[64], pause[128];
	int		first, second, third;
	pid_t		list[64];

	note("the parent stops: %s 2, the first client is %s, then %s", where,
	    queued ? "in the queue" : "served", end->name);
	gate_close("gate", gate_text, sizeof(gate_text));
	if (!queued)
		gate_open();
	(void)snprintf(pause, sizeof(pause), "%s 2,%s", where, gate_text);
	server = server_start_paused(pause, "-i", "3:4", PORT, "echo", NULL);
	await_children(server.pid, 3, list);
	/* Newborns have the listening socket until their first act. */
	await_title(list[0], "outlived: idle");
	await_title(list[1], "outlived: idle");
	await_title(list[2], "outlived: idle");
	first = queued ? dial_into_queue(server.port, server.pid) : dial(server.port);
	if (!queued)
		ok(echoes(first, "first\n"), "the first client is served");
	second = dial(server.port);
	await_stop(server.pid);
	if (!queued)
		ok(echoes(first, "on\n"), "served on by its child");
	third = dial(server.port);
	say(second, "second\n");
	say(third, "third\n");

	if (end->signo != 0)
		send_signal(server.pid, end->signo);
	if (end->signo == SIGKILL)
		(void)await_end(server.pid);
	else
		send_signal(server.pid, SIGCONT);
	if (end->signo == SIGTERM)
		ok(await_end(server.pid) == 0, "it ended in order");
	if (end->signo != 0) {
		await_no_listener(9999);
		next_parent();
	}
	if (queued)
		gate_open();
	if (end->signo == SIGKILL) {
		ok(sees_end(second), "the one in its hand is lost");
		ok(sees_end(third), "and those whom it had not accepted");
	} else {
		ok(hears(second, "second\n"), "the second is served");
		ok(hears(third, "third\n"), "the third is served");
	}
	ok(echoes(first, "on\n"), "the first is served, whatever happens");
	(void)close(first);
	(void)close(second);
	(void)close(third);
	if (end->signo == 0)
		send_signal(server.pid, SIGTERM);
	if (end->signo == 0 || end->signo == SIGQUIT)
		ok(await_end(server.pid) == 0, "it ended in order");
	nothing_left();
}

/* Those that are busy, and the one that is stopped, are left. */
static void
await_others_gone(struct server server, const struct end *end, int left)
{
	pid_t	list[64];

	await_children(end->signo == SIGQUIT ? server.pid : 0, left, list);
	ok(1, "idle siblings leave");
}

/*
 * A child stops; then it is killed or goes on, after its parent has ended or
 * while it lives.  Newborn it has all that its parent has: the listening
 * socket and both ends of the queue.  When it has taken a client it has not
 * said so yet.
 */
static void
child_stops(const char *where, const struct end *end, int signo)
{
	bool		newborn = where[0] == 'n', taken = where[0] == 't';
	struct server	server;
	char		pause[64];
	pid_t		stopped;
	int		victim = -1, first, other;

	note("a child stops: %s, %s, the child %s", where, end->name,
	    signo == SIGKILL ? "is killed" : "goes on");
	(void)snprintf(pause, sizeof(pause), "%s", where);
	server = server_start_paused(pause, "-i", "3:4", PORT, "echo", NULL);
	if (taken)
		victim = dial(server.port);
	stopped = await_stopped(server.pid);
	first = dial(server.port);
	ok(echoes(first, "first\n"), "its siblings serve");
	(void)await_server_of(server.pid, first);

	if (end->signo != 0) {
		send_signal(server.pid, end->signo);
		if (end->signo != SIGQUIT)
			(void)await_end(server.pid);
		await_others_gone(server, end, 2);
		/* After KILL a stopped newborn still listens. */
		if (!newborn || end->signo != SIGKILL) {
			await_no_listener(9999);
			next_parent();
		}
	}
	send_signal(stopped, signo);
	if (taken && signo == SIGKILL)
		ok(sees_end(victim), "its client sees the end");
	else if (taken)
		ok(echoes(victim, "hello\n"), "its client is served");
	ok(echoes(first, "on\n"), "the other client is served");
	if (end->signo == 0) {
		other = dial(server.port);
		ok(echoes(other, "hello\n"), "and so is a new one");
		(void)close(other);
	}
	(void)close(first);
	if (victim != -1)
		(void)close(victim);
	if (end->signo == 0)
		send_signal(server.pid, SIGTERM);
	if (end->signo == 0 || end->signo == SIGQUIT)
		ok(await_end(server.pid) == 0, "the parent ended in order");
	nothing_left();
}

int
main(void)
{
	static const char *const	parents[] = { "accepted", "sending" };
	static const char *const	children[] = { "newborn 2",
					    "waiting 2", "taken 1" };
	size_t				i, j;

	harness_begin();
	harness_own_network();
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		for (j = 0; j < 2; j++) {
			parent_stops(parents[j], false, &ends[i]);
			parent_stops(parents[j], true, &ends[i]);
		}
		for (j = 0; j < 3; j++) {
			child_stops(children[j], &ends[i], SIGCONT);
			child_stops(children[j], &ends[i], SIGKILL);
		}
	}
	return done();
}
