/* SPDX-License-Identifier: ISC */
/*
 * How a parent comes to own the port.  It takes the instance's door first, so
 * that there is one at a time who does; then it binds a socket, or is given the
 * one that an heir has kept (heir.h).  Who was there before lets go only when
 * the new one is ready to do without him.
 */
#ifndef POOL_PORT_H
#define POOL_PORT_H

struct address;
struct pool;

/*
 * A socket that listens at the address, bound, adopted from whoever passed it
 * to us, or from an heir; try for as long as the configuration says, or until
 * we are told to end.  0, and we have the door; or -1, and then nothing is held,
 * and why is in the log.
 */
int	port_find(struct pool *, struct address *);

/* By which the next one is to find us, or our heir; as the user that we have
   become.  0 or -1. */
int	port_control(struct pool *);

/* Everything else is there: be the owner, in the way that our strategy needs,
   and leave the door to others.  0 or -1. */
int	port_own(struct pool *);

/* For the owner, in its loop: an heir from whom it has the socket may leave, once
   there is one of its own, if there is to be.  How long until it is to be asked
   again, in ms; -1: it has left. */
int	port_thank(struct pool *);

/* In a child, its first act: what of all that is the parent's. */
void	port_forked(struct pool *);

#endif
