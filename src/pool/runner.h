/* SPDX-License-Identifier: ISC */
/*
 * A program for each client of a child (becomes_program in outlive.h).  It is a
 * child of the child, which waits for it: if the child became it there would be
 * another one to be forked for each client, and what was forked would be thrown
 * away.
 */
#ifndef POOL_RUNNER_H
#define POOL_RUNNER_H

struct outlive_client;
struct pool;

/*
 * Start the program, close our own copy of the client, wait for its end.  If
 * there is no room for one more process it does not return: we are the program.
 * Nor if we have been told to end.
 */
void	runner_serve(const struct pool *, const struct outlive_client *);

#endif
