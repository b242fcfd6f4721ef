/* SPDX-License-Identifier: ISC */
/* How many children, and how fast: pure functions of counts and a time. */
#ifndef POOL_POLICY_H
#define POOL_POLICY_H

#include <stdint.h>

struct policy {
	int	idle_min;	/* fewer are too few */
	int	idle_max;	/* more are too many */
	int	max_children;	/* idle, busy and leaving ones together */
};

struct policy_counts {
	int	children;	/* all that live */
	int	busy;		/* those that serve a client */
	int	in_flight;	/* connections on their way to a child */
	int	unclaimed;	/* idle ones, less what is in flight */
};

/*
 * What a parent remembers about births, in milliseconds of clock_ms().  All
 * zero at the start.
 */
struct policy_births {
	int64_t	not_before;
};

/* How many children to fork now.  At most a few at a time, so that clients
   are accepted in between. */
int	policy_births(const struct policy *, const struct policy_counts *,
	    const struct policy_births *, int64_t now);

/* How many idle children to let go. */
int	policy_excess(const struct policy *, const struct policy_counts *);

/* A child died before it served, or fork() failed: the next birth waits for
   a second. */
void	policy_trouble(struct policy_births *, int64_t now);

/* How long the parent may sleep before the next birth: -1 for ever, 0 not at
   all, otherwise milliseconds. */
int	policy_sleep(const struct policy *, const struct policy_counts *,
	    const struct policy_births *, int64_t now);

/* After how many changes, children that become busy or idle, the parent has
   to look again. */
int	policy_changes(const struct policy *, const struct policy_counts *);

#endif
