/* SPDX-License-Identifier: ISC */
/*
 * In a container, that is, in a pid namespace: with its process 1 everything
 * ends.  That may be the server, to which the kernel gives all orphans then,
 * and on which a signal has no effect unless it is caught.
 */
#include <sys/types.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"

#define CANNOT	"children cannot outlive it"

/* The only child of a process, once there is one. */
static pid_t
await_child_of(pid_t pid)
{
	pid_t	list[64];

	await_children(pid, 1, list);
	return list[0];
}

/* Who is not root may have a container with users of its own only. */
static const char *
kind(void)
{
	return getuid() == 0 ? "-pf" : "-Upf";
}

/* Somebody else is its process 1. */
static void
below(void)
{
	const char	*argv[] = { "/usr/bin/unshare", kind(),
			    "--kill-child", "/bin/sh", "-c",
			    "./outlived -i 2:2 127.0.0.1:9999 echo & wait; "
			    "./outlived -i 2:2 127.0.0.1:9999 echo & wait",
			    NULL };
	pid_t		unshare, init, parent;
	int		client, other;

	note("somebody else is process 1");
	unshare = program_start(argv, -1);
	await_listener(9999);
	init = await_child_of(unshare);
	parent = await_child_of(init);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");
	ok(!log_has(CANNOT), "children can outlive their parent");
	log_clear();
	send_signal(parent, SIGKILL);
	await_log("parent of 127.0.0.1:9999");
	other = dial(9999);
	ok(echoes(other, "hello\n"), "KILL, another parent: it serves");
	ok(echoes(client, "still here\n"), "and so does the old child");
	send_signal(init, SIGKILL);
	ok(sees_end(client) && sees_end(other),
	    "process 1 is killed: everything ends");
	(void)close(client);
	(void)close(other);
	ok(harness_nobody_left(), "no process is left");
}

/* The parent is process 1, with two idle children. */
static pid_t
start_first(pid_t *unshare, const char *service, const char *script)
{
	const char	*argv[] = { "/usr/bin/unshare", kind(),
			    "--kill-child", "./outlived", "-i", "2:2",
			    "127.0.0.1:9999", service,
			    script == NULL ? NULL : "/bin/sh", "-c", script,
			    NULL };
	pid_t		parent;

	log_clear();
	*unshare = program_start(argv, -1);
	await_listener(9999);
	parent = await_child_of(*unshare);
	await_born(parent, 2);
	return parent;
}

/* INT, QUIT and TERM, each behind a HUP. */
static void
ended_by(int signo)
{
	pid_t	unshare, parent = start_first(&unshare, "echo", NULL);
	int	client = dial(9999), other;

	note("the parent is process 1, %s", strsignal(signo));
	ok(log_has(CANNOT), "the log says that children cannot outlive it");
	ok(echoes(client, "hello\n"), "a client is served");
	send_signal(parent, SIGHUP);
	await_log("HUP: replacing ");
	other = dial(9999);
	ok(echoes(other, "hello\n") && echoes(client, "on\n"),
	    "HUP: another one is, and so is this one");
	(void)close(other);
	send_signal(parent, signo);
	if (signo == SIGQUIT) {
		await_no_listener(9999);
		ok(echoes(client, "still here\n"), "it is served to the end");
	} else
		ok(sees_end(client), "everything ends");
	(void)close(client);
	ok(await_end(unshare) == 0 && harness_nobody_left(),
	    "the container ends, with status 0");
}

/* Children of a process, those who have ended among them. */
static int
all_children_of(pid_t pid)
{
	char	path[64];
	FILE	*file;
	int	child, many = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid,
	    pid);
	if ((file = fopen(path, "re")) == NULL)
		bail("%s", path);
	while (fscanf(file, "%d", &child) == 1)
		many++;
	(void)fclose(file);
	return many;
}

/* What programs leave behind becomes a child of process 1. */
static void
adopts(void)
{
	struct wait	wait = { .what = "process 1 to have two children" };
	pid_t		unshare, parent;
	int		i, left[5];

	note("the parent is process 1, of others' children, too");
	parent = start_first(&unshare, "exec",
	    "exec 3<&0; read line <&3 &");
	for (i = 0; i < 5; i++)
		left[i] = dial(9999);
	/* Five have been left behind, each with a connection. */
	while (all_children_of(parent) < 7)
		wait_a_moment(&wait);
	ok(1, "process 1 has five children that are not its own");
	for (i = 0; i < 5; i++)
		(void)close(left[i]);
	while (all_children_of(parent) > 2)
		wait_a_moment(&wait);
	ok(1, "they end, and no zombie is left");
	send_signal(parent, SIGTERM);
	ok(await_end(unshare) == 0 && harness_nobody_left(),
	    "the container ends, with status 0");
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	/* It would look for itself in the wrong /proc. */
	harness_overlook_leaks();
	below();
	ended_by(SIGTERM);
	ended_by(SIGQUIT);
	ended_by(SIGINT);
	adopts();
	return done();
}
