/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "systemd.h"

#define FIRST		3	/* descriptor; SD_LISTEN_FDS_START */

/* For whoever reads our messages, in s. */
#define PATIENCE	3

/* Whether the variables are for us, and not for who has started us. */
static bool
is_for_us(void)
{
	const char	*pid = getenv("LISTEN_PID"), *problem;
	long long	 value;

	if (pid == NULL || getenv("LISTEN_FDS") == NULL)
		return false;
	value = strtonum(pid, 1, INT_MAX, &problem);
	return problem == NULL && value == getpid();
}

/* What is wrong with the variables, into a buffer; false: nothing. */
static bool
is_bad(char *why, size_t size)
{
	const char	*fds = getenv("LISTEN_FDS"), *problem;
	const char	*names = getenv("LISTEN_FDNAMES"), *at;
	long long	 n = strtonum(fds, 1, INT_MAX - FIRST, &problem);
	int		 named = names == NULL || *names == '\0' ? 0 : 1;

	for (at = names; at != NULL && (at = strchr(at, ':')) != NULL; at++)
		named += named == 0 ? 2 : 1;
	if (problem != NULL)
		(void)snprintf(why, size, "LISTEN_FDS '%s' is %s: expected 1",
		    fds, problem);
	else if (n != 1)
		(void)snprintf(why, size, "%lld sockets were passed "
		    "(LISTEN_FDS): expected 1", n);
	else if (names != NULL && named != 1)
		(void)snprintf(why, size, "LISTEN_FDNAMES '%s' has %d names: "
		    "expected 1, as many as sockets", names, named);
	else if (names != NULL && strcmp(names, "connection") == 0)
		(void)snprintf(why, size, "a connection was passed "
		    "(LISTEN_FDNAMES): expected a socket that listens, by "
		    "Accept=no");
	else
		return false;
	return true;
}

int
systemd_listen_fd(const char **why)
{
	static char	text[256];

	*why = text;
	text[0] = '\0';
	if (!is_for_us())
		return -1;
	if (is_bad(text, sizeof(text)))
		return -2;
	if (fcntl(FIRST, F_SETFD, FD_CLOEXEC) == -1) {
		(void)snprintf(text, sizeof(text), "LISTEN_FDS is 1: expected "
		    "descriptor %d to be open", FIRST);
		return -2;
	}
	return FIRST;
}

/* Where NOTIFY_SOCKET is.  The length of the address, 0: nowhere. */
static socklen_t
find_manager(const char *where, struct sockaddr_un *un)
{
	/* An abstract name has no NUL at its end, and has one in the place of
	   the '@'. */
	const size_t	len = strlen(where) + (*where == '/' ? 1 : 0);

	if (*where != '/' && *where != '@') {
		log_info("NOTIFY_SOCKET '%s': expected a path, or @ and a "
		    "name", where);
		return 0;
	}
	if (len > sizeof(un->sun_path)) {
		log_info("NOTIFY_SOCKET has %zu bytes: expected %zu at most",
		    strlen(where), sizeof(un->sun_path) - (*where == '/'));
		return 0;
	}
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, where, len);
	if (*where == '@')
		un->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* A socket for one message: there is none that a child could inherit. */
static int
tell(const struct sockaddr_un *un, socklen_t len, const char *text)
{
	struct timeval	patience = { .tv_sec = PATIENCE };
	int		fd, saved, result = -1;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience)) == 0 &&
	    sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	    (const struct sockaddr *)un, len) != -1)
		result = 0;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return result;
}

void
systemd_notify(const char *fmt, ...)
{
	const char		*where = getenv("NOTIFY_SOCKET");
	struct sockaddr_un	 un;
	socklen_t		 len;
	char			 text[512];
	va_list			 ap;

	if (where == NULL || *where == '\0' ||
	    (len = find_manager(where, &un)) == 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (tell(&un, len, text) == -1)
		log_warn("the service manager hears nothing (NOTIFY_SOCKET)");
}
