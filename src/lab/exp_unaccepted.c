/* SPDX-License-Identifier: ISC */
/*
 * Connections that nobody has accepted yet: the kernel has completed their
 * handshake, and their clients may already write.  What keeps them, what resets
 * them, and how a server that ends loses none.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clients.h"
#include "exp_unaccepted.h"
#include "experiment.h"
#include "net/clock.h"
#include "net/fdpass.h"
#include "tcp.h"

void
expect_queued(struct stage *stage, int listener, int many, int backlog)
{
	char	seen[64];
	int	n, most = -1;

	(void)await_queued(listener, many);
	n = queued(listener, &most);
	(void)snprintf(seen, sizeof(seen), "%d, backlog %d", n, most);
	(void)stage_expect(stage, n == many && most == backlog, seen,
	    "TCP_INFO of the listening socket: %d in its queue (tcpi_unacked), "
	    "backlog %d (tcpi_sacked)", many, backlog);
}

/* The same of sock_diag(7), which needs no descriptor: what ss -l shows. */
static void
expect_diag(struct stage *stage, int port, unsigned int many,
    unsigned int backlog)
{
	struct address		 own;
	struct sockets		 sockets;
	const struct sockdiag	*socket = NULL;
	bool			 held = false;
	char			 seen[64] = "no such socket";

	if (address_numeric(&own, at(port)) == 0 &&
	    sockets_read(&sockets) == 0 &&
	    (socket = sockets_find(&sockets, &own, NULL)) != NULL) {
		held = socket->waiting == many && socket->backlog == backlog;
		(void)snprintf(seen, sizeof(seen), "%u, backlog %u",
		    socket->waiting, socket->backlog);
	}
	sockets_free(&sockets);
	(void)stage_expect(stage, held, seen, "sock_diag, as in ss -l: %u in "
	    "the queue of port %d (Recv-Q), backlog %u (Send-Q)", many, port,
	    backlog);
}

/* From two consecutive ports, one after the other. */
static void
two_clients(int clients[2], int listener, int to, int from)
{
	int	i;

	for (i = 0; i < 2; i++) {
		clients[i] = tcp_connect(at(to), at(from + i), TCP_PLAIN);
		(void)await_queued(listener, i + 1);
	}
}

/* The last close. */
static void
last_close(struct stage *stage)
{
	int	listener, clients[2], i;

	stage_step(stage, "Two clients connect to a listening socket. Nobody "
	    "accepts them, and both connections are complete.");
	listener = tcp_listen(at(8000), TCP_RA, BACKLOG);
	two_clients(clients, listener, 8000, 40000);
	for (i = 0; i < 2; i++)
		(void)stage_expect_state(stage, at(40000 + i), at(8000),
		    TCP_ESTABLISHED);
	expect_queued(stage, listener, 2, BACKLOG);
	expect_diag(stage, 8000, 2, BACKLOG);

	stage_step(stage, "The listening socket is closed by the last process "
	    "that has it: its kernel resets all who are in the queue.");
	(void)close(listener);
	for (i = 0; i < 2; i++)
		(void)stage_expect_errno(stage, i == 0 ? "read() of one client"
		    : "read() of the other", hear(clients[i]), ECONNRESET);
	(void)stage_expect_state(stage, at(8000), NULL, 0);
	close_all(clients, 2);
}

/* Not before it is told to: accept one, and answer it. */
static void
keep(void *what)
{
	const int	*listener = what;
	sigset_t	 told;
	int		 signo, fd;

	(void)sigemptyset(&told);
	(void)sigaddset(&told, SIGUSR1);
	(void)sigwait(&told, &signo);
	if ((fd = tcp_accept(*listener)) != -1 && hear(fd) == 0)
		(void)say(fd);
}

/* A copy in another process. */
static void
duplicate(struct stage *stage)
{
	int		 listener, client;
	struct actor	*keeper;

	stage_step(stage, "A process that was forked has a copy of the "
	    "listening socket. The original is closed: the client in the queue "
	    "is kept, and so is the port.");
	listener = tcp_listen(at(8001), TCP_RA, BACKLOG);
	keeper = stage_fork(stage, "keeper", keep, &listener);
	client = tcp_connect(at(8001), at(40010), TCP_PLAIN);
	(void)await_queued(listener, 1);
	(void)close(listener);
	(void)stage_expect_state(stage, at(8001), NULL, TCP_LISTEN);
	(void)stage_expect_state(stage, at(40010), at(8001), TCP_ESTABLISHED);
	expect_diag(stage, 8001, 1, BACKLOG);
	(void)stage_expect_errno(stage, "bind() to port 8001, with "
	    "SO_REUSEADDR,", tried(tcp_bind(at(8001), TCP_RA)), EADDRINUSE);

	stage_step(stage, "It is told to accept, answers the client, and ends. "
	    "With it the port is free.");
	(void)say(client);
	stage_signal(stage, keeper, SIGUSR1);
	(void)stage_expect_errno(stage, "read() of the client", hear(client),
	    0);
	(void)stage_expect_exit(stage, keeper, 0);
	(void)stage_expect_state(stage, at(8001), NULL, 0);
	(void)stage_expect_errno(stage, "bind() to port 8001, with "
	    "SO_REUSEADDR,", tried(tcp_bind(at(8001), TCP_RA)), 0);
	(void)close(client);
}

struct passing {
	int	listener, pair[2];	/* pair: to receive, and to send */
};

/* UNP 30.9: who accepts is not who serves. */
static void
pass_on(void *what)
{
	struct passing	*passing = what;
	struct address	 peer = { .len = 0 };
	int		 fd;

	(void)close(passing->pair[0]);
	for (;;) {
		if ((fd = tcp_accept(passing->listener)) == -1)
			continue;
		(void)fdpass_send(passing->pair[1], fd, &peer);
		(void)close(fd);
	}
}

static void
expect_messages(struct stage *stage, int sock, int many)
{
	int64_t	end = clock_ms() + CLIENTS_PATIENCE;
	char	seen[32];
	int	n;

	while ((n = fdpass_waiting(sock)) != many && clock_ms() < end)
		(void)poll(NULL, 0, 1);
	(void)snprintf(seen, sizeof(seen), "%d", n);
	(void)stage_expect(stage, n == many, seen, "%d messages wait to be "
	    "received, with a connection in each", many);
}

/* As fdpass_recv(); -1 and EAGAIN: nothing has come. */
static int
take(int sock, int *fd)
{
	struct address	peer;

	if (readable(sock, CLIENTS_PATIENCE))
		return fdpass_recv(sock, fd, &peer);
	errno = EAGAIN;
	return -1;
}

/* What the receiver gets, when the sender is dead. */
static void
receive(struct stage *stage, int sock, const int *clients, int n)
{
	int	fd, i, result;

	stage_step(stage, "Another process receives them, and serves both; "
	    "what it reads then is end-of-file.");
	for (i = 0; i < n; i++) {
		fd = -1;
		result = take(sock, &fd);
		(void)stage_expect_errno(stage, "recvmsg() of a connection",
		    result == 1 ? 0 : result == 0 ? ENODATA : errno, 0);
		(void)stage_expect_errno(stage, "a byte from its client, and "
		    "one back,",
		    exchange(clients[i], fd), 0);
		if (fd != -1)
			(void)close(fd);
	}
	result = take(sock, &fd);
	(void)stage_expect(stage, result == 0, result == 1 ? "a message" :
	    strerror(errno), "recvmsg() returns 0, end-of-file");
}

/* Descriptors on their way. */
static void
in_flight(struct stage *stage)
{
	struct passing	 passing;
	int		 clients[2], i;
	struct actor	*sender;

	stage_step(stage, "A process accepts two clients, sends them on with "
	    "SCM_RIGHTS, and is killed before anybody has received them.");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    passing.pair) == -1)
		stage_skip(stage, "socketpair: %s", strerror(errno));
	passing.listener = tcp_listen(at(8002), TCP_RA, BACKLOG);
	sender = stage_fork(stage, "sender", pass_on, &passing);
	(void)close(passing.listener);
	(void)close(passing.pair[1]);
	for (i = 0; i < 2; i++)
		clients[i] = tcp_connect(at(8002), at(40020 + i), TCP_PLAIN);
	expect_messages(stage, passing.pair[0], 2);
	stage_signal(stage, sender, SIGKILL);
	(void)stage_expect_killed(stage, sender, SIGKILL);
	(void)stage_expect_state(stage, at(8002), NULL, 0);
	for (i = 0; i < 2; i++)
		(void)stage_expect_state(stage, at(8002), at(40020 + i),
		    TCP_ESTABLISHED);
	receive(stage, passing.pair[0], clients, 2);
	(void)close(passing.pair[0]);
	close_all(clients, 2);
}

struct group {
	int	listeners[2];
	int	clients[MOST], port;
	bool	first[MOST];		/* it is in the first one's queue */
	int	n, counts[2];
};

/* Until there is a client in either queue: the kernel chooses by a hash of the
   addresses and ports, so how many that takes is another number each time. */
static void
fill_group(struct group *group, int to, int from)
{
	int	i, total;

	*group = (struct group){ .port = from };
	for (i = 0; i < 2; i++)
		group->listeners[i] = tcp_listen(at(to), TCP_RP, BACKLOG);
	for (i = 0; i < MOST && (group->counts[0] == 0 ||
	    group->counts[1] == 0); i++) {
		int64_t	end = clock_ms() + CLIENTS_PATIENCE;

		group->clients[i] = tcp_connect(at(to), at(from + i),
		    TCP_PLAIN);
		do {
			total = queued(group->listeners[0], NULL) +
			    queued(group->listeners[1], NULL);
		} while (total <= i && clock_ms() < end);
		group->first[i] = queued(group->listeners[0], NULL) >
		    group->counts[0];
		group->counts[!group->first[i]]++;
		group->n++;
	}
}

/* Each client reads what became of it; the second listener serves so many. */
static void
expect_group(struct stage *stage, struct group *group, int serves, bool moved)
{
	int	i, fds[MOST];
	char	what[80];

	expect_queued(stage, group->listeners[1], serves, BACKLOG);
	for (i = 0; i < serves; i++) {
		fds[i] = tcp_accept(group->listeners[1]);
		(void)say(fds[i]);
	}
	for (i = 0; i < group->n; i++) {
		(void)snprintf(what, sizeof(what), "read() of %s, in the "
		    "%s queue,", at(group->port + i), group->first[i] ?
		    "closed" : "other");
		(void)stage_expect_errno(stage, what, hear(group->clients[i]),
		    group->first[i] && !moved ? ECONNRESET : 0);
	}
	close_all(group->clients, group->n);
	close_all(fds, serves);
	(void)close(group->listeners[1]);
}

/* SO_REUSEPORT: a queue for each socket. */
static void
reuseport(struct stage *stage)
{
	struct group	group;

	stage_step(stage, "Two sockets listen on one port with SO_REUSEPORT, "
	    "and clients connect until each has one in its queue. Then the "
	    "first is closed: it takes its queue with it.");
	stage_set(stage, "net/ipv4/tcp_migrate_req", "0");
	fill_group(&group, 8003, 40030);
	(void)close(group.listeners[0]);
	expect_group(stage, &group, group.counts[1], false);

	stage_step(stage, "The same with tcp_migrate_req = 1: the queue moves "
	    "to the other listening socket.");
	stage_set(stage, "net/ipv4/tcp_migrate_req", "1");
	fill_group(&group, 8004, 40060);
	(void)close(group.listeners[0]);
	expect_group(stage, &group, group.n, true);
}

void
exp_unaccepted(struct stage *stage)
{
	sigset_t	told;

	/* So that who has a socket fits in its column. */
	setproctitle("-lab");
	/* Only the keeper waits for it. */
	(void)sigemptyset(&told);
	(void)sigaddset(&told, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &told, NULL);
	last_close(stage);
	duplicate(stage);
	in_flight(stage);
	reuseport(stage);
	unaccepted_listener(stage);
}
