/* SPDX-License-Identifier: ISC */
/*
 * Ordinary clients of each service, for tests of clients that are not: a
 * server with a fixed number of children, all of whom live through what is
 * done to them, without a word in the log.
 */
#ifndef TESTS_EXCHANGE_H
#define TESTS_EXCHANGE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "harness.h"

#define MB	1000000
#define MANY	(-1)		/* bytes, any number of them */

/* What an ordinary client asks, and hears; then he closes his end, and so many
   bytes follow. */
struct exchange {
	const char	*service, *program;
	const char	*asks, *hears;
	ssize_t		 rest;
};
extern const struct exchange	echo_back, cat, bytes, chargen, daytime,
				discard;

/* The server that has been begun, and its children. */
extern struct server	server;
extern pid_t		children[64];
extern int		number;

/* It has so many children at any time. */
void	begin(const struct exchange *, int many);
/* They are alive, the log is empty, the server ends: four checks. */
void	end(void);
/* All of them are idle, and nobody else is there. */
bool	all_are_idle(void);

/* Nobody accepts, nobody serves: clients wait in the kernel. */
void	stop_all(void);
void	continue_all(void);

/* Clients, one after another. */
bool	is_served(const struct exchange *);
bool	are_served(const struct exchange *, int clients);

/* How many bytes come up to end-of-file; -1: there was a reset. */
ssize_t	rest_of(int client);
/* Just these bytes come, fewer than two MB, and end-of-file. */
bool	is_answered(int client, const char *expected, size_t n);
/* A MB of them. */
const char	*so_many_xs(void);

#endif
