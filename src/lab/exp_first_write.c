/* SPDX-License-Identifier: ISC */
/* Why does the first write after the peer's close succeed? */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "experiment.h"
#include "tcp.h"

#define SERVER	"127.0.0.1:9999"
#define CLOSES	"127.0.0.1:40000"	/* for whom the server calls close() */
#define SHUTS	"127.0.0.1:40002"	/* for whom it calls shutdown() */

static volatile sig_atomic_t	pipes;

/* A handler, so that it can be counted: by default it ends the process. */
static void
on_pipe(int signo)
{
	(void)signo;
	pipes++;
}

/* errno, 0 for success. */
static int
write_hello(int fd)
{
	return write(fd, "hello\n", 6) == 6 ? 0 : errno;
}

/* Since it was last looked at. */
static bool
expect_pipes(struct stage *stage, int n)
{
	char	seen[16];
	int	came = pipes;

	pipes = 0;
	(void)snprintf(seen, sizeof(seen), "%d", came);
	return stage_expect(stage, came == n, seen, n == 0 ?
	    "no SIGPIPE comes to the client" :
	    "SIGPIPE comes to the client once");
}

/* Whether there is nothing more to read, without waiting. */
static bool
expect_end_of_file(struct stage *stage, int fd)
{
	char	byte;
	ssize_t	n = recv(fd, &byte, sizeof(byte), MSG_DONTWAIT);

	return stage_expect(stage, n == 0, n == -1 ? strerror(errno) : "a byte",
	    "read() by the client says end of file");
}

/*
 * The server's end of a new connection; the client's in *client.  The kernel
 * chooses the even one of two ports: the port that a client has bound itself
 * would be shown as bound after RST.
 */
static int
connected(struct stage *stage, int listener, const char *ports,
    const char *from, int *client)
{
	int	server;

	stage_set(stage, "net/ipv4/ip_local_port_range", ports);
	*client = tcp_connect(SERVER, NULL, TCP_PLAIN);
	server = tcp_accept(listener);
	(void)stage_expect_state(stage, from, SERVER, TCP_ESTABLISHED);
	return server;
}

static void
closed(struct stage *stage, int listener)
{
	int	client, server;

	stage_step(stage, "A client connects. The server closes: its kernel "
	    "sends FIN.");
	server = connected(stage, listener, "40000 40001", CLOSES, &client);
	(void)close(server);
	(void)stage_expect_segments(stage, SERVER, TH_FIN, 1);
	(void)stage_expect_state(stage, SERVER, CLOSES, TCP_FIN_WAIT2);
	(void)stage_expect_state(stage, CLOSES, SERVER, TCP_CLOSE_WAIT);

	stage_step(stage, "The client writes, and that succeeds: FIN says that "
	    "the server sends no more, not that it reads no more. But nobody "
	    "has its end, and the answer is RST.");
	(void)stage_expect_errno(stage, "the first write",
	    write_hello(client), 0);
	(void)stage_expect_segments(stage, SERVER, TH_RST, 1);
	(void)stage_expect_state(stage, CLOSES, SERVER, 0);
	(void)stage_expect_state(stage, SERVER, CLOSES, 0);
	(void)expect_pipes(stage, 0);

	stage_step(stage, "UNP 5.12 expects read() to fail now, with "
	    "ECONNRESET. On Linux FIN came first, and it stays end of file.");
	(void)expect_end_of_file(stage, client);

	stage_step(stage, "The client writes again. There is no connection any "
	    "more, no segment is sent, and SIGPIPE comes with the error.");
	(void)stage_expect_errno(stage, "the second write",
	    write_hello(client), EPIPE);
	(void)stage_expect_segments(stage, CLOSES, 0, 0);
	(void)expect_pipes(stage, 1);
	(void)close(client);
}

static void
shut(struct stage *stage, int listener)
{
	char	bytes[32];
	int	client, server;

	stage_step(stage, "Another client. The server calls shutdown() with "
	    "SHUT_WR this time, and has its end still: the same FIN.");
	server = connected(stage, listener, "40002 40003", SHUTS, &client);
	(void)shutdown(server, SHUT_WR);
	(void)stage_expect_segments(stage, SERVER, TH_FIN, 1);
	(void)stage_expect_state(stage, SERVER, SHUTS, TCP_FIN_WAIT2);
	(void)stage_expect_state(stage, SHUTS, SERVER, TCP_CLOSE_WAIT);
	(void)expect_end_of_file(stage, client);

	stage_step(stage, "Here both writes succeed, and the server reads what "
	    "was written. By FIN alone a client cannot tell the two apart.");
	(void)stage_expect_errno(stage, "the first write",
	    write_hello(client), 0);
	(void)stage_expect_segments(stage, SERVER, TH_RST, 0);
	(void)stage_expect_errno(stage, "the second write",
	    write_hello(client), 0);
	(void)stage_expect(stage, recv(server, bytes, 12, MSG_WAITALL) == 12,
	    "less", "the server reads 12 bytes");
	(void)expect_pipes(stage, 0);

	stage_step(stage, "Both close.");
	(void)close(client);
	(void)close(server);
	(void)stage_expect_state(stage, SERVER, SHUTS, TCP_TIME_WAIT);
}

void
exp_first_write(struct stage *stage)
{
	struct sigaction	action = { .sa_handler = on_pipe };
	int			listener = tcp_listen(SERVER, TCP_RA, 8);

	pipes = 0;
	(void)sigaction(SIGPIPE, &action, NULL);
	closed(stage, listener);
	shut(stage, listener);
	(void)close(listener);
	(void)signal(SIGPIPE, SIG_DFL);
}
