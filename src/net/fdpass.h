/* SPDX-License-Identifier: ISC */
/*
 * A connection on its way from one process to another: the descriptor as
 * SCM_RIGHTS, its peer's address as the data (UNP 15.7, whose write_fd() and
 * read_fd() these are; unix(7), cmsg(3)).
 */
#ifndef NET_FDPASS_H
#define NET_FDPASS_H

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
 * How many messages wait to be received, asked on the receiving side of a
 * socket that carries nothing else; -1 with errno.
 */
int	fdpass_waiting(int sock);

#endif
