/* SPDX-License-Identifier: ISC */
/*
 * What a child does with a client.  Rows of one table: a service is a file
 * and a row.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "outlive.h"

struct service {
	const char	*name;
	const char	*arguments;	/* that it takes, for --help */
	const char	*summary;	/* for --help */

	/*
	 * Look at the arguments, NULL at their end, before anything else is
	 * done: what serve() is to be given goes to *arg.  0; or -1, and what
	 * was wrong is in a buffer of the caller's.  NULL: it takes none.
	 */
	int		(*prepare)(char *argv[], void **arg, char *why,
			    size_t size);

	void		(*serve)(const struct outlive_client *, void *arg);
};

/* The table; its last row has no name. */
extern const struct service	services[];

/* NULL if there is none of that name. */
const struct service	*service_find(const char *name);

/* echo.c: what comes goes back, until the client closes (RFC 862). */
void	echo(const struct outlive_client *, void *);

/* exec.c: a program and its arguments.  exec_serve() does not return. */
int	exec_prepare(char *argv[], void **arg, char *why, size_t size);
void	exec_serve(const struct outlive_client *, void *);

#endif
