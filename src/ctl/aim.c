/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aim.h"
#include "net/process.h"

/* Newer than our C library's headers, perhaps. */
#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP	(1U << 2)
#endif

/* glibc has them since 2.36; musl has not. */
static int
open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int
send_signal(int pidfd, int signo, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, flags);
}

bool
aim_lives(const struct target *target)
{
	struct process	process;

	return process_read(target->pid, &process) == 0 &&
	    process.start == target->start && !process_is_dead(&process);
}

static int
send_whole(int pidfd, int signo)
{
	if (send_signal(pidfd, signo, PIDFD_SIGNAL_PROCESS_GROUP) == 0)
		return 0;
	/* An older kernel; or it leads no group. */
	return errno == EINVAL || errno == ESRCH ?
	    send_signal(pidfd, signo, 0) : -1;
}

int
aim_signal(const struct target *target, int signo, bool whole)
{
	uid_t	uid;
	int	pidfd, result = -1, saved;

	if (target->pid <= 1 || (pidfd = open_pidfd(target->pid)) == -1) {
		errno = ESRCH;
		return -1;
	}
	/* Whoever it is, nobody else gets that pid from now on. */
	if (process_user(target->pid, &uid) == -1 || !aim_lives(target))
		errno = ESRCH;
	else if (uid != geteuid())
		errno = EPERM;
	else
		result = whole ? send_whole(pidfd, signo) :
		    send_signal(pidfd, signo, 0);
	saved = errno;
	(void)close(pidfd);
	errno = saved;
	return result;
}
