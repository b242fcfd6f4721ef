/* SPDX-License-Identifier: ISC */
#include <signal.h>
#include <time.h>

#include "signals.h"

static volatile sig_atomic_t	terminated, quit, interrupted, hung_up, child;
static sigset_t			handled;
static int			altered[NSIG];	/* not at their defaults */
static size_t			how_many_altered;

static void
on_signal(int signo)
{
	if (signo == SIGTERM)
		terminated = 1;
	else if (signo == SIGQUIT)
		quit = 1;
	else if (signo == SIGINT)
		interrupted = 1;
	else if (signo == SIGHUP)
		hung_up = 1;
	else if (signo == SIGCHLD)
		child = 1;
}

/*
 * What a child has to put back.  A client or a log's reader that goes is an
 * errno to it, not a death; WINCH must not be thrown away (leave.h), and BUS is
 * the board's.  Who has started us may have told us to ignore others.
 */
static void
find_altered(void)
{
	struct sigaction	action;
	int			signo;

	how_many_altered = 0;
	for (signo = 1; signo < NSIG; signo++)
		if (signo != SIGPIPE && signo != SIGXFSZ &&
		    signo != SIGWINCH && signo != SIGBUS &&
		    sigaction(signo, NULL, &action) == 0 &&
		    action.sa_handler != SIG_DFL)
			altered[how_many_altered++] = signo;
}

int
signals_open(void)
{
	static const int	list[] = { SIGTERM, SIGQUIT, SIGINT, SIGHUP,
				    SIGCHLD };
	/* What comes of writing a log: to a pipe without a reader, to a full
	   file, to the terminal in the background (stty tostop). */
	static const int	ignored[] = { SIGPIPE, SIGXFSZ, SIGTTOU };
	struct sigaction	action = { .sa_handler = on_signal };
	sigset_t		blocked;
	size_t			i;

	/* Children from before an exec may have ended already. */
	child = 1;
	(void)sigfillset(&action.sa_mask);
	(void)sigemptyset(&handled);
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		(void)sigaddset(&handled, list[i]);
	blocked = handled;
	(void)sigaddset(&blocked, SIGWINCH);
	if (sigprocmask(SIG_SETMASK, &blocked, NULL) == -1)
		return -1;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (sigaction(list[i], &action, NULL) == -1)
			return -1;
	action.sa_handler = SIG_IGN;
	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (sigaction(ignored[i], &action, NULL) == -1)
			return -1;
	find_altered();
	return 0;
}

void
signals_forked(void)
{
	struct sigaction	action = { .sa_handler = SIG_IGN };
	size_t			i;

	/*
	 * A terminal, or its shell, may have told our parent to quit or to
	 * hang up, and the whole process group, which we have left too late.
	 * To ignore what is pending throws it away.
	 */
	(void)sigaction(SIGQUIT, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_DFL;
	for (i = 0; i < how_many_altered; i++)
		(void)sigaction(altered[i], &action, NULL);
}

void
signals_unblock(void)
{
	sigset_t	none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int
signals_wait(struct pollfd *fds, nfds_t n, int ms, bool defer_chld)
{
	struct timespec	timeout = { .tv_sec = ms / 1000,
			    .tv_nsec = ms % 1000 * 1000000L };
	struct timespec	none = { 0, 0 };
	sigset_t	blocked, wanted = handled;
	int		ready, signo;

	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGWINCH);
	if (defer_chld) {
		(void)sigaddset(&blocked, SIGCHLD);
		(void)sigdelset(&wanted, SIGCHLD);
	}
	ready = ppoll(fds, n, ms == -1 ? NULL : &timeout, &blocked);
	/*
	 * If a descriptor was ready the kernel delivers nothing: under load
	 * that is always so, and TERM would never be seen.
	 */
	while (ready >= 0 && (signo = sigtimedwait(&wanted, NULL,
	    &none)) != -1)
		on_signal(signo);
	return ready;
}

void
signals_forget(void)
{
	terminated = quit = interrupted = hung_up = child = 0;
}

bool
signals_term(void)
{
	return terminated;
}

bool
signals_quit(void)
{
	return quit;
}

bool
signals_int(void)
{
	return interrupted;
}

bool
signals_end(void)
{
	return terminated || quit || interrupted;
}

bool
signals_hup(void)
{
	bool	come = hung_up;

	hung_up = 0;
	return come;
}

bool
signals_chld(void)
{
	bool	come = child;

	child = 0;
	return come;
}
