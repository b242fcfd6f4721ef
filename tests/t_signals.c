/* SPDX-License-Identifier: ISC */
/* The parent's door for signals. */
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "harness.h"
#include "net/clock.h"
#include "pool/signals.h"

int
main(void)
{
	struct pollfd	fd = { .events = POLLIN };
	long long	began;
	sigset_t	mask;
	int		pair[2];

	harness_begin();
	/* Started with INT ignored, TERM and USR1 blocked. */
	(void)signal(SIGINT, SIG_IGN);
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGUSR1);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	if (signals_open() == -1 || pipe(pair) == -1)
		bail("cannot begin");
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	ok(!sigismember(&mask, SIGUSR1), "the mask is not the inherited one");
	ok(sigismember(&mask, SIGWINCH), "WINCH is blocked");

	(void)raise(SIGINT);
	ok(!signals_int(), "a signal does not come between two lines");
	ok(signals_wait(NULL, 0, -1, false) == -1 && signals_int(),
	    "it comes by the door, ignored before or not");

	/* Something is ready at every turn, as it is under load. */
	fd.fd = pair[0];
	(void)!write(pair[1], "x", 1);
	(void)raise(SIGTERM);
	ok(!signals_term(), "TERM is pending");
	ok(signals_wait(&fd, 1, -1, false) == 1 && signals_term(),
	    "it comes although a descriptor is ready");

	began = clock_ms();
	ok(signals_wait(NULL, 0, 20, false) == 0 && clock_ms() - began >= 19,
	    "without either: the time that was asked for");

	(void)signals_chld();
	(void)raise(SIGCHLD);
	ok(signals_wait(NULL, 0, 20, true) == 0 &&
	    signals_wait(&fd, 1, -1, true) == 1 && !signals_chld(),
	    "CHLD, deferred, ends no wait, and does not come");
	(void)raise(SIGINT);
	ok(signals_wait(NULL, 0, -1, true) == -1, "others do");
	ok(signals_wait(NULL, 0, -1, false) == -1 && signals_chld(),
	    "it comes when it is not deferred any more");
	return done();
}
