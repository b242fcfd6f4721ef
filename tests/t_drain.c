/* SPDX-License-Identifier: ISC */
/* Promise P6, with each strategy: outlivectl stop and drain: who is asked, who
   is ended, and who never is. */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "cells.h"
#include "client.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

static bool	prefork;	/* there are children before clients */

/* Whether outlivectl is done, without waiting; or until it is. */
static bool
is_running(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

/* "./outlivectl drain ARGUMENTS", which goes on beside the test; returns once
   it has asked. */
static pid_t
drain_begins(const char *option, const char *value, int *out)
{
	const char	*argv[] = { "./outlivectl", "drain", option, value,
			    NULL };
	char		 text[256];
	int		 pair[2];
	pid_t		 pid;

	if (pipe2(pair, O_CLOEXEC) == -1)
		bail("pipe: %s", strerror(errno));
	pid = program_start(argv, pair[1]);
	(void)close(pair[1]);
	if (read(pair[0], text, sizeof(text)) <= 0)
		bail("drain says nothing");
	*out = pair[0];
	return pid;
}

/* Busy orphans of so many generations, each of which was killed. */
static void
orphans(int how_many, const char *service, const char *argument, int *clients,
    pid_t *pids)
{
	struct server	server;
	int		i;

	harness_new_state();
	for (i = 0; i < how_many; i++) {
		server = server_start("-w", "0", "-i", "1:1", PORT, service,
		    argument, NULL);
		clients[i] = dial(9999);
		if (!echoes(clients[i], "hello\n"))
			bail("client %d is not served", i);
		await_born(server.pid, prefork ? 2 : 1);
		send_signal(server.pid, SIGKILL);
		(void)await_end(server.pid);
		await_no_listener(9999);
		/* Idle ones leave. */
		await_children(0, i + 1, pids);
	}
}

/* The server is our only child. */
static void
await_no_orphan(void)
{
	pid_t	list[64];

	await_children(0, 1, list);
}

static void
stop_command(void)
{
	struct server	server;
	int		client, status;

	harness_new_state();
	server = server_start("-i", "1:1", PORT, "echo", NULL);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");
	status = ctl("stop", NULL);
	ok(status == 0 && waitpid(server.pid, NULL, WNOHANG) == server.pid,
	    "stop: the parent has ended");
	tells("stop", "has ended, the port is free; clients still served: 1");
	ok(listeners(9999) == 0 && echoes(client, "still here\n"),
	    "and its client is served");
	log_clear();
	ok(ctl("stop", NULL) == 69 && log_has("has no parent"),
	    "a second time: there is no parent");

	server = server_start("-w", "0", "-i", "1:1", PORT, "echo", NULL);
	(void)close(client);
	await_no_orphan();
	client = dial(9999);
	ok(echoes(client, "hello\n"), "the next one serves");
	log_clear();
	ok(ctl("stop", "--now", NULL) == 0 && log_has("INT: ending"),
	    "stop --now: INT");
	tells("stop --now", "the port is free; clients still served: 0");
	ok(sees_end(client), "the client sees its end");
	(void)await_end(server.pid);
	(void)close(client);

	server = server_start("-w", "0", "-i", "1:1", PORT, "echo", NULL);
	stop(server.pid);
	log_clear();
	ok(ctl("stop", NULL) == 71 && log_has("is stopped, and ends once it "
	    "goes on (kill -CONT"), "a parent that is stopped");
	send_signal(server.pid, SIGCONT);
	ok(await_end(server.pid) == 0 && harness_nobody_left(),
	    "and so it does");
}

/* One generation, then the others, while a parent serves. */
static void
who_is_meant(void)
{
	struct server	server;
	pid_t		pids[64], list[64];
	int		clients[3], new;

	orphans(3, "echo", NULL, clients, pids);
	server = server_start("-w", "0", "-i", "1:1", PORT, "echo", NULL);
	new = dial(9999);
	ok(echoes(new, "hello\n"), "a fourth generation serves");
	ok(ctl("drain", "--generation", "2", "--deadline", "0", NULL) == 0,
	    "generation 2 is to leave at once");
	tells("generation 2", "asked to leave: 1\n");
	tells("generation 2", "were ended: 1\n");
	ok(sees_end(clients[1]) && echoes(clients[0], "on\n") &&
	    echoes(clients[2], "on\n") && echoes(new, "on\n"),
	    "its client sees the end, the others do not");
	log_clear();
	ok(ctl("drain", "--generation", "2", NULL) == 69 &&
	    log_has("nobody of generation 2 is alive"), "once more: nobody");
	ok(ctl("drain", "--orphans", "--deadline", "0", NULL) == 0,
	    "the orphans");
	tells("the orphans", "asked to leave: 2\n");
	ok(sees_end(clients[0]) && sees_end(clients[2]) &&
	    echoes(new, "on\n"), "their clients see the end, that of the "
	    "parent does not");
	log_clear();
	ok(ctl("drain", "--deadline", "0", NULL) == 0, "all");
	await_log("HUP: replacing");
	ok(sees_end(new), "its client sees the end");
	(void)close(new);
	new = dial(9999);
	ok(echoes(new, "hello\n"), "and the next client is served");
	(void)close(clients[0]);
	(void)close(clients[1]);
	(void)close(clients[2]);
	(void)close(new);
	await_children(server.pid, prefork ? 1 : 0, list);
	server_end(server);
}

/* Nobody is ended who leaves in time. */
static void
patience(void)
{
	pid_t	pids[64], drain;
	int	clients[2], out;
	char	text[256];
	ssize_t	n;

	orphans(2, "echo", NULL, clients, pids);
	drain = drain_begins("--deadline", "100", &out);
	ok(echoes(clients[0], "on\n") && echoes(clients[1], "on\n"),
	    "asked, with 100 s left: they serve on");
	(void)close(clients[0]);
	ok(is_running(drain), "one has left: drain waits for the other");
	(void)close(clients[1]);
	ok(await_end(drain) == 0, "both have: drain ends");
	n = read(out, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	ok(strstr(text, "have left: 2, were ended: 0") != NULL, "it says: %s",
	    strtok(text, "\n"));
	(void)close(out);
	ok(harness_nobody_left(), "nobody is left");
}

/* Programs cannot be asked; what they have forked ends with them. */
static void
programs(void)
{
	pid_t	pids[64];
	int	clients[1], status;

	orphans(1, "exec", "cat", clients, pids);
	stop(pids[0]);
	status = ctl("drain", "--orphans", "--deadline", "1", NULL);
	ok(status == 0, "a program that is stopped, and a deadline");
	tells("a program", "have left: 0, were ended: 1");
	ok(sees_end(clients[0]) && harness_nobody_left(), "it has been ended");
	(void)close(clients[0]);
}

/* A drain that is killed in the middle leaves nothing half done. */
static void
killed(void)
{
	pid_t	pids[64], drain;
	int	clients[2], out;

	orphans(2, "echo", NULL, clients, pids);
	drain = drain_begins(NULL, NULL, &out);
	send_signal(drain, SIGKILL);
	(void)await_end(drain);
	(void)close(out);
	ok(echoes(clients[0], "on\n") && echoes(clients[1], "on\n"),
	    "drain is killed: those whom it asked serve on");
	ok(ctl("drain", "--deadline", "0", NULL) == 0, "another one");
	tells("another one", "have left: 0, were ended: 2");
	ok(sees_end(clients[0]) && sees_end(clients[1]) &&
	    harness_nobody_left(), "ends them");
	(void)close(clients[0]);
	(void)close(clients[1]);
}

static void
play(const struct cell *cell)
{
	prefork = cell->strategy->prefork;
	stop_command();
	who_is_meant();
	patience();
	programs();
	killed();
}

int
main(void)
{
	static const struct cell	all = { .name = "all", .play = play };

	harness_begin();
	cells_play_all(&all, 1);
	return done();
}
