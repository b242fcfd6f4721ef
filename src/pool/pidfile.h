/* SPDX-License-Identifier: ISC */
/*
 * A file with the parent's pid, for whoever wants one.  We never read it: who
 * owns the port, the lock says (instance.h), which ends with its owner.
 */
#ifndef POOL_PIDFILE_H
#define POOL_PIDFILE_H

#include <stdbool.h>
#include <stdint.h>

struct pid_file {
	char	*path;		/* absolute; NULL: there is none */
	int	 fd;		/* -1: not open */
	bool	 ours;		/* and not one that was there before */
};

/* Which file it is, as stat(2) says; all zero: there is none. */
struct pid_file_id {
	uint64_t	device, inode;
};

/* Open it, and make it if it is not there; as long as nothing is written, what
   was there is another parent's.  0; or -1 with errno. */
int	pid_file_open(struct pid_file *, const char *path);

/* We own the port: write our pid, in the place of what was there.  As above. */
int	pid_file_write(struct pid_file *);

struct pid_file_id pid_file_identity(const struct pid_file *);
bool	pid_file_is(const struct pid_file *, const struct pid_file_id *);

/* The next one has it, and it stays. */
void	pid_file_leave(struct pid_file *);

/* In a child: it is the parent's. */
void	pid_file_forked(struct pid_file *);

/*
 * As long as we own the port: remove it, if it is still ours; where that is not
 * allowed (user.h), empty it.  Does nothing a second time.
 */
void	pid_file_remove(struct pid_file *);

#endif
