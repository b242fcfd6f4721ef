/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "obstacle.h"

/* So many local addresses are tried one by one. */
#define PLACES	1024

/* How often we look again if the answer has changed meanwhile. */
#define LOOKS	3

static int
options_of(const struct obstacles *found)
{
	return (found->reuseaddr ? PLACE_REUSEADDR : 0) |
	    (found->reuseport ? PLACE_REUSEPORT : 0);
}

/*
 * A handshake has no socket of its own yet that would be in anybody's way: it
 * is an entry in the listening socket's.
 */
static bool
is_handshake(const struct sockdiag *socket)
{
	return socket->state == TCP_SYN_RECV && socket->inode == 0;
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
		    !is_handshake(&table->sockets[i]) &&
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
ask_reuseaddr(const struct obstacles *found, const struct place *place)
{
	struct place	other;
	size_t		i, crowd = 0;

	for (i = 0; i < found->n; i++) {
		other = place_of(&found->list[i].socket);
		if (!places_collide(place, &other))
			continue;
		if (listens(&found->list[i]))
			return REUSEADDR_SHADOWED;
		crowd++;
	}
	switch (place_try(place, PLACE_REUSEADDR | PLACE_FREEBIND)) {
	case 0:
		return REUSEADDR_SET;
	case EADDRINUSE:
		return crowd == 1 ? REUSEADDR_CLEAR : REUSEADDR_SOME_CLEAR;
	default:
		return REUSEADDR_UNKNOWN;
	}
}

/*
 * Whether a try with SO_REUSEPORT leaves nothing behind, even if it succeeds
 * (place.h).
 */
static bool
may_try_sharing(const struct place *place, const struct sockdiag_table *table)
{
	struct place	other;
	size_t		i;

	for (i = 0; i < table->n; i++) {
		other = place_of(&table->sockets[i]);
		if (address_port(&other.address) ==
		    address_port(&place->address) &&
		    !is_handshake(&table->sockets[i]) &&
		    places_differ_slightly(place, &other))
			return false;
	}
	return true;
}

/* Try each place on its own: what is true there is true of all in it. */
static int
mark(struct obstacles *found, const struct sockdiag_table *table)
{
	bool	*marked = calloc(found->n + 1, sizeof(*marked));
	size_t	 i, j, places = 0;

	if (marked == NULL)
		return -1;
	for (i = 0; i < found->n && places < PLACES; i++) {
		struct place	place = place_of(&found->list[i].socket), other;
		enum reuseaddr	reuseaddr;
		bool		shares;

		if (marked[i])
			continue;
		places++;
		reuseaddr = ask_reuseaddr(found, &place);
		shares = may_try_sharing(&place, table) && place_try(&place,
		    PLACE_REUSEPORT | PLACE_FREEBIND) == 0;
		for (j = i; j < found->n; j++) {
			other = place_of(&found->list[j].socket);
			if (!places_equal(&place, &other))
				continue;
			marked[j] = true;
			found->list[j].shares = shares;
			if (!listens(&found->list[j]))
				found->list[j].reuseaddr = reuseaddr;
		}
	}
	free(marked);
	return 0;
}

/* Whether the options asked for do not pass over it. */
static bool
is_in_the_way(const struct obstacles *found, const struct obstacle *obstacle)
{
	/* Without the privilege for the port nothing was tried. */
	if (found->error == EACCES)
		return listens(obstacle);
	if (found->reuseport && obstacle->shares)
		return false;
	return listens(obstacle) || !found->reuseaddr ||
	    (obstacle->reuseaddr != REUSEADDR_SET &&
	    obstacle->reuseaddr != REUSEADDR_SHADOWED);
}

static void
keep_obstacles(struct obstacles *found)
{
	size_t	i, kept = 0;

	for (i = 0; i < found->n; i++)
		if (is_in_the_way(found, &found->list[i]))
			found->list[kept++] = found->list[i];
		else if (found->list[i].reuseaddr == REUSEADDR_SHADOWED)
			found->beside++;
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

/* The first that should have an owner and has none to be seen; 0: none. */
static unsigned long
ownerless(const struct obstacles *found)
{
	size_t	i, n;

	for (i = 0; i < found->n; i++)
		if (found->list[i].socket.inode != 0 && owners_of(
		    &found->owners, found->list[i].socket.inode, &n) == NULL)
			return found->list[i].socket.inode;
	return 0;
}

/* What else could be done: all of it is tried. */
static void
try_others(struct obstacles *found, const struct place *here,
    const struct sockdiag_table *table)
{
	struct place	six = *here;
	struct place	four = { .address.in.sin_family = AF_INET,
			    .address.len = sizeof(four.address.in) };
	int		options = options_of(found) & PLACE_REUSEADDR;

	found->reuseaddr_helps = !found->reuseaddr && found->n > 0 &&
	    place_try(here, PLACE_REUSEADDR) == 0;
	found->reuseport_helps = !found->reuseport && obstacles_listen(found) &&
	    may_try_sharing(here, table) &&
	    place_try(here, PLACE_REUSEPORT) == 0;
	if (!address_is_dual(&found->address))
		return;
	six.v6only = true;
	found->ipv6_free = place_try(&six, options) == 0;
	four.address.in.sin_port = here->address.in6.sin6_port;
	found->ipv4_free = place_try(&four, options) == 0;
}

/* Of those who have the port, who is in the way, and what would help. */
static int
sort_out(struct obstacles *found, const struct place *here,
    const struct sockdiag_table *table)
{
	size_t	there_were;

	if (collect(found, table) == -1 ||
	    (found->error == EADDRINUSE && mark(found, table) == -1))
		return -1;
	there_were = found->n;
	keep_obstacles(found);
	/* One option passes over these, the other over those. */
	if (found->reuseaddr && found->reuseport && there_were > 0 &&
	    found->n == 0 && found->beside == 0)
		found->error = 0;
	if (found->n > 0)
		qsort(found->list, found->n, sizeof(*found->list), compare);
	if (found->error == EADDRINUSE)
		try_others(found, here, table);
	return find_owners(found);
}

/* One look, at what may change while we look. */
static int
look(struct obstacles *found, const struct place *here)
{
	struct sockdiag_table	table = { 0 };
	int			result;

	found->error = place_try(here, options_of(found));
	if (found->error == -1)
		return -1;
	if ((found->error != EADDRINUSE && found->error != EACCES) ||
	    address_port(&found->address) == 0)
		return 0;
	if (sockdiag_read(&table, address_port(&found->address)) == -1) {
		found->table_error = errno;
		sockdiag_free(&table);
		return 0;
	}
	result = sort_out(found, here, &table);
	sockdiag_free(&table);
	return result;
}

int
obstacles_find(struct obstacles *found, const struct address *address,
    bool reuseaddr, bool reuseport)
{
	struct place	here = place_at(address);
	unsigned long	inode, before = 0;
	int		i;

	memset(found, 0, sizeof(*found));
	for (i = 1;; i++) {
		found->address = *address;
		found->reuseaddr = reuseaddr;
		found->reuseport = reuseport;
		if (look(found, &here) == -1)
			return -1;
		if (found->error != EADDRINUSE)
			return 0;
		/*
		 * Who has left meanwhile would be explained wrongly.  So it is
		 * if the address is free now; or if a socket had no owner any
		 * more when we came to that, and is not there again.
		 */
		inode = ownerless(found);
		if ((inode == 0 || inode == before) &&
		    place_try(&here, options_of(found)) == EADDRINUSE)
			return 0;
		if (i == LOOKS) {
			found->restless = true;
			return 0;
		}
		before = inode;
		obstacles_free(found);
	}
}

void
obstacles_free(struct obstacles *found)
{
	free(found->list);
	owners_free(&found->owners);
	memset(found, 0, sizeof(*found));
}

bool
obstacles_listen(const struct obstacles *found)
{
	/* They come first. */
	return found->n > 0 && listens(&found->list[0]);
}

static bool
owners_differ(const struct obstacles *one, const struct obstacles *other,
    unsigned long inode)
{
	const struct owner	*a, *b;
	size_t			 i, n, m;

	a = owners_of(&one->owners, inode, &n);
	b = owners_of(&other->owners, inode, &m);
	if (n != m)
		return true;
	for (i = 0; i < n; i++)
		if (a[i].pid != b[i].pid || a[i].stopped != b[i].stopped)
			return true;
	return false;
}

/* How many of them are news when they change. */
static size_t
count_news(const struct obstacles *found)
{
	size_t	n;

	if (!obstacles_listen(found))
		return found->n;
	for (n = 0; n < found->n && listens(&found->list[n]); n++)
		;
	return n;
}

bool
obstacles_differ(const struct obstacles *one, const struct obstacles *other)
{
	size_t	i, n = count_news(one);

	if (one->error != other->error || n != count_news(other) ||
	    obstacles_listen(one) != obstacles_listen(other))
		return true;
	for (i = 0; i < n; i++) {
		const struct obstacle	*a = &one->list[i];
		const struct obstacle	*b = &other->list[i];

		if (a->socket.state != b->socket.state ||
		    a->socket.inode != b->socket.inode ||
		    a->reuseaddr != b->reuseaddr || a->shares != b->shares ||
		    memcmp(&a->socket.peer.in6, &b->socket.peer.in6,
		    sizeof(a->socket.peer.in6)) != 0 ||
		    owners_differ(one, other, a->socket.inode))
			return true;
	}
	return false;
}
