/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "net/address.h"
#include "tcp.h"

#define PATIENCE	5	/* s */

static struct address
parsed(const char *text)
{
	struct address	address;

	if (address_numeric(&address, text) == -1)
		errx(EX_SOFTWARE, "'%s' is no address", text);
	return address;
}

static int
closed(int fd)
{
	int	saved = errno;

	(void)close(fd);
	errno = saved;
	return -1;
}

static bool
set(int fd, int level, int option)
{
	int	on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

static int
make(int family, int options)
{
	struct timeval	limit = { .tv_sec = PATIENCE };
	int		fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
	    sizeof(limit)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
	    sizeof(limit)) == 0 &&
	    (!(options & TCP_RA) || set(fd, SOL_SOCKET, SO_REUSEADDR)) &&
	    (!(options & TCP_RP) || set(fd, SOL_SOCKET, SO_REUSEPORT)) &&
	    (!(options & TCP_V6ONLY) || set(fd, IPPROTO_IPV6, IPV6_V6ONLY)))
		return fd;
	return closed(fd);
}

int
tcp_bind(const char *address, int options)
{
	struct address	own = parsed(address);
	int		fd = make(own.sa.sa_family, options);

	if (fd == -1 || bind(fd, &own.sa, own.len) == 0)
		return fd;
	return closed(fd);
}

int
tcp_listen(const char *address, int options, int backlog)
{
	int	fd = tcp_bind(address, options);

	if (fd == -1 || listen(fd, backlog) == 0)
		return fd;
	return closed(fd);
}

int
tcp_connect(const char *to, const char *from, int options)
{
	struct address	peer = parsed(to);
	int		fd = from != NULL ? tcp_bind(from, options) :
			    make(peer.sa.sa_family, options);

	if (fd == -1 || connect(fd, &peer.sa, peer.len) == 0)
		return fd;
	return closed(fd);
}

int
tcp_accept(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

const char *
tcp_answer(bool succeeded, const char *success)
{
	return succeeded ? success : errno == EADDRINUSE ? "in use" :
	    errno == ECONNREFUSED ? "refused" : strerrorname_np(errno);
}

int
tcp_abort(int fd)
{
	struct linger	linger = { .l_onoff = 1, .l_linger = 0 };

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

size_t
tcp_drain(int fd, int *error)
{
	char	bytes[65536];
	size_t	sum = 0;
	ssize_t	n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		sum += (size_t)n;
	*error = n == 0 ? 0 : errno;
	return sum;
}

bool
tcp_talk(int fd, const char *text, const char *expected)
{
	size_t	len = strlen(text), n = 0;
	ssize_t	got;
	char	bytes[256];

	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		return false;
	len = strlen(expected);
	while (n < len && n < sizeof(bytes)) {
		got = recv(fd, bytes + n, sizeof(bytes) - n, 0);
		if (got <= 0)
			return false;
		n += (size_t)got;
	}
	return n == len && memcmp(bytes, expected, len) == 0;
}

const char *
tcp_local(int fd, char *text)
{
	struct address	own = { .len = sizeof(own.in6) };

	if (getsockname(fd, &own.sa, &own.len) == 0)
		return address_print(&own, text);
	return strcpy(text, "-");
}

const char *
tcp_peer(int fd, char *text)
{
	struct address	peer = { .len = sizeof(peer.in6) };

	if (getpeername(fd, &peer.sa, &peer.len) == 0)
		return address_print(&peer, text);
	return strcpy(text, "-");
}
