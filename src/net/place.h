/* SPDX-License-Identifier: ISC */
/*
 * Where a TCP socket is bound to, as Linux compares it with others: sockets
 * of one port are in each other's way only if their places collide.
 */
#ifndef NET_PLACE_H
#define NET_PLACE_H

#include <stdbool.h>

#include "address.h"
#include "sockdiag.h"

struct place {
	struct address	address;
	unsigned int	interface;	/* 0: any (SO_BINDTODEVICE) */
	bool		v6only;		/* IPV6_V6ONLY: matters for [::] */
};

/* Where bind() puts an address: a scope is an interface, and [::] serves both
   families. */
struct place	place_at(const struct address *);

/* Where a socket is. */
struct place	place_of(const struct sockdiag *);

/* Whether two are the same one, and whether they overlap. */
bool		places_equal(const struct place *, const struct place *);
bool		places_collide(const struct place *, const struct place *);

/* Whether two do not, but have the same address, or one is a wildcard. */
bool		places_differ_slightly(const struct place *,
		    const struct place *);

/*
 * Bind a socket there with these options, and close it at once.  Returns 0,
 * the errno of bind(2) (or EAFNOSUPPORT), or -1 with errno: it could not be
 * tried.
 *
 * With both options, each is tried alone: it may still be that some sockets
 * are passed over by one of them and the others by the other.
 *
 * A try is to change nothing.  When one with SO_REUSEPORT succeeds, Linux
 * remembers that the port is one to share at this address, does not ask again
 * who has the option, and so lets the next one in beside somebody who has not
 * (inet_csk_update_fastreuse(), sk_reuseport_match()): who has SO_REUSEADDR
 * alone, or is in another place by its interface or by IPV6_V6ONLY only.
 */
#define PLACE_REUSEADDR	1	/* SO_REUSEADDR */
#define PLACE_REUSEPORT	2	/* SO_REUSEPORT */
#define PLACE_FREEBIND	4	/* the address need not be there */
int		place_try(const struct place *, int options);

/* A socket that listens there, on that port; false: none does, or the kernel
   does not say. */
bool		place_listener(const struct place *, struct sockdiag *);

#endif
