/* SPDX-License-Identifier: ISC */
/*
 * One SO_REUSEPORT listener per child: the kernel gives each client to one of
 * them by a hash of its addresses and ports, and does not know who is busy.
 * One listening socket for all (UNP 30.6): whoever is idle takes the next.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "clients.h"
#include "experiment.h"
#include "net/clock.h"
#include "tcp.h"

#define CHILDREN	8
#define BUSY		4	/* of them */
#define CLIENTS		100
#define TRIES		60	/* to make them busy */
#define BACKLOG		128

/* After so many ms without an answer there will be none; a client that makes a
   child busy gets its own within that. */
#define SILENCE		1000
#define SOON		200

/*
 * Each client meets a busy child with probability 1/2, so the mean is 50 and
 * the standard deviation 5: these are six of them away, which is seen once in a
 * thousand million runs.
 */
#define FEWEST		20
#define MOST		80

struct design {
	int	port;
	int	shared;		/* the listening socket of all; -1: each has
				   its own */
};

struct crowd {
	struct pollfd	clients[CLIENTS];	/* fd -1: it was answered */
	int		answered;
};

/* UNP 30.6's child: it echoes what one client says until that leaves. */
static void
serve(void *what)
{
	const struct design	*design = what;
	int			 listener = design->shared, fd, error;

	if (listener == -1)
		listener = tcp_listen(at(design->port), TCP_RP, BACKLOG);
	for (;;) {
		/* tcp.h: no call waits for ever. */
		if ((fd = tcp_accept(listener)) == -1) {
			if (errno != EAGAIN)
				return;
			continue;
		}
		while ((error = hear(fd)) == 0 || error == EAGAIN)
			if (error == 0)
				(void)say(fd);
		(void)close(fd);
	}
}

static void
start_children(struct stage *stage, struct design *design,
    struct actor **children)
{
	char	name[16];
	int	i;

	for (i = 0; i < CHILDREN; i++) {
		(void)snprintf(name, sizeof(name), "child%d", i + 1);
		children[i] = stage_fork(stage, name, serve, design);
	}
}

/* How many sockets listen at a port, and how many of them have somebody in
   their queue. */
static int
listeners(int port, int *waited_for)
{
	struct sockdiag_table	 table = { .n = 0 };
	int			 many = 0;
	size_t			 i;

	*waited_for = 0;
	if (sockdiag_read(&table, (unsigned int)port) == 0)
		for (i = 0; i < table.n; i++)
			if (table.sockets[i].state == TCP_LISTEN) {
				many++;
				*waited_for += table.sockets[i].waiting > 0;
			}
	sockdiag_free(&table);
	return many;
}

static void
expect_listeners(struct stage *stage, int port, int expected)
{
	int64_t	end = clock_ms() + CLIENTS_PATIENCE;
	int	n, waited_for;
	char	seen[32];

	while ((n = listeners(port, &waited_for)) != expected &&
	    clock_ms() < end)
		(void)poll(NULL, 0, 5);
	(void)snprintf(seen, sizeof(seen), "%d", n);
	(void)stage_expect(stage, n == expected, seen,
	    "%d socket%s at port %d", expected,
	    expected == 1 ? " listens" : "s listen", port);
}

/*
 * Clients connect until so many children are busy: each child serves one at a
 * time, so who is answered has a child of its own.  Who is not has met one that
 * was busy already, and leaves.
 */
static void
occupy(struct stage *stage, const struct design *design, int busy[BUSY],
    int from)
{
	int	n = 0, i, fd;
	char	seen[32];

	for (i = 0; i < TRIES && n < BUSY; i++) {
		fd = tcp_connect(at(design->port), at(from + i), TCP_PLAIN);
		if (fd != -1 && say(fd) == 0 && readable(fd, SOON) &&
		    hear(fd) == 0)
			busy[n++] = fd;
		else if (fd != -1)
			(void)close(fd);
	}
	(void)snprintf(seen, sizeof(seen), "%d", n);
	(void)stage_expect(stage, n == BUSY, seen, "%d clients are answered, "
	    "and stay", BUSY);
	while (n < BUSY)
		busy[n++] = -1;
}

/* Answers until none has come for so long.  Who has one leaves. */
static void
collect(struct crowd *crowd)
{
	int	i;

	while (crowd->answered < CLIENTS &&
	    poll(crowd->clients, CLIENTS, SILENCE) > 0)
		for (i = 0; i < CLIENTS; i++) {
			if (crowd->clients[i].fd == -1 ||
			    crowd->clients[i].revents == 0)
				continue;
			crowd->answered += hear(crowd->clients[i].fd) == 0;
			(void)close(crowd->clients[i].fd);
			crowd->clients[i].fd = -1;
		}
}

static void
new_clients(struct stage *stage, struct crowd *crowd, int port, int from)
{
	int	i, fd, connected = 0;
	char	seen[32];

	crowd->answered = 0;
	for (i = 0; i < CLIENTS; i++) {
		fd = tcp_connect(at(port), at(from + i), TCP_PLAIN);
		connected += fd != -1 && say(fd) == 0;
		crowd->clients[i] = (struct pollfd){ .fd = fd,
		    .events = POLLIN };
		/* There is not room for the segments of all. */
		(void)capture_read(&stage->capture);
	}
	collect(crowd);
	(void)snprintf(seen, sizeof(seen), "%d", connected);
	(void)stage_expect(stage, connected == CLIENTS, seen,
	    "%d of %d connect and send a byte", CLIENTS, CLIENTS);
}

static void
expect_answered(struct stage *stage, const struct crowd *crowd)
{
	char	seen[32];

	(void)snprintf(seen, sizeof(seen), "%d", crowd->answered);
	(void)stage_expect(stage, crowd->answered == CLIENTS, seen,
	    "%d of %d are answered", CLIENTS, CLIENTS);
}

/* They wait behind the busy ones, and the queues of the idle ones are empty. */
static void
expect_starved(struct stage *stage, const struct crowd *crowd, int port)
{
	int	n = CLIENTS - crowd->answered, waited_for;
	char	seen[64];

	stage_note(stage, "%d of %d clients were answered; for %d s nobody "
	    "has been. The others have been given to a busy child.",
	    crowd->answered, CLIENTS, SILENCE / 1000);
	stage_note(stage, "Each had a chance of 1 in 2 of that: 50 of %d, "
	    "give or take 5. The bounds are six times that away.", CLIENTS);
	(void)snprintf(seen, sizeof(seen), "%d", n);
	(void)stage_expect(stage, n >= FEWEST && n <= MOST, seen,
	    "between %d and %d of %d are not answered", FEWEST, MOST, CLIENTS);
	(void)listeners(port, &waited_for);
	(void)snprintf(seen, sizeof(seen), "%d", waited_for);
	(void)stage_expect(stage, waited_for == BUSY, seen,
	    "%d of the %d queues have somebody in them; the others are empty, "
	    "and their children idle", BUSY, CHILDREN);
}

static void
end_children(struct actor *const *children)
{
	int	i;

	for (i = 0; i < CHILDREN; i++)
		if (children[i]->pid > 0)
			(void)kill(children[i]->pid, SIGKILL);
}

static void
own_listeners(struct stage *stage)
{
	struct design	 design = { .port = 8000, .shared = -1 };
	struct actor	*children[CHILDREN];
	struct crowd	 crowd;
	int		 busy[BUSY];

	stage_step(stage, "%d children: each has a listening socket of its "
	    "own, with SO_REUSEPORT, and serves one client after the other. "
	    "%d become busy with a client that stays.", CHILDREN, BUSY);
	/* Where it is 1, the queue of a socket that closes moves. */
	stage_set(stage, "net/ipv4/tcp_migrate_req", "0");
	start_children(stage, &design, children);
	expect_listeners(stage, design.port, CHILDREN);
	occupy(stage, &design, busy, 40000);

	stage_step(stage, "%d new clients connect, and send a byte. %d "
	    "children could answer them all.", CLIENTS, CHILDREN - BUSY);
	new_clients(stage, &crowd, design.port, 41000);
	expect_starved(stage, &crowd, design.port);

	stage_step(stage, "The clients of the busy children leave: those who "
	    "have waited are answered.");
	close_all(busy, BUSY);
	collect(&crowd);
	(void)capture_read(&stage->capture);
	expect_answered(stage, &crowd);
	end_children(children);
	expect_listeners(stage, design.port, 0);
}

static void
one_listener(struct stage *stage)
{
	struct design	 design = { .port = 8001 };
	struct actor	*children[CHILDREN];
	struct crowd	 crowd;
	int		 busy[BUSY];

	stage_step(stage, "%d children block in accept() on one listening "
	    "socket (UNP 30.6). %d become busy.", CHILDREN, BUSY);
	design.shared = tcp_listen(at(design.port), TCP_RA, BACKLOG);
	start_children(stage, &design, children);
	(void)close(design.shared);
	expect_listeners(stage, design.port, 1);
	occupy(stage, &design, busy, 42000);

	stage_step(stage, "%d new clients connect, and send a byte: whoever is "
	    "idle takes the next.", CLIENTS);
	new_clients(stage, &crowd, design.port, 43000);
	expect_answered(stage, &crowd);
	close_all(busy, BUSY);
	end_children(children);
}

void
exp_starvation(struct stage *stage)
{
	own_listeners(stage);
	one_listener(stage);
}
