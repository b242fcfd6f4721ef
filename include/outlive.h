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

#ifdef __cplusplus
extern "C" {
#endif

/* One client, as a service is given it.  All of it belongs to the caller. */
struct outlive_client {
	/*
	 * The connection: a blocking, close-on-exec stream socket.  It is
	 * closed when the service returns; the service may shut it down, and
	 * must not close it.  What the client sends as urgent is read in its
	 * place (SO_OOBINLINE).
	 */
	int			 fd;

	/*
	 * The peer as accept(2) gave it.  On a socket that serves both
	 * families an IPv4 client has a mapped IPv6 address here; its name
	 * is plain IPv4 always.
	 */
	const struct sockaddr	*peer;
	socklen_t		 peerlen;
	const char		*name;	/* numeric host:port */
};

/*
 * What is done about clients that wait while every child is busy and there may
 * be no more (sshd's MaxStartups).  For each that comes when, with it, start
 * wait, one is refused by a chance of rate percent, which grows evenly to 100 at
 * full: fewer than that wait.  The one is not the one that has come, but the
 * one that has waited longest: it is accepted, and closed at once.
 */
struct outlive_early_drop {
	int	start;		/* 0 to full */
	int	rate;		/* 1 to 100 */
	int	full;		/* 1 to 65535; above the backlog it is never
				   reached */
};

/*
 * Where the comment ends in a number, that is the default.  The struct, and
 * what it points to, must live as long as outlive_serve() runs.
 */
struct outlive_config {
	/*
	 * Where to listen: [host:]port, an IPv6 host in brackets, port 0 for
	 * one that the kernel chooses.  There is no default.
	 */
	const char	*address;

	/*
	 * The instance: a name, and the directory in which its lock and its
	 * boards are kept, by which outlivectl(8) and the next parent find the
	 * orphans.  NULL: the name is the address (9999, or 127.0.0.1:9999),
	 * and port 0, which is another one each time, needs one; the directory
	 * is the one in the environment's OUTLIVE_STATE_DIR, or else
	 * /run/outlive, $XDG_RUNTIME_DIR/outlive or /tmp/outlive-UID, the
	 * first that can be written.  Two NULLs.
	 */
	const char	*name;
	const char	*state_dir;

	/*
	 * What is done for a client; there is no default.  It runs in a child,
	 * which serves one client at a time and many after another: it may
	 * block for as long as it likes, and it leaves signals, mask and
	 * descriptors as it found them.  It may fork, or end the child by
	 * _exit() or by an exec; a crash costs its own client only.  (One that
	 * does nothing but become a program: becomes_program.)
	 *
	 * In it SIGPIPE and SIGXFSZ are ignored, which an exec does not
	 * change.  SIGWINCH is the pool's: it must be neither blocked nor
	 * handled otherwise; calls that it interrupts go on, except those
	 * that no handler restarts (signal(7): poll(), sleep and their like
	 * fail with EINTR).  SIGBUS has a handler that saves the child from a
	 * board whose file was cut off, and ends it otherwise.  With a
	 * session limit SIGALRM, and alarm(2), are the pool's, too.  All
	 * others have their default action, and none is blocked.
	 */
	void		(*service)(const struct outlive_client *, void *arg);
	void		*arg;		/* handed to it, never looked at */
	const char	*service_name;	/* one word, for titles; "service" */

	/*
	 * The service does nothing but become a program, or _exit().  It runs
	 * in a process of its own, which shares memory with the one that has
	 * forked it until it is the program (vfork(2)): it writes to nothing
	 * that this one reads, and does not return.  Where the child is forked
	 * for the client ("fork", or while a parent drains) that is the child;
	 * otherwise a child of the child, which waits for it and then serves
	 * on, or the child if there is no room for one more process.  What the
	 * child is sent to end it is passed on, and if it is killed, so is the
	 * program, unless that has changed its user (prctl(2)).  false
	 */
	bool		 becomes_program;

	/*
	 * Who accepts, as in UNP chapter 30: "fork", a child for each client;
	 * "shared", "fcntl", "mutex", the children; "pass", the parent, which
	 * passes connections on: "pass".  Where children accept they have the
	 * listening socket, and what a service forks keeps a copy: it should
	 * exec, or close its descriptors.
	 */
	const char	*strategy;

	int		 backlog;	/* of listen(2), to 65535; 4096 */
	struct outlive_early_drop early_drop; /* all zero: nobody is refused;
					   so it is at first */
	int		 idle_min;	/* idle children kept ready, 1 or
					   more; 8 */
	int		 idle_max;	/* beyond that they are let go; 32 */
	int		 max_children;	/* idle and busy together, to 100000;
					   1024 */
	int		 max_requests;	/* clients that one child serves
					   before another takes its place;
					   0, no limit: 0 */
	int		 per_source;	/* clients at once from one address, or
					   from one /64 of IPv6, those of
					   orphans included; 0, no limit: 0 */

	/*
	 * How long a client may stay, in seconds to 86400; 0, for ever: 0
	 *
	 * idle_timeout is SO_RCVTIMEO and SO_SNDTIMEO of the client's socket:
	 * a call on it that has waited for so long fails with EAGAIN, and the
	 * service should return; the log does not say why it did.  If it sets
	 * SO_LINGER to {1, 0} first the connection is reset, and the kernel
	 * keeps no output for a client that does not read.  A call that a
	 * handler interrupts, WINCH's too, fails with EINTR instead of going
	 * on.
	 *
	 * session_limit counts from the call of the service.  Then the socket
	 * is shut down: the service finds end-of-file, or EPIPE, and should
	 * return.  Calls that no handler restarts are interrupted, once.  A
	 * service that has not returned five seconds later is ended, and its
	 * child with it.  What it has forked is not.  A program, with
	 * becomes_program or by an exec, is ended by SIGALRM.
	 */
	int		 idle_timeout;
	int		 session_limit;

	/*
	 * Serve in a process of its own, in the background: outlive_serve()
	 * returns in the one that called it once the other accepts, or has
	 * ended, and 0 means that it accepts.  The other has a session of its
	 * own, / as its directory, and /dev/null as its descriptors 0 to 2, and
	 * needs a log other than stderr.  Not in process 1.  false
	 */
	bool		 daemon;

	/*
	 * A file for the parent's pid, which stands there while it owns the
	 * port.  It is written over what is there, before the user changes, and
	 * never read.  NULL
	 */
	const char	*pid_file;

	/*
	 * Once the port is bound, become this user for good, with his group and
	 * no other; what is executed from then on gains nothing by whose file
	 * it is (PR_SET_NO_NEW_PRIVS in prctl(2)).  The instance's directory
	 * belongs to him.  The log is opened as he would; as root only where
	 * nobody else can make or rename anything.  Who is not root can name
	 * himself only.  NULL
	 */
	const char	*user;

	int		 bind_wait;	/* seconds to go on trying an address
					   that is in use, or not there yet;
					   3 */
	/*
	 * An heir: one more process, which keeps the listening socket for so
	 * many seconds, to 86400, when the parent has ended, in whatever way:
	 * clients are neither refused nor reset then, they wait for the next
	 * parent, who takes the socket from the heir.  0, there is none: 0
	 */
	int		 heir;

	/*
	 * If the instance has a parent, take the listening socket from it, fork
	 * children, and let it leave when they are ready: no client is refused
	 * or reset.  If that fails it serves on.  false
	 */
	bool		 takeover;

	bool		 reuseaddr;	/* SO_REUSEADDR (UNP 7.5); true */

	/*
	 * A TCP socket that listens at the address already, of which somebody
	 * else may keep a copy: a service manager, see outlive_activation().
	 * It is taken in the place of one of our own, SO_REUSEADDR is set on
	 * it, and it is blocking or not as the strategy needs it.  At the end
	 * the parent closes its copy and no more: who waits to be accepted
	 * waits for the next one who has the socket.  None: -1.
	 */
	int		 listen_fd;

	/*
	 * Where the log goes: "stderr"; "syslog", as datagrams to /dev/log; or
	 * a file, which is created, and opened anew on HUP and by everyone who
	 * finds another file of its name.  "stderr", or NULL
	 */
	const char	*log;
	bool		 verbose;	/* log each client too; false */

	/*
	 * Where the port number and a newline are written once connections
	 * are accepted; then the descriptor becomes /dev/null, so that no
	 * child keeps whoever reads it waiting for its end.  Nowhere: -1.
	 */
	int		 announce_fd;
};

/* Set every default; pointers without one become NULL. */
void	outlive_config_init(struct outlive_config *);

/*
 * The socket that systemd, or another service manager of that kind, has passed
 * to this process (sd_listen_fds(3)): for listen_fd.  It is close-on-exec.  -1:
 * there is none.  -2: what was passed is not one socket; *why says what it was
 * and what was expected.
 */
int	outlive_activation(const char **why);

/*
 * Listen, fork children, serve, until TERM, QUIT or INT.  It is to be called
 * from the main thread, once, from a program that has called
 * setproctitle_init(3bsd) first and has no other children.  It takes over the
 * signal mask and what is done on TERM, QUIT, INT, HUP, CHLD, PIPE, XFSZ, BUS
 * and TTOU, also where they were ignored, and blocks WINCH.  It tells who asks
 * for it in NOTIFY_SOCKET how it is (sd_notify(3)).  Children inherit
 * what else is open, and orphans keep it: close what they need not have, or
 * make it close-on-exec if they exec.
 *
 * Returns in the parent only, when it has ended; the process is then good for
 * little but its own end.  An exit status after sysexits(3): 0 after TERM,
 * QUIT and INT; EX_USAGE for a configuration that cannot be meant;
 * EX_UNAVAILABLE if the address is not to be had; EX_OSERR if the system
 * refused something else.  What went wrong has been written to the log, and if
 * it never served, on standard error, too.
 */
int	outlive_serve(const struct outlive_config *);

#ifdef __cplusplus
}
#endif

#endif
