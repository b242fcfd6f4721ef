/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listener.h"
#include "shutout.h"
#include "sysctl.h"

/* What accepted sockets inherit. */
static const struct {
	int	level, name, value;
} inherited[] = {
	/* Who does not know of urgent data would never see it (RFC 6093). */
	{ SOL_SOCKET, SO_OOBINLINE, 1 },
	/* Ten minutes: five of silence, then five questions a minute apart. */
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 300 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 60 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 5 },
};

static int
set_inherited(int fd)
{
	size_t	i;

	for (i = 0; i < sizeof(inherited) / sizeof(inherited[0]); i++)
		if (setsockopt(fd, inherited[i].level, inherited[i].name,
		    &inherited[i].value, sizeof(inherited[i].value)) == -1)
			return -1;
	return 0;
}

static int
set_options(int fd, const struct address *address,
    const struct listener_options *options)
{
	struct address	plain = address_plain(address);
	int		one = 1, zero = 0;

	/* Linux looks at both sockets: the old one must have had it too. */
	if (options->reuseaddr &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1)
		return -1;
	/* [::] serves both families, and [::ffff:127.0.0.1] is IPv4, whatever
	   bindv6only says. */
	if ((address_is_dual(address) ||
	    plain.sa.sa_family != address->sa.sa_family) &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero,
	    sizeof(zero)) == -1)
		return -1;
	return set_inherited(fd);
}

int
listener_open(struct address *address, const struct listener_options *options,
    const char **failed)
{
	int	fd, saved;

	*failed = "socket";
	fd = socket(address->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	*failed = "setsockopt";
	if (set_options(fd, address, options) == -1)
		goto fail;
	*failed = "bind";
	if (bind(fd, &address->sa, address->len) == -1)
		goto fail;
	/* Two sockets may have bound one port: listen() refuses the second. */
	*failed = "listen";
	if (listen(fd, options->backlog) == -1)
		goto fail;
	*failed = "getsockname";
	if (getsockname(fd, &address->sa, &address->len) == -1)
		goto fail;
	return fd;
fail:
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

static int
option(int fd, int level, int name)
{
	int		value;
	socklen_t	len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) == 0 ? value : -1;
}

/* What it is that cannot be adopted, in words; NULL: nothing of the kind. */
static const char *
misfit(int fd)
{
	struct sockaddr_storage	peer;
	struct stat		status;
	socklen_t		len = sizeof(peer);
	int			family;

	if (fstat(fd, &status) == -1)
		return "is not open";
	if (!S_ISSOCK(status.st_mode))
		return "is no socket";
	family = option(fd, SOL_SOCKET, SO_DOMAIN);
	if (family == AF_UNIX)
		return "is a UNIX domain socket";
	if (family != AF_INET && family != AF_INET6)
		return "is a socket of another family than IPv4 and IPv6";
	switch (option(fd, SOL_SOCKET, SO_PROTOCOL)) {
	case IPPROTO_TCP:
		break;
	case IPPROTO_UDP:
		return "is a UDP socket";
	default:
		return "is a socket of another protocol than TCP";
	}
	if (option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1)
		return NULL;
	if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
		return "is a connection";
	return "does not listen";
}

/* Whether a socket that listens there is what was asked for. */
static bool
is_meant(int fd, const struct address *own, const struct address *wanted)
{
	char	host[2][ADDRESS_TEXT], port[2][ADDRESS_TEXT];

	address_split(own, host[0], port[0]);
	address_split(wanted, host[1], port[1]);
	if (address_port(wanted) != 0 && strcmp(port[0], port[1]) != 0)
		return false;
	if (strcmp(host[0], host[1]) == 0)
		return true;
	return address_is_dual(own) && strcmp(host[1], "0.0.0.0") == 0 &&
	    option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
}

/* What was set by somebody else, and would keep clients away. */
static int
clear_options(int fd, const char **failed)
{
	int	flags = fcntl(fd, F_GETFL);

	/* Of the file description: whoever gave it has set it for all. */
	*failed = "O_NONBLOCK";
	if (flags == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
		return -1;
	return shutout_end(fd, failed);
}

/* Accepted sockets would inherit them: a read that ends by itself, a close that
   resets. */
static int
clear_inherited(int fd, const char **failed)
{
	struct timeval	never = { 0, 0 };
	struct linger	none = { 0, 0 };

	*failed = "SO_RCVTIMEO";
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &never,
	    sizeof(never)) == -1 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO,
	    &never, sizeof(never)) == -1)
		return -1;
	*failed = "SO_LINGER";
	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

int
listener_adopt(int fd, const struct listener_options *options,
    const char **failed)
{
	int	reuseaddr = options->reuseaddr;

	*failed = "FD_CLOEXEC";
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return -1;
	*failed = "setsockopt";
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuseaddr,
	    sizeof(reuseaddr)) == -1 || set_inherited(fd) == -1)
		return -1;
	if (clear_options(fd, failed) == -1 ||
	    clear_inherited(fd, failed) == -1)
		return -1;
	*failed = "listen";
	return listen(fd, options->backlog);
}

int
listener_check(int fd, struct address *address, char *why, size_t size)
{
	struct address	 own = { .len = sizeof(own.in6) };
	const char	*problem = misfit(fd);
	char		 is[ADDRESS_TEXT], expected[ADDRESS_TEXT];

	if (problem == NULL && getsockname(fd, &own.sa, &own.len) == -1)
		problem = "has no address";
	if (problem != NULL) {
		(void)snprintf(why, size, "descriptor %d %s: expected a TCP "
		    "socket that listens", fd, problem);
		return -1;
	}
	if (!is_meant(fd, &own, address)) {
		(void)snprintf(why, size, "descriptor %d listens at %s: "
		    "expected %s", fd, address_print(&own, is),
		    address_print(address, expected));
		return -1;
	}
	*address = own;
	return 0;
}

bool
listener_listens(int listener)
{
	return option(listener, SOL_SOCKET, SO_ACCEPTCONN) == 1;
}

bool
listener_reuses(int listener)
{
	return option(listener, SOL_SOCKET, SO_REUSEADDR) == 1;
}

bool
listener_is_ipv6_alone(int listener, const struct address *address)
{
	return address_is_dual(address) &&
	    option(listener, IPPROTO_IPV6, IPV6_V6ONLY) == 1;
}

int
listener_accept(int listener, struct address *peer)
{
	memset(peer, 0, sizeof(*peer));
	peer->len = sizeof(peer->in6);
	return accept4(listener, &peer->sa, &peer->len, SOCK_CLOEXEC);
}

void
listener_end(int listener)
{
	(void)shutdown(listener, SHUT_RDWR);
	(void)close(listener);
}

int
listener_waiting(int listener)
{
	struct tcp_info	info;
	socklen_t	len = sizeof(info);

	/* Of a socket in LISTEN, this is the length of its queue. */
	if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return 0;
	return (int)info.tcpi_unacked;
}

enum listener_verdict
listener_verdict(int error)
{
	switch (error) {
	case EAGAIN:
		return LISTENER_NOTHING;
	case EINTR:
	case ECONNABORTED:
	/* What Linux hands through from the new connection (accept(2)). */
	case EPROTO:
	case ENOPROTOOPT:
	case ENETDOWN:
	case ENETUNREACH:
	case ENONET:
	case EHOSTDOWN:
	case EHOSTUNREACH:
		return LISTENER_AGAIN;
	case EBADF:
	case EFAULT:
	case EINVAL:
	case ENOTSOCK:
	case EOPNOTSUPP:
		return LISTENER_FATAL;
	default:
		/*
		 * EMFILE, ENFILE, ENOBUFS, ENOMEM; and what nobody expects:
		 * it may stay, and then the next try fails in the same way.
		 */
		return LISTENER_WAIT;
	}
}

int
listener_somaxconn(void)
{
	return sysctl_number("net/core/somaxconn", -1);
}
