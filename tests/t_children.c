/* SPDX-License-Identifier: ISC */
/*
 * Promise P8, and how many there are, with each strategy: children that are
 * killed, replaced, born when needed, let go when not; and what their titles
 * say.
 */
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "net/clock.h"
#include "process.h"

static bool	prefork;	/* there are children before clients */

static bool
contains(const pid_t *list, int n, pid_t pid)
{
	while (n-- > 0)
		if (list[n] == pid)
			return true;
	return false;
}

/* Bytes that the kernel shows of a title, without NULs at its end. */
static size_t
shown(pid_t pid)
{
	char	path[32], text[4096];
	size_t	n;
	FILE	*title;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	title = fopen(path, "re");
	if (title == NULL)
		bail("%s: %s", path, strerror(errno));
	n = fread(text, 1, sizeof(text), title);
	(void)fclose(title);
	while (n > 0 && text[n - 1] == '\0')
		n--;
	return n;
}

static void
titles(void)
{
	struct server	server = server_start("-i", "1:2", "-n", "some.name",
			    "127.0.0.1:0", "echo", NULL);
	const char	*parent = "outlived: parent of some.name, generation 1";
	pid_t		list[64], child;
	int		client;

	await_title(server.pid, parent);
	ok(1, "%s", parent);
	await_children(server.pid, prefork ? 1 : 0, list);
	if (prefork) {
		await_title(list[0], "outlived: idle, generation 1");
		ok(1, "outlived: idle, generation 1");
	}
	client = dial(server.port);
	ok(echoes(client, "hello\n"), "a client is served");
	child = await_server_of(server.pid, client);
	ok(1, "outlived: echo for 127.0.0.1:%u", local_port(client));
	ok(getsid(child) == child, "a child has a session of its own");
	ok(signals_of(child, "SigBlk") == 0, "it blocks no signal");
	/* 32 and 33 are glibc's own; make leaves them ignored. */
	ok((signals_of(child, "SigIgn") & ~(3ULL << 31)) ==
	    (1ULL << (SIGPIPE - 1) | 1ULL << (SIGXFSZ - 1)),
	    "it ignores PIPE and XFSZ");
	(void)close(client);
	if (prefork) {
		await_title(child, "outlived: idle, generation 1");
		ok(shown(child) == strlen("outlived: idle, generation 1"),
		    "nothing is left of the longer one");
	} else
		await_gone(child);
	ok(1, prefork ? "outlived: idle, again" : "it leaves");
	server_end(server);
}

/* An idle child that was never busy is killed: replaced, but not at once. */
static void
killed_idle(void)
{
	struct wait	wait = { .what = "another child" };
	struct server	server = server_start("-i", "2:2", "127.0.0.1:0",
			    "echo", NULL);
	long long	began;
	pid_t		list[64], old;
	int		client;

	log_clear();
	await_children(server.pid, 2, list);
	old = list[0];
	await_title(old, "outlived: idle");
	began = clock_ms();
	send_signal(old, SIGKILL);
	await_log("was ended by signal 9 (Killed) before it served");
	ok(1, "the log has its death");
	client = dial(server.port);
	ok(echoes(client, "hello\n"), "its sibling serves");
	/* A busy one and two idle ones. */
	while (children_of(server.pid, list, 64) != 3 ||
	    contains(list, 3, old))
		wait_a_moment(&wait);
	ok(clock_ms() - began >= 950, "it is replaced after a second: %lld ms",
	    clock_ms() - began);
	(void)close(client);
	server_end(server);
}

/* A busy child is killed: its client is lost, no other one is. */
static void
killed_busy(void)
{
	struct wait	wait = { .what = "another child" };
	struct server	server = server_start("-i", "1:4", "127.0.0.1:0",
			    "echo", NULL);
	int		lost = dial(server.port), other = dial(server.port);
	int		many = prefork ? 3 : 2;
	char		text[128];
	long long	began;
	pid_t		list[64], child;

	log_clear();
	ok(echoes(lost, "hello\n") && echoes(other, "hello\n"),
	    "two clients are served");
	child = await_server_of(server.pid, lost);
	await_children(server.pid, many, list);
	(void)snprintf(text, sizeof(text), "child %d was ended by signal 6 "
	    "(Aborted) while it served 127.0.0.1:%u", child, local_port(lost));
	began = clock_ms();
	send_signal(child, SIGABRT);
	ok(sees_end(lost), "the client of a child that crashes sees the end");
	await_log(text);
	ok(1, "the log has the signal and the client");
	ok(echoes(other, "still here\n"), "the other client is served");
	(void)close(lost);
	lost = dial(server.port);
	ok(echoes(lost, "again\n"), "a new client is served");
	while (children_of(server.pid, list, 64) < many)
		wait_a_moment(&wait);
	note("as many children again after %lld ms", clock_ms() - began);
	(void)close(lost);
	(void)close(other);
	server_end(server);
}

/* Growth up to -m, no further; then back to the most idle ones. */
static void
growth(void)
{
	struct wait	wait = { .what = "growth" };
	struct server	server = server_start("-i", "2:3", "-m", "6",
			    "127.0.0.1:0", "echo", NULL);
	int		clients[6], late, i;
	pid_t		list[64];

	await_children(server.pid, prefork ? 2 : 0, list);
	for (i = 0; i < 6; i++) {
		clients[i] = dial(server.port);
		ok(echoes(clients[i], "hello\n"), "client %d is served",
		    i + 1);
	}
	late = dial(server.port);
	say(late, "late\n");
	ok(children_of(server.pid, list, 64) == 6, "there are six children");
	(void)close(clients[0]);
	ok(hears(late, "late\n"), "the seventh is served when one is free");
	ok(!prefork || children_of(server.pid, list, 64) == 6,
	    "by one of the six");
	for (i = 1; i < 6; i++)
		(void)close(clients[i]);
	(void)close(late);
	while (children_of(server.pid, list, 64) != (prefork ? 3 : 0))
		wait_a_moment(&wait);
	ok(1, prefork ? "three are left" : "nobody is left");
	late = dial(server.port);
	ok(echoes(late, "still here\n"), "and a client is served");
	(void)close(late);
	server_end(server);
}

/* The same far below -m: a parent that has been full looks by the clock, too,
   this one only hears of it. */
static void
shrinks(void)
{
	struct wait	wait = { .what = "idle children to leave" };
	struct server	server = server_start("-i", "1:2", "-m", "40",
			    "127.0.0.1:0", "echo", NULL);
	int		clients[6], i;
	pid_t		list[64];

	for (i = 0; i < 6; i++) {
		clients[i] = dial(server.port);
		ok(echoes(clients[i], "hello\n"), "one of six is served");
	}
	for (i = 0; i < 6; i++)
		(void)close(clients[i]);
	while (children_of(server.pid, list, 64) != 2)
		wait_a_moment(&wait);
	ok(1, "two idle children are left");
	server_end(server);
}

/* A child that is told to leave when done: WINCH. */
static void
asked_to_leave(void)
{
	struct server	server = server_start("-i", "1:1", "-m", "1",
			    "127.0.0.1:0", "echo", NULL);
	int		client = dial(server.port), next;
	pid_t		child;

	ok(echoes(client, "hello\n"), "a client is served");
	child = await_server_of(server.pid, client);
	send_signal(child, SIGWINCH);
	ok(echoes(client, "still here\n"), "its child finishes it");
	next = dial(server.port);
	say(next, "next\n");
	(void)close(client);
	ok(hears(next, "next\n"), "the next client is served");
	ok(await_server_of(server.pid, next) != child, "by another child");
	(void)close(next);
	server_end(server);
}

/*
 * Children that are killed while connections are on their way to them: the
 * sums must come out right again, or in the end nobody is served.
 */
static void
killed_with_a_queue(void)
{
	struct server	server;
	char		pause[64];
	pid_t		list[64];
	int		clients[2], i;

	gate_close("gate", pause, sizeof(pause));
	server = server_start_paused(pause, "-i", "2:2", "-m", "2",
	    "127.0.0.1:0", "echo", NULL);
	await_children(server.pid, 2, list);
	for (i = 0; i < 2; i++)
		clients[i] = dial_into_queue(server.port, server.pid);
	for (i = 0; i < 2; i++)
		send_signal(list[i], SIGKILL);
	gate_open();
	for (i = 0; i < 2; i++)
		ok(echoes(clients[i], "hello\n"),
		    "queued client %d is served by a new child", i + 1);
	for (i = 0; i < 2; i++)
		(void)close(clients[i]);
	for (i = 0; i < 8; i++) {
		clients[0] = dial(server.port);
		ok(echoes(clients[0], "next\n"), "and the next one");
		(void)close(clients[0]);
	}
	server_end(server);
}

/*
 * Who is on the way to a child has claimed it, also when the parent counts all
 * of them again because one was stopped.
 */
static void
counted_with_a_queue(void)
{
	struct server	server;
	char		pause[64];
	pid_t		list[64];
	int		clients[4], i;

	gate_close("gate", pause, sizeof(pause));
	server = server_start_paused(pause, "-i", "2:4", "-m", "16",
	    "127.0.0.1:0", "echo", NULL);
	for (i = 0; i < 4; i++)
		clients[i] = dial_into_queue(server.port, server.pid);
	await_born(server.pid, 6);
	await_children(server.pid, 6, list);
	stop(list[0]);
	await_children(server.pid, 7, list + 1);
	ok(1, "four on the way to six, of whom one is stopped: one is missing");
	send_signal(list[0], SIGCONT);
	gate_open();
	for (i = 0; i < 4; i++)
		ok(echoes(clients[i], "hello\n"), "queued client %d is served",
		    i + 1);
	ok(children_of(server.pid, list, 64) == 7, "nobody was dismissed");
	for (i = 0; i < 4; i++)
		(void)close(clients[i]);
	server_end(server);
}

/* Stopped idle children take no clients: others are born for them. */
static void
stopped(void)
{
	struct server	server = server_start("-i", "2:8", "127.0.0.1:0",
			    "echo", NULL);
	struct wait	wait = { .what = "children in place of stopped ones" };
	pid_t		list[64];
	int		clients[2], i;

	await_children(server.pid, 2, list);
	for (i = 0; i < 2; i++) {
		await_title(list[i], "outlived: idle");
		stop(list[i]);
	}
	for (i = 0; i < 2; i++) {
		clients[i] = dial(server.port);
		ok(echoes(clients[i], "hello\n"), "client %d is served, "
		    "with all idle children stopped", i + 1);
	}
	while (children_of(server.pid, list, 64) < 6)
		wait_a_moment(&wait);
	ok(1, "two busy ones, two idle ones beside the stopped ones");
	for (i = 0; i < 6; i++)
		send_signal(list[i], SIGCONT);
	for (i = 0; i < 2; i++)
		(void)close(clients[i]);
	server_end(server);
}

/* HUP: idle children are replaced, a busy one when its client has gone. */
static void
renewed(void)
{
	struct wait	wait = { .what = "other children" };
	struct server	server = server_start("-i", "2:2", "127.0.0.1:0",
			    "echo", NULL);
	int		client = dial(server.port), next;
	pid_t		before[64], after[64], busy;
	int		i, n, old, many = prefork ? 3 : 1;
	char		text[64];

	ok(echoes(client, "hello\n"), "a client is served");
	busy = await_server_of(server.pid, client);
	await_children(server.pid, many, before);
	log_clear();
	send_signal(server.pid, SIGHUP);
	do {
		wait_a_moment(&wait);
		n = children_of(server.pid, after, 64);
		for (old = 0, i = 0; i < many; i++)
			old += before[i] != busy &&
			    contains(after, n, before[i]);
	} while (n != many || old != 0);
	ok(contains(after, n, busy), "HUP: others for the idle ones");
	(void)snprintf(text, sizeof(text), "HUP: replacing %d children", many);
	await_log(text);
	ok(log_lines() == 1, "nobody has died young");
	ok(echoes(client, "on\n"), "the busy one serves its client");
	next = dial(server.port);
	ok(echoes(next, "hello\n"), "a new client is served");
	ok(!contains(before, many, await_server_of(server.pid, next)),
	    "by a new child");
	(void)close(client);
	await_gone(busy);
	ok(1, "the busy one leaves when its client does");
	(void)close(next);
	server_end(server);
}

/* What was on its way to the old children when HUP came is served, also if
   they die before they take it. */
static void
renewed_with_a_queue(void)
{
	struct server	server;
	char		pause[64];
	pid_t		list[64], child;
	int		client;

	gate_close("gate", pause, sizeof(pause));
	server = server_start_paused(pause, "-i", "1:8", "127.0.0.1:0",
	    "echo", NULL);
	await_children(server.pid, 1, list);
	client = dial_into_queue(server.port, server.pid);
	log_clear();
	send_signal(server.pid, SIGHUP);
	await_log("HUP: replacing");
	send_signal(list[0], SIGKILL);
	await_gone(list[0]);
	gate_open();
	ok(echoes(client, "queued\n"), "HUP: what was queued is served");
	child = await_server_of(server.pid, client);
	(void)close(client);
	await_title(child, "outlived: idle");
	client = dial(server.port);
	ok(echoes(client, "next\n"), "and the next one");
	child = await_server_of(server.pid, client);
	(void)close(client);
	await_title(child, "outlived: idle");
	log_clear();
	server_end(server);
	ok(log_has("clients still served: 0"), "the sums are right");
}

/* -r: a child is replaced when it has served so many; an orphan is not. */
static void
worn_out(void)
{
	struct server	server = server_start("-i", "1:1", "-m", "1",
			    "-r", "3", "127.0.0.1:0", "echo", NULL);
	pid_t		pids[6];
	int		client, i;

	log_clear();
	for (i = 0; i < 6; i++) {
		client = dial(server.port);
		ok(echoes(client, "hello\n"), "-r 3: client %d", i + 1);
		pids[i] = await_server_of(server.pid, client);
		(void)close(client);
	}
	ok(pids[0] == pids[1] && pids[1] == pids[2] && pids[2] != pids[3] &&
	    pids[3] == pids[4] && pids[4] == pids[5],
	    "each child serves three");
	await_gone(pids[3]);
	ok(log_lines() == 0, "which is no news");
	server_end(server);
}

/* The queue of a parent that was killed: one child has to serve all of it. */
static void
worn_out_orphan(void)
{
	struct server	server;
	char		pause[64];
	pid_t		list[64];
	int		clients[2], i;

	gate_close("gate", pause, sizeof(pause));
	server = server_start_paused(pause, "-i", "2:2", "-m", "2", "-r", "1",
	    "127.0.0.1:0", "echo", NULL);
	await_children(server.pid, 2, list);
	for (i = 0; i < 2; i++)
		clients[i] = dial_into_queue(server.port, server.pid);
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	send_signal(list[0], SIGKILL);
	(void)await_end(list[0]);
	gate_open();
	for (i = 0; i < 2; i++) {
		ok(echoes(clients[i], "hello\n"),
		    "an orphan serves on, -r or not: client %d", i + 1);
		(void)close(clients[i]);
	}
	ok(harness_nobody_left(), "no process is left");
}

static void
play(const struct cell *cell)
{
	const struct strategy	*strategy = cell->strategy;

	prefork = strategy->prefork;
	titles();
	killed_busy();
	growth();
	asked_to_leave();
	renewed();
	if (prefork) {
		killed_idle();
		worn_out();
		shrinks();
	}
	/* Where one has the lock, others wait for it (t_pause). */
	if (prefork && strategy->lock_holder == NULL)
		stopped();
	if (strategy->queue) {
		worn_out_orphan();
		renewed_with_a_queue();
		killed_with_a_queue();
		counted_with_a_queue();
	}
}

int
main(void)
{
	static const struct cell	all = { .name = "all", .play = play };

	harness_begin();
	harness_overlook_leaks();
	cells_play_all(&all, 1);
	return done();
}
