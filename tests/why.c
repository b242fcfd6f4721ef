/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "harness.h"
#include "net/address.h"
#include "why.h"

int
why(const char *argument, ...)
{
	const char	*argv[8] = { "./outlive-why", argument };
	int		 n = 1;
	va_list		 ap;

	va_start(ap, argument);
	while (argv[n] != NULL && n < 7)
		argv[++n] = va_arg(ap, const char *);
	va_end(ap);
	return answer_of(NULL, argv);
}

int
why_in(void (*prepare)(void), const char *address)
{
	const char	*argv[] = { "./outlive-why", address, NULL };

	return answer_of(prepare, argv);
}

void
setting(const char *name, const char *value)
{
	char	path[128];
	int	fd;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1 || write(fd, value, strlen(value)) == -1)
		bail("%s: %s", path, strerror(errno));
	(void)close(fd);
}

static int
set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

/* -1, with errno: EAFNOSUPPORT, or it is refused. */
static int
try_socket(const char *text, int how)
{
	struct address	address;
	const char	*problem;
	int		fd, saved;

	if (address_parse(&address, text, &problem) != 0)
		bail("%s: %s", text, problem);
	fd = socket(address.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (set(fd, SOL_SOCKET, SO_REUSEADDR, (how & REUSEADDR) != 0) == 0 &&
	    set(fd, SOL_SOCKET, SO_REUSEPORT, (how & REUSEPORT) != 0) == 0 &&
	    (!(how & ON_LO) || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE,
	    "lo", 2) == 0) &&
	    (address.sa.sa_family != AF_INET6 || set(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, (how & V6ONLY) != 0) == 0) &&
	    bind(fd, &address.sa, address.len) == 0 &&
	    (!(how & LISTENS) || listen(fd, 64) == 0))
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
a_socket(const char *text, int how)
{
	int	fd = try_socket(text, how);

	if (fd == -1 && errno != EAFNOSUPPORT)
		bail("%s: %s", text, strerror(errno));
	return fd;
}

bool
may_be_bound(const char *text, int how)
{
	int	fd = try_socket(text, how);

	if (fd == -1)
		return false;
	(void)close(fd);
	return true;
}

int
bound(unsigned int port, bool reuseaddr)
{
	char	text[32];

	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	return try_socket(text, reuseaddr ? REUSEADDR : 0);
}

int
listening(unsigned int port, bool reuseaddr)
{
	int	fd = bound(port, reuseaddr);

	if (fd == -1 || listen(fd, 64) == -1)
		bail("bind or listen: %s", strerror(errno));
	return fd;
}
