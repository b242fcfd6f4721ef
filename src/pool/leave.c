/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "leave.h"

static struct leave			armed;
static pid_t				self;
static volatile sig_atomic_t		asked;		/* WINCH has come */
static volatile sig_atomic_t		in_line;

static void
on_winch(int signo, siginfo_t *info, void *context)
{
	int	saved = errno;

	(void)signo;
	(void)context;
	/* What a service has forked inherits this handler, not our part. */
	if (getpid() != self)
		return;
	if (getppid() == armed.parent && info->si_code == SI_KERNEL)
		/* Our parent's terminal was resized, just before setsid(). */
		return;
	asked = 1;
	if (armed.queue && getppid() != armed.parent)
		/*
		 * End-of-file does not wait for a sibling that was stopped
		 * before it closed the parent's end.
		 */
		(void)shutdown(armed.door, SHUT_RD);
	else if (armed.door != -1)
		(void)dup3(armed.spare, armed.door, O_CLOEXEC);
	/* The door first: to go may take a moment. */
	if (in_line)
		armed.go(armed.arg);
	errno = saved;
}

int
leave_arm(const struct leave *leave)
{
	struct sigaction	action = { .sa_sigaction = on_winch,
				    .sa_flags = SA_RESTART | SA_SIGINFO };

	armed = *leave;
	self = getpid();
	(void)sigfillset(&action.sa_mask);
	/* go() may write to a board that was cut off (boardfile.c). */
	(void)sigdelset(&action.sa_mask, SIGBUS);
	if (sigaction(SIGWINCH, &action, NULL) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGWINCH) == -1)
		return -1;
	/* It may have ended before the kernel was asked to tell. */
	if (getppid() != armed.parent)
		(void)raise(SIGWINCH);
	return 0;
}

void
leave_later(void)
{
	if (armed.queue)
		(void)prctl(PR_SET_PDEATHSIG, 0);
}

void
leave_as_before(void)
{
	if (!armed.queue)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGWINCH);
	/* Meanwhile nobody would have told. */
	if (getppid() != armed.parent)
		(void)raise(SIGWINCH);
}

bool
leave_line_up(void)
{
	in_line = 1;
	/* Only now: what comes later finds us in line. */
	return !asked;
}

bool
leave_asked(void)
{
	return asked;
}

void
leave_line_left(void)
{
	in_line = 0;
}
