/* SPDX-License-Identifier: ISC */
/* A run: its processes, and how far it is. */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include <stdio.h>

#include "plan.h"
#include "record.h"

/*
 * What is to be done is done, or INT, TERM or HUP has come; then nobody new
 * comes, and those who are there are waited for.  The log gets a line for each
 * request: times in us, from a head on that says when they begin to count; NULL:
 * it is not kept.  progress: a line on standard error, again and again.
 */
void	run(const struct plan *, struct record *, const char *log,
	    bool progress);

#endif
