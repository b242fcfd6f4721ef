/* SPDX-License-Identifier: ISC */
/*
 * Signals to processes that a file has named.  A pid may have been given to
 * somebody else since, and the file may lie: who it is is looked at while a
 * pidfd holds on to it (pidfd_open(2)), and the signal goes through that.
 */
#ifndef CTL_AIM_H
#define CTL_AIM_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

struct target {
	pid_t	pid;
	int64_t	start;		/* as in process.h */
};

/* Whether it is still there: the same one, and not a zombie. */
bool	aim_lives(const struct target *);

/*
 * Send a signal to it; if it leads a process group, and whole, to all of that,
 * where the kernel can (Linux 6.9).  Only if its real user is ours.  0; or -1
 * with errno: ESRCH, it has gone; EPERM, it is somebody else's.
 */
int	aim_signal(const struct target *, int signo, bool whole);

#endif
