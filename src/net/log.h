/* SPDX-License-Identifier: ISC */
/*
 * The log: one event, one line, one write(2) on standard error.  No process
 * ever waits for whoever reads it: a line that does not fit is dropped, and
 * the next one that does says how many were.
 */
#ifndef NET_LOG_H
#define NET_LOG_H

#include <stdbool.h>

/*
 * Open the log.  Where a write could have to wait it is a descriptor of its
 * own, so that the caller's keeps its flags; forked processes share it.
 * Before that call standard error itself is written.
 */
void	log_open(bool verbose);

/* In a child: lines that the parent dropped are the parent's to tell of. */
void	log_forked(void);

/* The descriptor that is written. */
int	log_fd(void);

/* What happened; what happens for each client, if verbose. */
void	log_info(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));
void	log_debug(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));

/* What went wrong, with the text of errno at the line's end. */
void	log_warn(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));

#endif
