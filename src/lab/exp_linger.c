/* SPDX-License-Identifier: ISC */
/* SO_LINGER {1, 0} against TIME_WAIT: that it works, and what it costs. */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "experiment.h"
#include "tcp.h"

#define HARD	"127.0.0.1:9999"	/* with SO_LINGER {1, 0} */
#define SOFT	"127.0.0.1:9998"	/* with SO_REUSEADDR */
#define CLIENT	"127.0.0.1:40000"

#define MUCH	100000	/* bytes, and more than the client has room for */

static void
expect_linger(struct stage *stage, int fd)
{
	struct linger	linger = { .l_onoff = 0, .l_linger = -1 };
	socklen_t	len = sizeof(linger);
	char		seen[64];

	(void)getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len);
	(void)snprintf(seen, sizeof(seen), "{%d, %d}", linger.l_onoff,
	    linger.l_linger);
	(void)stage_expect(stage, linger.l_onoff == 1 && linger.l_linger == 0,
	    seen, "SO_LINGER of the accepted socket is {1, 0}");
}

/* The server sends so much, and closes before the client reads. */
static int
serve(struct stage *stage, int server)
{
	static const char	bytes[MUCH];
	ssize_t			n = send(server, bytes, MUCH, 0);

	(void)close(server);
	return stage_expect(stage, n == MUCH, "it does not",
	    "the server's send() takes %d bytes", MUCH);
}

static int
what_it_is_for(struct stage *stage)
{
	int	listener = tcp_listen(HARD, TCP_PLAIN, 5);
	int	client, server;

	stage_step(stage, "A server sets SO_LINGER {1, 0} on its listening "
	    "socket. The sockets that it accepts have it, too.");
	(void)tcp_abort(listener);
	client = tcp_connect(HARD, CLIENT, TCP_PLAIN);
	server = tcp_accept(listener);
	expect_linger(stage, server);
	(void)stage_expect_state(stage, HARD, CLIENT, TCP_ESTABLISHED);

	stage_step(stage, "The server closes first. There is no TIME_WAIT; but "
	    "the client, to whom nothing was left to be said, gets an error "
	    "where it had end-of-file.");
	(void)close(server);
	(void)stage_expect_read(stage, client, 0, 0, ECONNRESET);
	(void)stage_expect_state(stage, HARD, CLIENT, 0);
	(void)close(client);

	stage_step(stage, "So the server can be started again at once without "
	    "SO_REUSEADDR: that is why people do this.");
	(void)close(listener);
	listener = tcp_listen(HARD, TCP_PLAIN, 5);
	(void)stage_expect_errno(stage, "bind() to port 9999",
	    listener == -1 ? errno : 0, 0);
	(void)tcp_abort(listener);
	return listener;
}

static void
what_it_costs(struct stage *stage, int listener)
{
	int	client, server;

	stage_step(stage, "The price. The server sends %d bytes to a client "
	    "that has room for less, and closes. send() takes them all; what "
	    "has not reached the client's kernel by then is thrown "
	    "away.", MUCH);
	stage_set(stage, "net/ipv4/tcp_rmem", "4096 32768 32768");
	client = tcp_connect(HARD, CLIENT, TCP_PLAIN);
	server = tcp_accept(listener);
	(void)serve(stage, server);
	(void)stage_expect_read(stage, client, 1, MUCH - 1, ECONNRESET);
	(void)stage_expect_state(stage, HARD, CLIENT, 0);
	(void)close(client);

	stage_step(stage, "A short answer may be lucky: it has arrived before "
	    "the RST, and Linux lets the client read it. So tests with short "
	    "answers do not find the loss.");
	client = tcp_connect(HARD, CLIENT, TCP_PLAIN);
	server = tcp_accept(listener);
	(void)send(server, "bye\n", 4, 0);
	(void)close(server);
	(void)stage_expect_read(stage, client, 4, 4, ECONNRESET);
	(void)close(client);
}

/* The same with what is made for it. */
static void
what_to_do(struct stage *stage, int *listener)
{
	int	client, server;

	stage_step(stage, "The same %d bytes without SO_LINGER: the kernel "
	    "goes on sending after close(), FIN comes behind the last byte, "
	    "and TIME_WAIT stays.", MUCH);
	(void)close(*listener);
	*listener = tcp_listen(SOFT, TCP_RA, 5);
	client = tcp_connect(SOFT, CLIENT, TCP_PLAIN);
	server = tcp_accept(*listener);
	(void)serve(stage, server);
	(void)stage_expect_read(stage, client, MUCH, MUCH, 0);
	(void)close(client);
	(void)stage_expect_state(stage, SOFT, CLIENT, TCP_TIME_WAIT);

	stage_step(stage, "The server had SO_REUSEADDR, and has it again when "
	    "it is restarted: it binds beside TIME_WAIT, and nobody has lost "
	    "anything.");
	(void)close(*listener);
	*listener = tcp_listen(SOFT, TCP_RA, 5);
	(void)stage_expect_errno(stage, "bind() to port 9998",
	    *listener == -1 ? errno : 0, 0);
	(void)stage_expect_state(stage, SOFT, NULL, TCP_LISTEN);
	(void)stage_expect_state(stage, SOFT, CLIENT, TCP_TIME_WAIT);
}

void
exp_linger(struct stage *stage)
{
	/* Open until the last step has been told. */
	static int	listener;

	listener = what_it_is_for(stage);
	what_it_costs(stage, listener);
	what_to_do(stage, &listener);
}
