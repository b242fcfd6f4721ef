/* SPDX-License-Identifier: ISC */
/* What /proc says of one process (proc(5)). */
#ifndef NET_PROCESS_H
#define NET_PROCESS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

struct process {
	pid_t		parent;
	char		state;		/* R, S, D, T, t, Z, X, I */
	int		threads;
	unsigned int	flags;		/* the kernel's PF_* */
	int64_t		start;		/* ms of clock_boot_ms(), rounded down
					   to process_tick() */
};

/* A small file of the process whose /proc/PID is open, with a NUL at its end:
   bytes, or -1 with errno. */
ssize_t	process_file(int dir, const char *name, char *text, size_t size);

/* Its stat.  0, or -1: it has gone. */
int	process_stat(int dir, struct process *);

/* The same for a pid; 0, or -1: there is no such process that we may see. */
int	process_read(pid_t, struct process *);

/* Its real user: whoever started it, whatever it has become since. */
int	process_user(pid_t, uid_t *);

/* A signal or a debugger has stopped it; it has ended, all threads of it, and
   nobody has waited for it yet. */
bool	process_is_stopped(const struct process *);
bool	process_is_dead(const struct process *);

/* Whether /proc is that of our own pid namespace. */
bool	process_visible(void);

/* How exact a start is, in ms. */
int64_t	process_tick(void);

#endif
