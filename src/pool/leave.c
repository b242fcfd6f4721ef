/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "leave.h"

static struct {
	pid_t	parent, self;
	int	queue, spare;
} leave;

static void
on_winch(int signo, siginfo_t *info, void *context)
{
	int	saved = errno;

	(void)signo;
	(void)context;
	/* What a service has forked inherits this handler, not our part. */
	if (getpid() != leave.self)
		return;
	if (getppid() == leave.parent && info->si_code == SI_KERNEL)
		/* Our parent's terminal was resized, just before setsid(). */
		return;
	if (getppid() == leave.parent)
		(void)dup3(leave.spare, leave.queue, O_CLOEXEC);
	else
		/*
		 * End-of-file does not wait for a sibling that was stopped
		 * before it closed the parent's end.
		 */
		(void)shutdown(leave.queue, SHUT_RD);
	errno = saved;
}

int
leave_arm(pid_t parent, int queue, int spare)
{
	struct sigaction	action = { .sa_sigaction = on_winch,
				    .sa_flags = SA_RESTART | SA_SIGINFO };

	leave.parent = parent;
	leave.self = getpid();
	leave.queue = queue;
	leave.spare = spare;
	(void)sigfillset(&action.sa_mask);
	if (sigaction(SIGWINCH, &action, NULL) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGWINCH) == -1)
		return -1;
	/* It may have ended before the kernel was asked to tell. */
	if (getppid() != parent)
		(void)raise(SIGWINCH);
	return 0;
}
