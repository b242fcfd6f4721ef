/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listener.h"
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
set_options(int fd, const struct address *address,
    const struct listener_options *options)
{
	struct address	plain = address_plain(address);
	int		one = 1, zero = 0;
	size_t		i;

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
	for (i = 0; i < sizeof(inherited) / sizeof(inherited[0]); i++)
		if (setsockopt(fd, inherited[i].level, inherited[i].name,
		    &inherited[i].value, sizeof(inherited[i].value)) == -1)
			return -1;
	return 0;
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
