/* SPDX-License-Identifier: ISC */
/*
 * Into the background.  The process that was called stays until the other one
 * accepts connections, or has failed to: so its status is true, and it can be
 * followed by a client.
 */
#ifndef POOL_DAEMON_H
#define POOL_DAEMON_H

/* Before anything is opened: 0 to 2 are, or what is opened would take their
   place, and be given up by daemon_detach(). */
void	daemon_prepare(void);

/*
 * Fork.  In the daemon, -1, and a pipe to say in that it accepts.  In the
 * process that was called, an exit status: 0 once that was said; then the port
 * was written to fd as well, unless that is -1.  In the daemon's process group,
 * so that Ctrl-C ends both, until daemon_detach().
 */
int	daemon_fork(int fd, int *ready);

/*
 * Leave what belongs to whoever has started us: session and terminal, working
 * directory, standard descriptors.  Before the first child.  0, or -1: a line
 * said why.
 */
int	daemon_detach(void);

/* Say that we accept on this port, and close the pipe.  0; or -1, and a line
   said it: whoever waited for that has gone. */
int	daemon_ready(int ready, unsigned int port);

#endif
