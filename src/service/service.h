/* SPDX-License-Identifier: ISC */
/*
 * What a child does with a client.  Rows of one table: a service is a file
 * and a row.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <stdbool.h>

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
	bool		 becomes_program;	/* outlive.h */
};

/* The table; its last row has no name. */
extern const struct service	services[];

/* NULL if there is none of that name. */
const struct service	*service_find(const char *name);

/*
 * bytes.c: each line is a decimal number of 1 to 1000000000, with LF or CR LF
 * behind it, and is answered with exactly as many bytes, all of them 'x',
 * until the client closes (the request of UNP chapter 30).  Anything else is
 * answered with one line that says what was wrong, and is the last.
 */
void	bytes(const struct outlive_client *, void *);

/* chargen.c: lines of printing characters, until the client closes its end or
   has gone; what it sends is thrown away (RFC 864). */
void	chargen(const struct outlive_client *, void *);

/* daytime.c: date and time in one line; input is thrown away (RFC 867). */
void	daytime(const struct outlive_client *, void *);

/* discard.c: input is thrown away, until the client closes (RFC 863). */
void	discard(const struct outlive_client *, void *);

/* echo.c: what comes goes back, until the client closes (RFC 862). */
void	echo(const struct outlive_client *, void *);

/* exec.c: a program and its arguments.  exec_serve() does not return. */
int	exec_prepare(char *argv[], void **arg, char *why, size_t size);
void	exec_serve(const struct outlive_client *, void *);

#endif
