/* SPDX-License-Identifier: ISC */
/*
 * What a parent and its children have in common: one struct, made before the
 * first fork and passed down.  A child works on its copy.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "instance.h"
#include "net/address.h"
#include "outlive.h"
#include "overload.h"
#include "pidfile.h"
#include "policy.h"
#include "strategy.h"
#include "user.h"

struct accept_mutex;
struct source_other;
struct sources;

/* A child, as its parent knows it; its slot on the board has this index. */
struct child {
	pid_t	pid;		/* 0: the slot is free */
	bool	leaving;	/* it was told to go */
	bool	stopped;	/* by SIGSTOP, a debugger: it takes nothing */
};

struct pool {
	const struct outlive_config	*config;
	const struct strategy		*strategy;
	struct policy			 policy;
	int				 max_requests;	/* of one child; 0: no
							   limit */
	unsigned int			 port;		/* as bound */
	int				 backlog;	/* as the kernel has
							   it */
	unsigned int			 generation;	/* at first, of whom we
							   inherit from */
	bool				 unread;	/* the boards of others
							   are */
	bool				 hurry;		/* clients wait: what
							   can be put off is */
	int				 others;	/* children of earlier
							   ones, when last
							   counted */
	bool				 crowded;	/* that was said */

	pid_t		 parent;
	bool		 secluded;	/* its session is its own, without a
					   terminal, and nobody signals its
					   group: good enough for children */
	int		 slot;		/* in a child: its own */
	int		 served;	/* in a child: clients so far */

	/* Descriptors; -1: there is none. */
	int		 ready;		/* a daemon says here that it accepts */
	int		 announce;	/* or who is not one, which port it is */
	int		 listener;
	bool		 given;		/* it was, and is not ours to end */
	bool		 inherited;	/* from an heir, or from a parent */
	bool		 takes_over;	/* from a parent */
	int		 predecessor;	/* the way to him, until we have it */
	pid_t		 predecessor_pid;
	int		 successor;	/* the way to one who has the socket,
					   too, and may come after us */
	pid_t		 successor_pid;
	int		 control;	/* by which it is handed on */
	int		 heir_line;	/* to the heir: closed at the end */
	int		 wake;		/* eventfd: children wake the parent */
	int		 spare;		/* a socket at end-of-file (leave.h) */
	int		 queue[2];	/* parent's end, children's end */
	int		 lock;		/* of those who want to accept */
	int		 held;		/* accepted, not handed over yet */
	struct address	 held_peer;
	struct policy_retry accepts;
	struct accept_mutex *mutex;	/* strategy_accept.c */
	struct sources	*sources;	/* source.c; NULL: there is no limit */
	struct source_other *source_others;
	int		 n_source_others;

	struct board	*board;
	struct child	*children;	/* board_size() of them */
	int		 used;		/* slots in use are below this */
	int		 living;	/* children */
	int64_t		 reaped;	/* when the last ones were, clock_ms() */
	pid_t		 heir;		/* 0: there is none */
	bool		 heir_ready;
	struct policy_retry heirs;
	bool		 ending;	/* they were told to: no obituaries */
	bool		 closed;	/* no more clients: they leave */
	pid_t		 stuck;		/* a stopped child that keeps the
					   others from accepting; 0: none */
	struct policy_births births;
	struct overload overload;

	/* As last counted, but for what has changed since then (board.h); it
	   must be counted again if something else has happened. */
	struct policy_counts stock;
	bool		 stale;

	/*
	 * Connections handed over, and taken by children that have gone; like
	 * those of the board, modulo BOARD_MODULUS.  A child that was killed
	 * while it looked idle may have taken one more than it could say.
	 */
	uint32_t	 sent, taken;
	uint32_t	 taken_before;	/* by all, when last looked at */
	int		 silent_deaths;
	int64_t		 doubtful;	/* until then what was written off may
					   be put back, clock_ms(); 0: not */

	struct instance	 instance;
	struct pid_file	 pid_file;
	struct user	 user;		/* once it has the port */
};

#endif
