/* SPDX-License-Identifier: ISC */
/*
 * A log for syslogd: datagrams to /dev/log as glibc writes them (RFC 3164,
 * 4.1).  syslog(3) itself waits for a reader that does not read; these are
 * dropped.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "log_output.h"

/* One for all processes, also while nobody listens: it may be the last
   descriptor that there was. */
static int	descriptor = -1;
static bool	connected;

static bool
reach(void)
{
	const struct sockaddr_un	reader = { .sun_family = AF_UNIX,
					    .sun_path = _PATH_LOG };

	connected = connect(descriptor, (const struct sockaddr *)&reader,
	    sizeof(reader)) == 0;
	return connected;
}

/* syslogd may come later. */
static int
syslog_open(const char *where)
{
	(void)where;
	tzset();
	connected = false;
	descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return descriptor == -1 ? -1 : 0;
}

static size_t
syslog_stamp(int priority, char stamp[LOG_STAMP])
{
	time_t		now = time(NULL);
	struct tm	parts;
	char		date[32];

	if (localtime_r(&now, &parts) == NULL ||
	    strftime(date, sizeof(date), "%h %e %T", &parts) == 0)
		*date = '\0';
	return (size_t)snprintf(stamp, LOG_STAMP, "<%d>%s ",
	    LOG_DAEMON | priority, date);
}

/* A datagram needs no newline. */
static ssize_t
syslog_put(const char *line, size_t len)
{
	bool	was_connected = connected;
	ssize_t	n;

	if (!connected && !reach())
		return -1;
	n = send(descriptor, line, len - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* Its reader has gone; another one may have taken its place. */
	if (n == -1 && errno != EAGAIN && was_connected && reach())
		n = send(descriptor, line, len - 1,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	return n == -1 ? -1 : n + 1;
}

const struct log_output	log_syslog = {
	.open = syslog_open,
	.stamp = syslog_stamp,
	.put = syslog_put,
};
