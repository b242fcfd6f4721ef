/* SPDX-License-Identifier: ISC */
/* Why an address is not to be had, in words for whoever wants it. */
#ifndef NET_EXPLAIN_H
#define NET_EXPLAIN_H

#include <stdio.h>

#include "obstacle.h"

/*
 * Say line by line what is in the way, who has it, and what would help.  A
 * line has no newline, and lives as long as the call.
 */
void	explain(const struct obstacles *, void (*say)(const char *line));

/* The same for a program, as one line of JSON (RFC 8259; outlive-why(1) has
   the names). */
void	explain_json(const struct obstacles *, FILE *);

#endif
