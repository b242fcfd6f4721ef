/* SPDX-License-Identifier: ISC */
/* Rare accidents, made to happen by the pause points of pause.c, with each
   strategy that can have them. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

/* A server that pauses there. */
static struct server
start(const char *pause, const char *idle)
{
	return server_start_paused(pause, "-i", idle, PORT, "echo", NULL);
}

/*
 * The parent holds a connection that does not fit into the queue, and forks:
 * the newborn must not keep a copy, or its client never sees the end.
 */
static void
held(void)
{
	struct server	server = start("full 2", "1:1");
	struct wait	wait = { .what = "a connection that is held" };
	pid_t		list[64];
	int		client;

	note("a connection that the parent holds while it forks");
	await_children(server.pid, 1, list);
	await_title(list[0], "outlived: idle");
	client = dial(server.port);
	while (inode_of(server.port, client) < 2)
		wait_a_moment(&wait);
	send_signal(list[0], SIGKILL);
	ok(echoes(client, "hello\n"), "it is served in the end");
	(void)shutdown(client, SHUT_WR);
	ok(sees_end(client), "and sees the end");
	(void)close(client);
	server_end(server);
}

/* A client that comes, is served, and goes; its child is idle again. */
static void
visit(struct server server, const char *what)
{
	int	client = dial(server.port);
	pid_t	child;

	ok(echoes(client, "hello\n"), "%s", what);
	child = await_server_of(server.pid, client);
	(void)close(client);
	await_title(child, "outlived: idle");
}

/*
 * A child has taken a connection, has not said so yet, and is stopped.  Its
 * siblings serve; and if it is killed there, its client is lost, but no more.
 */
static void
taken(void)
{
	struct server	server = start("taken 1", "1:8");
	int		lost = dial(server.port);
	pid_t		stopped;

	note("a child stopped between taking a client and saying so");
	stopped = await_stopped(server.pid);
	visit(server, "another child serves");
	send_signal(stopped, SIGKILL);
	ok(sees_end(lost), "it is killed: its client sees the end");
	(void)close(lost);
	visit(server, "the next one is served");
	log_clear();
	server_end(server);
	ok(log_has("clients still served: 0"), "the sums are right again");
}

/*
 * Two sockets may be bound to a port while neither listens; then the second
 * listen() is refused (socket(7)).
 */
static void
listen_refused(void)
{
	const char		*argv[] = { "tests/paused/outlived", "-w", "0",
				    PORT, "echo", NULL };
	struct sockaddr_in	 in = { .sin_family = AF_INET };
	int			 one = 1, fd, status;
	pid_t			 parent;

	note("somebody listens between bind() and listen()");
	(void)setenv("OUTLIVED_PAUSE", "listen 1", 1);
	parent = program_start(argv, -1);
	(void)unsetenv("OUTLIVED_PAUSE");
	(void)await_stopped(0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	in.sin_port = htons(9999);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
	    sizeof(one)) == -1 || bind(fd, (struct sockaddr *)&in,
	    sizeof(in)) == -1 || listen(fd, 1) == -1)
		bail("a listener of our own");
	log_clear();
	send_signal(parent, SIGCONT);
	status = await_end(parent);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 69 &&
	    log_has("listen 127.0.0.1:9999: Address already in use") &&
	    log_has("in the way: LISTEN 127.0.0.1:9999"),
	    "the refused listen() is said, and who listens; exit 69");
	(void)close(fd);
}

/* A newborn is told to leave before its handler stands: it must not forget. */
static void
dismissed_newborn(void)
{
	struct server	server = start("newborn 1", "1:1");
	pid_t		newborn = await_stopped(server.pid);

	note("a newborn that is told to leave before its first act");
	send_signal(newborn, SIGWINCH);
	send_signal(newborn, SIGCONT);
	await_gone(newborn);
	ok(1, "it leaves");
	server_end(server);
}

/* A child that runs wild shuts down what all of them read from. */
static void
queue_shut_down(void)
{
	struct server	server = start("shut 1", "2:4");
	struct wait	wait = { .what = "children with a queue" };
	int		first = dial(server.port), next, i, idle = 0;
	pid_t		list[64];

	note("a child shuts the queue down");
	ok(echoes(first, "hello\n"), "its client is served");
	/* Nobody comes; yet there are idle children again that stay. */
	await_log("a child has left that was not told to: replacing");
	for (; idle < 2; wait_a_moment(&wait))
		for (idle = 0, i = children_of(server.pid, list, 64) - 1;
		    i >= 0; i--)
			idle += title_is(list[i], "outlived: idle");
	for (i = 0; i < 3; i++) {
		next = dial(server.port);
		ok(echoes(next, "hello\n"), "and so is the next one");
		(void)close(next);
	}
	(void)close(first);
	server_end(server);
}

/* Clients who come faster than they are accepted: TERM is seen, and ends. */
static void
flood(const char *idle)
{
	struct server	server = start("flood 1", idle);
	int		client = dial(server.port);

	note("for each client that is accepted there is another one");
	ok(echoes(client, "hello\n"), "a client is served");
	send_signal(server.pid, SIGTERM);
	ok(await_end(server.pid) == 0, "TERM ends the parent");
	ok(echoes(client, "still here\n"), "not the client");
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
}

/* A child that cannot be ended (another user's by now, or in the kernel). */
static void
immortal(void)
{
	struct server	server = start("immortal 1", "1:1");
	int		client = dial(server.port);

	note("a child that no signal reaches");
	ok(echoes(client, "hello\n"), "a client is served");
	send_signal(server.pid, SIGINT);
	ok(await_end(server.pid) == 0 &&
	    log_has("INT: children that cannot be ended: 1"),
	    "INT: the parent gives it up");
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
}

/* TERM while QUIT drains: it must not be forgotten. */
static void
term_while_draining(const char *pause)
{
	struct server	server = server_start_paused(pause, "-i", "1:1", "-m",
			    "1", PORT, "echo", NULL);
	int		first = dial(server.port), second;

	note("TERM comes while QUIT drains");
	ok(echoes(first, "hello\n"), "the only child is busy");
	second = dial(server.port);
	send_signal(server.pid, SIGQUIT);
	await_stop(server.pid);
	send_signal(server.pid, SIGTERM);
	send_signal(server.pid, SIGCONT);
	ok(await_end(server.pid) == 0, "the parent does not wait");
	ok(echoes(first, "on\n") && echoes(second, "hello\n"),
	    "both clients are served");
	(void)close(first);
	(void)close(second);
	ok(harness_nobody_left(), "no process is left");
}

/* INT while TERM drains cuts it short. */
static void
int_while_draining(const char *pause)
{
	struct server	server = server_start_paused(pause, "-i", "1:1", "-m",
			    "1", PORT, "echo", NULL);
	int		first = dial(server.port), second;

	note("INT comes while TERM drains");
	ok(echoes(first, "hello\n"), "the only child is busy");
	second = dial(server.port);
	send_signal(server.pid, SIGTERM);
	await_stop(server.pid);
	send_signal(server.pid, SIGINT);
	send_signal(server.pid, SIGCONT);
	ok(await_end(server.pid) == 0 && sees_end(first) && sees_end(second),
	    "everything ends");
	(void)close(first);
	(void)close(second);
	ok(harness_nobody_left(), "no process is left");
}

/* fork() fails while QUIT drains: who waits is served when it works again. */
static void
no_fork_while_draining(int idle)
{
	struct server	server;
	char		pause[64];
	pid_t		list[64];
	int		first, second;

	note("fork() fails while QUIT drains");
	gate_close("barren", pause, sizeof(pause));
	gate_open();
	server = server_start_paused(pause, "-i", "1:1", "-m", "1", PORT,
	    "exec", "cat", NULL);
	await_children(server.pid, idle, list);
	first = dial(server.port);
	ok(echoes(first, "hello\n"), "the only child is a program now");
	gate_close_again();
	second = dial(server.port);
	log_clear();
	send_signal(server.pid, SIGQUIT);
	await_log("fork: clients wait for children that are busy: 1");
	gate_open();
	ok(echoes(second, "hello\n"), "who had waited is served");
	(void)close(first);
	(void)close(second);
	ok(await_end(server.pid) == 0 && harness_nobody_left(), "all ended");
	ok(!log_has("before they serve"), "nobody has died young");
}

/* Nothing is as large as the limit, and nothing walks up to it. */
static void
many_descriptors(void)
{
	struct server	server = server_start_paused("limits 1", "-i", "1:1",
			    PORT, "exec", "cat", NULL);
	int		client = dial(server.port);

	note("a thousand million descriptors may be open");
	ok(echoes(client, "hello\n"), "a client is served");
	(void)close(client);
	server_end(server);
}

/* The same where there is no queue: it is given up, and nobody hangs. */
static void
lost_while_draining(int idle)
{
	struct server	server;
	char		pause[64];
	pid_t		list[64];
	int		first, second;

	note("fork() fails for as long as TERM drains");
	gate_close("barren", pause, sizeof(pause));
	gate_open();
	server = server_start_paused(pause, "-i", "1:1", "-m", "1", PORT,
	    "echo", NULL);
	await_children(server.pid, idle, list);
	first = dial(server.port);
	ok(echoes(first, "hello\n"), "the only child is busy");
	gate_close_again();
	second = dial(server.port);
	send_signal(server.pid, SIGTERM);
	ok(await_end(server.pid) == 0 &&
	    log_has("a client is lost: there is no child for it"),
	    "the parent gives up, and says so");
	ok(sees_end(second), "who had waited sees the end");
	ok(echoes(first, "on\n"), "not the one who is served");
	(void)close(first);
	(void)close(second);
	ok(harness_nobody_left(), "no process is left");
}

static void
drains(const struct cell *cell)
{
	/* Where children accept, the parent does so only while it drains. */
	const char	*second = cell->strategy->parent_accepts ?
			    "accepted 2" : "accepted 1";
	int		 idle = cell->strategy->prefork ? 1 : 0;

	term_while_draining(second);
	int_while_draining(second);
	if (cell->strategy->queue)
		no_fork_while_draining(idle);
	else
		lost_while_draining(idle);
}

static void
children(const struct cell *cell)
{
	if (cell->strategy->queue) {
		held();
		queue_shut_down();
	}
	if (cell->strategy->prefork)
		dismissed_newborn();
	/* Where there is a lock, others wait for it (t_pause). */
	if (cell->strategy->prefork && cell->strategy->lock_holder == NULL)
		taken();
	immortal();
}

static void
others(const struct cell *cell)
{
	flood(cell->strategy->parent_accepts ? "2:4" : "2:2");
	listen_refused();
	many_descriptors();
}

int
main(void)
{
	static const struct cell	cells[] = {
		{ .name = "drains", .play = drains },
		{ .name = "children", .play = children },
		{ .name = "others", .play = others },
	};

	harness_begin();
	harness_overlook_leaks();
	cells_play_all(cells, sizeof(cells) / sizeof(cells[0]));
	return done();
}
