/* SPDX-License-Identifier: ISC */
/*
 * How a server that ends loses nobody.  A client whose handshake is complete
 * when the listening socket closes is reset, and there is always one more.  So
 * new SYNs are kept away first: the client's kernel sends its SYN again, a
 * second later, to whoever has the port then.  What is complete, or is about to
 * be, can be accepted in peace.
 */
#ifndef NET_SHUTOUT_H
#define NET_SHUTOUT_H

/* How old a handshake may be that is still waited for, in ms. */
#define SHUTOUT_YOUNG	200

/*
 * Keep new SYNs from a listening socket, without an answer, for everyone who
 * has it.  Handshakes that have begun go on.  With CAP_NET_ADMIN a filter drops
 * them (socket(7), SO_ATTACH_FILTER); otherwise it is a minimum TTL that only
 * packets from this very link can have (ip(7), IP_MINTTL; RFC 5082), and
 * clients that send with TTL 255 are not kept away.  0, or -1 with errno.
 * Connections whose handshakes are completed from now on inherit it.
 */
int	shutout_begin(int listener);

/* Take it off: of a listening socket that is to accept again; or of an accepted
   one, or it may be deaf to its client.  As above; *failed is the option. */
int	shutout_end(int fd, const char **failed);

/*
 * How many handshakes to its port are in flight and young: the client is
 * likely to answer.  A SYN whose sender is silent (a flood, a lost client) soon
 * is not, or each end would take as long as the kernel waits for it, a minute.
 * -1 with errno if it cannot be seen.
 */
int	shutout_handshakes(int listener);

#endif
