/* SPDX-License-Identifier: ISC */
/* What a shell and its terminal do to a server that was started by hand. */
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"
#include "terminal.h"

#define START	"./outlived -i 2:2 127.0.0.1:9999 echo"

static struct terminal	terminal;

/* The server: the only child of the shell. */
static pid_t
started(const char *command)
{
	pid_t	list[64];

	terminal_type(&terminal, command);
	await_listener(9999);
	await_children(terminal.shell, 1, list);
	await_title(list[0], "outlived: parent of 127.0.0.1:9999");
	return list[0];
}

/* A new client, which is served. */
static int
served(const char *what)
{
	int	client = dial(9999);

	ok(echoes(client, "hello\n"), "%s", what);
	return client;
}

static void
stop_and_continue(void)
{
	struct wait	wait = { .what = "the server in the foreground" };
	pid_t		parent = started(START);
	int		client = served("in the foreground"), next;

	terminal_press(&terminal, "\032");
	await_stop(parent);
	ok(echoes(client, "on\n"), "Ctrl-Z: its child serves on");
	next = dial(9999);
	say(next, "next\n");
	terminal_await_prompt(&terminal);
	terminal_type(&terminal, "bg");
	ok(hears(next, "next\n"), "bg: who waits is served");
	(void)close(next);
	terminal_await_prompt(&terminal);
	terminal_type(&terminal, "fg");
	while (tcgetpgrp(terminal.fd) != getpgid(parent))
		wait_a_moment(&wait);
	terminal_press(&terminal, "\003");
	ok(sees_end(client), "fg, Ctrl-C: all clients are ended");
	terminal_await_prompt(&terminal);
	ok(listeners(9999) == 0, "and nobody listens");
	(void)close(client);
}

static void
quit(void)
{
	pid_t	parent = started(START);
	int	client = served("in the foreground");

	terminal_press(&terminal, "\034");
	await_no_listener(9999);
	ok(echoes(client, "on\n") && kill(parent, 0) == 0,
	    "Ctrl-\\: the parent waits for its client");
	(void)close(client);
	terminal_await_prompt(&terminal);
	await_gone(parent);
	ok(1, "then it ends");
}

static void
kill_job(void)
{
	pid_t	parent = started(START " &");
	int	client = served("in the background");

	terminal_await_prompt(&terminal);
	terminal_type(&terminal, "kill %1");
	terminal_await_prompt(&terminal);
	await_gone(parent);
	ok(listeners(9999) == 0 && echoes(client, "on\n"),
	    "kill %%1: its child finishes with its client");
	(void)close(client);
}

/* nohup, or none: the terminal goes, the server stays. */
static void
hang_up(const char *command)
{
	pid_t	parent = started(command), idle, list[64];
	int	client, next;

	await_children(parent, 2, list);
	await_title(list[0], "outlived: idle");
	await_title(list[1], "outlived: idle");
	idle = list[1];
	client = served(command);
	if (await_server_of(parent, client) == idle)
		idle = list[0];
	terminal_close(&terminal);
	(void)await_end(terminal.shell);
	await_gone(idle);
	ok(kill(parent, 0) == 0, "the terminal is closed: the parent stays, "
	    "and replaces its idle children");
	ok(echoes(client, "on\n"), "its child serves on");
	next = served("and a new one serves");
	(void)close(next);
	send_signal(parent, SIGTERM);
	ok(await_end(parent) == 0 && echoes(client, "still here\n"),
	    "also after TERM");
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
}

/* A server whose second child, in its parent's process group yet, is stopped
   before its first act. */
static pid_t
started_with_newborn(pid_t *newborn)
{
	pid_t	parent = started("OUTLIVED_PAUSE='newborn 2' "
		    "tests/paused/outlived -i 2:2 -m 2 127.0.0.1:9999 echo");

	*newborn = await_stopped(parent);
	return parent;
}

/* The terminal is resized: that is no WINCH to leave. */
static void
newborn_resized(void)
{
	struct winsize	size = { .ws_row = 20, .ws_col = 200 };
	pid_t		newborn, parent = started_with_newborn(&newborn);
	int		first, second;

	(void)ioctl(terminal.fd, TIOCSWINSZ, &size);
	send_signal(newborn, SIGCONT);
	await_title(newborn, "outlived: idle");
	first = served("resized: one child serves");
	second = served("and the other one");
	ok(await_server_of(parent, first) == newborn ||
	    await_server_of(parent, second) == newborn,
	    "who was a newborn then");
	terminal_press(&terminal, "\003");
	terminal_await_prompt(&terminal);
	(void)close(first);
	(void)close(second);
}

/* Keys and the shell tell the whole group; the newborn must not die of it. */
static void
newborn_told(void)
{
	pid_t	newborn, parent = started_with_newborn(&newborn);

	(void)kill(-getpgid(parent), SIGHUP);
	terminal_press(&terminal, "\034");
	terminal_await_prompt(&terminal);
	send_signal(newborn, SIGCONT);
	ok(await_end(newborn) == 0, "HUP, Ctrl-\\: a newborn leaves in order");
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	terminal_open(&terminal);
	stop_and_continue();
	quit();
	kill_job();
	newborn_resized();
	newborn_told();
	hang_up(START);
	terminal_open(&terminal);
	hang_up("nohup " START " >/dev/null 2>&1 &");
	return done();
}
