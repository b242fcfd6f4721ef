/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "place.h"

/* <linux/in6.h> has it, which does not go with <netinet/in.h>. */
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND	78
#endif

struct place
place_at(const struct address *address)
{
	struct place	place = { .address = *address };

	if (address->sa.sa_family == AF_INET6)
		place.interface = address->in6.sin6_scope_id;
	return place;
}

struct place
place_of(const struct sockdiag *socket)
{
	return (struct place){ socket->local, socket->interface,
	    socket->v6only };
}

static bool
is_wildcard(const struct address *plain)
{
	if (plain->sa.sa_family == AF_INET)
		return plain->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&plain->in6.sin6_addr);
}

static bool
same_host(const struct address *a, const struct address *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

bool
places_equal(const struct place *one, const struct place *other)
{
	return one->interface == other->interface &&
	    one->v6only == other->v6only &&
	    same_host(&one->address, &other->address);
}

bool
places_collide(const struct place *one, const struct place *other)
{
	struct address	a = address_plain(&one->address);
	struct address	b = address_plain(&other->address);

	if (one->interface != 0 && other->interface != 0 &&
	    one->interface != other->interface)
		return false;
	if (a.sa.sa_family == b.sa.sa_family)
		return is_wildcard(&a) || is_wildcard(&b) || same_host(&a, &b);
	/* IPv4 and IPv6 meet at [::] alone, if that serves both. */
	if (a.sa.sa_family == AF_INET6)
		return is_wildcard(&a) && !one->v6only;
	return is_wildcard(&b) && !other->v6only;
}

bool
places_differ_slightly(const struct place *one, const struct place *other)
{
	struct place	a = { .address = one->address };
	struct place	b = { .address = other->address };

	return !places_collide(one, other) && places_collide(&a, &b);
}

static int
set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int
set_options(int fd, const struct place *place, const struct address *plain,
    int options)
{
	bool	six = plain->sa.sa_family == AF_INET6;

	if (options & PLACE_REUSEADDR &&
	    set(fd, SOL_SOCKET, SO_REUSEADDR, 1) == -1)
		return -1;
	if (options & PLACE_REUSEPORT &&
	    set(fd, SOL_SOCKET, SO_REUSEPORT, 1) == -1)
		return -1;
	if (options & PLACE_FREEBIND && (six ?
	    set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1) :
	    set(fd, IPPROTO_IP, IP_FREEBIND, 1)) == -1)
		return -1;
	if (six && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, place->v6only) == -1)
		return -1;
	/* A scope says it to bind() itself. */
	if (place->interface != 0 &&
	    !(six && plain->in6.sin6_scope_id == place->interface) &&
	    set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)place->interface) == -1)
		return -1;
	return 0;
}

static int
try_once(const struct place *place, int options)
{
	struct address	plain = address_plain(&place->address);
	int		fd, error = 0, saved;

	fd = socket(plain.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return errno == EAFNOSUPPORT ? EAFNOSUPPORT : -1;
	if (set_options(fd, place, &plain, options) == -1)
		error = -1;
	else if (bind(fd, &plain.sa, plain.len) == -1)
		error = errno;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return error;
}

int
place_try(const struct place *place, int options)
{
	/* Whether it could be had without sharing. */
	if (options & PLACE_REUSEPORT &&
	    try_once(place, options & ~PLACE_REUSEPORT) == 0)
		return 0;
	if (options & PLACE_REUSEPORT)
		options &= ~PLACE_REUSEADDR;
	return try_once(place, options);
}

bool
place_listener(const struct place *place, struct sockdiag *listener)
{
	struct sockdiag_table	table = { 0 };
	struct place		there;
	unsigned int		port = address_port(&place->address);
	size_t			i;
	bool			found = false;

	if (sockdiag_read(&table, port) == 0)
		for (i = 0; i < table.n && !found; i++) {
			there = place_of(&table.sockets[i]);
			if (table.sockets[i].state != TCP_LISTEN ||
			    address_port(&there.address) != port ||
			    !places_collide(place, &there))
				continue;
			*listener = table.sockets[i];
			found = true;
		}
	sockdiag_free(&table);
	return found;
}
