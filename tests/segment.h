/* SPDX-License-Identifier: ISC */
/*
 * TCP segments made by hand (RFC 9293, 3.1), from and to a peer who does not
 * exist: at a TUN device of the test's own network.
 */
#ifndef TESTS_SEGMENT_H
#define TESTS_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Our addresses there; the peer's are 10.9.0.2 and fd00:9::2. */
#define SEGMENT_IPV4	"10.9.0.1"
#define SEGMENT_IPV6	"fd00:9::1"

struct segment {
	bool		ipv6;
	unsigned int	from, to;	/* ports */
	uint32_t	seq, ack;
	unsigned int	flags;		/* TH_SYN and so on */
	char		data[64];	/* not more is taken, or sent */
	size_t		len;
};

/* Makes the device, once harness_own_network() has been called.  Ends the test
   as skipped where that is not allowed.  Returns whether it has IPv6. */
bool	segment_begin(void);

/* From the peer to us, with TTL 64. */
void	segment_send(const struct segment *);

/* The next one from us to the peer.  False: none has come in that time. */
bool	segment_next(struct segment *, int ms);

#endif
