/* SPDX-License-Identifier: ISC */
/*
 * One process of a run: an epoll(7) loop with its share of the clients and the
 * sessions.
 */
#ifndef LOAD_WORKER_H
#define LOAD_WORKER_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "plan.h"
#include "record.h"

struct worker;

/* A connection, as the loop knows it: the first member of a client and of a
   session. */
struct watched {
	int			 fd;
	/* epoll(7)'s events, edge-triggered. */
	void			(*event)(struct worker *, struct watched *,
				    uint32_t);
	/* The answer that it waits for has not come in time. */
	void			(*late)(struct worker *, struct watched *);
	int64_t			 since;		/* when it began to wait */
	bool			 waits;
	TAILQ_ENTRY(watched)	 next;
};

TAILQ_HEAD(watched_list, watched);

struct worker {
	const struct plan	*plan;
	struct record		*record;
	FILE			*log;		/* a line for each request;
						   NULL: none */
	int			 number;	/* of plan->processes */
	int			 epoll, timer;
	int64_t			 rings;		/* when the timer does, ns;
						   INT64_MAX: it does not */
	bool			 begun, stopped;
	struct watched_list	 waiting;	/* by since */
	uint64_t		 made;		/* connections */

	struct clients		*clients;
	struct sessions		*sessions;
};

/*
 * Do this process's share: say a byte on ready when the sessions are there; begin
 * at end-of-file on go; stop at end-of-file on stop, or when there is no more to
 * do.  record.began is set before go ends.
 */
struct worker_pipes { int ready, go, stop; };
void	worker_run(const struct plan *, struct record *, int number, FILE *log,
	    const struct worker_pipes *);

/* So much of it is this process's. */
int	worker_share(const struct worker *, int all);

/* A connection that is being made, or is there already.  0, or -1 with errno:
   not even that, and nothing is open. */
int	worker_dial(struct worker *, struct watched *);
/* Hear of these events, EPOLLIN and EPOLLOUT; since: when it should have begun.
   0, or -1 with errno. */
int	worker_watch(struct worker *, struct watched *, uint32_t events,
	    int64_t since);
/* It waits from then on, or no more. */
void	worker_wait(struct worker *, struct watched *, int64_t since);
void	worker_wait_no_more(struct worker *, struct watched *);
void	worker_close(struct worker *, struct watched *);

/* What an error of a socket is to a client whose request has been sent, or not;
   0 is a FIN. */
enum outcome	outcome_of(int error, bool sent);

#endif
