/* SPDX-License-Identifier: ISC */
/*
 * The test anything protocol, as much of it as these tests speak: one line
 * for each check, the plan at the end.  Only the test's main process says
 * ok; whatever it forks reports to it by exit status or through a descriptor.
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

/* One check.  Returns whether it held. */
int	ok(int holds, const char *fmt, ...)
	    __attribute__((__format__(printf, 2, 3)));

/* In a new process that has a test of its own to do: no check so far. */
void	anew(void);

/* A line for whoever reads the log. */
void	note(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));

/* Checks that cannot run here: said with the reason, counted as skipped. */
void	skip(const char *what, const char *why);

/* The whole test cannot run here.  Does not return. */
void	skip_all(const char *why) __attribute__((__noreturn__));

/* The test cannot go on: a failure, then the end.  Does not return. */
void	bail(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2), __noreturn__));

/* The plan, and the exit status for main() to return. */
int	done(void);

#endif
