/* SPDX-License-Identifier: ISC */
/*
 * With each strategy the parent and its children are stopped at moments that
 * last for a microsecond (pause.c), with a client in each state; and then they
 * are ended or go on.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "answer.h"
#include "cells.h"
#include "client.h"
#include "harness.h"
#include "net/stream.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

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

/* A child may have answered before its end. */
static bool
is_ended(int fd)
{
	char	answer[16];
	ssize_t	n;

	do
		n = readsome(fd, answer, sizeof(answer));
	while (n > 0);
	return n == 0 || errno == ECONNRESET;
}

/*
 * The parent stops while it has the second client in hand.  The first is
 * served, or in the queue behind a gate; the third is not accepted yet.
 */
static void
parent_stops(const char *where, bool queued, int idle,
    const struct cell *end)
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
	await_children(server.pid, idle, list);
	/* Newborns have the listening socket until their first act. */
	while (idle-- > 0)
		await_title(list[idle], "outlived: idle");
	first = queued ? dial_into_queue(server.port, server.pid) :
	    dial(server.port);
	if (!queued)
		ok(echoes(first, "first\n"), "the first client is served");
	second = dial(server.port);
	await_stop(server.pid);
	if (!queued)
		ok(echoes(first, "on\n"), "served on by its child");
	third = dial(server.port);
	say(second, "second\n");
	say(third, "third\n");

	if (end->number != 0)
		send_signal(server.pid, end->number);
	if (end->number == SIGKILL)
		(void)await_end(server.pid);
	else
		send_signal(server.pid, SIGCONT);
	if (end->number == SIGTERM || end->number == SIGINT)
		ok(await_end(server.pid) == 0, "it ended in order");
	if (end->number != 0 && end->number != SIGHUP) {
		await_no_listener(9999);
		next_parent();
	}
	if (queued)
		gate_open();
	if (end->number == SIGINT) {
		ok(sees_end(first) && is_ended(second) && is_ended(third),
		    "all clients are ended");
		(void)close(first);
		(void)close(second);
		(void)close(third);
		nothing_left();
		return;
	}
	if (end->number == SIGKILL) {
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
	if (end->number == 0 || end->number == SIGHUP)
		send_signal(server.pid, SIGTERM);
	if (end->number != SIGTERM && end->number != SIGKILL)
		ok(await_end(server.pid) == 0, "it ended in order");
	nothing_left();
}

static bool
is(const char *one, const char *other)
{
	return strncmp(one, other, strlen(other)) == 0;
}

/* The log and outlivectl name the one who is in everybody's way. */
static void
is_named(pid_t stopped)
{
	char	text[160];

	(void)snprintf(text, sizeof(text), "child %d is stopped and has the "
	    "accept lock: nobody accepts until it goes on, or is killed",
	    stopped);
	await_log(text);
	ok(1, "the log names it");
	(void)snprintf(text, sizeof(text), "child %d of generation 1 is "
	    "stopped and has the accept lock: nobody accepts until it goes "
	    "on (kill -CONT %d) or is killed (kill -KILL %d)", stopped,
	    stopped, stopped);
	(void)ctl("status", NULL);
	tells("status", text);
}

/* Its parent has forked it, and then written down who it is. */
static void
await_on_board(pid_t stopped)
{
	struct wait	wait = { .what = "a newborn's line in the status" };
	char		text[32];

	(void)snprintf(text, sizeof(text), " %d  stopped ", stopped);
	for (;; wait_a_moment(&wait)) {
		(void)ctl("status", NULL);
		if (says(text))
			return;
	}
}

/* Whether the next parent may take it from there: one that has no right over
   others, and is nobody's ancestor (Yama allows it to ancestors). */
static bool
may_be_taken(pid_t stopped)
{
	pid_t	probe = fork();

	if (probe == -1)
		bail("fork: %s", strerror(errno));
	if (probe == 0) {
		harness_drop_capabilities();
		_exit(listener_of(stopped) == -1);
	}
	return await_end(probe) == 0;
}

/* The parent has ended; the stopped child and those that are busy are left.
   False: nobody else can have the port here. */
static bool
parent_ended(struct server server, const struct cell *end, pid_t stopped,
    int left, bool keeps)
{
	pid_t	list[64];

	if (end->number != SIGQUIT)
		(void)await_end(server.pid);
	await_children(end->number == SIGQUIT ? server.pid : 0, left, list);
	ok(1, "idle siblings leave");
	if (!keeps)
		await_no_listener(9999);
	else if (!may_be_taken(stopped)) {
		skip("the next parent", "pidfd_getfd() is not allowed here");
		return false;
	} else
		ok(listeners(9999) == 1, "it keeps the port");
	log_clear();
	next_parent();
	ok(log_has("is stopped: it listens no more") == keeps,
	    keeps ? "it was taken from the stopped child" :
	    "which nobody kept");
	return true;
}

/*
 * A child stops; then it is killed or goes on, after its parent has ended or
 * while it lives.  Newborn it has all that its parent has.  When it has taken a
 * client it has not said so yet.  Where children accept it keeps the listening
 * socket, and perhaps the lock, so that nobody else can accept.
 */
static void
child_stops(const struct cell *end, const char *where, int signo)
{
	const bool	accepts = !end->strategy->parent_accepts;
	const bool	newborn = is(where, "newborn");
	const bool	taken = is(where, "taken") || !end->strategy->prefork;
	const bool	blocks = end->strategy->lock_holder != NULL &&
			    !newborn && !is(where, "lining");
	const bool	lives = end->number == 0 || end->number == SIGHUP;
	struct server	server;
	pid_t		stopped;
	int		victim = -1, first, other;
	bool		served = !blocks;

	note("a child stops: %s, %s, the child %s", where, end->name,
	    signo == SIGKILL ? "is killed" : "goes on");
	log_clear();
	harness_new_state();
	server = server_start_paused(where, "-i", "3:4", PORT, "echo", NULL);
	if (taken)
		victim = dial(server.port);
	stopped = await_stopped(server.pid);
	first = dial(server.port);
	say(first, "first\n");
	if (served) {
		ok(hears(first, "first\n"), "its siblings serve");
		(void)await_server_of(server.pid, first);
	} else {
		is_named(stopped);
		ok(inode_of(server.port, first) == 1, "nobody else accepts");
	}

	if (newborn)
		await_on_board(stopped);
	if (end->number != 0)
		send_signal(server.pid, end->number);
	if (end->number == SIGHUP)
		await_log("HUP: replacing");
	if (end->number == SIGINT) {
		ok(await_end(server.pid) == 0, "the parent ended in order");
		nothing_left();
		ok(sees_end(first), "and with it all its clients");
		(void)close(first);
		if (victim != -1)
			(void)close(victim);
		next_parent();
		return;
	}
	if (!served && (end->number == SIGTERM || end->number == SIGQUIT))
		served = ok(hears(first, "first\n"), "who waited is served");
	if (!lives && parent_ended(server, end, stopped, served ? 2 : 1,
	    end->number == SIGKILL && (newborn || accepts)) && !served)
		ok(sees_end(first), "whom nobody had accepted is lost");

	send_signal(stopped, signo);
	if (taken && signo == SIGKILL)
		ok(sees_end(victim), "its client sees the end");
	else if (taken)
		ok(echoes(victim, "hello\n"), "its client is served");
	if (served)
		ok(echoes(first, "on\n"), "the other client is served");
	else if (lives)
		ok(hears(first, "first\n"), "who waited is served");
	if (blocks && lives)
		await_log("the accept lock is free again");
	if (lives) {
		other = dial(server.port);
		ok(echoes(other, "hello\n"), "and so is a new one");
		(void)close(other);
	}
	(void)close(first);
	if (victim != -1)
		(void)close(victim);
	if (lives)
		send_signal(server.pid, SIGTERM);
	if (lives || end->number == SIGQUIT)
		ok(await_end(server.pid) == 0, "the parent ended in order");
	nothing_left();
}

/* One strategy, and one end. */
static void
play(const struct cell *end)
{
	static const struct {
		const char	*where, *strategies;
	} moments[] = {
		{ "newborn 1", "fork" },
		{ "newborn 2", "shared fcntl mutex pass" },
		{ "lining 2", "fcntl mutex" },
		{ "waiting 1", "fcntl mutex" },
		{ "waiting 2", "shared pass" },
		{ "taken 1", "shared fcntl mutex pass" },
	};
	const struct strategy	*strategy = end->strategy;
	size_t			 i;

	if (strategy->parent_accepts)
		parent_stops("accepted", false, strategy->prefork ? 3 : 0,
		    end);
	if (strategy->queue) {
		parent_stops("accepted", true, 3, end);
		parent_stops("sending", false, 3, end);
		parent_stops("sending", true, 3, end);
	}
	for (i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		if (strstr(moments[i].strategies, strategy->name) == NULL)
			continue;
		child_stops(end, moments[i].where, SIGCONT);
		child_stops(end, moments[i].where, SIGKILL);
	}
}

/* As under a service manager: one session for all of them. */
static void
play_leader(const struct cell *end)
{
	harness_lead();
	play(end);
}

int
main(void)
{
	static const struct cell	ends[] = {
		{ .name = "nothing", .play = play, .number = 0 },
		{ .name = "TERM", .play = play, .number = SIGTERM },
		{ .name = "QUIT", .play = play, .number = SIGQUIT },
		{ .name = "INT", .play = play, .number = SIGINT },
		{ .name = "KILL", .play = play, .number = SIGKILL },
		{ .name = "HUP", .play = play, .number = SIGHUP },
		{ .name = "KILL of a leader", .play = play_leader,
		    .number = SIGKILL },
	};

	harness_begin();
	harness_overlook_leaks();
	cells_play_all(ends, sizeof(ends) / sizeof(ends[0]));
	return done();
}
