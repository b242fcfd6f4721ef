/* SPDX-License-Identifier: ISC */
/*
 * A log in a file that somebody else may rename, remove or cut off at any time
 * (logrotate(8)).  Every process looks before each line whether the name is
 * still that of its file, so that nobody needs to be told, an orphan neither:
 *
 * - another file has the name: that one from now on;
 * - no file has it, and ours has been removed: a new one, or all would be lost;
 * - no file has it, and ours has been renamed: who did that makes the new one,
 *   or has us make it by HUP (log_reopen()).  Until then ours is the log;
 * - it was cut off: O_APPEND goes on at its new end.
 *
 * What is in /dev or /proc is no name to come back to: /dev/stdout is another
 * file in each process.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "log_output.h"
#include "path.h"

#define PERMISSIONS	0640		/* less what umask(2) forbids */

static char	*path;			/* absolute */
static int	 descriptor = -1;
static bool	 regular, named;

/* In the place of the one that we have; 0, or -1 with errno. */
static int
take(int flags)
{
	struct stat	status;
	int		fd, error;

	/* Nothing that may have the name makes us wait, or our terminal. */
	fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC | flags, PERMISSIONS);
	if (fd == -1)
		return -1;
	regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	if (descriptor == -1) {
		descriptor = fd;
		return 0;
	}
	/* The number stays: a vforked process has our memory, and descriptors
	   of its own. */
	error = dup3(fd, descriptor, O_CLOEXEC) == -1 ? errno : 0;
	(void)close(fd);
	errno = error;
	return error == 0 ? 0 : -1;
}

static int
file_open(const char *where)
{
	free(path);
	descriptor = -1;
	/* Or the first line of each child reads the time zone's file. */
	tzset();
	if ((path = path_absolute(where)) == NULL)
		return -1;
	named = strncmp(path, "/dev/", 5) != 0 &&
	    strncmp(path, "/proc/", 6) != 0;
	return take(O_CREAT);
}

static size_t
file_stamp(int priority, char stamp[LOG_STAMP])
{
	time_t		now = time(NULL);
	struct tm	parts;

	(void)priority;
	if (localtime_r(&now, &parts) == NULL)
		return 0;
	return strftime(stamp, LOG_STAMP, "%Y-%m-%dT%H:%M:%S%z ", &parts);
}

/* What has become of our file; flags to take the other one with. */
enum name { NAME_OURS, NAME_OTHER, NAME_NOBODYS, NAME_UNSEEN };

static enum name
whose_name(int *flags)
{
	struct stat	there, ours;

	*flags = 0;
	if (!named || fstat(descriptor, &ours) == -1)
		return NAME_OURS;
	if (stat(path, &there) == 0)
		return there.st_dev == ours.st_dev &&
		    there.st_ino == ours.st_ino ? NAME_OURS : NAME_OTHER;
	/* Of a directory that was root's alone when we were root. */
	if (errno != ENOENT)
		return NAME_UNSEEN;
	if (ours.st_nlink > 0)
		return NAME_NOBODYS;
	*flags = O_CREAT;
	return NAME_OTHER;
}

/* A line in the old file, as that is where somebody will look for it. */
static void
tell_why(enum name name)
{
	static bool	telling;

	if (telling)
		return;
	telling = true;
	if (name == NAME_OTHER)
		log_warn("the log stays in a file that is no longer %s", path);
	else if (name == NAME_UNSEEN)
		log_warn("the log stays in its file, as it cannot be seen "
		    "whether that is still %s", path);
	else
		log_info("the log stays in a file that is no longer %s, until "
		    "there is one of that name (HUP makes it)", path);
	telling = false;
}

static void
look_for_name(void)
{
	static enum name	told;
	int			flags;
	enum name		name = whose_name(&flags);

	if (name == NAME_OTHER && take(flags) == 0)
		name = NAME_OURS;
	if (name != NAME_OURS && name != told)
		tell_why(name);
	told = name;
}

static ssize_t
file_put(const char *line, size_t len)
{
	ssize_t	n;

	look_for_name();
	do {
		n = write(descriptor, line, len);
	} while (n == -1 && errno == EINTR);
	return n;
}

static void
file_reopen(void)
{
	if (named && take(O_CREAT) == -1)
		tell_why(NAME_OTHER);
}

/* A program's standard error is expected to wait for its reader. */
static int
file_fd(void)
{
	look_for_name();
	return regular ? descriptor : -1;
}

const struct log_output	log_file = {
	.open = file_open,
	.stamp = file_stamp,
	.put = file_put,
	.reopen = file_reopen,
	.fd = file_fd,
};
