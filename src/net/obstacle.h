/* SPDX-License-Identifier: ISC */
/*
 * What is in the way of a bind(2): found out by trying, by the kernel's table
 * and by more tries.  A try is a socket that is bound and closed at once; if
 * it succeeds it has the port for some microseconds.  Nothing is changed by it
 * (see place.h for when it would be).
 */
#ifndef NET_OBSTACLE_H
#define NET_OBSTACLE_H

#include <stdbool.h>
#include <stddef.h>

#include "owner.h"
#include "place.h"
#include "sockdiag.h"

/*
 * Whether SO_REUSEADDR was set on a socket.  To ask for that takes a right to
 * look into its process; but Linux lets a second socket in only if both have
 * it and none listens, and that can be tried.
 */
enum reuseaddr {
	REUSEADDR_UNKNOWN,	/* it could not be tried */
	REUSEADDR_SHADOWED,	/* one who listens refuses us in any case */
	REUSEADDR_SET,
	REUSEADDR_CLEAR,
	REUSEADDR_SOME_CLEAR	/* of several here, at least one has not */
};

struct obstacle {
	struct sockdiag	socket;
	enum reuseaddr	reuseaddr;
	bool		shares;		/* with our user, by SO_REUSEPORT, as
					   far as that could be tried */
};

struct obstacles {
	struct address	 address;	/* where, and with which options */
	bool		 reuseaddr, reuseport;

	int		 error;		/* errno of bind(); 0: it succeeds */
	bool		 reuseaddr_helps, reuseport_helps;
	bool		 ipv4_free, ipv6_free;	/* [::] for both is not to be
					   had, but that family alone is */
	struct obstacle	*list;		/* those who listen come first */
	size_t		 n;
	size_t		 beside;	/* connections that may be in the way
					   too: not known while one listens */
	bool		 restless;	/* one came or went at each look */
	int		 table_error;	/* the table cannot be read: errno */
	struct owners	 owners;
	int		 owners_error;	/* /proc cannot be read: errno */
};

/*
 * Ask.  All of it is filled in, and to be freed in any case; returns -1 with
 * errno if there is no memory or no descriptor to ask with.
 */
int	obstacles_find(struct obstacles *, const struct address *,
	    bool reuseaddr, bool reuseport);
void	obstacles_free(struct obstacles *);

/* Whether somebody listens there. */
bool	obstacles_listen(const struct obstacles *);

/*
 * Whether two differ in more than what time alone changes.  Connections do not
 * count as long as somebody listens: they come and go.
 */
bool	obstacles_differ(const struct obstacles *, const struct obstacles *);

#endif
