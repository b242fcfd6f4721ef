/* SPDX-License-Identifier: ISC */
/*
 * Many clients: hundreds that reset their connections, some that never read,
 * a thousand at once.  Whoever comes with them or after them is served, by the
 * same children.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "exchange.h"
#include "harness.h"
#include "net/listener.h"
#include "net/stream.h"
#include "process.h"

static void
reset(int client)
{
	struct linger	at_once = { .l_onoff = 1 };

	(void)setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once,
	    sizeof(at_once));
	(void)close(client);
}

/* Some say nothing, some ask, some hear, and some close one end before: to
   write to these is SIGPIPE, to the others ECONNRESET. */
static void
some_reset(const struct exchange *exchange, int many, bool hear)
{
	int	client, i;

	for (i = 0; i < many; i++) {
		client = dial(server.port);
		if (i % 4 > 0)
			say(client, exchange->asks);
		if (i % 4 == 2 && hear && !hears(client, exchange->hears))
			bail("client %d is not served", i + 1);
		if (i % 4 == 3)
			(void)shutdown(client, SHUT_WR);
		reset(client);
	}
}

static void
resets(const struct cell *cell)
{
	static const struct exchange	*const those[] = {
		&echo_back, &bytes, &chargen, &daytime, &discard };
	size_t				 i;

	(void)cell;
	for (i = 0; i < sizeof(those) / sizeof(those[0]); i++) {
		begin(those[i], 4);
		some_reset(those[i], 100, true);
		ok(are_served(those[i], 8) && all_are_idle(),
		    "served after 100 resets");
		stop_all();
		some_reset(those[i], 100, false);
		continue_all();
		ok(are_served(those[i], 8), "after 100 before accept(), too");
		end();
	}
}

/* He is served, and does not look. */
static int
never_reads(const char *text)
{
	int	client = dial(server.port);
	char	byte;

	say(client, text);
	if (recv(client, &byte, 1, MSG_PEEK) != 1)
		bail("a client that does not read is not served");
	return client;
}

static int
how_many_busy(void)
{
	int	i, n = 0;

	for (i = 0; i < number; i++)
		n += !title_has(children[i], "outlived: idle");
	return n;
}

static void
do_not_read(const struct cell *cell)
{
	static const struct exchange	*const those[] = { &bytes, &chargen };
	int				 clients[3], j;
	size_t				 i;

	(void)cell;
	for (i = 0; i < sizeof(those) / sizeof(those[0]); i++) {
		begin(those[i], 4);
		for (j = 0; j < 3; j++)
			clients[j] = never_reads("1000000000\n");
		ok(are_served(those[i], 20),
		    "beside three who do not read, twenty are served");
		ok(how_many_busy() >= 3, "and the three still are");
		for (j = 0; j < 3; j++)
			(void)close(clients[j]);
		ok(all_are_idle(), "when they go their children are idle");
		end();
	}
}

#define CLIENTS	1000

/* One of many, and what he has heard of what he has said. */
static struct one {
	int	fd;
	char	says[32], got[32];
	size_t	have;
} crowd[CLIENTS];

static bool
may_open(rlim_t descriptors)
{
	struct rlimit	limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		bail("getrlimit: %s", strerror(errno));
	if (limit.rlim_cur < descriptors) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur >= descriptors;
}

/* They all connect, say something, and then nothing more. */
static int
come_at_once(void)
{
	struct epoll_event	event = { .events = EPOLLIN };
	int			together = epoll_create1(EPOLL_CLOEXEC), i;

	if (together == -1)
		bail("epoll_create1: %s", strerror(errno));
	for (i = 0; i < CLIENTS; i++) {
		crowd[i].fd = dial(server.port);
		event.data.ptr = &crowd[i];
		if (epoll_ctl(together, EPOLL_CTL_ADD, crowd[i].fd,
		    &event) == -1)
			bail("epoll_ctl: %s", strerror(errno));
	}
	ok(sockets_in(TCP_ESTABLISHED, 0, server.port) == CLIENTS,
	    "a thousand clients are there");
	for (i = 0; i < CLIENTS; i++) {
		(void)snprintf(crowd[i].says, sizeof(crowd[i].says),
		    "this is client %d\n", i + 1);
		say(crowd[i].fd, crowd[i].says);
		(void)shutdown(crowd[i].fd, SHUT_WR);
	}
	return together;
}

/* More of his answer; false: he has heard the end, and has gone. */
static bool
one_hears(struct one *one, int *right)
{
	ssize_t	n = readsome(one->fd, one->got + one->have,
		    sizeof(one->got) - one->have);

	if (n > 0) {
		one->have += (size_t)n;
		return true;
	}
	if (n == 0 && one->have == strlen(one->says) &&
	    memcmp(one->got, one->says, one->have) == 0)
		++*right;
	else
		note("%.*s: %zu bytes, then %s", (int)strcspn(one->says, "\n"),
		    one->says, one->have, n == 0 ? "end-of-file" :
		    strerror(errno));
	(void)close(one->fd);
	return false;
}

static void
thousand(const struct cell *cell)
{
	struct epoll_event	events[64];
	int			together, n, i, left = CLIENTS, right = 0;

	(void)cell;
	if (!may_open(CLIENTS + 32)) {
		skip("a thousand clients", "so many may not be open here");
		return;
	}
	if (listener_somaxconn() < CLIENTS) {
		skip("a thousand clients", "net.core.somaxconn is less");
		return;
	}
	begin(&echo_back, 32);
	together = come_at_once();
	while (left > 0) {
		if ((n = epoll_wait(together, events, 64,
		    DEADLINE * 1000)) <= 0)
			bail("%d clients wait in vain", left);
		for (i = 0; i < n; i++)
			left -= !one_hears(events[i].data.ptr, &right);
	}
	ok(right == CLIENTS, "each has the right answer: %d", right);
	(void)close(together);
	end();
}

int
main(void)
{
	static const struct cell	cells[] = {
		{ .name = "resets", .play = resets },
		{ .name = "does not read", .play = do_not_read },
		{ .name = "a thousand", .play = thousand },
	};

	harness_begin();
	cells_play_both(cells, sizeof(cells) / sizeof(cells[0]));
	return done();
}
