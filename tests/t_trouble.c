/* SPDX-License-Identifier: ISC */
/*
 * What the system refuses, and children that die, with each strategy: the
 * server goes on with what it has, tries again ever more slowly, and says so in
 * a few lines.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "net/clock.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

/* A process gets no more descriptors; or as many as it had. */
static void
limit_descriptors(pid_t pid, bool few)
{
	static struct rlimit	before;
	struct rlimit		none = { .rlim_cur = 3 };

	if (few && prlimit(pid, RLIMIT_NOFILE, NULL, &before) == -1)
		bail("prlimit");
	none.rlim_max = before.rlim_max;
	if (prlimit(pid, RLIMIT_NOFILE, few ? &none : &before, NULL) == -1)
		bail("prlimit");
}

/* A server in trouble: what it has cost since then. */
struct cost {
	pid_t		pid;
	long long	since;		/* clock_ms() */
	long		cpu;		/* ms */
};

static struct cost
cost_from_here(pid_t pid)
{
	return (struct cost){ .pid = pid, .since = clock_ms(),
		.cpu = cpu_of(pid) };
}

/* Who tries again and again without a pause has a processor for himself. */
static void
costs_little(const struct cost *cost)
{
	long		cpu = cpu_of(cost->pid) - cost->cpu;
	long long	took = clock_ms() - cost->since;

	ok(4 * cpu <= took, "%ld ms of CPU time in %lld ms", cpu, took);
}

/* accept() has no descriptor to give, to the parent or to anybody. */
static void
accept_refused(const struct strategy *strategy)
{
	struct server	server;
	const char	*few = strategy->parent_accepts ? "Too many open files" :
			    "Too many open files in system";
	char		pause[64], text[128];
	int		before, client, lines, ms;
	struct cost	cost;
	pid_t		list[64];

	gate_close("crowded", pause, sizeof(pause));
	gate_open();
	/* One that is idle: each of those who accept has its own lines. */
	server = server_start_paused(pause, "-i", "1:1", "-m", "2", PORT,
	    "echo", NULL);
	before = dial(server.port);
	ok(echoes(before, "hello\n"), "a client is served");
	/* Who is born later would have the same limit. */
	await_children(server.pid, strategy->prefork ? 2 : 1, list);
	log_clear();
	if (strategy->parent_accepts)
		limit_descriptors(server.pid, true);
	else
		gate_close_again();
	cost = cost_from_here(server.pid);
	client = dial(server.port);
	for (ms = 100; ms <= 400; ms *= 2) {
		(void)snprintf(text, sizeof(text),
		    "accept: the next try in %d ms: %s", ms, few);
		await_log(text);
	}
	lines = log_lines();
	ok(lines <= 6, "accept() fails: %d lines of the log", lines);
	costs_little(&cost);
	ok(echoes(before, "on\n"), "who is served is served");
	if (strategy->parent_accepts)
		limit_descriptors(server.pid, false);
	else
		gate_open();
	ok(echoes(client, "hello\n"), "who waits is served when it works "
	    "again");
	await_log("accept: works again");
	(void)close(before);
	(void)close(client);
	server_end(server);
}

/* fork() fails: those who are there serve, if anybody is. */
static void
fork_refused(const struct strategy *strategy)
{
	const int	there = strategy->prefork ? 2 : 0;
	struct server	server;
	char		pause[64];
	struct cost	cost;
	pid_t		list[64];
	int		clients[3], i, lines;

	gate_close("barren", pause, sizeof(pause));
	gate_open();
	server = server_start_paused(pause, "-i", "2:8", PORT, "echo", NULL);
	await_children(server.pid, there, list);
	log_clear();
	cost = cost_from_here(server.pid);
	gate_close_again();
	for (i = 0; i < there; i++) {
		clients[i] = dial(server.port);
		ok(echoes(clients[i], "hello\n"), "client %d is served by who "
		    "is there", i + 1);
	}
	clients[2] = dial(server.port);
	await_log("fork: the next try in 1 s: Resource temporarily");
	await_log("fork: the next try in 2 s: Resource temporarily");
	lines = log_lines();
	ok(lines <= 5, "fork() fails: %d lines of the log", lines);
	costs_little(&cost);
	if (there > 0) {
		(void)close(clients[0]);
		ok(echoes(clients[2], "hello\n"), "who waits is served by the "
		    "first one that is free");
	}
	gate_open();
	if (there > 0)
		clients[0] = dial(server.port);
	ok(echoes(there > 0 ? clients[0] : clients[2], "hello\n"),
	    "and by others when it works again");
	await_log("fork: works again");
	for (i = 0; i < there; i++)
		(void)close(clients[i]);
	(void)close(clients[2]);
	server_end(server);
}

/* Children that die before they serve are replaced ever more slowly. */
static void
die_young(void)
{
	struct server	server;
	char		pause[64];
	long long	began;
	pid_t		list[64];
	int		client, lines;

	gate_close("stillborn", pause, sizeof(pause));
	log_clear();
	began = clock_ms();
	server = server_start_paused(pause, "-i", "1:1", PORT, "echo",
	    NULL);
	client = dial(server.port);
	await_log("children end before they serve: the next birth in 1 s");
	await_log("children end before they serve: the next birth in 2 s");
	ok(clock_ms() - began >= 950, "the second is born a second later: "
	    "%lld ms", clock_ms() - began);
	/* Two may have been born together. */
	await_children(server.pid, 0, list);
	gate_open();
	lines = log_lines();
	/* Two or three deaths: the client wants one more. */
	ok(lines <= 10, "which takes %d lines of the log", lines);
	ok(echoes(client, "hello\n"), "the third serves");
	ok(clock_ms() - began >= 2950, "and is born two seconds later: "
	    "%lld ms", clock_ms() - began);
	/* It serves, and an idle one is born. */
	await_children(server.pid, 2, list);
	log_clear();
	send_signal(await_server_of(server.pid, client) == list[0] ?
	    list[1] : list[0], SIGKILL);
	await_log("children end before they serve: the next birth in 1 s");
	ok(1, "one has served: the next wait is a second again");
	(void)close(client);
	server_end(server);
}

/* Who is born with a client dies with it: that is as rare as clients are. */
static void
die_with_their_clients(void)
{
	struct server	server;
	char		pause[64];
	int		client, i;

	gate_close("stillborn", pause, sizeof(pause));
	log_clear();
	server = server_start_paused(pause, PORT, "echo", NULL);
	for (i = 0; i < 3; i++) {
		client = dial(server.port);
		ok(sees_end(client), "its child dies: client %d sees the end",
		    i + 1);
		(void)close(client);
	}
	gate_open();
	client = dial(server.port);
	ok(echoes(client, "hello\n"), "the next one is served at once");
	ok(!log_has("before they serve"), "births do not become rarer");
	(void)close(client);
	server_end(server);
}

/* A child that cannot have another descriptor does not swallow clients. */
static void
child_without_descriptors(const struct strategy *strategy)
{
	struct server	server = server_start("-i", "1:1", "-m", "1", PORT,
			    "echo", NULL);
	pid_t		list[64];
	int		client;

	await_children(server.pid, 1, list);
	await_title(list[0], "outlived: idle");
	log_clear();
	limit_descriptors(list[0], true);
	client = dial(server.port);
	if (strategy->parent_accepts)
		ok(sees_end(client), "a child at its limit of descriptors: its "
		    "client is lost");
	else
		ok(echoes(client, "hello\n"), "who waits in accept() has its "
		    "descriptor already");
	(void)close(client);
	await_log("a child cannot take its next client and leaves: "
	    "Too many open files");
	client = dial(server.port);
	ok(echoes(client, "hello\n"), "the next one is served");
	ok(await_server_of(server.pid, client) != list[0],
	    "by another child");
	(void)close(client);
	server_end(server);
}

/* Thirty busy children are killed at once. */
static void
many_die(const struct strategy *strategy)
{
	struct server	server = server_start("-i", "2:40", "-m", "40", PORT,
			    "echo", NULL);
	pid_t		children[30], list[64];
	int		clients[30], i, round, lost;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 30; i++) {
			clients[i] = dial(server.port);
			if (!echoes(clients[i], "hello\n"))
				bail("client %d is not served", i + 1);
		}
		for (i = 0; i < 30; i++)
			children[i] = await_server_of(server.pid, clients[i]);
		for (i = 0; i < 30; i++)
			send_signal(children[i], SIGKILL);
		for (lost = 0, i = 0; i < 30; i++) {
			lost += sees_end(clients[i]);
			(void)close(clients[i]);
		}
		ok(lost == 30, "thirty busy children are killed at once");
	}
	await_children(server.pid, strategy->prefork ? 2 : 0, list);
	ok(waitpid(server.pid, NULL, WNOHANG) == 0, "the parent lives");
	ok(!log_has("before they serve"), "nobody had died young");
	server_end(server);
}

static void
accept_trouble(const struct cell *cell)
{
	accept_refused(cell->strategy);
	log_clear();
	many_die(cell->strategy);
}

static void
fork_trouble(const struct cell *cell)
{
	fork_refused(cell->strategy);
}

static void
deaths(const struct cell *cell)
{
	if (!cell->strategy->prefork) {
		die_with_their_clients();
		return;
	}
	die_young();
	child_without_descriptors(cell->strategy);
}

int
main(void)
{
	static const struct cell	cells[] = {
		{ .name = "fork()", .play = fork_trouble },
		{ .name = "deaths", .play = deaths },
		{ .name = "accept()", .play = accept_trouble },
	};

	harness_begin();
	harness_overlook_leaks();
	cells_play_all(cells, sizeof(cells) / sizeof(cells[0]));
	return done();
}
