/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include <vis.h>

#include "clock.h"
#include "log.h"
#include "log_fold.h"
#include "log_output.h"

/* Well below PIPE_BUF: a pipe takes a line whole or not at all. */
#define LINE	1024

static const struct log_output	*output = &log_stderr;
static bool			 begun, be_verbose;

int
log_open(const char *where, bool verbose)
{
	be_verbose = verbose;
	begun = false;
	output = &log_stderr;
	fold_open();
	(void)log_stderr.open(NULL);
	return log_to(where);
}

int
log_to(const char *where)
{
	const struct log_output	*wanted = &log_file;

	if (where == NULL || strcmp(where, "stderr") == 0)
		wanted = &log_stderr;
	else if (strcmp(where, "syslog") == 0)
		wanted = &log_syslog;
	if (wanted != &log_stderr && wanted->open(where) == -1)
		return -1;
	output = wanted;
	return 0;
}

void
log_begun(void)
{
	begun = true;
	if (output != &log_stderr)
		log_stderr.close();
}

void
log_reopen(void)
{
	if (output->reopen != NULL)
		output->reopen();
}

int
log_for_programs(void)
{
	int	fd = output->fd == NULL ? -1 : output->fd();

	return fd == -1 ? STDERR_FILENO : fd;
}

/* strnvis() takes memory from the heap, which may be another process's that is
   to go on with it (vfork): almost never, as almost all is printable. */
static void
print(char *to, const char *text, size_t room)
{
	const char	*byte = text;

	while (*byte >= ' ' && *byte <= '~')
		byte++;
	if (*byte == '\0')
		(void)strlcpy(to, text, room);
	else
		(void)strnvis(to, text, room,
		    VIS_TAB | VIS_NL | VIS_CSTYLE | VIS_NOSLASH);
}

/* Whether all of it was written. */
static bool
put(int priority, const char *text)
{
	char	line[LOG_STAMP + LINE], *beginning, *end = line;
	bool	torn = fold_torn(false);
	ssize_t	n;

	/* The rest of a line that did not fit, as of a full disk, is lost; the
	   next one is not to stand behind its beginning. */
	if (torn)
		*end++ = '\n';
	if (output->stamp != NULL)
		end += output->stamp(priority, end);
	beginning = end;
	end += snprintf(end, LINE / 2, "%.100s[%d]: ", getprogname(), getpid());
	print(end, text, sizeof(line) - 1 - (size_t)(end - line));
	end += strlen(end);
	*end++ = '\n';
	if (!begun && output != &log_stderr)
		(void)log_stderr.put(beginning, (size_t)(end - beginning));
	n = output->put(line, (size_t)(end - line));
	if (n <= 0 ? torn : n < end - line)
		(void)fold_torn(true);
	return n == end - line;
}

static void
put_or_drop(int priority, const char *text)
{
	char		note[64];
	unsigned long	dropped = fold_take_dropped();

	if (dropped > 0) {
		(void)snprintf(note, sizeof(note),
		    "%lu lines of the log were dropped", dropped);
		if (!put(LOG_WARNING, note))
			fold_dropped(dropped);
	}
	if (text != NULL && !put(priority, text))
		fold_dropped(1);
}

static void
tell_counts(bool all)
{
	struct fold_count	count;
	char			text[FOLD_TEXT + 32];

	while (fold_next(clock_ms(), all, &count)) {
		(void)snprintf(text, sizeof(text), "%s (%u more)", count.text,
		    count.more);
		put_or_drop(count.priority, text);
	}
}

int
log_tick(void)
{
	int	ms = fold_sleep(clock_ms());

	if (ms != 0)
		return ms;
	tell_counts(false);
	return fold_sleep(clock_ms());
}

void
log_wake(int eventfd)
{
	fold_wake(eventfd);
}

void
log_settle(void)
{
	tell_counts(true);
	put_or_drop(LOG_WARNING, NULL);
}

static void __attribute__((__format__(printf, 4, 0)))
line(int priority, bool rare, int error, const char *fmt, va_list ap)
{
	char	text[LINE];
	int	len;

	len = vsnprintf(text, sizeof(text), fmt, ap);
	if (error != 0 && len >= 0 && len < (int)sizeof(text))
		(void)snprintf(text + len, sizeof(text) - (size_t)len, ": %s",
		    strerror(error));
	if (begun && priority != LOG_DEBUG) {
		/* Counts first: of this text, too. */
		tell_counts(false);
		if (fold_line(text, priority, rare, clock_ms()))
			return;
	}
	put_or_drop(priority, text);
}

void
log_info(const char *fmt, ...)
{
	int	saved = errno;
	va_list	ap;

	va_start(ap, fmt);
	line(LOG_INFO, false, 0, fmt, ap);
	va_end(ap);
	errno = saved;
}

void
log_rarely(const char *fmt, ...)
{
	int	saved = errno;
	va_list	ap;

	va_start(ap, fmt);
	line(LOG_INFO, true, 0, fmt, ap);
	va_end(ap);
	errno = saved;
}

void
log_debug(const char *fmt, ...)
{
	int	saved = errno;
	va_list	ap;

	if (!be_verbose)
		return;
	va_start(ap, fmt);
	line(LOG_DEBUG, false, 0, fmt, ap);
	va_end(ap);
	errno = saved;
}

void
log_warn(const char *fmt, ...)
{
	int	saved = errno;
	va_list	ap;

	va_start(ap, fmt);
	line(LOG_WARNING, false, saved, fmt, ap);
	va_end(ap);
	errno = saved;
}
