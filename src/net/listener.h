/* SPDX-License-Identifier: ISC */
/*
 * The listening socket (UNP 4.3 to 4.6, 7.5): how it is made, what its
 * errors mean, how it is ended for everyone who has a copy.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"

struct listener_options {
	int	backlog;	/* of listen(2) */
	bool	reuseaddr;	/* SO_REUSEADDR between socket() and bind() */
};

/*
 * Open a listening socket.  Returns a close-on-exec descriptor that the
 * caller closes, and the address as the kernel has it (port 0 has become a
 * real one).  -1 with errno, and in *failed the name of the call that did.
 * Accepted sockets inherit SO_KEEPALIVE: a client whose machine vanished
 * ends after ten minutes; and SO_OOBINLINE (UNP 24.2): an urgent byte is read
 * in its place.
 */
int	listener_open(struct address *, const struct listener_options *,
	    const char **failed);

/*
 * Adopt one that somebody else has made, and may keep.  First, look at it: it
 * must be a TCP socket that listens at that address; of port 0, at any port; and
 * one that listens at every address of both families is right for 0.0.0.0, too.
 * 0, and the address as the kernel has it; or -1, and in why what was found and
 * what was expected.
 */
int	listener_check(int fd, struct address *, char *why, size_t size);

/*
 * Then, make it ours.  It is shared with its other owners, and what is set here
 * is set for them, too: all that listener_open() sets; and what an earlier owner
 * may have left is taken away: O_NONBLOCK, a filter, a minimum TTL, time limits,
 * SO_LINGER.  0, and the descriptor is close-on-exec; or -1 with errno, and
 * *failed is the option or the call.
 */
int	listener_adopt(int fd, const struct listener_options *,
	    const char **failed);

/* Whether it is in LISTEN, or somebody has shut it down; whether it has
   SO_REUSEADDR. */
bool	listener_listens(int listener);
bool	listener_reuses(int listener);

/* Whether it listens at every address, but of IPv6 only (bindv6only). */
bool	listener_is_ipv6_alone(int listener, const struct address *);

/*
 * Accept one connection; close-on-exec, and blocking whatever the listening
 * socket is.  As accept(2).
 */
int	listener_accept(int listener, struct address *peer);

/*
 * End LISTEN at once, for every process that has a copy of the socket, a
 * stopped one too: close() alone leaves the port taken until the last copy
 * has gone.  What nobody has accepted is reset.  Closes the descriptor.
 */
void	listener_end(int listener);

/* How many connections wait to be accepted; 0 if it cannot be seen. */
int	listener_waiting(int listener);

/* What to do about an errno of accept(2). */
enum listener_verdict {
	LISTENER_NOTHING,	/* nobody is waiting */
	LISTENER_AGAIN,		/* this one connection failed: the next */
	LISTENER_WAIT,		/* no room now: back off, never spin */
	LISTENER_FATAL		/* this is no listening socket (any more) */
};
enum listener_verdict	listener_verdict(int error);

/* The sysctl that cuts a backlog; -1 if it cannot be read. */
int	listener_somaxconn(void);

#endif
