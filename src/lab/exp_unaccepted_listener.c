/* SPDX-License-Identifier: ISC */
/* Of unaccepted connections: what is done to the listening socket itself. */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clients.h"
#include "exp_unaccepted.h"
#include "net/clock.h"
#include "net/process.h"
#include "net/shutout.h"
#include "tcp.h"

static void
block_in_accept(void *what)
{
	const int	*listener = what;
	int		 fd = tcp_accept(*listener);

	(void)dprintf(STDOUT_FILENO, "accept error: %s\n", fd != -1 ? "none" :
	    strerror(errno));
}

static bool
sleeps(const struct process *process)
{
	return process->state == 'S';
}

/* What /proc says of it, sooner or later. */
static bool
becomes(const struct actor *actor, bool (*so)(const struct process *))
{
	int64_t		end = clock_ms() + CLIENTS_PATIENCE;
	struct process	process;

	while (process_read(actor->pid, &process) == -1 || !so(&process)) {
		if (clock_ms() > end)
			return false;
		(void)poll(NULL, 0, 1);
	}
	return true;
}

/* shutdown() is for all who have the socket. */
static void
end_for_all(struct stage *stage)
{
	int		 listener, i;
	struct actor	*workers[2];
	char		 text[64];

	stage_step(stage, "Two processes block in accept() on one listening "
	    "socket, and a third calls shutdown(): it has ended for all.");
	listener = tcp_listen(at(8005), TCP_RA, BACKLOG);
	workers[0] = stage_fork(stage, "worker1", block_in_accept, &listener);
	workers[1] = stage_fork(stage, "worker2", block_in_accept, &listener);
	for (i = 0; i < 2; i++)
		(void)stage_expect(stage, becomes(workers[i], sleeps), "it "
		    "does not", "%s sleeps", workers[i]->name);
	(void)stage_expect_errno(stage, "shutdown(), with SHUT_RD,",
	    shutdown(listener, SHUT_RD) == -1 ? errno : 0, 0);
	(void)snprintf(text, sizeof(text), "accept error: %s",
	    strerror(EINVAL));
	for (i = 0; i < 2; i++) {
		(void)stage_expect_says(stage, workers[i], text);
		(void)stage_expect_exit(stage, workers[i], 0);
	}
	(void)stage_expect_errno(stage, "connect() of a new client",
	    tried(tcp_connect(at(8005), at(40080), TCP_PLAIN)), ECONNREFUSED);
	(void)close(listener);
}

static void
hold(void *what)
{
	(void)what;
	for (;;)
		(void)pause();
}

static void
stop(struct stage *stage, const struct actor *actor)
{
	stage_signal(stage, actor, SIGSTOP);
	(void)stage_expect(stage, becomes(actor, process_is_stopped),
	    "it is not", "%s is stopped", actor->name);
}

/* Somebody has a copy, and cannot be asked to close it. */
static void
free_the_port(struct stage *stage)
{
	int		 listener, next, client;
	struct actor	*holder;

	stage_step(stage, "A process that has a copy of the listening socket "
	    "is stopped. Nobody else can listen on its port.");
	listener = tcp_listen(at(8006), TCP_RA, BACKLOG);
	holder = stage_fork(stage, "holder", hold, NULL);
	stop(stage, holder);
	client = tcp_connect(at(8006), at(40090), TCP_PLAIN);
	(void)await_queued(listener, 1);
	(void)stage_expect_errno(stage, "bind() to port 8006, with "
	    "SO_REUSEADDR,", tried(tcp_bind(at(8006), TCP_RA)), EADDRINUSE);

	stage_step(stage, "shutdown() in another process that has it: the "
	    "queue is reset, and the port can be bound with SO_REUSEADDR.");
	(void)shutdown(listener, SHUT_RD);
	(void)stage_expect_errno(stage, "read() of the client",
	    hear(client), ECONNRESET);
	(void)stage_expect_errno(stage, "bind() without SO_REUSEADDR",
	    tried(tcp_bind(at(8006), TCP_PLAIN)), EADDRINUSE);
	next = tcp_listen(at(8006), TCP_RA, BACKLOG);
	(void)stage_expect_errno(stage, "bind() and listen() with SO_REUSEADDR",
	    next == -1 ? errno : 0, 0);
	(void)stage_expect_errno(stage, "connect() of a new client",
	    tried(tcp_connect(at(8006), at(40091), TCP_PLAIN)), 0);
	(void)stage_expect_alive(stage, holder);
	stage_note(stage, "The old socket is still bound, and no more: two "
	    "sockets with SO_REUSEADDR may be while one of them listens.");
	stage_signal(stage, holder, SIGKILL);
	(void)stage_expect_killed(stage, holder, SIGKILL);
	close_all((const int[]){ listener, next, client }, 3);
}

static void
fill_queue(struct stage *stage, int to, int from, int backlog)
{
	int	listener = tcp_listen(at(to), TCP_RA, backlog);
	int	clients[MOST], n;

	for (n = 0; n < backlog + 1; n++) {
		clients[n] = tcp_connect(at(to), at(from + n), TCP_PLAIN);
		(void)await_queued(listener, n + 1);
	}
	clients[n] = begin_connect(to, from + n);
	expect_queued(stage, listener, backlog + 1, backlog);
	(void)stage_expect_state(stage, at(from + n), at(to), TCP_SYN_SENT);
	close_all(clients, n + 1);
	(void)close(listener);
}

/* UNP 4.5. */
static void
backlogs(struct stage *stage)
{
	stage_step(stage, "A backlog of 0 holds one connection. The SYN of "
	    "the next client gets no answer.");
	stage_set(stage, "net/ipv4/tcp_abort_on_overflow", "0");
	fill_queue(stage, 8007, 40100, 0);

	stage_step(stage, "A backlog of 1 holds two, and a backlog of 3 "
	    "four: always one more.");
	fill_queue(stage, 8008, 40110, 1);
	fill_queue(stage, 8009, 40120, 3);
}

static void
expect_late(struct stage *stage, int client, int64_t began)
{
	char	seen[64];
	int	error = end_connect(client);
	int64_t	took = clock_ms() - began;

	(void)stage_expect_errno(stage, "connect() of that client", error, 0);
	(void)snprintf(seen, sizeof(seen), "after %lld ms", (long long)took);
	(void)stage_expect(stage, took >= 900 && took < CLIENTS_PATIENCE, seen,
	    "it took as long as its SYN takes to be sent again: 1 s or more");
}

/* Drop what comes with less: each router takes one off (RFC 5082). */
static void
set_minimum_ttl(int fd, int ttl)
{
	(void)setsockopt(fd, IPPROTO_IP, IP_MINTTL, &ttl, sizeof(ttl));
}

/* A listening socket that shuts out is replaced by one that does not. */
static int
next_client(struct stage *stage, int *listener, int port)
{
	int64_t	began = clock_ms();
	int	client = begin_connect(port, 40131);

	(void)stage_expect_state(stage, at(40131), at(port), TCP_SYN_SENT);
	(void)stage_expect(stage, queued(*listener, NULL) == 0, "somebody",
	    "nobody is in its queue");
	(void)close(*listener);
	*listener = tcp_listen(at(port), TCP_RA, BACKLOG);
	(void)stage_expect_errno(stage, "listen() on the same port",
	    *listener == -1 ? errno : 0, 0);
	expect_late(stage, client, began);
	return client;
}

/* Without any privilege. */
static void
minimum_ttl(struct stage *stage)
{
	int	listener, client, served;

	stage_step(stage, "A listening socket with a client in its queue gets "
	    "IP_MINTTL 255, which no packet here has: they are sent with TTL "
	    "64. The client can be accepted, and is served.");
	stage_set(stage, "net/ipv4/ip_default_ttl", "64");
	listener = tcp_listen(at(8010), TCP_RA, BACKLOG);
	client = tcp_connect(at(8010), at(40130), TCP_PLAIN);
	(void)await_queued(listener, 1);
	set_minimum_ttl(listener, 255);
	served = tcp_accept(listener);
	(void)stage_expect_errno(stage, "a byte from it and back",
	    exchange(client, served), 0);
	close_all((const int[]){ client, served }, 2);

	stage_step(stage, "The SYN of another client is dropped. The socket is "
	    "closed, and the next one listens: the SYN is sent again a second "
	    "later, and that client has not noticed.");
	client = next_client(stage, &listener, 8010);
	served = tcp_accept(listener);
	(void)stage_expect_errno(stage, "a byte from it and back",
	    exchange(client, served), 0);
	close_all((const int[]){ client, served, listener }, 3);
}

/* A handshake in flight: with TCP_DEFER_ACCEPT it is until the client sends. */
static void
deaf(struct stage *stage)
{
	int	listener, client, served;

	stage_step(stage, "IP_MINTTL 255 is set while a handshake is in "
	    "flight (TCP_DEFER_ACCEPT keeps it there until the client sends). "
	    "It goes on; but its socket inherits the option, and is deaf until "
	    "that is taken off.");
	listener = tcp_listen(at(8011), TCP_RA, BACKLOG);
	(void)setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){ 5 },
	    sizeof(int));
	client = tcp_connect(at(8011), at(40140), TCP_PLAIN);
	(void)stage_expect_state(stage, at(8011), at(40140), TCP_SYN_RECV);
	set_minimum_ttl(listener, 255);
	(void)say(client);
	served = tcp_accept(listener);
	(void)stage_expect_errno(stage, "accept(), and read() of what came "
	    "with the handshake,", hear(served), 0);
	(void)say(client);
	(void)stage_expect(stage, !readable(served, 100), "a byte",
	    "the client has sent another byte, and 100 ms later it has not "
	    "come");
	set_minimum_ttl(served, 0);
	(void)stage_expect_errno(stage, "with IP_MINTTL 0, read()",
	    hear(served), 0);
	close_all((const int[]){ client, served, listener }, 3);
}

/* How many instructions the filter of a socket has. */
static int
filter_length(int fd)
{
	socklen_t	len = 0;

	return getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len) == -1 ?
	    -1 : (int)len;
}

/* With the privilege for it. */
static void
filtered(struct stage *stage)
{
	int	listener, clients[2], served[2];
	int64_t	began;

	stage_step(stage, "A filter that drops SYNs does the same, and what is "
	    "accepted is not deaf; but it takes CAP_NET_ADMIN. Here it is "
	    "taken off in time, and the SYN that is sent again gets in.");
	listener = tcp_listen(at(8012), TCP_RA, BACKLOG);
	clients[0] = tcp_connect(at(8012), at(40150), TCP_PLAIN);
	(void)await_queued(listener, 1);
	(void)stage_expect_errno(stage, "SO_ATTACH_FILTER",
	    shutout_begin(listener) == -1 ? errno :
	    filter_length(listener) > 0 ? 0 : EPERM, 0);
	began = clock_ms();
	clients[1] = begin_connect(8012, 40151);
	(void)stage_expect_state(stage, at(40151), at(8012), TCP_SYN_SENT);
	served[0] = tcp_accept(listener);
	(void)stage_expect_errno(stage, "a byte from the client in the queue "
	    "and back", exchange(clients[0], served[0]), 0);
	(void)setsockopt(listener, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 },
	    sizeof(int));
	expect_late(stage, clients[1], began);
	served[1] = tcp_accept(listener);
	(void)stage_expect_errno(stage, "a byte from it and back",
	    exchange(clients[1], served[1]), 0);
	close_all(clients, 2);
	close_all(served, 2);
	(void)close(listener);
}

void
unaccepted_listener(struct stage *stage)
{
	end_for_all(stage);
	free_the_port(stage);
	backlogs(stage);
	minimum_ttl(stage);
	deaf(stage);
	filtered(stage);
}
