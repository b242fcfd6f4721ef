/* SPDX-License-Identifier: ISC */
/*
 * What ps shows of a child.  setproctitle(3bsd) formats with printf(3), and is
 * spread over three libraries: in a child that is forked for one client that
 * was every third page fault (doc/performance.md).  So libbsd makes the room,
 * where the arguments and the environment were, and children copy what they
 * have to say there themselves.
 */
#ifndef POOL_TITLE_H
#define POOL_TITLE_H

/* In the parent, whose own title stands already: find the place. */
void	title_open(unsigned int generation);

/* A child's. */
void	title_idle(void);
void	title_busy(const char *service, const char *client);

#endif
