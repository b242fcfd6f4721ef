/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "obstacle.h"

/* So many local addresses are tried one by one. */
#define PLACES	64

/* bind(2), and undone at once: 0, or errno. */
static int
try(const struct address *address, bool reuseaddr, bool reuseport)
{
	int	fd, one = 1, zero = 0, error = 0;

	fd = socket(address->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return errno;
	if ((reuseaddr && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
	    sizeof(one)) == -1) ||
	    (reuseport && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one,
	    sizeof(one)) == -1) ||
	    (address_is_dual(address) && setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &zero, sizeof(zero)) == -1) ||
	    bind(fd, &address->sa, address->len) == -1)
		error = errno;
	(void)close(fd);
	return error;
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

static struct place
place_of(const struct sockdiag *socket)
{
	return (struct place){ socket->local, socket->interface,
	    socket->v6only };
}

/* What bind() makes of an address: a scope is an interface. */
static struct place
place_at(const struct address *address)
{
	struct place	place = { *address, 0, false };

	if (address->sa.sa_family == AF_INET6)
		place.interface = address->in6.sin6_scope_id;
	return place;
}

/* The sockets of the table that are in the same place as the question. */
static int
collect(struct obstacles *found, const struct sockdiag_table *table)
{
	struct place	 here = place_at(&found->address), there;
	size_t		 i;

	found->list = calloc(table->n + 1, sizeof(*found->list));
	if (found->list == NULL)
		return -1;
	for (i = 0; i < table->n; i++) {
		there = place_of(&table->sockets[i]);
		/* Not every kernel's dump looks at the port for us. */
		if (address_port(&there.address) ==
		    address_port(&found->address) &&
		    places_collide(&here, &there))
			found->list[found->n++].socket = table->sockets[i];
	}
	return 0;
}

static bool
listens(const struct obstacle *obstacle)
{
	return obstacle->socket.state == TCP_LISTEN;
}

/* Whether SO_REUSEADDR was set on the sockets of one place. */
static enum reuseaddr
ask_reuseaddr(const struct obstacles *found, const struct place *place,
    const struct address *plain)
{
	struct place	other;
	size_t		i, crowd = 0;

	for (i = 0; i < found->n; i++) {
		other = place_of(&found->list[i].socket);
		if (!places_collide(place, &other))
			continue;
		if (listens(&found->list[i]))
			return REUSEADDR_UNKNOWN;
		crowd++;
	}
	switch (try(plain, true, false)) {
	case 0:
		return REUSEADDR_SET;
	case EADDRINUSE:
		return crowd == 1 ? REUSEADDR_CLEAR : REUSEADDR_SOME_CLEAR;
	default:
		return REUSEADDR_UNKNOWN;
	}
}

/* Try each place on its own: what is true there is true of all in it. */
static void
mark(struct obstacles *found)
{
	bool	*marked = calloc(found->n + 1, sizeof(*marked));
	size_t	 i, j, places = 0;

	if (marked == NULL)
		return;		/* all stay unknown */
	for (i = 0; i < found->n && places < PLACES; i++) {
		struct place	place = place_of(&found->list[i].socket);
		struct address	plain = address_plain(&place.address);
		enum reuseaddr	reuseaddr;
		bool		shares;

		if (marked[i])
			continue;
		places++;
		reuseaddr = ask_reuseaddr(found, &place, &plain);
		shares = try(&plain, false, true) == 0;
		for (j = i; j < found->n; j++) {
			struct obstacle	*other = &found->list[j];

			if (other->socket.interface != place.interface ||
			    other->socket.v6only != place.v6only ||
			    !same_host(&other->socket.local, &place.address))
				continue;
			marked[j] = true;
			other->shares = shares;
			if (!listens(other))
				other->reuseaddr = reuseaddr;
		}
	}
	free(marked);
}

/* Keep what the options asked for do not pass over. */
static void
keep_obstacles(struct obstacles *found)
{
	size_t	i, kept = 0;

	for (i = 0; i < found->n; i++) {
		struct obstacle	*obstacle = &found->list[i];

		if (found->reuseport && obstacle->shares)
			continue;
		if (found->reuseaddr && !listens(obstacle)) {
			if (obstacle->reuseaddr == REUSEADDR_UNKNOWN)
				found->beside++;
			if (obstacle->reuseaddr == REUSEADDR_UNKNOWN ||
			    obstacle->reuseaddr == REUSEADDR_SET)
				continue;
		}
		found->list[kept++] = *obstacle;
	}
	found->n = kept;
}

/* Who listens, who has only bound, connections, what no process has. */
static int
rank(const struct obstacle *obstacle)
{
	switch (obstacle->socket.state) {
	case TCP_LISTEN:
		return 0;
	case TCP_CLOSE:
		return 1;
	default:
		return obstacle->socket.inode != 0 ? 2 : 3;
	}
}

static int
compare(const void *one, const void *other)
{
	const struct obstacle	*a = one, *b = other;

	if (rank(a) != rank(b))
		return rank(a) - rank(b);
	return memcmp(&a->socket.peer.in6, &b->socket.peer.in6,
	    sizeof(a->socket.peer.in6));
}

static int
find_owners(struct obstacles *found)
{
	unsigned long	*inodes = calloc(found->n + 1, sizeof(*inodes));
	size_t		 i, n = 0;

	if (inodes == NULL)
		return -1;
	for (i = 0; i < found->n; i++)
		if (found->list[i].socket.inode != 0)
			inodes[n++] = found->list[i].socket.inode;
	if (n > 0 && owners_find(&found->owners, inodes, n) == -1)
		found->owners_error = errno;
	free(inodes);
	return 0;
}

int
obstacles_find(struct obstacles *found, const struct address *address,
    bool reuseaddr, bool reuseport)
{
	struct sockdiag_table	table = { 0 };

	memset(found, 0, sizeof(*found));
	found->address = *address;
	found->reuseaddr = reuseaddr;
	found->reuseport = reuseport;
	found->error = try(address, reuseaddr, reuseport);
	/* EACCES: what is there could be in the way as well. */
	if ((found->error != EADDRINUSE && found->error != EACCES) ||
	    address_port(address) == 0)
		return 0;
	if (sockdiag_read(&table, address_port(address)) == -1)
		found->table_error = errno;
	else if (collect(found, &table) == -1)
		goto fail;
	sockdiag_free(&table);
	if (found->error == EADDRINUSE) {
		found->reuseaddr_helps = !reuseaddr &&
		    try(address, true, reuseport) == 0;
		found->reuseport_helps = !reuseport &&
		    try(address, reuseaddr, true) == 0;
		mark(found);
		keep_obstacles(found);
	}
	if (found->n > 0)
		qsort(found->list, found->n, sizeof(*found->list), compare);
	return find_owners(found);
fail:
	sockdiag_free(&table);
	return -1;
}

void
obstacles_free(struct obstacles *found)
{
	free(found->list);
	owners_free(&found->owners);
	memset(found, 0, sizeof(*found));
}

static bool
owners_differ(const struct owners *one, const struct owners *other)
{
	size_t	i;

	if (one->n != other->n)
		return true;
	for (i = 0; i < one->n; i++)
		if (one->list[i].pid != other->list[i].pid ||
		    one->list[i].stopped != other->list[i].stopped)
			return true;
	return false;
}

bool
obstacles_differ(const struct obstacles *one, const struct obstacles *other)
{
	size_t	i;

	if (one->error != other->error || one->n != other->n ||
	    owners_differ(&one->owners, &other->owners))
		return true;
	for (i = 0; i < one->n; i++) {
		const struct obstacle	*a = &one->list[i];
		const struct obstacle	*b = &other->list[i];

		if (a->socket.state != b->socket.state ||
		    a->socket.inode != b->socket.inode ||
		    a->reuseaddr != b->reuseaddr || a->shares != b->shares ||
		    memcmp(&a->socket.peer.in6, &b->socket.peer.in6,
		    sizeof(a->socket.peer.in6)) != 0)
			return true;
	}
	return false;
}
