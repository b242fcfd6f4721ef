/* SPDX-License-Identifier: ISC */
/*
 * The kernel's table of TCP sockets, of our network namespace
 * (sock_diag(7)): what ss(8) shows.  Anybody may read it.
 */
#ifndef NET_SOCKDIAG_H
#define NET_SOCKDIAG_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

struct sockdiag {
	struct address	local;
	struct address	peer;		/* port 0: there is none */
	unsigned int	state;		/* TCP_LISTEN and so on of
					   <netinet/tcp.h>; TCP_CLOSE: it is
					   bound, and no more (Linux 6.8) */
	int64_t		ends;		/* ms until the kernel removes it; -1:
					   no such timer runs */
	int64_t		age;		/* of a handshake, in SYN_RECV: ms since
					   the SYN came; -1: long ago, or not
					   known */
	int64_t		silent;		/* ms since the last data, in either
					   direction; -1: not known */
	unsigned int	interface;	/* it is bound to one; 0: it is not */
	bool		v6only;		/* IPV6_V6ONLY; known in LISTEN and
					   when bound */
	/* Of one in LISTEN: connections that wait to be accepted, how many may
	   (listen(2)), and how many there was no room for. */
	uint32_t	waiting, backlog, drops;
	uid_t		uid;		/* its owner's, if it has an inode */
	unsigned long	inode;		/* 0: it is no process's, or nobody
					   has accepted it */
};

struct sockdiag_table {
	struct sockdiag	*sockets;
	size_t		 n, room;
};

/*
 * Append every socket with this local port (host byte order; 0: any port) to
 * a table, which is zeroed at first.  A dump that was interrupted, cut short
 * or shows one connection twice is repeated.  Returns -1 with errno; the
 * table is to be freed in any case.
 */
int		 sockdiag_read(struct sockdiag_table *, unsigned int port);
/* The same of those in one state alone, at the port of a listening socket with
   that address: a dump takes some milliseconds, and for one of IPv4 there is one
   to make. */
int		 sockdiag_read_state(struct sockdiag_table *,
		    const struct address *, unsigned int state);
void		 sockdiag_free(struct sockdiag_table *);

/*
 * What one datagram of the dump with that sequence number says: appends its
 * sockets.  Never reads beyond its bytes, whatever they are.
 */
enum sockdiag_verdict {
	SOCKDIAG_MORE,		/* another one follows */
	SOCKDIAG_DONE,
	SOCKDIAG_AGAIN,		/* the table changed meanwhile */
	SOCKDIAG_ERROR		/* errno says which; EBADMSG: nonsense */
};
enum sockdiag_verdict	 sockdiag_parse(const void *, size_t,
			    uint32_t sequence, struct sockdiag_table *);

/* "ESTABLISHED", the name that UNP and netstat(8) use; "BOUND" for
   TCP_CLOSE. */
const char	*sockdiag_state(unsigned int state);

#endif
