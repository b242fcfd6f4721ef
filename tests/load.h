/* SPDX-License-Identifier: ISC */
/* outlive-load: the clients of tests and measurements, and what they saw. */
#ifndef TESTS_LOAD_H
#define TESTS_LOAD_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct load {
	pid_t	 pid;		/* 0: it has ended */
	int	 out;		/* what it reports, while it runs */
	char	 log[96];	/* "": it writes none */
	FILE	*lines;		/* the log, as far as it was looked at */
	int64_t	 began;		/* us of CLOCK_MONOTONIC; only with a log */
	char	*report;	/* JSON */
};

/* A line of the log; times in us of CLOCK_MONOTONIC, -1: it never was. */
struct load_request {
	int64_t	due, connected, first_byte, ended;
	char	outcome[32];	/* "done", or a name of the report's failures */
};

/*
 * "./outlive-load --json --quiet ...", its further arguments as one text, with a
 * blank between two of them; with a log if it is wanted.  What it complains of
 * goes to the log of the harness.
 */
void	load_start(struct load *, bool log, const char *fmt, ...)
	    __attribute__((__format__(printf, 3, 4)));
/* Its sessions are there, and it begins; it has a log.  To wait for that, for
   as long as a test waits. */
bool	load_begun(struct load *);
void	load_await(struct load *);
/* TERM, and it stops as soon as nobody waits for an answer; load_end() is to
   follow. */
void	load_stop(const struct load *);
/* Wait until it is done, and have its report. */
void	load_end(struct load *);

/* "latency_us/whole/p50"; the test gives up where there is no such number. */
double	load_number(const struct load *, const char *path);
/* The next line of the log, after the end; false: there was none left. */
bool	load_next(struct load *, struct load_request *);
void	load_free(struct load *);

#endif
