/* SPDX-License-Identifier: ISC */
/* A log for syslogd, which is missing, slow, or started again. */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "net/log.h"

#define DATE	"[A-Z][a-z][a-z] [ 1-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9]"

static struct sockaddr_un	place = { .sun_family = AF_UNIX };
static char			text[2048];

int	__real_connect(int, const struct sockaddr *, socklen_t);
int	__wrap_connect(int, const struct sockaddr *, socklen_t);

/* /dev/log is this machine's. */
int
__wrap_connect(int fd, const struct sockaddr *peer, socklen_t len)
{
	const struct sockaddr_un	*un = (const void *)peer;

	if (peer->sa_family != AF_UNIX || strcmp(un->sun_path, "/dev/log") != 0)
		return __real_connect(fd, peer, len);
	return __real_connect(fd, (const void *)&place, sizeof(place));
}

static int
syslogd(void)
{
	int	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);

	(void)unlink(place.sun_path);
	if (fd == -1 || bind(fd, (const void *)&place, sizeof(place)) == -1)
		bail("syslogd: %s", strerror(errno));
	return fd;
}

/* The next datagram is such a one. */
static bool
gets_line(int fd, const char *pattern)
{
	ssize_t	n = recv(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return fnmatch(pattern, text, 0) == 0;
}

static int
drain_all(int fd)
{
	int	many = 0;

	while (recv(fd, text, sizeof(text), 0) > 0)
		many++;
	return many;
}

int
main(void)
{
	char	dropped[64];
	int	fd, i, got, stderr_was = dup(STDERR_FILENO);

	harness_begin();
	(void)snprintf(place.sun_path, sizeof(place.sun_path), "%s/log",
	    harness_state());
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	(void)dup2(fd, STDERR_FILENO);
	(void)close(fd);
	ok(log_open("syslog", true) == 0, "there is no syslogd yet");
	for (i = 0; i < 3; i++)
		log_info("in vain");
	fd = syslogd();
	log_begun();
	log_info("here");
	ok(gets_line(fd, "<28>" DATE " t_log_syslog\\[[0-9]*\\]: 3 lines of "
	    "the log were dropped"), "when there is one: %s", text);
	ok(gets_line(fd, "<30>" DATE " t_log_syslog\\[[0-9]*\\]: here"),
	    "then the line: %s", text);
	errno = ENOENT;
	log_warn("a\nb");
	ok(gets_line(fd, "<28>*]: a\\\\nb: No such file or directory"),
	    "one datagram a line: %s", text);
	log_debug("client");
	ok(gets_line(fd, "<31>*]: client"), "priorities are syslog's: %s",
	    text);
	for (i = 0; i < 2000; i++)
		log_info("line %d", i);
	got = drain_all(fd);
	ok(got > 0 && got < i, "one that does not read has %d of %d lines, and "
	    "nobody waits", got, i);
	log_info("on");
	(void)snprintf(dropped, sizeof(dropped), "<28>*]: %d lines of the log "
	    "were dropped", i - got);
	ok(gets_line(fd, dropped), "the others are counted: %s", text);
	(void)drain_all(fd);
	(void)close(fd);
	fd = syslogd();
	log_info("restarted");
	ok(gets_line(fd, "<30>*]: restarted"), "started again it has the next "
	    "line: %s", text);
	(void)close(fd);
	log_info("gone");
	fd = syslogd();
	log_info("back");
	ok(gets_line(fd, "<28>*]: 1 lines of the log were dropped") &&
	    gets_line(fd, "<30>*]: back"), "gone for a while: %s", text);
	ok(log_for_programs() == STDERR_FILENO,
	    "programs have our standard error");
	(void)close(fd);
	(void)dup2(stderr_was, STDERR_FILENO);
	return done();
}
