/* SPDX-License-Identifier: ISC */
/* A client that is connected to itself. */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "experiment.h"
#include "tcp.h"

#define BOUND	"127.0.0.1:40000"
#define CHOSEN	"127.0.0.1:40002"
#define KEPT	"127.0.0.1:40004"

/* errno of a server that is started there, 0 for success. */
static int
start_server(const char *address, int options)
{
	int	fd = tcp_listen(address, options, 8);
	int	result = fd == -1 ? errno : 0;

	if (fd != -1)
		(void)close(fd);
	return result;
}

static void
expect_refused(struct stage *stage, const char *address)
{
	(void)stage_expect_errno(stage, "bind() by the server",
	    start_server(address, TCP_PLAIN), EADDRINUSE);
	(void)stage_expect_errno(stage, "bind() with SO_REUSEADDR",
	    start_server(address, TCP_RA), EADDRINUSE);
}

/* connect() succeeds, and both names are one. */
static void
expect_itself(struct stage *stage, int fd, int error, const char *address)
{
	char	local[ADDRESS_TEXT], peer[ADDRESS_TEXT];

	(void)stage_expect_errno(stage, "connect()", error, 0);
	(void)stage_expect(stage, strcmp(tcp_local(fd, local), address) == 0,
	    local, "getsockname() says %s", address);
	(void)stage_expect(stage, strcmp(tcp_peer(fd, peer), address) == 0,
	    peer, "getpeername() says %s", address);
	(void)stage_expect_segments(stage, address, TH_SYN | TH_ACK, 1);
	(void)stage_expect_state(stage, address, NULL, 0);
	(void)stage_expect_state(stage, address, address, TCP_ESTABLISHED);
}

static void
bound(struct stage *stage)
{
	char	bytes[8];
	int	fd, error;

	stage_step(stage, "Nothing listens on port 40000. A client binds its "
	    "socket to this port, and connects to it. No RST is the answer: "
	    "there is a socket of that address, which has sent SYN, and its "
	    "own SYN comes to it (simultaneous open).");
	fd = tcp_connect(BOUND, BOUND, TCP_PLAIN);
	error = fd == -1 ? errno : 0;
	expect_itself(stage, fd, error, BOUND);
	stage_note(stage, "Both lifelines are this one socket, which sends to "
	    "itself.");

	stage_step(stage, "The client writes, and reads what it has written. "
	    "It may believe that its server is up.");
	(void)stage_expect(stage, write(fd, "hello\n", 6) == 6, "it fails",
	    "write() of 6 bytes succeeds");
	(void)stage_expect(stage, recv(fd, bytes, 6, MSG_WAITALL) == 6 &&
	    memcmp(bytes, "hello\n", 6) == 0, "something else",
	    "read() gives the same 6 bytes");

	stage_step(stage, "Its server is started at last, and cannot have its "
	    "port: the client has it, without SO_REUSEADDR, which clients "
	    "seldom set.");
	expect_refused(stage, BOUND);

	stage_step(stage, "The client closes. Its FIN comes to itself "
	    "(simultaneous close), and TIME_WAIT keeps the port for a minute "
	    "more.");
	(void)close(fd);
	(void)stage_expect_segments(stage, BOUND, TH_FIN, 1);
	(void)stage_expect_state(stage, BOUND, BOUND, TCP_TIME_WAIT);
	expect_refused(stage, BOUND);
}

/* The kernel chooses an even port for connect() while there is one. */
static void
chosen(struct stage *stage)
{
	int	fd, error;

	stage_step(stage, "The client need not bind: the kernel chooses its "
	    "port, and that may be the server's if it is in this range. Of two "
	    "ports it chooses the even one.");
	stage_set(stage, "net/ipv4/ip_local_port_range", "40002 40003");
	fd = tcp_connect(CHOSEN, NULL, TCP_PLAIN);
	error = fd == -1 ? errno : 0;
	expect_itself(stage, fd, error, CHOSEN);
	expect_refused(stage, CHOSEN);
	stage_note(stage, "With the 28,000 ports of the default range this "
	    "is rare; a client that tries again and again until its server is "
	    "up meets it one day.");
	(void)close(fd);
	(void)stage_expect_state(stage, CHOSEN, CHOSEN, TCP_TIME_WAIT);

	stage_step(stage, "What helps: servers' ports outside of this range; "
	    "or to keep them from being chosen.");
	stage_set(stage, "net/ipv4/ip_local_port_range", "40004 40005");
	stage_set(stage, "net/ipv4/ip_local_reserved_ports", "40004");
	fd = tcp_connect(KEPT, NULL, TCP_PLAIN);
	(void)stage_expect_errno(stage, "connect()", fd == -1 ? errno : 0,
	    ECONNREFUSED);
	if (fd != -1)
		(void)close(fd);
	(void)stage_expect_segments(stage, KEPT, TH_RST, 1);
	(void)stage_expect_errno(stage, "bind() by the server",
	    start_server(KEPT, TCP_PLAIN), 0);
}

void
exp_self_connect(struct stage *stage)
{
	bound(stage);
	chosen(stage);
}
