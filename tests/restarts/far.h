/* SPDX-License-Identifier: ISC */
/*
 * A network that is far away: packets come out of a TUN device on the one side,
 * and go into one on the other side some time later.  On a loopback interface a
 * handshake takes 30 us, and hardly ever is one in flight at a given moment.
 */
#ifndef RESTARTS_FAR_H
#define RESTARTS_FAR_H

#include <stdint.h>

#define FAR_CLIENT	"10.9.0.1"	/* and those behind it */
#define FAR_SERVER	"10.9.1.1"

/*
 * A device in the network of whoever calls, with so many addresses, one behind
 * the other; all of 10.9.0.0/16 is at its other side.  -1: none is allowed
 * here.
 */
int	far_device(const char *address, int addresses);

/* In a process of its own: carry packets between two of them, each with so many
   us on its way. */
void	far_carry(int a, int b, int delay) __attribute__((__noreturn__));

/* CLOCK_MONOTONIC. */
int64_t	now_us(void);

#endif
