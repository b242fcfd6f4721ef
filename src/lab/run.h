/* SPDX-License-Identifier: ISC */
/* Experiments, each in a process and a network of its own, all at once. */
#ifndef LAB_RUN_H
#define LAB_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "experiment.h"

struct run_options {
	bool	json, quick, colour, boxes;
	bool	progress;	/* on standard error */
	FILE	*pcap;		/* for one alone; closed by it */
};

/*
 * Run n of them, and tell of them on standard output in their order.  Returns
 * what is to be the exit status: 0 if all predictions held, 1 if one did not,
 * 77 if one could not run.
 */
int	run(const struct experiment *const *, size_t n,
	    const struct run_options *);

#endif
