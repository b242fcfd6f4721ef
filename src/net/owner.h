/* SPDX-License-Identifier: ISC */
/*
 * Which processes have a socket: /proc/PID/fd (proc(5)).  Other users'
 * descriptors, and those of a process that has changed its user, are seen by
 * root alone.
 */
#ifndef NET_OWNER_H
#define NET_OWNER_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct owner {
	unsigned long	inode;		/* the socket's */
	pid_t		pid, parent;
	uid_t		uid;		/* effective */
	bool		stopped;	/* by a signal, or by a debugger */
	pid_t		tracer;		/* the debugger; 0: there is none */
	int64_t		age;		/* s since it was forked */
	char		title[160];	/* its command line; see vis(3bsd) */
	char		unit[128];	/* systemd's, or a container's scope; ""
					   for what a person has started */

	/* What our caller knows of it, if anything: "orphan of 9999,
	   generation 3", and what to type to end it. */
	char		role[160], remedy[256];
};

struct owners {
	struct owner	*list;		/* by inode, then by pid */
	size_t		 n, room;
	int		 hidden;	/* processes that show no descriptors
					   to us */
};

/*
 * Find every process that has one of n sockets, which are sorted here.  (Not
 * threads that have unshared their descriptors, unless the first has ended.)  The
 * owners are zeroed at first, and are to be freed in any case.  Returns -1
 * with errno if /proc cannot be read: ENOENT, EMFILE.
 */
int			 owners_find(struct owners *, unsigned long *inodes,
			    size_t n);
void			 owners_free(struct owners *);

/* The owners of one socket: the first, and how many; NULL and 0. */
const struct owner	*owners_of(const struct owners *, unsigned long inode,
			    size_t *n);

/*
 * Of the process whose /proc/PID is open: what kind it is, with what is in its
 * stat (all but pid, uid, tracer, title, unit); and the rest of it.
 */
enum owner_kind {
	OWNER_GONE,
	OWNER_KERNEL,		/* a thread of the kernel's */
	OWNER_LIVING,
	OWNER_HEADLESS		/* its first thread has ended, not the rest */
};
enum owner_kind		 owner_kind(int process, struct owner *);
void			 owner_read(int process, struct owner *);

/*
 * The unit in the text of /proc/PID/cgroup: "nginx.service", "--user
 * app.service", "docker-4711.scope", or "".
 */
void			 owner_unit(const char *cgroup, char *unit,
			    size_t size);

/*
 * A user's name in a buffer of 48 bytes at least, or words for one that has
 * none here.  Returns the buffer.
 */
const char		*owner_user(uid_t, char *text, size_t size);

#endif
