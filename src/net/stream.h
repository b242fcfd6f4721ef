/* SPDX-License-Identifier: ISC */
/* Bytes on a stream socket, whole (UNP 3.9). */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <sys/types.h>

/* All n bytes, however often write(2) is interrupted or stops short: n, or
   -1 with errno. */
ssize_t	writen(int fd, const void *bytes, size_t n);

/* What is there, up to n bytes; interrupted calls go on: as read(2). */
ssize_t	readsome(int fd, void *bytes, size_t n);

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
