/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "clock.h"
#include "stream.h"

ssize_t
writen(int fd, const void *bytes, size_t n)
{
	const char	*next = bytes;
	size_t		 left = n;
	ssize_t		 done;

	while (left > 0) {
		done = write(fd, next, left);
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return -1;
		next += done;
		left -= (size_t)done;
	}
	return (ssize_t)n;
}

ssize_t
readsome(int fd, void *bytes, size_t n)
{
	ssize_t	done;

	do {
		done = read(fd, bytes, n);
	} while (done == -1 && errno == EINTR);
	return done;
}

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
