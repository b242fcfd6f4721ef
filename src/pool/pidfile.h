/* SPDX-License-Identifier: ISC */
/*
 * A file with the parent's pid, for whoever wants one.  We never read it: who
 * owns the port, the lock says (instance.h), which ends with its owner.
 */
#ifndef POOL_PIDFILE_H
#define POOL_PIDFILE_H

struct pid_file {
	char	*path;		/* absolute; NULL: there is none */
	int	 fd;		/* -1: not open */
};

/* Write it, in the place of what was there.  0; or -1 with errno. */
int	pid_file_write(struct pid_file *, const char *path);

/* In a child: it is the parent's. */
void	pid_file_forked(struct pid_file *);

/*
 * As long as we own the port: remove it, if it is still ours; where that is not
 * allowed (user.h), empty it.  Does nothing a second time.
 */
void	pid_file_remove(struct pid_file *);

#endif
