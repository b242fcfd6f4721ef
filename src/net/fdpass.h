/* SPDX-License-Identifier: ISC */
/*
 * A connection on its way from one process to another: the descriptor as
 * SCM_RIGHTS, its peer's address as the data (UNP 15.7, whose write_fd() and
 * read_fd() these are; unix(7), cmsg(3)).
 */
#ifndef NET_FDPASS_H
#define NET_FDPASS_H

#include <stddef.h>

#include "address.h"

/*
 * Send a connection through a SOCK_SEQPACKET socket.  The descriptor stays
 * open here and is the caller's to close.  0, or -1 with errno: EAGAIN: later.
 * The socket is full (and O_NONBLOCK), this user has too many descriptors on
 * their way (unix(7), ETOOMANYREFS), or the kernel has no room.
 */
int	fdpass_send(int sock, int fd, const struct address *peer);

/*
 * Receive one.  1 and a close-on-exec descriptor that the caller closes; 0 at
 * end-of-file; -1 with errno.  EMFILE: a message came whose descriptor
 * found no room in this process, and the connection is lost.
 */
int	fdpass_recv(int sock, int *fd, struct address *peer);

/*
 * The same with any data, and up to so many descriptors.  What is received has
 * just that length and that many, or it is EBADMSG, and nothing is left open.
 */
#define FDPASS_MOST	2
int	fdpass_send_with(int sock, const void *data, size_t len,
	    const int *fds, size_t n);
int	fdpass_recv_with(int sock, void *data, size_t len, int *fds, size_t n);

/*
 * How many messages wait to be received, asked on the receiving side of a
 * socket that carries nothing else; -1 with errno.
 */
int	fdpass_waiting(int sock);

#endif
