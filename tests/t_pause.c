/* SPDX-License-Identifier: ISC */
/* The parent and its children at moments that last for a microsecond, made
   long by the pause points of pause.c. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

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

static void
end(struct server server)
{
	send_signal(server.pid, SIGTERM);
	ok(await_end(server.pid) == 0 && harness_nobody_left(),
	    "no process is left");
}

/* The child that is stopped. */
static pid_t
await_stopped(pid_t parent)
{
	struct wait	wait = { .what = "a child that is stopped" };
	pid_t		list[64];
	int		i, n;

	for (;; wait_a_moment(&wait)) {
		n = children_of(parent, list, 64);
		for (i = 0; i < n; i++)
			if (is_stopped(list[i]))
				return list[i];
	}
}

/*
 * A child is stopped before its first act.  It has everything that its
 * parent has: the listening socket and both ends of the queue.
 */
static void
newborn(int signo, const char *name)
{
	struct server	server = start("newborn 2", "3:4"), next;
	struct wait	wait = { .what = "siblings that leave" };
	int		client = dial(server.port), other;
	pid_t		stopped, list[64];

	note("%s, a child stopped before its first act", name);
	ok(echoes(client, "hello\n"), "its siblings serve");
	stopped = await_stopped(server.pid);
	send_signal(server.pid, signo);
	(void)await_end(server.pid);
	/* The busy one and the stopped one. */
	while (children_of(0, list, 64) != 2)
		wait_a_moment(&wait);
	ok(1, "idle siblings leave");
	if (signo == SIGTERM) {
		next = server_start("-w", "0", PORT, "echo", NULL);
		other = dial(next.port);
		ok(echoes(other, "hello\n"), "the next parent binds at once");
		(void)close(other);
		send_signal(next.pid, SIGTERM);
		ok(await_end(next.pid) == 0, "it ended");
	}
	ok(echoes(client, "still here\n"), "the busy one serves");
	(void)close(client);
	send_signal(stopped, SIGCONT);
	ok(harness_nobody_left(), "no process is left");
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
	end(server);
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
	end(server);
	ok(log_has("clients still served: 0"), "the sums are right again");
}

/* The same, and the parent ends. */
static void
taken_at_the_end(int signo, const char *name)
{
	struct server	server = start("taken 1", "1:1");
	int		client = dial(server.port);
	pid_t		stopped;

	note("%s, a child stopped between taking a client and saying so",
	    name);
	stopped = await_stopped(server.pid);
	send_signal(server.pid, signo);
	(void)await_end(server.pid);
	send_signal(stopped, SIGCONT);
	ok(echoes(client, "hello\n"), "its client is served");
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
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
	    log_lines() == 2 &&
	    log_has("listen 127.0.0.1:9999: Address already in use"),
	    "the refused listen() is said, exit 69");
	(void)close(fd);
}

/* A newborn is told to leave before its handler stands: it must not forget. */
static void
dismissed_newborn(void)
{
	struct server	server = start("newborn 1", "1:1");
	struct wait	wait = { .what = "a dismissed newborn to leave" };
	pid_t		newborn = await_stopped(server.pid);

	note("a newborn that is told to leave before its first act");
	send_signal(newborn, SIGWINCH);
	send_signal(newborn, SIGCONT);
	while (kill(newborn, 0) == 0)
		wait_a_moment(&wait);
	ok(1, "it leaves");
	end(server);
}

/* A child that runs wild shuts down what all of them read from. */
static void
queue_shut_down(void)
{
	struct server	server = start("shut 1", "2:4");
	int		first = dial(server.port), next, i;

	note("a child shuts the queue down");
	ok(echoes(first, "hello\n"), "its client is served");
	for (i = 0; i < 3; i++) {
		next = dial(server.port);
		ok(echoes(next, "hello\n"), "and so is the next one");
		(void)close(next);
	}
	(void)close(first);
	end(server);
}

/* Clients who come faster than they are accepted: TERM is seen, and ends. */
static void
flood(void)
{
	struct server	server = start("flood 1", "2:4");
	int		client = dial(server.port);

	note("for each client that is accepted there is another one");
	ok(echoes(client, "hello\n"), "a client is served");
	send_signal(server.pid, SIGTERM);
	ok(await_end(server.pid) == 0, "TERM ends the parent");
	ok(echoes(client, "still here\n"), "not the client");
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	newborn(SIGTERM, "TERM");
	newborn(SIGKILL, "KILL");
	held();
	taken();
	taken_at_the_end(SIGTERM, "TERM");
	taken_at_the_end(SIGKILL, "KILL");
	dismissed_newborn();
	queue_shut_down();
	flood();
	listen_refused();
	return done();
}
