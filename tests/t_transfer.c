/* SPDX-License-Identifier: ISC */
/*
 * Long transfers, and what happens in their middle: the parent is killed, the
 * child is stopped, continued, and told to leave; the client has long said
 * that it has nothing more to send.  Every byte arrives, then end-of-file.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "pattern.h"
#include "process.h"

#define MB	1000000

/* The one that is neither idle nor a newborn with its parent's title. */
static pid_t
busy_child(struct server server)
{
	struct wait	wait = { .what = "a busy child" };
	pid_t		list[64];
	int		i, n;

	for (;; wait_a_moment(&wait)) {
		n = children_of(server.pid, list, 64);
		for (i = 0; i < n; i++)
			if (!title_has(list[i], "outlived: idle") &&
			    !title_has(list[i], "outlived: parent of "))
				return list[i];
	}
}

/* The child is disturbed, then loses its parent. */
static void
disturb(struct server server, pid_t child, int client, struct pattern *in)
{
	int	i;

	for (i = 0; i < 5; i++) {
		stop(child);
		send_signal(child, SIGCONT);
		send_signal(child, SIGWINCH);
		ok(pattern_receive(in, client, MB), "disturbed: a MB");
	}
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
}

static void
there_and_back(const char *name, const char *service, const char *program)
{
	struct server	server = server_start("-i", "2:2", "127.0.0.1:0",
			    service, program, NULL);
	int		client = dial(server.port);
	pid_t		sends = pattern_sender(client, 50 * MB, true);
	struct pattern	in = { 0, 0 };

	note("%s: 50 MB there and back", name);
	ok(pattern_receive(&in, client, 10 * MB), "10 MB");
	disturb(server, busy_child(server), client, &in);
	ok(pattern_receive(&in, client, 35 * MB), "the rest of 50 MB");
	ok(recv(client, &in, 1, 0) == 0, "then end-of-file");
	ok(await_end(sends) == 0, "all of it was sent");
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
}

static const int	ends[] = { SIGKILL, SIGTERM, SIGQUIT };

/* A program that writes a lot, and reads less than it is sent; through three
   ends, the first of which is that of its own parent. */
static void
pour(size_t first)
{
	static const char	address[] = "127.0.0.1:9999";
	struct server		server = server_start("-i", "2:2", address,
				    "exec", "tests/pour", NULL);
	int			client = dial(server.port);
	pid_t			sends = pattern_sender(client, 100 * 1000,
				    true);
	struct pattern		in = { 0, 0 };
	size_t			i;
	int			signo;

	note("a program that writes 100 MB and reads slowly, %s first",
	    strsignal(ends[first]));
	for (i = 0; i < 3; i++) {
		ok(pattern_receive(&in, client, 20 * MB), "20 MB");
		signo = ends[(first + i) % 3];
		send_signal(server.pid, signo);
		if (signo != SIGQUIT)
			(void)await_end(server.pid);
		server = server_start("-i", "2:2", address, "exec",
		    "tests/pour", NULL);
	}
	ok(pattern_receive(&in, client, 40 * MB), "the rest of 100 MB");
	ok(recv(client, &in, 1, 0) == 0, "then end-of-file");
	ok(await_end(sends) == 0, "all of the other direction, too");
	(void)close(client);
	send_signal(server.pid, SIGTERM);
	ok(harness_nobody_left(), "no process is left");
}

int
main(void)
{
	size_t	first;

	harness_begin();
	harness_own_network();
	there_and_back("echo", "echo", NULL);
	there_and_back("cat", "exec", "cat");
	for (first = 0; first < 3; first++)
		pour(first);
	return done();
}
