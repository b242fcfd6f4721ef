/* SPDX-License-Identifier: ISC */
/* outlivectl(8): what its commands have in common. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "net/sockdiag.h"
#include "pool/generation.h"
#include "pool/instance.h"

/*
 * Open the instance of that name, or without one the only one that is alive;
 * if there is none, or there are several, say which ones there are, and exit.
 * Root becomes the user whose instance it is: what stands on its boards moves
 * nobody to do more than that user could.
 */
void	ctl_find(struct instance *, const char *state_dir, const char *name);

/* What there is to see of an instance, at one moment. */
struct ctl_status {
	pid_t			 holder;	/* of the lock: instance.h */
	pid_t			 entrant;	/* has the door; -1: nobody */
	pid_t			 heir;		/* -1: there is none */
	struct generations	 generations;
	const struct generation	*owner;		/* that of the holder; NULL */
	const struct generation	*last;		/* the last whose board can
						   be read; NULL */
	bool			 elsewhere;	/* its network is another */
	bool			 listens;	/* somebody does, there */
	struct sockdiag		 listener;
	bool			 gone;		/* the directory is */
};

/* Look; exits if that is impossible. */
void	ctl_look(const struct instance *, struct ctl_status *);
void	ctl_status_free(struct ctl_status *);
/* Whether somebody listens where a generation (NULL: none) has done so. */
void	ctl_look_at_port(struct ctl_status *, const struct generation *);

/* The sum of all generations that are alive. */
struct ctl_totals {
	int		children, busy, idle, stopped, orphans;
	uint64_t	served;
};
struct ctl_totals	ctl_totals(const struct ctl_status *);

/* For how many ms a child has served its client; -1: it does not, or its board
   is wrong. */
int64_t			ctl_age(const struct generation_child *);

/*
 * The commands, each with its exit status; what keeps them from it is said.
 *
 * stop: TERM to the parent, or INT; or, without a parent, TERM to its heir;
 * returns when it has ended.
 *
 * drain: ask the children of one generation, of those without a parent, or of
 * all to leave when they are done; wait until they have, or for so many
 * seconds, then end them.
 */
int	ctl_stop(const struct instance *, bool now);

struct ctl_drain {
	unsigned int	generation;	/* 0: any */
	bool		orphans;	/* only those without a parent */
	int		deadline;	/* s; -1: none */
};
int	ctl_drain(const struct instance *, const struct ctl_drain *);

/* status: once, or every second.  As text, or as JSON. */
void	ctl_print(const struct instance *, const struct ctl_status *);
void	ctl_print_json(const struct instance *, const struct ctl_status *);

#endif
