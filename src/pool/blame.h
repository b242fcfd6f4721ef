/* SPDX-License-Identifier: ISC */
/* Who or what is in the way of the port, and what the log says of it. */
#ifndef POOL_BLAME_H
#define POOL_BLAME_H

#include <sys/types.h>

#include <stdbool.h>

struct address;
struct pool;

/* What was in the way of the port at one try. */
struct blame {
	const char	*failed;	/* a call, and errno says why; or NULL */
	enum who { ENTRANT, PARENT, HEIR } who;	/* a process: */
	pid_t		 pid;		/* 0: in another pid namespace */
	bool		 gone;		/* it is not in the way any more */
	bool		 final;		/* no time will mend it: it is in the
					   log */
};

/* To find a process in the way; or what no time will mend, in a line for the
   log.  Both return -1. */
int	blame_process(struct blame *, enum who, pid_t);
int	blame_finally(struct blame *, const char *fmt, ...)
	    __attribute__((__format__(printf, 2, 3)));

/* What time may mend: somebody is there, the port is taken, or the address not
   there yet.  Here and below errno is that of a call that failed. */
bool	blame_is_worth_waiting(const struct blame *);

/* That we shall go on trying; or that we do not, and what would help. */
void	blame_say_waiting(const struct blame *, const struct pool *,
	    const struct address *);
void	blame_say_refused(const struct blame *, const struct pool *,
	    const struct address *);

#endif
