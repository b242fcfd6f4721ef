/* SPDX-License-Identifier: ISC */
/*
 * The log: one event, one line, one write(2) or one datagram.  No process
 * ever waits for whoever reads it: a line that does not fit is dropped, and
 * the next one that does says how many were.  A line that was written a
 * moment ago, by whichever process, is counted and not written again
 * (log_fold.h).  What is not printable is shown as vis(3bsd) does it.
 */
#ifndef NET_LOG_H
#define NET_LOG_H

#include <stdbool.h>

/*
 * Open the log: "stderr" or NULL; "syslog", the datagram socket /dev/log; or
 * else a file, which is created if need be.  Forked processes share it.  Until
 * log_begun() lines go to standard error too, and each is written; then this
 * process has no copy of that if it has no use for it.  -1 with
 * errno: only standard error is written, as before the call.
 *
 * A file that was renamed or removed is left for the one that has its name,
 * by each process when it writes its next line (log_file.c).
 */
int	log_open(const char *where, bool verbose);
void	log_begun(void);

/* The same for one that is open on standard error, before its first child. */
int	log_to(const char *where);

/* Open a file anew, and create it; nothing for other logs. */
void	log_reopen(void);

/* The descriptor that a program is to have as its standard error: the log
   file, if that is what the log is, or our own. */
int	log_for_programs(void);

/*
 * Lines that were counted and not written are told of in time by whoever calls
 * log_tick() that often: it returns how many ms may pass before the next call,
 * -1 if there is nothing to tell.  The eventfd of log_wake() is written when
 * there begins to be something.  log_settle() tells of all at once.
 */
int	log_tick(void);
void	log_wake(int eventfd);
void	log_settle(void);

/* What happened; what clients could make happen as often as they like: once a
   minute; what happens for each client, if verbose: never folded. */
void	log_info(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));
void	log_rarely(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));
void	log_debug(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));

/* What went wrong, with the text of errno at the line's end. */
void	log_warn(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));

#endif
