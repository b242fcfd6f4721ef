/* SPDX-License-Identifier: ISC */
/* How many children, and how fast: pure functions of counts and a time. */
#ifndef POOL_POLICY_H
#define POOL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct outlive_early_drop;

struct policy {
	int	idle_min;	/* fewer are too few */
	int	idle_max;	/* more are too many; 0: nobody is ever idle,
				   there is a birth for each client */
	int	max_children;	/* idle, busy and leaving ones together */
	bool	children_accept; /* and not the parent */
};

struct policy_counts {
	int	children;	/* all that live */
	int	busy;		/* those that serve a client */
	int	in_flight;	/* connections on their way to a child */
	int	unclaimed;	/* idle ones, less what is in flight */
};

/*
 * How long to wait before something that went wrong is tried again: twice as
 * long each time, unless it has gone well for as long as the longest wait.
 * Times are those of clock_ms(), in milliseconds.  All zero at the start.
 */
struct policy_retry {
	int64_t	not_before;
	int	wait;		/* the last one */
	bool	told;		/* it is in the log that it goes wrong */
};

/*
 * It went wrong.  The first wait is given, the longest is 16 times that; what
 * goes wrong while one runs does not add to it.  Returns the wait if it is
 * longer than the last one, which is worth a line in the log, otherwise 0.
 */
int	policy_trouble(struct policy_retry *, int first, int64_t now);

/* It went well; returns whether that is worth a line, too. */
bool	policy_fine(struct policy_retry *, int64_t now);

/* What keeps a parent from births. */
struct policy_births {
	struct policy_retry	young;	/* children that died before they
					   served anyone */
	struct policy_retry	fork;
};

/* Somebody has been served: children do not all die young. */
void	policy_served(struct policy_births *);

/* How many children to fork now.  At most a few at a time, so that clients
   are accepted in between. */
int	policy_births(const struct policy *, const struct policy_counts *,
	    const struct policy_births *, int64_t now);

/* How many clients to accept now: not more than can be placed at once. */
int	policy_room(const struct policy *, const struct policy_counts *,
	    const struct policy_births *, int64_t now);

/* How many idle children to let go. */
int	policy_excess(const struct policy *, const struct policy_counts *);

/* How long the parent may sleep before the next birth, or the next client that
   needs one: -1 for ever, 0 not at all, otherwise milliseconds. */
int	policy_sleep(const struct policy *, const struct policy_counts *,
	    const struct policy_births *, int64_t now);

/* How many fewer unclaimed ones, or how many more, are news to a parent that
   sleeps; POLICY_NEVER: none are; 0 or less: it should not sleep.  If it is
   watching it sees by itself, in time, that there are none left. */
#define POLICY_NEVER	(1 << 29)
void	policy_news(const struct policy *, const struct policy_counts *,
	    bool watching, int *fewer, int *more);

/*
 * How many of those who wait to refuse, while nobody can take them: before,
 * waiting: how many did at the last look, and do now; arrived: how many have
 * come in between; draw: as arc4random_uniform(3).  For each that comes one is
 * refused, by the chance that goes with the length that the queue has then.
 */
int	policy_refusals(const struct outlive_early_drop *, int before,
	    int waiting, int arrived, uint32_t (*draw)(uint32_t));

#endif
