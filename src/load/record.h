/* SPDX-License-Identifier: ISC */
/*
 * What has been seen, in memory that all processes of a run share: each writes
 * it as it goes, the parent reads it for its progress line and its report.
 * Times are ns by CLOCK_MONOTONIC; what is kept of them counts from record.began
 * on.
 */
#ifndef LOAD_RECORD_H
#define LOAD_RECORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "histogram.h"
#include "plan.h"

enum outcome {
	REFUSED,	/* connect(): ECONNREFUSED */
	RESET_BEFORE,	/* an RST, before the request could be sent */
	RESET_AFTER,	/* an RST, after it was sent and before the answer was
			   whole */
	TIMED_OUT,	/* the plan's, or the kernel's */
	SHORT,		/* a FIN, before the answer was whole */
	CORRUPT,	/* not what was expected, or more of it */
	UNREACHABLE,	/* no route, or a host that is not there */
	LOCAL,		/* nothing went out: no port, descriptor or memory is
			   left here, or it is not allowed */
	FAILURES,	/* how many kinds there are */
	DONE = FAILURES
};

/* How they are called. */
extern const char *const	outcome_names[FAILURES];	/* reset_before */
extern const char *const	outcome_words[FAILURES];	/* reset before
							   the request */

struct failure {
	_Atomic int64_t	n, first, last;		/* ns; only if n > 0 */
};

/* Ten milliseconds of a run. */
#define RECORD_BIN	10000000		/* ns */
#define RECORD_BINS	(2 * 24 * 3600 * 100)

struct bin {
	_Atomic uint32_t	begun, outcomes[FAILURES + 1], messages;
};

/* A session, as its process leaves it. */
struct session_record {
	struct address		local;
	bool			open, lost;
	enum outcome		why;		/* if lost */
	int64_t			at;		/* ns, if lost */
	uint32_t		messages;	/* answered, and as they should
						   be */
};

struct record {
	int64_t			began;		/* 0: not yet */
	_Atomic int64_t		last_begun, last_outcome, last_success;
	_Atomic int64_t		last_message;
	_Atomic int64_t		gap, gap_at;	/* the longest, between two
						   successes */
	_Atomic int64_t		connections;	/* begun; not sessions */
	_Atomic int64_t		begun, done;	/* requests */
	_Atomic int64_t		messages;
	_Atomic int64_t		opened, lost;	/* sessions; of those, or that
						   could not be opened */
	struct failure		failures[FAILURES];
	_Atomic int		local_errno;	/* of the first LOCAL */
	_Atomic int64_t		no_port;	/* LOCAL: EADDRNOTAVAIL */
	_Atomic int		sources;	/* addresses that were used
						   beyond the first */

	/* From the moment when it should have begun. */
	struct histogram	connect, first_byte, whole;
	struct histogram	message;	/* but for each session's
						   first */

	int64_t			cpu[PLAN_PROCESSES];	/* ns */
	struct session_record	*sessions;		/* as many as planned */
	struct bin		bins[RECORD_BINS];	/* later ones are not
							   kept */
};

/* It is never freed. */
struct record	*record_new(const struct plan *);

int64_t	now_ns(void);

/* A connection; a request, begun; its end.  All of it at a time. */
void	record_begun(struct record *, int64_t now);
void	record_outcome(struct record *, enum outcome, int64_t now);
/* LOCAL, by its errno. */
void	record_local(struct record *, int error, int64_t now);
/* A message of a session was answered; alone: there are no other clients. */
void	record_message(struct record *, int64_t now, bool alone);

/* When a failure was the first, or the last, of its kind. */
void	failure_add(struct failure *, int64_t at);

/* When the last interval without a success ended. */
void	record_finish(struct record *, const struct plan *);

#endif
