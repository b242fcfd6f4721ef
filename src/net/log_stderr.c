/* SPDX-License-Identifier: ISC */
/* A log on standard error: a pipe, a terminal, a file, a socket. */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "log_output.h"

/* A terminal that somebody else writes is tried again so often, and waited for
   so long, in ms. */
#define TRIES		10
#define MOMENT		50

static int	descriptor = STDERR_FILENO;
static bool	is_socket, is_terminal, may_block;
static bool	is_stuck;

static int
stderr_open(const char *where)
{
	struct stat	status;
	int		fd;

	(void)where;
	descriptor = STDERR_FILENO;
	is_socket = is_terminal = may_block = is_stuck = false;
	/*
	 * A file never makes a writer wait, and has one offset for everyone
	 * who shares this descriptor, a script for instance: with one of our
	 * own, its next line would overwrite ours.
	 */
	if (fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode))
		return 0;
	/*
	 * O_NONBLOCK belongs to the open file description, which standard
	 * error shares with the caller's shell: so it is opened anew.  A
	 * poll() before the write would not do: two processes that both find
	 * the pipe writable can fill it together, and one of them blocks.
	 */
	fd = open("/proc/self/fd/2",
	    O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd != -1) {
		descriptor = fd;
		is_terminal = isatty(fd);
	} else if (errno == ENXIO)
		is_socket = true;	/* it has a flag for each call */
	else
		may_block = true;	/* another user's pipe (EACCES) */
	return 0;
}

/*
 * Where the description is not ours and cannot be: a write that does not wait
 * (pipes, Linux 6.5), or as near to it as there is.
 */
static ssize_t
write_nowait(const char *line, size_t len)
{
	struct iovec	iov = { .iov_base = (void *)(uintptr_t)line,
			    .iov_len = len };
	struct pollfd	ready = { .fd = descriptor, .events = POLLOUT };
	ssize_t		n;

	n = pwritev2(descriptor, &iov, 1, -1, RWF_NOWAIT);
	if (n != -1 || errno != EOPNOTSUPP)
		return n;
	if (poll(&ready, 1, 0) != 1)
		return -1;
	return write(descriptor, line, len);
}

/*
 * A terminal has one writer at a time, and poll() and write() look to others
 * as if it was full.  So it is worth a moment, unless the last one was in vain
 * and nothing was written since.
 */
static bool
is_free_in_a_moment(void)
{
	struct pollfd	ready = { .fd = descriptor, .events = POLLOUT };

	if (!is_terminal || errno != EAGAIN || is_stuck)
		return false;
	is_stuck = poll(&ready, 1, MOMENT) == 0;
	return !is_stuck;
}

static ssize_t
stderr_put(const char *line, size_t len)
{
	int	tries = 0;
	ssize_t	n;

	do {
		if (is_socket)
			n = send(descriptor, line, len,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
		else if (may_block)
			n = write_nowait(line, len);
		else
			n = write(descriptor, line, len);
	} while (n == -1 && (errno == EINTR ||
	    (++tries < TRIES && is_free_in_a_moment())));
	if (n != -1)
		is_stuck = false;
	return n;
}

/* Whoever reads the end of it may wait for that. */
static void
stderr_close(void)
{
	if (descriptor != STDERR_FILENO)
		(void)close(descriptor);
	descriptor = STDERR_FILENO;
}

const struct log_output	log_stderr = {
	.open = stderr_open,
	.put = stderr_put,
	.close = stderr_close,
};
