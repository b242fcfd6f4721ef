/* SPDX-License-Identifier: ISC */
/* The two states in which an end may stay for ever, and what ends them. */
#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "experiment.h"
#include "net/clock.h"
#include "tcp.h"

#define SERVER	"127.0.0.1:9999"
#define KEEPS	"127.0.0.1:40000"
#define CLOSES	"127.0.0.1:40001"

/* The server's ends: it closes neither, and that is its fault. */
static int	to_keeps, to_closes;
/* Open until the last step has been told. */
static int	keeps;

/* All that one finds recommended, as small as it goes.  The kernel chooses the
   clients' ports, 40000 first: one that binds would keep its port with its
   descriptor, and be in the table twice at the end. */
static void
turn_the_knobs(struct stage *stage)
{
	stage_set(stage, "net/ipv4/ip_local_port_range", "40000 40001");
	stage_set(stage, "net/ipv4/tcp_fin_timeout", "2");
	stage_set(stage, "net/ipv4/tcp_keepalive_time", "1");
	stage_set(stage, "net/ipv4/tcp_keepalive_intvl", "1");
	stage_set(stage, "net/ipv4/tcp_keepalive_probes", "1");
	stage_set(stage, "net/ipv4/tcp_orphan_retries", "1");
}

/* Returns when the second client has closed. */
static int64_t
half_closed(struct stage *stage)
{
	int	listener = tcp_listen(SERVER, TCP_PLAIN, 5);
	int	closes;
	int64_t	began;

	stage_step(stage, "Two clients are connected to a server, and every "
	    "sysctl that is said to help is small.");
	turn_the_knobs(stage);
	keeps = tcp_connect(SERVER, NULL, TCP_PLAIN);
	to_keeps = tcp_accept(listener);
	closes = tcp_connect(SERVER, NULL, TCP_PLAIN);
	to_closes = tcp_accept(listener);
	(void)close(listener);
	(void)stage_expect_state(stage, SERVER, KEEPS, TCP_ESTABLISHED);
	(void)stage_expect_state(stage, SERVER, CLOSES, TCP_ESTABLISHED);

	stage_step(stage, "The client of port 40000 calls shutdown(SHUT_WR), "
	    "and keeps its descriptor: it may read for as long as it likes.");
	(void)shutdown(keeps, SHUT_WR);
	(void)stage_expect_state(stage, KEEPS, SERVER, TCP_FIN_WAIT2);
	(void)stage_expect_state(stage, SERVER, KEEPS, TCP_CLOSE_WAIT);
	(void)stage_expect_timer(stage, KEEPS, SERVER, 0, 0);

	stage_step(stage, "The client of port 40001 calls close(): the same "
	    "segments, and no process has its end any more. This is what "
	    "tcp_fin_timeout is for.");
	began = clock_ms();
	(void)close(closes);
	(void)stage_expect_state(stage, CLOSES, SERVER, TCP_FIN_WAIT2);
	(void)stage_expect_state(stage, SERVER, CLOSES, TCP_CLOSE_WAIT);
	(void)stage_expect_timer(stage, CLOSES, SERVER, 0, 2);
	return began;
}

static void
two_seconds_later(struct stage *stage, int64_t began)
{
	char	seen[32];
	double	s;

	stage_step(stage, "After these 2 s FIN_WAIT2 of port 40001 is gone, "
	    "without a segment. That of port 40000 is still there, and so is "
	    "CLOSE_WAIT, twice.");
	(void)stage_expect_state(stage, CLOSES, SERVER, 0);
	s = (double)(clock_ms() - began) / 1e3;
	(void)snprintf(seen, sizeof(seen), "%.1f s", s);
	(void)stage_expect(stage, s > 1.9 && s < 5, seen,
	    "that took 2 to 5 s");
	(void)stage_expect_state(stage, KEEPS, SERVER, TCP_FIN_WAIT2);
	(void)stage_expect_timer(stage, KEEPS, SERVER, 0, 0);
	(void)stage_expect_state(stage, SERVER, KEEPS, TCP_CLOSE_WAIT);
	(void)stage_expect_timer(stage, SERVER, KEEPS, 0, 0);
	(void)stage_expect_state(stage, SERVER, CLOSES, TCP_CLOSE_WAIT);
	(void)stage_expect_timer(stage, SERVER, CLOSES, 0, 0);
	stage_note(stage, "tcp_keepalive_time is for sockets with "
	    "SO_KEEPALIVE, and ends none whose other end answers.");
}

static void
closed(struct stage *stage)
{
	stage_step(stage, "What ends CLOSE_WAIT is the close() that the server "
	    "has forgotten. For port 40001 it comes too late: FIN finds "
	    "nobody, and is answered with RST.");
	(void)close(to_closes);
	(void)stage_expect_state(stage, SERVER, CLOSES, 0);
	(void)stage_expect_state(stage, CLOSES, SERVER, 0);

	stage_step(stage, "For port 40000 it comes in time, and ends "
	    "FIN_WAIT2, too: the client, who closed first, is in TIME_WAIT, "
	    "and has its descriptor still.");
	(void)close(to_keeps);
	(void)stage_expect_state(stage, SERVER, KEEPS, 0);
	(void)stage_expect_state(stage, KEEPS, SERVER, TCP_TIME_WAIT);
	(void)stage_expect_timer(stage, KEEPS, SERVER, 50, 60);
}

void
exp_fin_wait2(struct stage *stage)
{
	two_seconds_later(stage, half_closed(stage));
	closed(stage);
}
