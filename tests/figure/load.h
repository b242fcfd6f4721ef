/* SPDX-License-Identifier: ISC */
/*
 * UNP's client (30.2): processes that connect, ask, read the answer and close,
 * one connection at a time each.
 */
#ifndef FIGURE_LOAD_H
#define FIGURE_LOAD_H

#include <stdint.h>

struct load {
	unsigned int	 port;
	int		 clients;	/* processes */
	int		 connections;	/* of each */
	const char	*request;
	int		 answer;	/* bytes */
	int		 pause;		/* between two connections of one
					   client, in us; 0: none */
};

struct load_result {
	int64_t		 us;		/* from the first connect() to the last
					   close() */
	int		 failed;	/* connections without a whole
					   answer */
	int		 first_byte;	/* us from connect() to it, the
					   median */
};

/*
 * The clients' end has been awaited when this returns.  The k-th connects to
 * 127.0.0.k: a port that is in TIME_WAIT for one is free for the others.
 */
void	load_run(const struct load *, struct load_result *);

#endif
