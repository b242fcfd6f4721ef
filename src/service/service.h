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
	const char	*summary;	/* for --help */
	void		(*serve)(const struct outlive_client *, void *arg);
};

/* The table; its last row has no name. */
extern const struct service	services[];

/* NULL if there is none of that name. */
const struct service	*service_find(const char *name);

/* echo.c: what comes goes back, until the client closes (RFC 862). */
void	echo(const struct outlive_client *, void *);

#endif
