/* SPDX-License-Identifier: ISC */
/* What is said to help against TIME_WAIT: each on its own. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "experiment.h"
#include "tcp.h"

#define PLAIN	"127.0.0.1:9999"	/* made without any option */
#define SHORT	"127.0.0.1:9998"	/* made when tcp_fin_timeout is short */
#define BOTH	"127.0.0.1:9997"	/* made with SO_REUSEADDR */
#define CLIENT	"127.0.0.1:40000"
#define STAYS	"127.0.0.1:40001"

/* tcp_tw_reuse lets connect() have a port after a second: in ms, and more. */
#define TW_REUSE	1200

/* errno of a server that is started there, 0 for success. */
static int
restart(const char *address, int options)
{
	int	fd = tcp_listen(address, options, 8);
	int	result = fd == -1 ? errno : 0;

	if (fd != -1)
		(void)close(fd);
	return result;
}

/* A server, and its client, whose end is kept open if kept is there for it;
   the server's end closes first.  Returns the listening socket. */
static int
serve(struct stage *stage, int listener, const char *address,
    const char *from, int *kept)
{
	int	client, server;

	client = tcp_connect(address, from, TCP_RA);
	server = tcp_accept(listener);
	(void)stage_expect_state(stage, address, from, TCP_ESTABLISHED);
	(void)close(server);
	(void)stage_expect_state(stage, address, from, TCP_FIN_WAIT2);
	if (kept != NULL) {
		*kept = client;
		return listener;
	}
	(void)close(client);
	(void)stage_expect_state(stage, address, from, TCP_TIME_WAIT);
	return listener;
}

static void
problem(struct stage *stage)
{
	int	listener;

	stage_step(stage, "A server that was made without any option closes "
	    "its connection first, ends, and is started again.");
	stage_set(stage, "net/ipv4/tcp_tw_reuse", "0");
	stage_set(stage, "net/ipv4/tcp_fin_timeout", "60");
	stage_set(stage, "net/ipv4/tcp_timestamps", "1");
	listener = tcp_listen(PLAIN, TCP_PLAIN, 8);
	(void)close(serve(stage, listener, PLAIN, CLIENT, NULL));
	(void)stage_expect_errno(stage, "bind() without any option",
	    restart(PLAIN, TCP_PLAIN), EADDRINUSE);
}

static void
options(struct stage *stage)
{
	stage_step(stage, "Advice: set SO_REUSEADDR. The new socket has it "
	    "now, and that is not enough on Linux: the old one, which made the "
	    "connection, had to have it too.");
	(void)stage_expect_errno(stage, "bind() with SO_REUSEADDR",
	    restart(PLAIN, TCP_RA), EADDRINUSE);

	stage_step(stage, "Advice: set SO_REUSEPORT instead. That is for "
	    "several sockets that listen at the same time; it is looked for on "
	    "the old one, too.");
	(void)stage_expect_errno(stage, "bind() with SO_REUSEPORT",
	    restart(PLAIN, TCP_RP), EADDRINUSE);
	(void)stage_expect_errno(stage, "bind() with both",
	    restart(PLAIN, TCP_RA | TCP_RP), EADDRINUSE);
}

/* Returns a client that is still there. */
static int
sysctls(struct stage *stage)
{
	int	client = -1, listener;

	stage_step(stage, "Advice: tcp_tw_reuse. That is for connect(), which "
	    "may have a port in TIME_WAIT after a second; bind() does not look "
	    "at it, not even after that second.");
	stage_set(stage, "net/ipv4/tcp_tw_reuse", "1");
	(void)poll(NULL, 0, TW_REUSE);
	(void)stage_expect_errno(stage, "bind() without any option",
	    restart(PLAIN, TCP_PLAIN), EADDRINUSE);
	(void)stage_expect_errno(stage, "bind() with SO_REUSEADDR",
	    restart(PLAIN, TCP_RA), EADDRINUSE);

	stage_step(stage, "Advice: a short tcp_fin_timeout. That is for "
	    "FIN_WAIT2: of two connections that are made now, the one whose "
	    "client does not close has 5 s left, and the other one, in "
	    "TIME_WAIT, has 60 s, which nothing changes.");
	stage_set(stage, "net/ipv4/tcp_fin_timeout", "5");
	listener = tcp_listen(SHORT, TCP_PLAIN, 8);
	(void)serve(stage, listener, SHORT, CLIENT, NULL);
	(void)serve(stage, listener, SHORT, STAYS, &client);
	(void)close(listener);
	(void)stage_expect_timer(stage, SHORT, STAYS, 1, 5);
	(void)stage_expect_timer(stage, SHORT, CLIENT, 55, 60);
	(void)stage_expect_errno(stage, "bind() without any option",
	    restart(SHORT, TCP_PLAIN), EADDRINUSE);
	return client;
}

static bool
is_over(void)
{
	struct sockets	sockets;
	struct address	ends[2];
	bool		over = false;

	(void)address_numeric(&ends[0], PLAIN);
	(void)address_numeric(&ends[1], CLIENT);
	if (sockets_read(&sockets) == 0)
		over = sockets_find(&sockets, &ends[0], &ends[1]) == NULL;
	sockets_free(&sockets);
	return over;
}

static void
cure(struct stage *stage, int client)
{
	int	listener;

	stage_step(stage, "What helps: SO_REUSEADDR from the first start on, "
	    "in every server. The sysctls are as they were at first.");
	stage_set(stage, "net/ipv4/tcp_tw_reuse", "0");
	stage_set(stage, "net/ipv4/tcp_fin_timeout", "60");
	listener = tcp_listen(BOTH, TCP_RA, 8);
	(void)close(serve(stage, listener, BOTH, CLIENT, NULL));
	(void)stage_expect_errno(stage, "bind() without any option",
	    restart(BOTH, TCP_PLAIN), EADDRINUSE);
	listener = tcp_listen(BOTH, TCP_RA, 8);
	(void)stage_expect_errno(stage, "bind() with SO_REUSEADDR",
	    listener == -1 ? errno : 0, 0);
	(void)stage_expect_state(stage, BOTH, NULL, TCP_LISTEN);
	(void)stage_expect_state(stage, BOTH, CLIENT, TCP_TIME_WAIT);

	stage_step(stage, "For the server that was made without it there is "
	    "one cure on port 9999: to wait until TIME_WAIT is over.");
	(void)close(listener);
	stage_note(stage, "The client of port 9998 closes.");
	(void)close(client);
	(void)stage_wait(stage, 60, "TIME_WAIT ends", is_over);
	(void)stage_expect_errno(stage, "bind() without any option",
	    restart(PLAIN, TCP_PLAIN), stage->quick ? EADDRINUSE : 0);
}

void
exp_advice(struct stage *stage)
{
	problem(stage);
	options(stage);
	cure(stage, sysctls(stage));
}
