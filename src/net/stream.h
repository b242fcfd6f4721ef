/* SPDX-License-Identifier: ISC */
/* Bytes on a stream socket, whole (UNP 3.9). */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <sys/types.h>

#include <stdbool.h>

/*
 * Both of these go on with a peer that makes progress, and give up one that
 * does not, if the socket has a time limit: see below.
 */

/* All n bytes, however often write(2) is interrupted or stops short: n, or
   -1 with errno. */
ssize_t	writen(int fd, const void *bytes, size_t n);

/* What is there, up to n bytes; interrupted calls go on: as read(2). */
ssize_t	readsome(int fd, void *bytes, size_t n);

/*
 * A peer that stalls.  The limit is the socket's SO_RCVTIMEO, SO_SNDTIMEO being
 * the same (socket(7)).  A call on the socket that had to wait for so long
 * fails with EAGAIN, which does not say that the peer has stalled: it may have
 * read, slowly.  So look at what it has not acknowledged: if that has become
 * less since the last look it is progress.  The first look has nothing to
 * compare with unless nothing is left, and takes it for progress, so that a
 * peer that has stalled with output in its way is given up after twice the
 * limit at most, and any other after the limit.
 */
struct stall {
	int	fd;
	short	events;		/* of poll(2), that are waited for */
	int	queue;		/* bytes, at the last look; -1: there was
				   none since something was transferred */
};

/* The limit, in ms; -1: there is none. */
int	stall_limit(int fd);

/*
 * To be asked whenever the limit has passed.  True: give up, errno is EAGAIN.
 * close() resets the connection then, if the peer has not acknowledged
 * everything: the kernel would keep it.  Also true if there is no limit: the
 * socket does not block.
 */
bool	stalled(struct stall *);

/* Whether a peer has been given up since this was last asked. */
bool	stall_seen(void);

/*
 * The server's last words, n bytes of them or none, so that they and what was
 * sent before arrive also where the client has sent more than was read: to
 * close with unread input resets the connection, and takes from the client
 * what it has not read yet (RFC 2525, 2.17).  So say the words and end-of-file,
 * and throw away what comes, until the client closes too.  The caller closes,
 * whatever has happened.
 *
 * A client that does not close must not keep us: it is given up after
 * FAREWELL_MS, two retransmissions of a segment by TCP's first timeouts, of
 * one and two seconds (RFC 6298); or after FAREWELL_BYTES, more than kernels
 * hold for a connection by default, 32 MB at this end and 4 MB at the other
 * (tcp_rmem, tcp_wmem in tcp(7)): who sends so much is not reading.
 */
#define FAREWELL_MS	3000
#define FAREWELL_BYTES	(64 * 1024 * 1024)
void	farewell(int fd, const void *words, size_t n);

#endif
