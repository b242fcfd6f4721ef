/* SPDX-License-Identifier: ISC */
/*
 * outlive: a pre-fork TCP server whose children outlive their parent (UNP
 * 7.5 and 30.9).  A program fills in a configuration and calls
 * outlive_serve().  Kill the process that made the call: the children serve
 * their clients to the end, and the program, started again, has the same port
 * at once.  doc/examples/echo.c is a whole server.
 */
#ifndef OUTLIVE_H
#define OUTLIVE_H

#include <sys/types.h>
#include <sys/socket.h>

#include <stdbool.h>

/* One client, as a service is given it.  All of it belongs to the caller. */
struct outlive_client {
	/*
	 * The connection: a blocking, close-on-exec stream socket.  It is
	 * closed when the service returns; the service may shut it down, and
	 * must not close it.
	 */
	int			 fd;
	const struct sockaddr	*peer;
	socklen_t		 peerlen;
	const char		*name;	/* numeric host:port of the peer */
};

struct outlive_config {
	/*
	 * Where to listen: [host:]port, an IPv6 host in brackets, port 0 for
	 * one that the kernel chooses.  There is no default.
	 */
	const char	*address;

	/*
	 * What is done for a client.  It runs in a child, which serves one
	 * client at a time and many after another; it may block, and what it
	 * does wrong costs its own client at most.  SIGPIPE and SIGXFSZ are
	 * ignored, SIGWINCH is the pool's (see signal(7): it restarts the
	 * calls that it interrupts), all others have their default action.
	 */
	void		(*service)(const struct outlive_client *, void *arg);
	void		*arg;		/* handed to it, never looked at */
	const char	*service_name;	/* one word, for titles: "echo" */

	int		 backlog;	/* of listen(2); 4096 */
	int		 idle_min;	/* idle children kept ready; 8 */
	int		 idle_max;	/* beyond that they are let go; 32 */
	int		 max_children;	/* idle and busy together; 1024 */
	int		 bind_wait;	/* seconds to go on trying an address
					   that is in use; 3 */
	bool		 reuseaddr;	/* SO_REUSEADDR; true (UNP 7.5) */
	bool		 verbose;	/* log each client too; false */

	/*
	 * Where the port number and a newline are written once connections
	 * are accepted; then the descriptor becomes /dev/null.  -1: nowhere.
	 */
	int		 announce_fd;
};

/* The defaults above; address, service and arg are NULL. */
void	outlive_config_init(struct outlive_config *);

/*
 * Listen, fork children, serve, until TERM or INT.  It is to be called from
 * the main thread, once, from a program that has called
 * setproctitle_init(3bsd) first and has children of no other kind.  It
 * takes over the signal mask and the handlers of TERM, INT, CHLD, PIPE and
 * XFSZ.
 *
 * Returns in the parent only, when it has ended: an exit status after
 * sysexits(3).  0 after TERM and INT; EX_USAGE for a configuration that
 * cannot be meant; EX_UNAVAILABLE if the address is not to be had; EX_OSERR
 * if the system refused something else.  What went wrong has been written
 * on standard error.
 */
int	outlive_serve(const struct outlive_config *);

#endif
