/* SPDX-License-Identifier: ISC */
/*
 * Sockets of the experiment's own process.  Addresses are text, "127.0.0.1:80"
 * or "[::1]:80".  Each call returns a descriptor that is closed on exec, or -1
 * with errno; none waits longer than 5 s (EAGAIN, EINPROGRESS).
 */
#ifndef LAB_TCP_H
#define LAB_TCP_H

#include <stdbool.h>
#include <stddef.h>

enum {
	TCP_PLAIN = 0,
	TCP_RA = 1,		/* SO_REUSEADDR, before bind() */
	TCP_RP = 2,		/* SO_REUSEPORT, before bind() */
	TCP_V6ONLY = 4		/* IPV6_V6ONLY */
};

/* socket() and bind(); and listen(); */
int	tcp_bind(const char *address, int options);
int	tcp_listen(const char *address, int options, int backlog);
/* connect(), from an address if one is given (its socket has the options). */
int	tcp_connect(const char *to, const char *from, int options);
int	tcp_accept(int listener);

/* For a table of claims: what success is called there; or else, by errno, "in
   use", "refused", or its name. */
const char	*tcp_answer(bool succeeded, const char *success);

/* SO_LINGER {1, 0}: close() sends RST.  0, or -1 with errno. */
int	tcp_abort(int fd);
/* Read until there is no more: bytes, and why, 0 for end-of-file. */
size_t	tcp_drain(int fd, int *error);
/* Send a text, and receive one: whether it is the one that is expected. */
bool	tcp_talk(int fd, const char *text, const char *expected);

/* getsockname() and getpeername(), as text in ADDRESS_TEXT bytes; "-": there is
   none.  Return the text. */
const char	*tcp_local(int fd, char *text);
const char	*tcp_peer(int fd, char *text);

#endif
