/* SPDX-License-Identifier: ISC */
/* Do accepted sockets get a port of their own? */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "experiment.h"
#include "tcp.h"

#define ANY	"0.0.0.0:9999"
#define SERVER	"127.0.0.1:9999"
#define CLIENTS	3
#define MORE	5	/* all of them */

static const char *const	clients[CLIENTS] = {
	"127.0.0.1:40000", "127.0.0.1:40001", "127.0.0.1:40002"
};

struct ends {
	int	listener;
	int	client[MORE], accepted[MORE];
	int	n;
};

/* Clients may have the port of another one: that is what SO_REUSEADDR is for
   here. */
static void
join(struct stage *stage, struct ends *ends, const char *from, const char *to,
    int error)
{
	int	fd = tcp_connect(to, from, TCP_RA);
	char	what[128];

	(void)snprintf(what, sizeof(what), "connect() from %s to %s", from, to);
	(void)stage_expect_errno(stage, what, fd == -1 ? errno : 0, error);
	if (ends->n == MORE) {
		(void)close(fd);
		return;
	}
	ends->client[ends->n] = fd;
	ends->accepted[ends->n++] = -1;
}

/* The next that waits is who connected first. */
static void
take(struct stage *stage, struct ends *ends, int i, const char *local,
    const char *peer)
{
	char	own[ADDRESS_TEXT], other[ADDRESS_TEXT];
	int	fd = tcp_accept(ends->listener);

	(void)stage_expect_errno(stage, "accept()", fd == -1 ? errno : 0, 0);
	(void)stage_expect(stage, strcmp(tcp_local(fd, own), local) == 0, own,
	    "getsockname() says %s", local);
	(void)stage_expect(stage, strcmp(tcp_peer(fd, other), peer) == 0,
	    other, "getpeername() says %s", peer);
	ends->accepted[i] = fd;
}

static void
three_clients(struct stage *stage, struct ends *ends)
{
	int	i;

	stage_step(stage, "A server listens on port 9999 of all addresses, and "
	    "three clients connect to it. It does not call accept() yet.");
	ends->listener = tcp_listen(ANY, TCP_RA, 8);
	(void)stage_expect_state(stage, ANY, NULL, TCP_LISTEN);
	for (i = 0; i < CLIENTS; i++) {
		join(stage, ends, clients[i], SERVER, 0);
		(void)stage_expect_state(stage, clients[i], SERVER,
		    TCP_ESTABLISHED);
	}
	stage_note(stage, "The kernel has made the server's ends already, all "
	    "of them with port 9999.");

	stage_step(stage, "The server accepts the three. Each of the new "
	    "sockets has the port of the listening one; they differ in the "
	    "client's.");
	for (i = 0; i < CLIENTS; i++) {
		take(stage, ends, i, SERVER, clients[i]);
		(void)stage_expect_state(stage, SERVER, clients[i],
		    TCP_ESTABLISHED);
	}
	(void)stage_expect_state(stage, ANY, NULL, TCP_LISTEN);
}

/* Two addresses and two ports are its name. */
static void
four_numbers(struct stage *stage, struct ends *ends)
{
	stage_step(stage, "A connection is known by two addresses and two "
	    "ports, and one that differs is enough: another client's address, "
	    "with port 40000 again.");
	join(stage, ends, "127.0.0.2:40000", SERVER, 0);
	take(stage, ends, 3, SERVER, "127.0.0.2:40000");

	stage_step(stage, "Another address of the server, from 127.0.0.1:40000 "
	    "again. The server listens on all of its addresses; the accepted "
	    "socket has that which the client asked for.");
	join(stage, ends, clients[0], "127.0.0.2:9999", 0);
	take(stage, ends, 4, "127.0.0.2:9999", clients[0]);

	stage_step(stage, "All four as in the first connection: only this is "
	    "refused, as there would be two of one name.");
	join(stage, ends, clients[0], SERVER, EADDRNOTAVAIL);
}

void
exp_server_port(struct stage *stage)
{
	struct ends	ends = { .n = 0 };
	int		i;

	three_clients(stage, &ends);
	four_numbers(stage, &ends);
	stage_step(stage, "The server closes its sockets, and the clients "
	    "theirs.");
	(void)close(ends.listener);
	for (i = 0; i < ends.n; i++)
		(void)close(ends.accepted[i]);
	/* An ACK that waits for the client's FIN may come with it, or not. */
	for (i = 0; i < CLIENTS; i++)
		(void)stage_expect_state(stage, SERVER, clients[i],
		    TCP_FIN_WAIT2);
	for (i = 0; i < ends.n; i++)
		(void)close(ends.client[i]);
	for (i = 0; i < CLIENTS; i++)
		(void)stage_expect_state(stage, SERVER, clients[i],
		    TCP_TIME_WAIT);
	(void)stage_expect_state(stage, ANY, NULL, 0);
}
