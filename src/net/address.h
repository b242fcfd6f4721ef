/* SPDX-License-Identifier: ISC */
/*
 * Addresses as people type them and as they are printed: [host:]port in
 * both directions (UNP 11.6 getaddrinfo, 3.8 sock_ntop).
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <sys/socket.h>

#include <netinet/in.h>

struct address {
	union {			/* what bind() and accept() speak */
		struct sockaddr		sa;
		struct sockaddr_in	in;
		struct sockaddr_in6	in6;
	};
	socklen_t	len;	/* bytes of it in use */
};

/* The longest text that address_print() makes, its NUL included. */
#define ADDRESS_TEXT	80

/*
 * Read [host:]port.  An IPv6 address stands in brackets; without a host the
 * address is the wildcard, of both families where the kernel has both.  Port
 * 0 lets the kernel choose.  Returns 0; -1 if the text is no address; -2 if
 * its host has no address now.  Then *why says what was wrong and what was
 * expected; it is never freed.
 */
int		 address_parse(struct address *, const char *text,
		    const char **why);

/* The same for a text that address_print() has written, or was to: no name is
   looked up.  0, or -1. */
int		 address_numeric(struct address *, const char *text);

/*
 * Write numeric host:port, IPv6 hosts in brackets, into a buffer of at least
 * ADDRESS_TEXT bytes, and return the buffer.  An IPv4 address that an IPv6
 * socket saw (::ffff:10.1.2.3) is written as what it is, 10.1.2.3.
 */
const char	*address_print(const struct address *, char *text);

/* The two numbers of it, without brackets, each into ADDRESS_TEXT bytes. */
void		 address_split(const struct address *, char *host, char *port);

/* ::ffff:10.1.2.3 as the IPv4 address that it stands for; others as they
   are. */
struct address	 address_plain(const struct address *);

/* The port, in host byte order. */
unsigned int	 address_port(const struct address *);

/* Whether it is a wildcard address of IPv6, which serves IPv4 clients too. */
int		 address_is_dual(const struct address *);

#endif
