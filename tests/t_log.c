/* SPDX-License-Identifier: ISC */
/* The log never waits for its reader, and says what it dropped. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "net/log.h"

static char	text[1 << 20];

static const char *
all(int fd)
{
	ssize_t	n, have = 0;

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((n = read(fd, text + have,
	    sizeof(text) - 1 - (size_t)have)) > 0)
		have += n;
	text[have] = '\0';
	return text;
}

/* A reader that does not read: kinds 0 pipe, 1 socket. */
static void
full(int reader, int writer, const char *kind)
{
	char	line[500];
	int	i, stderr_was = dup(STDERR_FILENO), flags;

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	(void)dup2(writer, STDERR_FILENO);
	flags = fcntl(STDERR_FILENO, F_GETFL);
	(void)log_open(NULL, false);
	for (i = 0; i < 2000; i++)
		log_info("%s", line);
	ok(1, "%s: 2000 lines, and nobody waits", kind);
	ok(fcntl(STDERR_FILENO, F_GETFL) == flags,
	    "%s: the caller's flags are as they were", kind);
	(void)all(reader);
	ok(strlen(text) > 0 && text[strlen(text) - 1] == '\n',
	    "%s: whole lines", kind);
	errno = ENOENT;
	log_warn("and");
	ok(strstr(all(reader), "lines of the log were dropped") != NULL,
	    "%s: %.60s", kind, text);
	ok(strstr(text, "and: No such file or directory\n") != NULL,
	    "%s: then the next line", kind);
	log_debug("a client");
	ok(all(reader)[0] == '\0', "%s: nothing for each client", kind);
	(void)dup2(stderr_was, STDERR_FILENO);
	(void)close(stderr_was);
}

/* A pipe of another user's, which cannot be opened anew. */
static void
other_user(void)
{
	char	line[500];
	int	pair[2], i, status;
	pid_t	child;

	if (getuid() != 0) {
		skip("a pipe of another user", "needs root");
		return;
	}
	if (pipe(pair) == -1 || (child = fork()) == -1)
		bail("pipe or fork");
	if (child == 0) {
		memset(line, 'x', sizeof(line) - 1);
		line[sizeof(line) - 1] = '\0';
		(void)dup2(pair[1], STDERR_FILENO);
		if (setgid(65534) == -1 || setuid(65534) == -1)
			_exit(2);
		if ((i = dup(STDERR_FILENO)) == -1)
			_exit(3);
		(void)close(i);
		(void)log_open(NULL, false);
		/* It cannot be opened anew, and is written as it is. */
		if (dup(STDERR_FILENO) != i)
			_exit(4);
		for (i = 0; i < 2000; i++)
			log_info("%s", line);
		_exit(0);
	}
	status = await_end(child);
	ok(status == 0, "another user's pipe: 2000 lines, and nobody waits");
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* A file that others write too, without O_APPEND: nobody overwrites. */
static void
shared_file(void)
{
	int	fd = memfd_create("shared", MFD_CLOEXEC);
	int	stderr_was = dup(STDERR_FILENO);

	(void)dup2(fd, STDERR_FILENO);
	(void)!write(STDERR_FILENO, "first\n", 6);
	(void)log_open(NULL, false);
	log_info("second");
	(void)!write(STDERR_FILENO, "third\n", 6);
	(void)dup2(stderr_was, STDERR_FILENO);
	(void)close(stderr_was);
	(void)lseek(fd, 0, SEEK_SET);
	ok(strncmp(all(fd), "first\n", 6) == 0 &&
	    strstr(text, ": second\nthird\n") != NULL,
	    "a file that is shared has all lines, in their order");
	(void)close(fd);
}

/* A new terminal: the end that is read; the other one, too. */
static int
terminal(int *writer)
{
	int	reader = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (reader == -1 || grantpt(reader) == -1 || unlockpt(reader) == -1 ||
	    (*writer = open(ptsname(reader), O_RDWR | O_NOCTTY)) == -1)
		bail("a terminal: %s", strerror(errno));
	return reader;
}

/* Nobody reads a terminal: one line waits for a moment, the others do not. */
static void
unread_terminal(void)
{
	int	writer, reader = terminal(&writer), i;
	int	stderr_was = dup(STDERR_FILENO);

	(void)dup2(writer, STDERR_FILENO);
	(void)log_open(NULL, false);
	for (i = 0; i < 20000; i++)
		log_info("line");
	(void)dup2(stderr_was, STDERR_FILENO);
	ok(1, "a terminal that nobody reads: %d lines, and nobody waits", i);
	(void)close(stderr_was);
	(void)close(writer);
	(void)close(reader);
}

/* Somebody else writes a terminal: so often write() says EAGAIN (Linux'
   tty_write_lock()), and poll() soon that there is room. */
static int	contended;

ssize_t	__real_write(int, const void *, size_t);
ssize_t	__wrap_write(int, const void *, size_t);

ssize_t
__wrap_write(int fd, const void *bytes, size_t n)
{
	if (contended == 0 || fd <= STDERR_FILENO)
		return __real_write(fd, bytes, n);
	contended--;
	errno = EAGAIN;
	return -1;
}

static void
beside_another(void)
{
	int	writer, reader = terminal(&writer);
	int	stderr_was = dup(STDERR_FILENO);

	(void)dup2(writer, STDERR_FILENO);
	(void)log_open(NULL, false);
	contended = 5;
	log_info("line");
	(void)dup2(stderr_was, STDERR_FILENO);
	ok(contended == 0 && strstr(all(reader), ": line\r\n") != NULL,
	    "a terminal that another process writes: not a line is lost");
	(void)close(stderr_was);
	(void)close(writer);
	(void)close(reader);
}

int
main(void)
{
	int	pair[2];

	harness_begin();
	if (pipe(pair) == -1)
		bail("pipe");
	full(pair[0], pair[1], "pipe");
	(void)close(pair[0]);
	(void)close(pair[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		bail("socketpair");
	full(pair[0], pair[1], "socket");
	other_user();
	shared_file();
	unread_terminal();
	beside_another();
	return done();
}
