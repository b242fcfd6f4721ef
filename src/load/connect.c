/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "worker.h"

/*
 * A client that closes first keeps its port in TIME_WAIT for a minute, for that
 * server, and there are 28,232 of them (net.ipv4.ip_local_port_range).  All of
 * 127.0.0.0/8 is ours: after so many connections the next address's are used,
 * before the search for a free port becomes long.
 */
#define PORTS	16384

static bool
is_loopback(const struct address *address)
{
	return address->sa.sa_family == AF_INET &&
	    ntohl(address->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Which of those that were given, or which loopback address; false: any. */
static bool
choose_source(struct worker *worker, struct address *source)
{
	const struct plan	*plan = worker->plan;
	uint64_t		 number = worker->made++ *
				    (uint64_t)plan->processes +
				    (uint64_t)worker->number;
	uint32_t		 turn;

	if (plan->n_sources > 0) {
		*source = plan->sources[number % (uint64_t)plan->n_sources];
		return true;
	}
	turn = number / PORTS % PLAN_SOURCES;
	if (turn == 0 || !is_loopback(&plan->server))
		return false;
	*source = (struct address){ .in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn) },
	    .len = sizeof(source->in) };
	if (worker->record->sources < (int)turn)
		worker->record->sources = (int)turn;
	return true;
}

static int
from_source(struct worker *worker, int fd)
{
	struct address	source;
	int		on = 1;

	if (!choose_source(worker, &source))
		return 0;
	/* The port comes with connect(), where it need be free for that server
	   only. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
	    sizeof(on));
	return bind(fd, &source.sa, source.len);
}

static int
fail(int fd)
{
	int	saved = errno;

	if (fd != -1)
		(void)close(fd);
	errno = saved;
	return -1;
}

int
worker_dial(struct worker *worker, struct watched *watched)
{
	const struct address	*server = &worker->plan->server;
	int			 fd = socket(server->sa.sa_family, SOCK_STREAM |
				    SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	watched->fd = -1;
	if (fd == -1 || from_source(worker, fd) == -1 ||
	    (connect(fd, &server->sa, server->len) == -1 &&
	    errno != EINPROGRESS))
		return fail(fd);
	watched->fd = fd;
	return 0;
}

int
worker_watch(struct worker *worker, struct watched *watched, uint32_t events,
    int64_t since)
{
	struct epoll_event	event = { .events = events | EPOLLET,
				    .data.ptr = watched };

	if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, watched->fd, &event) == -1)
		return -1;
	worker_wait(worker, watched, since);
	return 0;
}
