/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <signal.h>
#include <unistd.h>

#include "net/stream.h"
#include "pattern.h"
#include "tap.h"

static char
next(struct pattern *pattern)
{
	pattern->seed = pattern->seed * 1103515245U + 12345U;
	if (++pattern->column % 61 == 0)
		return '\n';
	return (char)('a' + (pattern->seed >> 16) % 26);
}

void
pattern_fill(struct pattern *pattern, char *bytes, size_t n)
{
	while (n-- > 0)
		*bytes++ = next(pattern);
}

bool
pattern_matches(struct pattern *pattern, const char *bytes, size_t n)
{
	while (n-- > 0)
		if (*bytes++ != next(pattern))
			return false;
	return true;
}

bool
pattern_send(struct pattern *pattern, int fd, size_t n)
{
	char	bytes[16384];
	size_t	some;

	for (; n > 0; n -= some) {
		some = n < sizeof(bytes) ? n : sizeof(bytes);
		pattern_fill(pattern, bytes, some);
		if (writen(fd, bytes, some) == -1)
			return false;
	}
	return true;
}

bool
pattern_receive(struct pattern *pattern, int fd, size_t n)
{
	char	bytes[65536];
	ssize_t	some;

	for (; n > 0; n -= (size_t)some) {
		some = readsome(fd, bytes, n < sizeof(bytes) ? n :
		    sizeof(bytes));
		if (some <= 0 || !pattern_matches(pattern, bytes,
		    (size_t)some))
			return false;
	}
	return true;
}

pid_t
pattern_sender(int fd, size_t n, bool and_end)
{
	struct pattern	out = { 0, 0 };
	pid_t		pid = fork();

	if (pid == -1)
		bail("fork");
	if (pid != 0)
		return pid;
	(void)signal(SIGPIPE, SIG_IGN);
	if (!pattern_send(&out, fd, n))
		_exit(1);
	_exit(!and_end || shutdown(fd, SHUT_WR) == 0 ? 0 : 1);
}
