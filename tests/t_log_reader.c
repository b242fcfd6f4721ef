/* SPDX-License-Identifier: ISC */
/*
 * Whoever reads the log does not, or has gone, or has no room: clients are
 * served, orphans serve on, and the next parent starts, as ever.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"

/* More than a board. */
#define LIMIT	(8 << 20)

static char	path[256];		/* the log */

/* In the new process. */

static void
write_there(void)
{
	int	fd = open(path, O_WRONLY | O_APPEND);

	(void)dup2(fd, STDERR_FILENO);
	(void)close(fd);
}

static void
limited(void)
{
	struct rlimit	limit = { LIMIT, LIMIT };

	(void)setrlimit(RLIMIT_FSIZE, &limit);
	write_there();
}

static void
terminal_there(void)
{
	/* Not to be ours (TIOCSCTTY). */
	(void)setsid();
	(void)dup2(open(path, O_RDWR | O_NOCTTY), STDERR_FILENO);
	closefrom(STDERR_FILENO + 1);
}

/* In ours: what is kept open, as long as it lasts. */

static int
pipe_reader(bool fill)
{
	char	line[1000];
	int	fd;

	(void)unlink(path);
	if (mkfifo(path, 0600) == -1 ||
	    (fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)) == -1)
		bail("%s: %s", path, strerror(errno));
	memset(line, 'x', sizeof(line));
	while (fill && write(fd, line, sizeof(line)) > 0)
		;
	/* To the last byte. */
	while (fill && write(fd, line, 1) > 0)
		;
	return fd;
}

static int
full_file(void)
{
	int	fd;

	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1 || ftruncate(fd, LIMIT) == -1)
		bail("%s: %s", path, strerror(errno));
	return fd;
}

static int
terminal(void)
{
	int	fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd == -1 || grantpt(fd) == -1 || unlockpt(fd) == -1)
		bail("a terminal: %s", strerror(errno));
	(void)strlcpy(path, ptsname(fd), sizeof(path));
	return fd;
}

static void
serves_many(const char *kind)
{
	int	client, i, served = 0;

	/* Each is three lines, or more. */
	for (i = 0; i < 100; i++) {
		client = dial(9999);
		served += echoes(client, "hello\n");
		(void)close(client);
	}
	ok(served == i, "%s: %d clients are served", kind, served);
}

static void
play(const char *kind, void (*prepare)(void), int reader, bool gone)
{
	const char	*argv[] = { "./outlived", "-v", "127.0.0.1:9999",
			    "echo", NULL };
	pid_t		parent = program_start_in(prepare, argv, -1);
	int		client;

	await_listener(9999);
	if (gone)
		(void)close(reader);
	serves_many(kind);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "and one more");
	send_signal(parent, SIGKILL);
	(void)await_end(parent);
	await_no_listener(9999);
	if (gone)
		reader = pipe_reader(false);
	parent = program_start_in(prepare, argv, -1);
	await_listener(9999);
	if (gone)
		(void)close(reader);
	ok(echoes(client, "on\n"), "an orphan serves on");
	(void)close(client);
	serves_many("another parent");
	send_signal(parent, SIGTERM);
	ok(await_end(parent) == 0, "it ends in order");
	ok(harness_nobody_left(), "nobody is left");
	if (!gone)
		(void)close(reader);
}

/* The log is standard output, which is the client in a program, and nothing
   when the port has been printed. */
static void
standard_output(const char *option)
{
	const char	*argv[] = { "./outlived", option, "-l", "/dev/stdout",
			    "127.0.0.1:9999", "exec", "sh", "-c",
			    "echo log >&2; echo client", NULL };
	char		text[4096];
	int		fd, client;
	ssize_t		n;
	pid_t		parent;

	(void)snprintf(path, sizeof(path), "%s/output", harness_state());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	parent = program_start_in(NULL, argv, fd);
	await_listener(9999);
	client = dial(9999);
	ok(hears(client, "client\n"), "%s -l /dev/stdout: a program has its "
	    "client", option);
	(void)close(client);
	send_signal(parent, SIGHUP);
	send_signal(parent, SIGTERM);
	(void)await_end(parent);
	n = pread(fd, text, sizeof(text) - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	ok(strstr(text, "parent of ") != NULL && strstr(text, "\nlog\n") !=
	    NULL && strstr(text, "the port is free") != NULL,
	    "the log is there, to its end");
	ok(strstr(text, "no longer") == NULL, "it stays where it is");
	(void)close(fd);
	ok(harness_nobody_left(), "nobody is left");
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	(void)snprintf(path, sizeof(path), "%s/log", harness_state());
	play("a pipe that is full", write_there, pipe_reader(true), false);
	play("a pipe whose reader has gone", write_there, pipe_reader(false),
	    true);
	play("a file at its limit", limited, full_file(), false);
	play("a terminal that nobody reads", terminal_there, terminal(), false);
	standard_output("-v");
	standard_output("-1");
	return done();
}
