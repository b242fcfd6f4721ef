/* SPDX-License-Identifier: ISC */
/*
 * An orphan gives the listening socket up as soon as it runs; one that is
 * stopped does not run, and keeps the port from the next parent for as long.
 */
#ifndef POOL_STOPPED_H
#define POOL_STOPPED_H

/*
 * Shut down what stopped orphans of the instance in that directory have of
 * this port; whoever calls owns the instance's lock.  It takes the right to
 * have copies of their descriptors (pidfd_getfd(2)).  Returns how many sockets
 * were shut down, and keeps errno: of what could not be done the next bind()
 * tells.
 */
int	stopped_let_go(int dir, unsigned int port);

#endif
