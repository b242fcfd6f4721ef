/* SPDX-License-Identifier: ISC */
/*
 * What the system refuses, and children that die: the server goes on with
 * what it has, tries again ever more slowly, and says so in a few lines.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "net/clock.h"
#include "process.h"

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

/* accept() has no descriptor to give. */
static void
accept_refused(void)
{
	struct server	server = server_start("-i", "2:2", "127.0.0.1:0",
			    "echo", NULL);
	int		before = dial(server.port), client, lines;
	pid_t		list[64];

	ok(echoes(before, "hello\n"), "a client is served");
	/* Who is born later would have the same limit. */
	await_children(server.pid, 3, list);
	log_clear();
	limit_descriptors(server.pid, true);
	client = dial(server.port);
	await_log("accept: the next try in 100 ms: Too many open files");
	await_log("accept: the next try in 200 ms: Too many open files");
	await_log("accept: the next try in 400 ms: Too many open files");
	lines = log_lines();
	ok(lines <= 6, "accept() fails: %d lines of the log", lines);
	ok(echoes(before, "on\n"), "who is served is served");
	limit_descriptors(server.pid, false);
	ok(echoes(client, "hello\n"), "who waits is served when it works "
	    "again");
	await_log("accept: works again");
	(void)close(before);
	(void)close(client);
	server_end(server);
}

/* fork() fails: those who are there serve. */
static void
fork_refused(void)
{
	struct server	server;
	char		pause[64];
	pid_t		list[64];
	int		clients[3], i, lines;

	gate_close("barren", pause, sizeof(pause));
	gate_open();
	server = server_start_paused(pause, "-i", "2:8", "127.0.0.1:0", "echo",
	    NULL);
	await_children(server.pid, 2, list);
	log_clear();
	gate_close_again();
	for (i = 0; i < 2; i++) {
		clients[i] = dial(server.port);
		ok(echoes(clients[i], "hello\n"), "client %d is served by who "
		    "is there", i + 1);
	}
	clients[2] = dial(server.port);
	await_log("fork: the next try in 1 s: Resource temporarily");
	await_log("fork: the next try in 2 s: Resource temporarily");
	lines = log_lines();
	ok(lines <= 5, "fork() fails: %d lines of the log", lines);
	(void)close(clients[0]);
	ok(echoes(clients[2], "hello\n"), "who waits is served by the first "
	    "one that is free");
	gate_open();
	clients[0] = dial(server.port);
	ok(echoes(clients[0], "hello\n"), "and by others when it works "
	    "again");
	await_log("fork: works again");
	for (i = 0; i < 3; i++)
		(void)close(clients[i]);
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
	server = server_start_paused(pause, "-i", "1:1", "127.0.0.1:0", "echo",
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

/* A child that cannot have another descriptor does not swallow clients. */
static void
child_without_descriptors(void)
{
	struct server	server = server_start("-i", "1:1", "-m", "1",
			    "127.0.0.1:0", "echo", NULL);
	pid_t		list[64];
	int		client;

	await_children(server.pid, 1, list);
	await_title(list[0], "outlived: idle");
	log_clear();
	limit_descriptors(list[0], true);
	client = dial(server.port);
	ok(sees_end(client), "a child at its limit of descriptors: its client "
	    "is lost");
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
many_die(void)
{
	struct server	server = server_start("-i", "2:40", "-m", "40",
			    "127.0.0.1:0", "echo", NULL);
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
	await_children(server.pid, 2, list);
	ok(waitpid(server.pid, NULL, WNOHANG) == 0, "the parent lives");
	ok(!log_has("before they serve"), "nobody had died young");
	server_end(server);
}

int
main(void)
{
	harness_begin();
	accept_refused();
	fork_refused();
	die_young();
	child_without_descriptors();
	log_clear();
	many_die();
	return done();
}
