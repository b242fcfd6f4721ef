/* SPDX-License-Identifier: ISC */
/*
 * Ports that are held in each way, with SO_REUSEADDR and without: what
 * outlive-why says is what bind() does, and names who and why.
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "why.h"

/* Each way has a port of its own: TIME_WAIT lasts a minute. */
static unsigned int	port = 5000;

/* Who holds the port in a test: descriptors, -1 where there is none. */
struct held {
	int	listener, server, client;
};

/* A connection whose listener has gone. */
static void
connected(struct held *held, bool reuseaddr)
{
	int	listener = listening(port, reuseaddr);

	held->client = dial(port);
	held->server = accept(listener, NULL, NULL);
	(void)close(listener);
}

static void
shut(int *fd)
{
	(void)close(*fd);
	*fd = -1;
}

/* The server's socket has come to a state. */
static void
await_state(unsigned int state)
{
	struct wait	wait = { .what = "a socket to come to its state" };

	while (sockets_in(state, port, 0) == 0)
		wait_a_moment(&wait);
}

/* More than the peer takes: the end cannot be delivered. */
static void
pour(int fd)
{
	static char	bytes[65536];

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
}

static void
listen_there(struct held *held, bool reuseaddr)
{
	held->listener = listening(port, reuseaddr);
}

static void
only_bind(struct held *held, bool reuseaddr)
{
	held->listener = bound(port, reuseaddr);
}

static void
fin_wait2(struct held *held, bool reuseaddr)
{
	connected(held, reuseaddr);
	(void)shutdown(held->server, SHUT_WR);
	await_state(TCP_FIN_WAIT2);
}

static void
fin_wait2_of_nobody(struct held *held, bool reuseaddr)
{
	connected(held, reuseaddr);
	shut(&held->server);
	await_state(TCP_FIN_WAIT2);
}

static void
fin_wait1_of_nobody(struct held *held, bool reuseaddr)
{
	connected(held, reuseaddr);
	pour(held->server);
	shut(&held->server);
}

static void
close_wait(struct held *held, bool reuseaddr)
{
	connected(held, reuseaddr);
	shut(&held->client);
	await_state(TCP_CLOSE_WAIT);
}

static void
last_ack_of_nobody(struct held *held, bool reuseaddr)
{
	connected(held, reuseaddr);
	(void)shutdown(held->client, SHUT_WR);
	await_state(TCP_CLOSE_WAIT);
	pour(held->server);
	shut(&held->server);
}

static void
time_wait(struct held *held, bool reuseaddr)
{
	connected(held, reuseaddr);
	shut(&held->server);
	await_state(TCP_FIN_WAIT2);
	shut(&held->client);
	await_state(TCP_TIME_WAIT);
}

static const struct {
	const char	*state;
	void		(*hold)(struct held *, bool reuseaddr);
	bool		 passes;	/* SO_REUSEADDR on both lets in */
	bool		 owned;		/* by this process */
	const char	*helps[3];
} ways[] = {
	{ "LISTEN", listen_there, false, true,
	    { "End process", "or take another port" } },
	{ "BOUND", only_bind, true, true,
	    { "has bound the port and gone no further" } },
	{ "ESTABLISHED", connected, true, true,
	    { "finish, or end it" } },
	{ "FIN_WAIT2", fin_wait2, true, true,
	    { "has shut down its end and waits" } },
	{ "FIN_WAIT2", fin_wait2_of_nobody, true, false,
	    { "Wait: the last of it ends by itself in",
	    "or 60 s after its peer has closed" } },
	{ "FIN_WAIT1", fin_wait1_of_nobody, true, false,
	    { "The kernel still tries to tell 127.0.0.1:" } },
	{ "CLOSE_WAIT", close_wait, true, true,
	    { "has forgotten close()" } },
	{ "LAST_ACK", last_ack_of_nobody, true, false,
	    { "The kernel still tries to tell 127.0.0.1:" } },
	{ "TIME_WAIT", time_wait, true, false,
	    { "Wait: the last of it ends by itself in",
	    "ss -K state time-wait" } },
};

/* What bind() does, and what is said of it. */
static void
ask(size_t i, bool old, bool new)
{
	bool	may = old && new && ways[i].passes;
	int	fd = bound(port, new), status, j;
	bool	binds = fd != -1;
	char	owner[32], address[32], name[80];

	if (binds)
		(void)close(fd);
	(void)snprintf(name, sizeof(name), "%s%s made with%s, asked with%s "
	    "SO_REUSEADDR", ways[i].state, ways[i].owned ? "" :
	    " of no process", old ? "" : "out", new ? "" : "out");
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	status = new ? why("--reuseaddr", address, NULL) :
	    why(address, NULL);
	ok(binds == may && status == (binds ? 0 : 1) &&
	    says(binds ? "can be bound with" : "cannot be bound"),
	    "%s: exit %d, which is what bind() does", name, status);
	if (binds)
		return;
	(void)snprintf(owner, sizeof(owner), "process %d of ",
	    (int)getpid());
	ok(says(ways[i].state) && says(ways[i].owned ? owner :
	    "no process: the kernel keeps it"), "%s: the state and %s", name,
	    ways[i].owned ? "the process" : "that there is no process");
	if (ways[i].passes)
		ok(says(old ? "made with SO_REUSEADDR" :
		    "made without SO_REUSEADDR") &&
		    says("Set SO_REUSEADDR before bind()") == old &&
		    says("would have helped only if") == !old,
		    "%s: how it was made, and what the option would do", name);
	for (j = 0; j < 3 && ways[i].helps[j] != NULL; j++)
		ok(says(ways[i].helps[j]), "%s: %s", name, ways[i].helps[j]);
	show_answer();
}

/* A socket with SO_REUSEPORT alone may not be bound where others have
   SO_REUSEADDR alone, whoever has asked what in the meantime. */
static void
changes_nothing(void)
{
	struct held	held = { -1, -1, -1 };
	char		address[32];

	port++;
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	connected(&held, true);
	ok(why(address, NULL) == 1 && why("--reuseaddr", address, NULL) == 0 &&
	    why("--reuseport", address, NULL) == 1 &&
	    why("--reuseaddr", "--reuseport", address, NULL) == 0 &&
	    why("--reuseport", address, NULL) == 1,
	    "four questions, and the answers stay the same");
	ok(!may_be_bound(address, REUSEPORT), "nothing has changed");
	(void)close(held.client);
	(void)close(held.server);
}

static void
each_way(void)
{
	struct held	held;
	size_t		i;
	int		old;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		for (old = 0; old < 2; old++) {
			port++;
			held = (struct held){ -1, -1, -1 };
			ways[i].hold(&held, old);
			ask(i, old, false);
			ask(i, old, true);
			(void)close(held.listener);
			(void)close(held.server);
			(void)close(held.client);
		}
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	harness_drop_capabilities();
	each_way();
	changes_nothing();
	return done();
}
