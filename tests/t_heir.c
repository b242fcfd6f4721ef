/* SPDX-License-Identifier: ISC */
/*
 * Promise P5, with each strategy: where there is an heir no client is refused or
 * reset by the end of a parent, in whatever way it ends.  And what becomes of
 * heirs: killed, stopped, forgotten, told to end.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "answer.h"
#include "cells.h"
#include "client.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"
#define NAME	PORT

/* The heir of a parent (0: orphaned); waits for it. */
static pid_t
heir_of(pid_t parent)
{
	struct wait	wait = { .what = "an heir" };
	pid_t		list[64];
	int		n;

	for (;; wait_a_moment(&wait)) {
		n = children_of(parent, list, 64);
		while (n-- > 0)
			if (title_has(list[n], "heir of " NAME))
				return list[n];
	}
}

static struct server
parent(const char *seconds)
{
	return server_start("-w", "0", "-H", seconds, "-i", "1:4", PORT, "echo",
	    NULL);
}

/* The heir is left. */
static void
kill_parent(pid_t pid)
{
	pid_t	list[64];

	send_signal(pid, SIGKILL);
	(void)await_end(pid);
	await_children(0, 1, list);
}

/* In whatever way; QUIT leaves one that waits for its children. */
static void
end_parent(struct server server, int signo)
{
	send_signal(server.pid, signo);
	if (signo == SIGQUIT)
		await_title(server.pid, "outlived: parent of " NAME
		    ", generation 1, until its children are done");
	else
		(void)await_end(server.pid);
}

/* An orphan is ours to bury. */
static void
leaves(bool orphan, pid_t heir)
{
	if (orphan)
		(void)await_end(heir);
	else
		await_gone(heir);
}

static void
parent_ends(const struct cell *cell)
{
	struct server	server, next;
	int		old, waits[3], i;
	pid_t		heir, list[64];

	server = parent("20");
	old = dial(9999);
	ok(echoes(old, "hello\n"), "a client");
	heir = heir_of(server.pid);
	end_parent(server, cell->number);
	await_title(heir, "outlived: heir of " NAME
	    ", generation 1, keeps the port");
	/* Of idle children, one might take whoever comes now. */
	await_children(cell->number == SIGQUIT ? server.pid : 0, 2, list);
	ok(listeners(9999) == 1 && echoes(old, "still here\n"),
	    "it is served on, and there is a listening socket");
	for (i = 0; i < 3; i++)
		waits[i] = dial(9999);
	say(waits[0], "early\n");
	ok(ctl("status", NULL) == 0, "status");
	tells("status", ": no parent\n");
	tells("status", " keeps the port for the next parent\n");
	tells("status", ": 3 of 4096 connections wait");
	next = parent("20");
	ok(log_has("has the socket, too; clients that wait: 3"),
	    "the next parent is given the socket");
	ok(hears(waits[0], "early\n") && echoes(waits[1], "b\n") &&
	    echoes(waits[2], "c\n"), "who has come in between is served");
	leaves(cell->number != SIGQUIT, heir);
	ok(heir_of(next.pid) != heir && listeners(9999) == 1,
	    "it has an heir of its own, and the other has left");
	for (i = 0; i < 3; i++)
		(void)close(waits[i]);
	(void)close(old);
	if (cell->number == SIGQUIT)
		ok(await_end(server.pid) == 0, "the old parent does not wait "
		    "for its heir");
	send_signal(next.pid, SIGINT);
	ok(await_end(next.pid) == 0 && harness_nobody_left() &&
	    listeners(9999) == 0, "INT ends the heir, too");
}

/* With more idle children than the last two the parent does not end at once:
   nobody is to wait for the next one longer than he must. */
static void
serves_to_the_end(const struct cell *cell)
{
	struct server	server = server_start("-w", "0", "-H", "20", "-i",
			    "8:16", PORT, "echo", NULL);
	pid_t		heir = heir_of(server.pid), list[64];
	int		client;

	(void)cell;
	await_children(server.pid, 9, list);
	stop(server.pid);
	client = dial(9999);
	send_signal(server.pid, SIGTERM);
	send_signal(server.pid, SIGCONT);
	ok(echoes(client, "hello\n"), "TERM, and many are idle: who has come "
	    "before the end is served");
	ok(await_end(server.pid) == 0, "then the parent ends");
	await_title(heir, "outlived: heir of " NAME
	    ", generation 1, keeps the port");
	await_children(0, 2, list);
	ok(echoes(client, "still here\n"), "and idle children have left");
	(void)close(client);
	send_signal(heir, SIGTERM);
	(void)await_end(heir);
	await_children(0, 0, list);
	ok(harness_nobody_left(), "nobody is left");
}

/* One whose idle children are leaving, stopped; again, if it has ended before it
   was seen. */
static struct server
stopped_meanwhile(void)
{
	struct server	server;
	siginfo_t	info = { .si_code = CLD_EXITED };
	pid_t		list[64];
	int		tries;

	for (tries = 0; tries < 10; tries++) {
		harness_new_state();
		server = server_start("-w", "0", "-H", "20", "-i", "60:60",
		    PORT, "echo", NULL);
		await_children(server.pid, 61, list);
		send_signal(server.pid, SIGTERM);
		while (children_of(server.pid, list, 64) > 50)
			;
		send_signal(server.pid, SIGSTOP);
		if (waitid(P_PID, (id_t)server.pid, &info, WSTOPPED | WEXITED |
		    WNOWAIT) == -1)
			bail("waitid");
		if (info.si_code == CLD_STOPPED)
			return server;
		(void)await_end(server.pid);
		await_children(0, 1, list);
		send_signal(list[0], SIGKILL);
		(void)await_end(list[0]);
	}
	bail("the parent has always ended before it was seen");
}

/* The next parent waits, and is coming in: where children accept nobody waits
   for those that it is to have. */
static void
overlap(const struct cell *cell)
{
	const char	*argv[] = { "tests/paused/outlived", "-H", "20", "-w",
			    "30", "-a", cell->strategy->name, "-i", "1:2", PORT,
			    "echo", NULL };
	struct server	server;
	pid_t		heir, next;
	int		client;

	server = server_start_paused("let go 1", "-w", "0", "-H", "20", "-i",
	    "1:4", PORT, "echo", NULL);
	heir = heir_of(server.pid);
	await_born(server.pid, cell->strategy->prefork ? 2 : 1);
	log_clear();
	(void)setenv("OUTLIVED_PAUSE", "connecting 1", 1);
	next = program_start(argv, -1);
	(void)unsetenv("OUTLIVED_PAUSE");
	await_log("trying for 30 s");
	send_signal(server.pid, SIGTERM);
	await_stop(server.pid);
	await_stop(next);
	send_signal(server.pid, SIGCONT);
	client = dial(9999);
	ok(cell->strategy->parent_accepts || echoes(client, "hello\n"),
	    "TERM, the next parent has the door: children of the old one "
	    "accept");
	send_signal(next, SIGCONT);
	ok(echoes(client, "again\n") && await_end(server.pid) == 0,
	    "until it has some");
	leaves(cell->strategy->parent_accepts, heir);
	(void)close(client);
	send_signal(next, SIGINT);
	ok(await_end(next) == 0 && harness_nobody_left(), "nobody is left");
}

/* INT cuts it short, and ends the heir, too. */
static void
cut_short(const struct cell *cell)
{
	struct server	server = stopped_meanwhile();
	int		client = dial(9999);

	(void)cell;
	send_signal(server.pid, SIGINT);
	send_signal(server.pid, SIGCONT);
	ok(await_end(server.pid) == 0 && log_has("INT: ending"),
	    "INT while idle children leave");
	ok(harness_nobody_left() && listeners(9999) == 0,
	    "nobody is left, and nobody has the port");
	(void)close(client);
}

/* The deadline is some time after the parent's end. */
static void
deadline(const struct cell *cell)
{
	struct server	server = parent("1");
	int		client;
	pid_t		heir = heir_of(server.pid);

	(void)cell;
	kill_parent(server.pid);
	client = dial(9999);
	(void)await_end(heir);
	ok(log_has("no parent has come, the port is free; clients that waited "
	    "are reset: 1"), "nobody has come in time");
	ok(sees_end(client) && listeners(9999) == 0 && harness_nobody_left(),
	    "who has waited sees the end, nobody listens");
	(void)close(client);
	server = server_start("-w", "0", "-i", "1:4", PORT, "echo", NULL);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "the next parent binds");
	(void)close(client);
	server_end(server);
}

/* One that is killed has a follower; one that was, just before the end, is
   not relied on. */
static void
killed(const struct cell *cell)
{
	struct server	server = parent("20");
	pid_t		heir = heir_of(server.pid), next;
	struct wait	wait = { .what = "the end of an heir" };
	int		client, waits;

	(void)cell;
	send_signal(heir, SIGKILL);
	await_gone(heir);
	next = heir_of(server.pid);
	ok(next != heir && log_has("was ended by signal 9"),
	    "a killed heir has a follower");
	await_log("heir: process");
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client");
	(void)close(client);
	stop(server.pid);
	send_signal(next, SIGKILL);
	while (lives(next))
		wait_a_moment(&wait);
	waits = dial(9999);
	send_signal(server.pid, SIGTERM);
	send_signal(server.pid, SIGCONT);
	ok(await_end(server.pid) == 0 && echoes(waits, "served\n"),
	    "TERM, and the heir is dead: who waits is served");
	await_no_listener(9999);
	ok(log_has("the port is free"), "and the port is free");
	(void)close(waits);
	ok(harness_nobody_left(), "nobody is left");
}

/* Two words of an exit status and of the log. */
static void
refuses(const char *what, int status, int expected, const char *words)
{
	if (!ok(WIFEXITED(status) && WEXITSTATUS(status) == expected &&
	    log_has(words), "%s: exit %d, '%s'", what, expected, words))
		log_show();
}

static void
stopped(const struct cell *cell)
{
	struct server	server = parent("20");
	pid_t		heir = heir_of(server.pid);
	char		words[128];
	int		client;

	(void)cell;
	stop(heir);
	kill_parent(server.pid);
	client = dial(9999);
	(void)snprintf(words, sizeof(words), "process %d is the heir of " NAME
	    ": expected it to answer", heir);
	refuses("a stopped heir", server_run("-w", "0", PORT, "echo", NULL),
	    69, words);
	send_signal(heir, SIGCONT);
	server = parent("20");
	ok(echoes(client, "hello\n"), "it goes on, and gives the socket");
	(void)close(client);
	send_signal(server.pid, SIGINT);
	(void)await_end(server.pid);
	ok(harness_nobody_left(), "nobody is left");
}

/* What the socket is not; and who else asks for it. */
static void
strangers(const struct cell *cell)
{
	struct server	server = parent("20");
	pid_t		heir = heir_of(server.pid);
	char		words[128];
	int		client;

	(void)cell;
	kill_parent(server.pid);
	client = dial(9999);
	(void)snprintf(words, sizeof(words), "the socket of process %d: "
	    "descriptor", heir);
	refuses("another address", server_run("-w", "0", "-n", NAME,
	    "127.0.0.1:9998", "echo", NULL), 69, words);
	ok(log_has("listens at " PORT ": expected 127.0.0.1:9998"),
	    "it says which");
	refuses("-R", server_run("-w", "0", "-R", PORT, "echo", NULL), 69,
	    "has the option SO_REUSEADDR: expected no -R");
	ok(lives(heir) && listeners(9999) == 1, "the heir keeps it");
	ok(ctl("stop", NULL) == 0, "outlivectl stop");
	tells("stop", "has ended, the port is free; clients still served: 0\n");
	ok(sees_end(client) && harness_nobody_left() && listeners(9999) == 0 &&
	    log_has("told to end, the port is free"), "ends the heir");
	(void)close(client);
}

/* The next parent is stopped on its way, and one of the two is killed there. */
static const struct step {
	const char	*pause;
	bool		 has_it;	/* and needs the old one no more */
} steps[] = {
	{ "connecting 1", false },
	{ "connected 1", false },
	{ "received 1", true },
	{ "listen 1", true },
	{ "owner 1", true },
	{ "said mine 1", true },
};

static void
one_is_killed(const struct step *step, bool kill_next, const char *strategy)
{
	const char	*argv[] = { "tests/paused/outlived", "-H", "20", "-w", "0",
			    "-a", strategy, "-i", "1:2", PORT, "echo", NULL };
	struct server	server;
	pid_t		heir, next;
	int		client;

	harness_new_state();
	server = parent("20");
	heir = heir_of(server.pid);
	kill_parent(server.pid);
	client = dial(9999);
	(void)setenv("OUTLIVED_PAUSE", step->pause, 1);
	next = program_start(argv, -1);
	(void)unsetenv("OUTLIVED_PAUSE");
	await_stop(next);
	send_signal(kill_next ? next : heir, SIGKILL);
	(void)await_end(kill_next ? next : heir);
	if (kill_next)
		next = parent("20").pid;
	else
		send_signal(next, SIGCONT);
	ok(echoes(client, "hello\n"), "%s, the %s is killed: who waited is "
	    "served", step->pause, kill_next ? "next parent" : "heir");
	if (kill_next)
		leaves(true, heir);
	(void)close(client);
	send_signal(next, SIGINT);
	ok(await_end(next) == 0 && harness_nobody_left() &&
	    listeners(9999) == 0, "nobody is left");
}

/* Told to end before it has an heir of its own. */
static void
ends_at_once(const struct cell *cell)
{
	const char	*argv[] = { "tests/paused/outlived", "-H", "20", "-w", "0",
			    "-a", cell->strategy->name, "-i", "1:2", PORT,
			    "echo", NULL };
	struct server	server = parent("20");
	int		client;
	pid_t		next;

	(void)heir_of(server.pid);
	kill_parent(server.pid);
	(void)setenv("OUTLIVED_PAUSE", "owner 1", 1);
	next = program_start(argv, -1);
	(void)unsetenv("OUTLIVED_PAUSE");
	await_stop(next);
	send_signal(next, SIGTERM);
	send_signal(next, SIGCONT);
	ok(await_end(next) == 0 && listeners(9999) == 1,
	    "TERM at once: there is an heir");
	client = dial(9999);
	server = parent("0");
	ok(echoes(client, "hello\n"), "who comes then is served");
	(void)close(client);
	send_signal(server.pid, SIGINT);
	ok(await_end(server.pid) == 0 && harness_nobody_left(),
	    "nobody is left");
}

static void
killed_on_the_way(const struct cell *cell)
{
	size_t	i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		one_is_killed(&steps[i], true, cell->strategy->name);
		if (steps[i].has_it)
			one_is_killed(&steps[i], false, cell->strategy->name);
	}
}

int
main(void)
{
	static const struct cell	all[] = {
		{ .name = "KILL", .play = parent_ends, .number = SIGKILL },
		{ .name = "TERM", .play = parent_ends, .number = SIGTERM },
		{ .name = "QUIT", .play = parent_ends, .number = SIGQUIT },
		{ .name = "overlap", .play = overlap },
		{ .name = "killed", .play = killed },
		{ .name = "on the way", .play = killed_on_the_way },
	}, both[] = {
		{ .name = "serves to the end", .play = serves_to_the_end },
		{ .name = "cut short", .play = cut_short },
		{ .name = "deadline", .play = deadline },
		{ .name = "stopped", .play = stopped },
		{ .name = "strangers", .play = strangers },
		{ .name = "ends at once", .play = ends_at_once },
	};

	harness_begin();
	harness_overlook_leaks();
	cells_play_all(all, 6);
	cells_play_both(both, 6);
	return done();
}
