/* SPDX-License-Identifier: ISC */
/*
 * What parent and children have open: each descriptor has a reason, whatever
 * they inherited, and none above 2 would survive an exec.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"

/* The kinds of all descriptors, one word each, as "null null file socket". */
static void
kinds(pid_t pid, char *text, size_t size)
{
	char		 path[64], target[128];
	const char	*kind;
	ssize_t		 n;
	int		 fd;

	text[0] = '\0';
	for (fd = 0; fd < 64; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		if ((n = readlink(path, target, sizeof(target) - 1)) == -1)
			continue;
		target[n] = '\0';
		if (strcmp(target, "/dev/null") == 0)
			kind = "null";
		else if (strstr(target, "server log") != NULL)
			kind = "log";
		else if (strncmp(target, "socket:", 7) == 0)
			kind = "socket";
		else if (strstr(target, "[eventfd]") != NULL)
			kind = "eventfd";
		else
			kind = target;
		(void)strlcat(text, fd == 0 ? "" : " ", size);
		(void)strlcat(text, kind, size);
	}
}

/* O_CLOEXEC, from /proc/PID/fdinfo. */
static bool
all_close_on_exec(pid_t pid)
{
	char		 path[64], row[128];
	unsigned int	 flags;
	FILE		*info;
	int		 fd;

	for (fd = 3; fd < 64; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid,
		    fd);
		if ((info = fopen(path, "re")) == NULL)
			continue;
		while (fgets(row, sizeof(row), info) != NULL)
			if (sscanf(row, "flags: %o", &flags) == 1 &&
			    (flags & O_CLOEXEC) == 0) {
				note("descriptor %d of %d stays open over "
				    "exec", fd, pid);
				(void)fclose(info);
				return false;
			}
		(void)fclose(info);
	}
	return true;
}

static void
has(pid_t pid, const char *who, const char *expected)
{
	struct wait	wait = { .what = who };
	char		text[1024];

	/* A newborn still has what is its parent's. */
	for (kinds(pid, text, sizeof(text)); strcmp(text, expected) != 0;
	    kinds(pid, text, sizeof(text))) {
		if (wait.since != 0 && !title_is(pid, "outlived: idle"))
			break;
		wait_a_moment(&wait);
	}
	ok(strcmp(text, expected) == 0, "%s has %s", who, text);
	ok(all_close_on_exec(pid), "and nothing else over an exec");
}

static void
look(struct server server, const char *standard)
{
	char	expected[256];
	pid_t	list[64];
	int	client;

	await_children(server.pid, 1, list);
	await_title(list[0], "outlived: idle");
	/* listener, eventfd, spare, queue */
	(void)snprintf(expected, sizeof(expected),
	    "%s socket eventfd socket socket socket", standard);
	has(server.pid, "the parent", expected);
	/* eventfd, spare, queue */
	(void)snprintf(expected, sizeof(expected),
	    "%s eventfd socket socket", standard);
	has(list[0], "an idle child", expected);
	client = dial(server.port);
	ok(echoes(client, "hello\n"), "a client is served");
	(void)snprintf(expected, sizeof(expected),
	    "%s socket eventfd socket socket", standard);
	has(await_server_of(server.pid, client), "a busy child", expected);
	ok(keeps_alive(server.port, client),
	    "a client whose machine vanishes would be noticed");
	(void)close(client);
	send_signal(server.pid, SIGTERM);
	ok(await_end(server.pid) == 0 && harness_nobody_left(),
	    "all of them ended");
}

int
main(void)
{
	const char	*inheriting[] = { "/bin/sh", "-c",
			    "exec 5</dev/null 7</ 9>&2; exec ./outlived "
			    "-i 1:1 -m 1 127.0.0.1:9999 echo", NULL };
	const char	*closed[] = { "/bin/sh", "-c",
			    "exec ./outlived -i 1:1 -m 1 127.0.0.1:9999 echo "
			    "<&- >&-", NULL };
	struct server	server;
	struct wait	wait = { .what = "a listener" };

	harness_begin();
	harness_own_network();
	look(server_start("-i", "1:1", "-m", "1", "127.0.0.1:9999", "echo",
	    NULL), "null null log");

	note("started with descriptors 5, 7 and 9");
	server = (struct server){ .pid = program_start(inheriting, -1),
		.port = 9999 };
	while (listeners(9999) == 0)
		wait_a_moment(&wait);
	look(server, "null null log");

	note("started with 0 and 1 closed");
	server.pid = program_start(closed, -1);
	while (listeners(9999) == 0)
		wait_a_moment(&wait);
	look(server, "null null log");
	return done();
}
