/* SPDX-License-Identifier: ISC */
/* Programs, and the children that run them: found or not, told, ended. */
#include <sys/stat.h>
#include <sys/wait.h>

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

static char	folder[] = "/tmp/outlive-programs.XXXXXX";
static char	program[64];

/* A file of that text, which may be executed. */
static void
write_program(const char *text)
{
	int	fd = open(program, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0755);

	if (fd == -1 || write(fd, text, strlen(text)) !=
	    (ssize_t)strlen(text) || close(fd) == -1)
		bail("%s: %s", program, strerror(errno));
}

static void
clean_up(void)
{
	char	path[128];

	(void)unlink(program);
	(void)snprintf(path, sizeof(path), "%s/x/a", folder);
	(void)rmdir(path);
	(void)snprintf(path, sizeof(path), "%s/x", folder);
	(void)rmdir(path);
	(void)rmdir(folder);
}

/* What only the kernel can say about a program, it says before bind(). */
static void
refused(const char *text, const char *said)
{
	int	status;

	write_program(text);
	log_clear();
	status = server_run("127.0.0.1:9999", "exec", program, NULL);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 64 &&
	    log_lines() == 1 && log_has(said), "refused: %s", said);
	log_show();
}

static void
ignore_children(void)
{
	(void)signal(SIGCHLD, SIG_IGN);
}

/* Also where a child's exit status is thrown away. */
static void
refused_with_chld_ignored(void)
{
	const char	*argv[] = { "./outlived", "127.0.0.1:9999", "exec",
			    program, NULL };
	int		status;

	log_clear();
	status = await_end(program_start_in(ignore_children, argv, -1));
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 64 &&
	    log_has("Exec format error"), "refused, with CHLD ignored");
}

/* By PATH, as execvp() would; also if there is none. */
static void
found(void)
{
	const char	*argv[] = { "./outlived", "-i", "1:1",
			    "127.0.0.1:9999", "exec", "a", NULL };
	char		path[128];
	int		client;
	pid_t		pid;

	write_program("#!/bin/sh\necho found\n");
	/* A folder of that name is not meant. */
	(void)snprintf(path, sizeof(path), "%s/x", folder);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof(path), "%s/x/a", folder);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof(path), "/nowhere:%s/x:%s:/bin", folder,
	    folder);
	(void)setenv("PATH", path, 1);
	pid = program_start(argv, -1);
	await_listener(9999);
	client = dial(9999);
	ok(hears(client, "found\n") && sees_end(client),
	    "a program is found in PATH, a script is executed");
	(void)close(client);
	server_end((struct server){ .pid = pid });

	(void)unsetenv("PATH");
	argv[5] = "cat";
	pid = program_start(argv, -1);
	await_listener(9999);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "and without PATH in the usual places");
	(void)close(client);
	server_end((struct server){ .pid = pid });
	(void)setenv("PATH", "/usr/bin:/bin", 1);
}

/* A child whose program runs is busy: there is another one that is idle. */
static void
refilled(void)
{
	struct server	server = server_start("-i", "1:1", "127.0.0.1:0",
			    "exec", "cat", NULL);
	int		clients[5], i;
	pid_t		list[64];

	for (i = 0; i < 5; i++) {
		clients[i] = dial(server.port);
		ok(echoes(clients[i], "hello\n"), "program %d serves beside "
		    "the others", i + 1);
	}
	await_children(server.pid, 6, list);
	ok(1, "five busy children and an idle one");
	for (i = 0; i < 5; i++)
		(void)close(clients[i]);
	await_children(server.pid, 1, list);
	ok(1, "programs end with their clients");
	await_title(list[0], "outlived: idle");
	clients[0] = dial(server.port);
	ok(echoes(clients[0], "hello\n"), "a child whose program has ended "
	    "serves the next client");
	(void)close(clients[0]);
	server_end(server);
}

/* One child, and the client whose program it runs. */
static struct server
one_child(const char *script, int *client, pid_t *child)
{
	struct server	server = server_start("-i", "1:1", "-m", "1",
			    "127.0.0.1:0", "exec", "sh", "-c", script, NULL);
	pid_t		list[64];

	*client = dial(server.port);
	ok(hears(*client, "hello\n"), "a program serves");
	await_children(server.pid, 1, list);
	*child = list[0];
	log_clear();
	return server;
}

/* What is sent to a child is meant for its program. */
static void
told(int signo, const char *name)
{
	int		client;
	pid_t		child, list[64];
	char		script[128], text[128];
	struct server	server;

	(void)snprintf(script, sizeof(script), "trap 'echo bye; exit' %s; "
	    "echo hello; while read -r line; do echo \"$line\"; done", name);
	server = one_child(script, &client, &child);
	send_signal(child, signo);
	ok(hears(client, "bye\n"), "%s to a child: its program hears of it",
	    name);
	(void)close(client);
	(void)snprintf(text, sizeof(text), "child %d was ended by signal %d",
	    child, signo);
	await_log(text);
	ok(1, "when it has ended the child does as it was told");
	await_children(server.pid, 1, list);
	ok(list[0] != child, "there is another one in its place");
	server_end(server);
}

static void
killed(void)
{
	int		client;
	pid_t		child, list[64];
	struct server	server = one_child("trap '' TERM; echo hello; "
			    "exec cat", &client, &child);

	send_signal(child, SIGKILL);
	ok(sees_end(client), "KILL to a child: it is the program's end, too");
	(void)close(client);
	await_log("was ended by signal 9 (Killed) while it served 127.0.0.1:");
	await_children(server.pid, 1, list);
	client = dial(server.port);
	ok(hears(client, "hello\n"), "the next client is served");
	(void)close(client);
	server_end(server);
}

/* A system without room for a process more: the child is the program. */
static void
no_room(void)
{
	struct server	server;
	char		pause[64], text[4096];
	pid_t		list[64];
	int		client;

	gate_close("barren", pause, sizeof(pause));
	gate_open();
	server = server_start_paused(pause, "-i", "1:1", "-m", "1",
	    "127.0.0.1:0", "exec", "tests/inside", NULL);
	await_children(server.pid, 1, list);
	log_clear();
	gate_close_again();
	client = dial(server.port);
	hear_paragraph(client, text, sizeof(text));
	ok(echoes(client, "hello\n"), "vfork() fails: a client is served");
	ok(log_has("vfork: a child becomes the program of its client"),
	    "the log says so");
	ok(strstr(text, "not at default:\nleader of a session\n"
	    "parent-death signal 0\n") != NULL, "it is in the child's place");
	gate_open();
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	ok(echoes(client, "on\n"), "and after its parent's end");
	(void)close(client);
	ok(harness_nobody_left(), "it ends with its client");
}

/* A program that ends at once has served: no birth has to wait for it. */
static void
short_lived(void)
{
	struct server	server = server_start("-v", "-i", "2:4",
			    "127.0.0.1:0", "exec", "false", NULL);
	int		client, i, ended = 0;

	log_clear();
	for (i = 0; i < 500; i++) {
		client = dial(server.port);
		ended += sees_end(client);
		(void)close(client);
	}
	ok(ended == 500, "500 clients in a row of a program that ends at "
	    "once: %d", ended);
	await_log("exited with status 1, its client was 127.0.0.1:");
	ok(!log_has("birth"), "nobody had to wait");
	log_clear();
	server_end(server);
}

/* A program that crashes is told of, and its client; one that is gone, too. */
static void
mishaps(void)
{
	struct server	server;
	char		text[128];
	int		client;

	write_program("#!/bin/sh\necho $$\nkill -ABRT $$\n");
	server = server_start("-i", "1:2", "127.0.0.1:0", "exec", program,
	    NULL);
	log_clear();
	client = dial(server.port);
	(void)snprintf(text, sizeof(text), "was ended by signal 6 (Aborted) "
	    "while it served 127.0.0.1:%u", local_port(client));
	await_log(text);
	ok(1, "a program that crashes: the log has the signal and the client");
	(void)close(client);

	clean_up();
	client = dial(server.port);
	ok(sees_end(client), "the program is gone: the client sees the end");
	(void)snprintf(text, sizeof(text), "cannot execute '%s': No such file "
	    "or directory", program);
	await_log(text);
	ok(1, "the log says so");
	(void)close(client);
	(void)mkdir(folder, 0755);
	write_program("#!/bin/sh\necho back\n");
	client = dial(server.port);
	ok(hears(client, "back\n"), "it is there again, and serves");
	(void)close(client);
	server_end(server);
}

/* INT ends what a program has forked, too, and a program that ignores TERM. */
static void
interrupted(const char *what, const char *script)
{
	struct server	server = server_start("-i", "1:1", "127.0.0.1:0",
			    "exec", "sh", "-c", script, NULL);
	int		client = dial(server.port);

	ok(echoes(client, "hello\n"), "a program that %s serves", what);
	log_clear();
	send_signal(server.pid, SIGINT);
	ok(await_end(server.pid) == 0, "INT: the parent ended");
	ok(log_lines() == 1, "with no obituary for those whom it has ended");
	ok(sees_end(client), "and so did all that had the client");
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
}

int
main(void)
{
	harness_begin();
	harness_overlook_leaks();
	harness_own_network();
	if (mkdtemp(folder) == NULL || atexit(clean_up) != 0)
		bail("%s: %s", folder, strerror(errno));
	(void)snprintf(program, sizeof(program), "%s/a", folder);
	refused("#!/no/such/interpreter\n", "its interpreter is not)");
	refused("hello\n", "begins with #!");
	refused("\177ELF: this is not one\n", "Exec format error");
	refused_with_chld_ignored();
	found();
	refilled();
	told(SIGTERM, "TERM");
	told(SIGHUP, "HUP");
	told(SIGINT, "INT");
	told(SIGQUIT, "QUIT");
	killed();
	no_room();
	short_lived();
	mishaps();
	interrupted("forks", "cat; echo bye");
	interrupted("ignores TERM", "trap '' TERM; cat");
	harness_strategy("fork");
	interrupted("forks, its child forked for it,", "cat; echo bye");
	harness_strategy(NULL);
	return done();
}
