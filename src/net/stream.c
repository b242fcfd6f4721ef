/* SPDX-License-Identifier: ISC */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "clock.h"
#include "stream.h"

static bool	seen_stalled;

/* Whether there is something to be done before then; poll(2) is not restarted
   behind any handler (signal(7)), and goes on here. */
static bool
wait_until(int64_t then, int fd, short events)
{
	struct pollfd	pfd = { .fd = fd, .events = events };
	int64_t		left;
	int		n;

	do {
		left = then - clock_ms();
		if (left <= 0)
			return false;
		n = poll(&pfd, 1, (int)left);
	} while (n == -1 && errno == EINTR);
	return n == 1;
}

int
stall_limit(int fd)
{
	struct timeval	limit = { 0, 0 };
	socklen_t	len = sizeof(limit);

	if (getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &len) == -1 ||
	    (limit.tv_sec == 0 && limit.tv_usec == 0))
		return -1;
	return (int)(limit.tv_sec * 1000 + limit.tv_usec / 1000);
}

/* What was sent, and the peer has not acknowledged, in bytes. */
static int
unacknowledged(int fd)
{
	int	bytes = 0;

	(void)ioctl(fd, SIOCOUTQ, &bytes);
	return bytes;
}

/* How long ago the last acknowledgement has come, or at least so many ms. */
static int
since_acknowledged(int fd, int most)
{
	struct tcp_info	info;
	socklen_t	len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
	    info.tcpi_last_ack_recv >= (unsigned int)most)
		return most;
	return (int)info.tcpi_last_ack_recv;
}

/*
 * What the peer acknowledges is progress, although it wakes nobody.  With all
 * of it acknowledged, the last time may be less than the limit ago: then wait
 * for what is left of that.
 */
static bool
made_progress(struct stall *stall, int limit)
{
	int	before = stall->queue, left;

	stall->queue = unacknowledged(stall->fd);
	if (stall->queue > 0)
		return before == -1 || stall->queue < before;
	if (before == 0)
		return false;
	left = limit - since_acknowledged(stall->fd, limit);
	return wait_until(clock_ms() + left, stall->fd, stall->events);
}

bool
stalled(struct stall *stall)
{
	const struct linger	reset = { .l_onoff = 1 };
	int			limit = stall_limit(stall->fd);

	if (limit != -1 && made_progress(stall, limit))
		return false;
	if (limit != -1) {
		seen_stalled = true;
		/* Or the kernel would keep, and offer, what nobody takes. */
		if (stall->queue > 0)
			(void)setsockopt(stall->fd, SOL_SOCKET, SO_LINGER,
			    &reset, sizeof(reset));
	}
	errno = EAGAIN;
	return true;
}

bool
stall_seen(void)
{
	bool	seen = seen_stalled;

	seen_stalled = false;
	return seen;
}

ssize_t
writen(int fd, const void *bytes, size_t n)
{
	struct stall	 stall = { fd, POLLOUT, -1 };
	const char	*next = bytes;
	size_t		 left = n;
	ssize_t		 done;

	while (left > 0) {
		done = write(fd, next, left);
		if (done == -1 && (errno == EINTR ||
		    (errno == EAGAIN && !stalled(&stall))))
			continue;
		if (done == -1)
			return -1;
		next += done;
		left -= (size_t)done;
		/* It has stopped short: by a signal, or at the time limit. */
		if (left > 0)
			stall.queue = unacknowledged(fd);
	}
	return (ssize_t)n;
}

ssize_t
readsome(int fd, void *bytes, size_t n)
{
	struct stall	stall = { fd, POLLIN, -1 };
	ssize_t		done;

	do {
		done = read(fd, bytes, n);
	} while (done == -1 && (errno == EINTR ||
	    (errno == EAGAIN && !stalled(&stall))));
	return done;
}

/* writen() that gives up; false: not all of it was sent. */
static bool
write_until(int64_t then, int fd, const char *next, size_t left)
{
	ssize_t	done;

	while (left > 0) {
		if (!wait_until(then, fd, POLLOUT))
			return false;
		/* There may be less room than for all that is left. */
		done = send(fd, next, left, MSG_DONTWAIT);
		if (done == -1 && errno != EAGAIN && errno != EINTR)
			return false;
		if (done > 0) {
			next += done;
			left -= (size_t)done;
		}
	}
	return true;
}

void
farewell(int fd, const void *words, size_t n)
{
	int64_t	then = clock_ms() + FAREWELL_MS;
	char	bytes[16384];
	size_t	thrown = 0;
	ssize_t	some;

	if (!write_until(then, fd, words, n) || shutdown(fd, SHUT_WR) == -1)
		return;
	while (thrown < FAREWELL_BYTES && wait_until(then, fd, POLLIN)) {
		some = readsome(fd, bytes, sizeof(bytes));
		if (some <= 0)
			return;
		thrown += (size_t)some;
	}
}
