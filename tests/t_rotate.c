/* SPDX-License-Identifier: ISC */
/*
 * A server whose log is a file: what is rotated while orphans live, and what
 * cannot be written, costs nobody anything.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "file.h"
#include "harness.h"
#include "process.h"

static char	path[256], old[256];

static void
new_place(void)
{
	harness_new_state();
	(void)snprintf(path, sizeof(path), "%s/log", harness_state());
	(void)snprintf(old, sizeof(old), "%s/log.1", harness_state());
}

/* A bad request, which is a line of its child's, printed like that. */
static void
ask_and_see(int client, const char *what, const char *printed,
    const char *file)
{
	char	words[64];

	say(client, what);
	say(client, "\n");
	(void)snprintf(words, sizeof(words), "asks for '%s'\n", printed);
	await_file(file, words);
	ok(1, "the line about %s is in %s", printed, file == path ?
	    "the log" : "the old log");
}

static void
ask_nonsense(int client, const char *what, const char *file)
{
	ask_and_see(client, what, what, file);
}

static int
dial_served(unsigned int port)
{
	int	client = dial(port);

	say(client, "1\n");
	(void)hears(client, "x");
	return client;
}

static void
rotated(const char *strategy)
{
	struct server	server;
	int		first, second, third, last, fd;

	new_place();
	harness_strategy(strategy);
	server = server_start("-v", "-l", path, "127.0.0.1:0", "bytes", NULL);
	ok(file_has(path, "parent of 127.0.0.1") &&
	    log_has("parent of 127.0.0.1"),
	    "%s: the beginning is in the log and on standard error", strategy);
	log_clear();
	first = dial_served(server.port);
	second = dial_served(server.port);
	third = dial_served(server.port);
	last = dial_served(server.port);
	(void)rename(path, old);
	ask_nonsense(first, "one", old);
	ok(file_has(old, "the log stays in a file that is no longer"),
	    "and one that says why");
	send_signal(server.pid, SIGHUP);
	await_file(path, "HUP: replacing");
	ok(1, "HUP makes a new log");
	ask_nonsense(second, "two", path);
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	(void)rename(path, old);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void)close(fd);
	ask_nonsense(third, "three", path);
	ok(!file_has(old, "three"), "the orphan's line is nowhere else");
	(void)!truncate(path, 0);
	ask_and_see(last, "\033[31m\r\t\\", "\\^[[31m\\r\\t\\\\", path);
	ok(file_has(path, "asks for ") && *file_text(path) == '2',
	    "cut off, it has the next line and nothing before: %.80s",
	    file_text(path));
	(void)close(first);
	(void)close(second);
	(void)close(third);
	(void)close(last);
	ok(harness_nobody_left(), "nobody is left");
	ok(log_lines() == 0, "nothing more came to standard error");
}

/* A parent that waits for its last clients. */
static void
waiting(void)
{
	struct wait	wait = { .what = "a new log" };
	struct server	server;
	int		client;

	new_place();
	harness_strategy("pass");
	server = server_start("-l", path, "127.0.0.1:0", "echo", NULL);
	client = dial(server.port);
	ok(echoes(client, "hello\n"), "a client is served");
	send_signal(server.pid, SIGQUIT);
	await_file(path, "the port is free; clients still served: 1");
	(void)rename(path, old);
	send_signal(server.pid, SIGHUP);
	while (access(path, F_OK) == -1)
		wait_a_moment(&wait);
	(void)close(client);
	ok(await_end(server.pid) == 0 &&
	    file_has(path, "no client is served any more"),
	    "HUP while QUIT waits: the last line is in the new log");
}

/* A program's standard error is the log. */
static void
program(void)
{
	struct server	server;
	int		client;

	new_place();
	harness_strategy("pass");
	server = server_start("-l", path, "127.0.0.1:0", "exec", "sh", "-c",
	    "echo to the log >&2; echo to the client", NULL);
	log_clear();
	client = dial(server.port);
	ok(hears(client, "to the client\n"), "a program has its client");
	ok(file_has(path, "to the log\n"), "and the log");
	(void)close(client);
	(void)rename(path, old);
	(void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	client = dial(server.port);
	ok(hears(client, "to the client\n") && file_has(path, "to the log\n"),
	    "the next one has the new log");
	(void)close(client);
	server_end(server);
	ok(!log_has("to the log"), "and not our standard error");
}

/* Nothing can be written: clients are served as ever. */
static void
nowhere(const char *where, const char *kind)
{
	struct server	server;
	int		client, i;

	new_place();
	harness_strategy("pass");
	server = server_start("-v", "-l", where, "127.0.0.1:0", "echo", NULL);
	for (i = 0; i < 20; i++) {
		client = dial(server.port);
		if (!echoes(client, "hello"))
			break;
		(void)close(client);
	}
	ok(i == 20, "%s: %d clients are served", kind, i);
	server_end(server);
}

/* Children all say the same: a few lines with a count. */
#define NOT_THERE	"/program': No such file or directory"
static void
storm(void)
{
	struct server	server;
	const char	*line;
	char		script[256];
	int		client, i, fd, more = 0;

	new_place();
	(void)snprintf(script, sizeof(script), "%s/program", harness_state());
	fd = open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	(void)!write(fd, "#!/bin/sh\n", 10);
	(void)close(fd);
	server = server_start("-l", path, "127.0.0.1:0", "exec", script, NULL);
	(void)unlink(script);
	for (i = 0; i < 100; i++) {
		client = dial(server.port);
		(void)sees_end(client);
		(void)close(client);
	}
	server_end(server);
	if (!file_has(path, "cannot execute"))
		bail("no line: %s", file_text(path));
	for (i = 0, line = file_text(path);
	    (line = strstr(line, NOT_THERE)) != NULL; i++) {
		line += strlen(NOT_THERE);
		more += *line == '\n' ? 1 : atoi(line + 2);
	}
	ok(more == 100, "a program is not there, %d times", more);
	ok(i <= 8, "that is %d lines", i);
}

static void
mistakes(void)
{
	new_place();
	harness_strategy(NULL);
	log_clear();
	ok(WEXITSTATUS(server_run("-l", "/nowhere/log", "127.0.0.1:0", "echo",
	    NULL)) == EX_OSERR && log_has("the log '/nowhere/log': No such "
	    "file or directory\n") && log_lines() == 1,
	    "a log that cannot be: one line, and the end");
}

int
main(void)
{
	harness_begin();
	harness_overlook_leaks();
	rotated("pass");
	rotated("shared");
	rotated("fork");
	waiting();
	program();
	nowhere("/dev/full", "a full disk");
	nowhere("syslog", "no syslogd, perhaps");
	storm();
	mistakes();
	return done();
}
