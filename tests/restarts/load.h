/* SPDX-License-Identifier: ISC */
/*
 * The clients, all in one process.  An open loop: a new one comes by the clock,
 * whether those before it are done or not.  And sessions, opened before, that
 * say a line now and then.
 */
#ifndef RESTARTS_LOAD_H
#define RESTARTS_LOAD_H

#include <netinet/in.h>
#include <stdint.h>

#define LOAD_MOST	1000000		/* clients of one run */

enum outcome {
	CONNECTING, ASKING,		/* not yet known */
	SERVED, REFUSED, RESET, TIMED_OUT
};

struct client {
	int64_t		began, ended;	/* us, CLOCK_MONOTONIC */
	int		fd;
	enum outcome	outcome;
};

/* In memory that is shared with whoever looks at it when it is over. */
struct load {
	/* What is to be done. */
	int			rate;		/* new clients per second */
	int			sessions;
	int			patience;	/* s */
	struct sockaddr_in	server;		/* the first of LOAD_SERVERS */

	/* What has been. */
	int			n, lost;	/* clients; sessions */
	double			cpu;		/* ms, of this process */
	struct client		clients[LOAD_MOST];
};

/*
 * A server has so many addresses, one behind the other, and clients take turns:
 * a connection that is over keeps its client's port for a minute.
 */
#define LOAD_SERVERS	8

/*
 * In a process of its own: when a byte comes on the line, open the sessions; say
 * a byte when each has had an answer, and begin.  At the next byte, or
 * end-of-file, no new clients; wait for those that there are, and leave.
 */
void	load_run(struct load *, int line) __attribute__((__noreturn__));

int64_t	now_us(void);

#endif
