/* SPDX-License-Identifier: ISC */
/* Where a log goes: for log.c alone. */
#ifndef NET_LOG_OUTPUT_H
#define NET_LOG_OUTPUT_H

#include <sys/types.h>

#include <stddef.h>

#define LOG_STAMP	64		/* room for what comes before a line */

struct log_output {
	/* 0, or -1 with errno. */
	int	(*open)(const char *where);
	/* What every line begins with, given its priority (syslog(3)); returns
	   its length.  NULL: nothing. */
	size_t	(*stamp)(int priority, char stamp[LOG_STAMP]);
	/* One line with its newline, at once or not at all, if that is
	   possible: how much was written, or -1.  Never waits. */
	ssize_t	(*put)(const char *line, size_t len);
	/* Where there is nothing to open anew, NULL. */
	void	(*reopen)(void);
	/* Nothing more will be written, for now; NULL: nothing to do. */
	void	(*close)(void);
	/* A descriptor for programs' standard error; -1, or NULL: none. */
	int	(*fd)(void);
};

extern const struct log_output	log_stderr, log_file, log_syslog;

#endif
