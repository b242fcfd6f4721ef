/* SPDX-License-Identifier: ISC */
/* Why an address is not to be had, in words for whoever wants it. */
#ifndef NET_EXPLAIN_H
#define NET_EXPLAIN_H

#include "obstacle.h"

/*
 * Say line by line what is in the way, who has it, and what would help.  A
 * line has no newline, and lives as long as the call.
 */
void	explain(const struct obstacles *, void (*say)(const char *line));

#endif
