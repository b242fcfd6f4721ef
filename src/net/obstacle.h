/* SPDX-License-Identifier: ISC */
/*
 * What is in the way of a bind(2): found out by trying, by the kernel's table
 * and by more tries.  A try is a socket that is bound and closed at once; if
 * it succeeds it has the port for some microseconds.  Nothing is changed.
 */
#ifndef NET_OBSTACLE_H
#define NET_OBSTACLE_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"
#include "owner.h"
#include "sockdiag.h"

/*
 * Whether SO_REUSEADDR was set on a socket.  Nobody can ask for that; but
 * Linux lets a second socket in only if both have it and none listens.
 */
enum reuseaddr {
	REUSEADDR_UNKNOWN,	/* somebody listens, or we may not try */
	REUSEADDR_SET,
	REUSEADDR_CLEAR,
	REUSEADDR_SOME_CLEAR	/* of several here, at least one has not */
};

struct obstacle {
	struct sockdiag	socket;
	enum reuseaddr	reuseaddr;
	bool		shares;		/* with our user, by SO_REUSEPORT */
};

struct obstacles {
	struct address	 address;	/* where, and with which options */
	bool		 reuseaddr, reuseport;

	int		 error;		/* errno of bind(); 0: it succeeds */
	bool		 reuseaddr_helps, reuseport_helps;
	struct obstacle	*list;		/* those who listen come first */
	size_t		 n;
	size_t		 beside;	/* connections that may be in the way
					   too: not known while one listens */
	int		 table_error;	/* the table cannot be read: errno */
	struct owners	 owners;
	int		 owners_error;	/* /proc cannot be read: errno */
};

/*
 * Ask.  All of it is filled in, and to be freed in any case; returns -1 with
 * errno if there is no memory.
 */
int	obstacles_find(struct obstacles *, const struct address *,
	    bool reuseaddr, bool reuseport);
void	obstacles_free(struct obstacles *);

/* Whether two differ in more than what time alone changes. */
bool	obstacles_differ(const struct obstacles *, const struct obstacles *);

/*
 * Whether Linux sees two local addresses of one port as the same place: each
 * with the interface it is bound to, 0 for none, and IPV6_V6ONLY.
 */
struct place {
	struct address	address;
	unsigned int	interface;
	bool		v6only;
};
bool	places_collide(const struct place *, const struct place *);

#endif
