/* SPDX-License-Identifier: ISC */
/* Who gets TIME_WAIT, for how long, and what goes past it. */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "experiment.h"
#include "net/clock.h"
#include "tcp.h"

/* A port for what leaves a TIME_WAIT that is in the way of the rest. */
#define FIRST	"127.0.0.1:9999"
#define TIMED	"127.0.0.1:9998"
#define SERVER	"127.0.0.1:9997"

#define GOES	"127.0.0.1:40000"	/* closes first */
#define STAYS	"127.0.0.1:40001"
#define WAITS	"127.0.0.1:40002"	/* for the end of TIME_WAIT */
#define CLIENT	"127.0.0.1:40003"
#define CHOSEN	"127.0.0.1:40100"	/* by the kernel, first */
#define CHOSEN2	"127.0.0.1:40101"
#define BOUND	"127.0.0.1:40200"

#define MUCH	100000	/* bytes, and more than the client has room for */

/* tcp_tw_reuse looks at those that are older, in ms. */
#define OLD	1000

/* The two ends of a connection. */
struct pair {
	int	client, server;
};

/* Until both ends are there; from a port that the kernel chooses if there is
   no other.  The client's is -1, with errno, if it cannot. */
static struct pair
meet(int listener, const char *address, const char *from, int options)
{
	struct pair	pair = { -1, -1 };

	pair.client = tcp_connect(address, from, options);
	if (pair.client != -1)
		pair.server = tcp_accept(listener);
	return pair;
}

/* One end closes, and the other one when it reads end-of-file. */
static void
part(int first, int second)
{
	int	error;

	(void)close(first);
	(void)tcp_drain(second, &error);
	(void)close(second);
}

/* 0, or the error of it. */
static int
restart(int *listener, const char *address)
{
	(void)close(*listener);
	*listener = tcp_listen(address, TCP_PLAIN, 5);
	return *listener == -1 ? errno : 0;
}

static void
who(struct stage *stage)
{
	int		listener = tcp_listen(FIRST, TCP_PLAIN, 5);
	struct pair	pair;

	stage_step(stage, "The client closes first, and the server when it "
	    "reads end-of-file. TIME_WAIT is at the client's end, and nothing "
	    "is left at the server's.");
	pair = meet(listener, FIRST, GOES, TCP_PLAIN);
	part(pair.client, pair.server);
	(void)stage_expect_state(stage, GOES, FIRST, TCP_TIME_WAIT);
	(void)stage_expect_state(stage, FIRST, GOES, 0);

	stage_step(stage, "So the server can end and be started again at once, "
	    "without SO_REUSEADDR.");
	(void)stage_expect_errno(stage, "bind() to port 9999",
	    restart(&listener, FIRST), 0);
	(void)stage_expect_state(stage, FIRST, NULL, TCP_LISTEN);

	stage_step(stage, "Now the server closes first, and the client when it "
	    "reads end-of-file. TIME_WAIT is at the server's end.");
	pair = meet(listener, FIRST, STAYS, TCP_PLAIN);
	part(pair.server, pair.client);
	(void)stage_expect_state(stage, FIRST, STAYS, TCP_TIME_WAIT);
	(void)stage_expect_state(stage, STAYS, FIRST, 0);

	stage_step(stage, "The server ends, and cannot be started again: its "
	    "port is in use, by TIME_WAIT alone.");
	(void)stage_expect_errno(stage, "bind() to port 9999",
	    restart(&listener, FIRST), EADDRINUSE);
	(void)stage_expect_state(stage, FIRST, NULL, 0);
	(void)close(listener);
}

static bool
timed_is_over(void)
{
	struct sockets	sockets;
	struct address	ends[2];
	bool		over = false;

	if (address_numeric(&ends[0], TIMED) == 0 &&
	    address_numeric(&ends[1], WAITS) == 0 &&
	    sockets_read(&sockets) == 0) {
		over = sockets_find(&sockets, &ends[0], &ends[1]) == NULL;
		sockets_free(&sockets);
	}
	return over;
}

/* The kernel's timers are coarse, by an eighth of their time at most, and late,
   never early. */
static void
until_its_end(struct stage *stage, int64_t began)
{
	char	seen[64];
	bool	over;
	double	s;

	stage_step(stage, "It is over after 60 s, or a few more: long timers "
	    "of the kernel are coarse, and never early.");
	over = stage_wait(stage, 60, "TIME_WAIT ends", timed_is_over);
	s = (double)(clock_ms() - began) / 1e3;
	if (stage->quick) {
		(void)stage_expect_state(stage, TIMED, WAITS, TCP_TIME_WAIT);
		return;
	}
	(void)snprintf(seen, sizeof(seen), "%s after %.1f s",
	    over ? "it was over" : "it was still there", s);
	(void)stage_expect(stage, over && s > 59 && s < 67, seen,
	    "TIME_WAIT lasts 59 to 67 s");
	stage_note(stage, "From the last close() on it was %.1f s.", s);
}

static void
how_long(struct stage *stage)
{
	int		listener = tcp_listen(TIMED, TCP_PLAIN, 5);
	struct pair	pair;
	int64_t		began;

	stage_step(stage, "tcp_fin_timeout is 5 s. The server closes first, "
	    "and the client does not close yet: it is the server's FIN_WAIT2 "
	    "that has 5 s left.");
	stage_set(stage, "net/ipv4/tcp_fin_timeout", "5");
	pair = meet(listener, TIMED, WAITS, TCP_PLAIN);
	(void)close(pair.server);
	(void)stage_expect_state(stage, TIMED, WAITS, TCP_FIN_WAIT2);
	(void)stage_expect_timer(stage, TIMED, WAITS, 0, 5);

	stage_step(stage, "The client closes. TIME_WAIT has 60 s, whatever "
	    "tcp_fin_timeout says, and there is no sysctl for it.");
	began = clock_ms();
	(void)close(pair.client);
	(void)stage_expect_state(stage, TIMED, WAITS, TCP_TIME_WAIT);
	(void)stage_expect_timer(stage, TIMED, WAITS, 50, 60);
	until_its_end(stage, began);
	(void)close(listener);
}

/* Neither end is in the table. */
static void
expect_none(struct stage *stage)
{
	(void)stage_expect_state(stage, SERVER, CLIENT, 0);
	(void)stage_expect_state(stage, CLIENT, SERVER, 0);
}

static void
resets(struct stage *stage, int listener)
{
	static const char	bytes[MUCH];
	struct pair		pair;

	stage_step(stage, "SO_LINGER {1, 0} at the server's end: its close() "
	    "sends RST in place of FIN. The client's read() fails, and there "
	    "is no TIME_WAIT at either end.");
	pair = meet(listener, SERVER, CLIENT, TCP_PLAIN);
	(void)tcp_abort(pair.server);
	(void)close(pair.server);
	(void)stage_expect_read(stage, pair.client, 0, 0, ECONNRESET);
	(void)close(pair.client);
	expect_none(stage);

	stage_step(stage, "The same after the server has sent %d bytes to a "
	    "client that has room for less: what is still at the server's end "
	    "is lost.", MUCH);
	stage_set(stage, "net/ipv4/tcp_rmem", "4096 16384 16384");
	pair = meet(listener, SERVER, CLIENT, TCP_PLAIN);
	(void)stage_expect(stage, send(pair.server, bytes, MUCH, 0) == MUCH,
	    "it does not", "the server's send() takes %d bytes", MUCH);
	(void)tcp_abort(pair.server);
	(void)close(pair.server);
	(void)stage_expect_read(stage, pair.client, 1, MUCH - 1, ECONNRESET);
	(void)close(pair.client);
	expect_none(stage);
}

static void
unread(struct stage *stage, int listener)
{
	struct pair	pair;
	char		byte;

	stage_step(stage, "A plain close() with data that it has not read is "
	    "an RST, too. The server leaves 8 bytes unread, and answers 6: "
	    "these have arrived, and the client reads them before the error.");
	pair = meet(listener, SERVER, CLIENT, TCP_PLAIN);
	(void)send(pair.client, "question", 8, 0);
	/* It is there. */
	(void)recv(pair.server, &byte, 1, MSG_PEEK);
	(void)send(pair.server, "answer", 6, 0);
	(void)close(pair.server);
	(void)stage_expect_read(stage, pair.client, 6, 6, ECONNRESET);
	(void)close(pair.client);
	expect_none(stage);
}

static struct pair
reopened(struct stage *stage, int listener)
{
	struct pair	pair;

	stage_step(stage, "The server closes first: TIME_WAIT at its end, "
	    "while it listens on.");
	stage_set(stage, "net/ipv4/tcp_timestamps", "1");
	pair = meet(listener, SERVER, CLIENT, TCP_PLAIN);
	part(pair.server, pair.client);
	(void)stage_expect_state(stage, SERVER, CLIENT, TCP_TIME_WAIT);

	stage_step(stage, "The client comes again from the same port: its SYN "
	    "is newer than all that was, and TIME_WAIT makes room for a new "
	    "connection.");
	pair = meet(listener, SERVER, CLIENT, TCP_PLAIN);
	(void)stage_expect_state(stage, SERVER, CLIENT, TCP_ESTABLISHED);
	(void)stage_expect_state(stage, CLIENT, SERVER, TCP_ESTABLISHED);
	return pair;
}

/* From a port that the kernel chooses; the client closes first. */
static void
come_and_go(struct stage *stage, int listener, const char *what, int expected)
{
	struct pair	pair = meet(listener, SERVER, NULL, TCP_PLAIN);

	(void)stage_expect_errno(stage, what, pair.client == -1 ? errno : 0,
	    expected);
	part(pair.client, pair.server);
}

static const char	tw_reuse[] = "net/ipv4/tcp_tw_reuse";

static void
used_up(struct stage *stage, int listener, struct pair old)
{
	stage_step(stage, "That client resets its connection. Then the kernel "
	    "has two ports for clients: both are used, the client closes "
	    "first, and both are in TIME_WAIT. Even tcp_tw_reuse 1 has no "
	    "port for a third one at once.");
	(void)tcp_abort(old.client);
	part(old.client, old.server);
	stage_set(stage, tw_reuse, "1");
	stage_set(stage, "net/ipv4/ip_local_port_range", "40100 40101");
	come_and_go(stage, listener, "the first connect()", 0);
	come_and_go(stage, listener, "the second connect()", 0);
	come_and_go(stage, listener, "the third connect()", EADDRNOTAVAIL);
	(void)stage_expect_state(stage, CHOSEN, SERVER, TCP_TIME_WAIT);
	(void)stage_expect_state(stage, CHOSEN2, SERVER, TCP_TIME_WAIT);

	stage_step(stage, "More than one second later, with tcp_tw_reuse 0, "
	    "there is none, either.");
	stage_set(stage, tw_reuse, "0");
	(void)poll(NULL, 0, OLD + 100);
	come_and_go(stage, listener, "the third connect()", EADDRNOTAVAIL);
}

static void
reused(struct stage *stage, int listener)
{
	stage_step(stage, "With tcp_tw_reuse 1 there is now: the kernel takes "
	    "a port whose TIME_WAIT is older than one second.");
	stage_set(stage, tw_reuse, "1");
	come_and_go(stage, listener, "connect()", 0);

	stage_step(stage, "And with 2, for loopback addresses as here: it "
	    "takes the other one. (2 is what Linux begins with.)");
	stage_set(stage, tw_reuse, "2");
	come_and_go(stage, listener, "connect()", 0);
	(void)stage_expect_state(stage, CHOSEN, SERVER, TCP_TIME_WAIT);
	(void)stage_expect_state(stage, CHOSEN2, SERVER, TCP_TIME_WAIT);
}

/* bind() wants SO_REUSEADDR of both, the one in TIME_WAIT and the new one. */
static int
bind_and_come(struct pair *pair, int listener)
{
	*pair = meet(listener, SERVER, BOUND, TCP_RA);
	return pair->client == -1 ? errno : 0;
}

static void
bound(struct stage *stage, int listener)
{
	const char	*what = "connect() from port 40200";
	struct pair	 pair;

	stage_step(stage, "A client binds to its port itself, with "
	    "SO_REUSEADDR, and closes first.");
	stage_set(stage, tw_reuse, "0");
	(void)stage_expect_errno(stage, what, bind_and_come(&pair, listener),
	    0);
	part(pair.client, pair.server);
	(void)stage_expect_state(stage, BOUND, SERVER, TCP_TIME_WAIT);

	stage_step(stage, "It comes again at once, and needs neither "
	    "tcp_tw_reuse nor the second: with timestamps the server can tell "
	    "old segments from new ones.");
	(void)stage_expect_errno(stage, what, bind_and_come(&pair, listener),
	    0);
	(void)stage_expect_state(stage, BOUND, SERVER, TCP_ESTABLISHED);

	stage_step(stage, "Without timestamps it closes, comes, closes first "
	    "again, and is then refused.");
	stage_set(stage, "net/ipv4/tcp_timestamps", "0");
	(void)tcp_abort(pair.client);
	part(pair.client, pair.server);
	(void)stage_expect_errno(stage, what, bind_and_come(&pair, listener),
	    0);
	part(pair.client, pair.server);
	(void)stage_expect_state(stage, BOUND, SERVER, TCP_TIME_WAIT);
	(void)stage_expect_errno(stage, what, bind_and_come(&pair, listener),
	    EADDRNOTAVAIL);
}

void
exp_time_wait(struct stage *stage)
{
	/* Open until the last step has been told. */
	static int	listener;

	who(stage);
	how_long(stage);
	listener = tcp_listen(SERVER, TCP_PLAIN, 5);
	resets(stage, listener);
	unread(stage, listener);
	used_up(stage, listener, reopened(stage, listener));
	reused(stage, listener);
	bound(stage, listener);
}
