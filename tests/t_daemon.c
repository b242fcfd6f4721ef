/* SPDX-License-Identifier: ISC */
/*
 * -D and -p: the command returns when connections are accepted, with a true
 * status, and what it leaves behind holds nothing of whoever has typed it.
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "answer.h"
#include "client.h"
#include "file.h"
#include "harness.h"
#include "process.h"
#include "why.h"

#define PORT	"127.0.0.1:9999"

static char	outlived[PATH_MAX], inside[PATH_MAX];
static char	pid_file[128], log_file[128];

static void
new_place(void)
{
	harness_new_state();
	log_clear();
	(void)snprintf(pid_file, sizeof(pid_file), "%s/pid", harness_state());
	(void)snprintf(log_file, sizeof(log_file), "%s/log", harness_state());
}

/* As somebody in that directory who says where things are from there. */
static void
in_state(void)
{
	if (chdir(harness_state()) == -1 ||
	    unsetenv("OUTLIVE_STATE_DIR") == -1)
		_exit(126);
}

/* Our only child; daemons are, once the command has ended. */
static pid_t
the_daemon(void)
{
	pid_t	list[64];

	await_children(0, 1, list);
	return list[0];
}

/* The command is started with a pipe for everything: what is read from that,
   to its end.  Nobody may be left who keeps it from us. */
static int
piped(const char *const argv[], char *text, size_t size)
{
	struct pollfd	ready;
	size_t		len = 0;
	ssize_t		n;
	int		in[2], out[2], status;
	pid_t		pid;

	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    (pid = fork()) == -1)
		bail("pipe or fork: %s", strerror(errno));
	if (pid == 0) {
		in_state();
		(void)dup2(in[0], STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(out[1], STDERR_FILENO);
		(void)dup2(out[1], 9);
		(void)execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	ready = (struct pollfd){ .fd = out[0], .events = POLLIN };
	do {
		if (poll(&ready, 1, DEADLINE * 1000) != 1)
			bail("the command's output has no end: %.*s", (int)len,
			    text);
		n = read(out[0], text + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	text[len] = '\0';
	status = await_end(pid);
	ok(write(in[1], "x", 1) == -1 && errno == EPIPE,
	    "nobody has its standard input");
	(void)close(in[1]);
	(void)close(out[0]);
	return status;
}

/* What a shell has in x=$(outlived -1 -D ...), and what it gets. */
static void
returns(const char *strategy)
{
	const char	*const argv[] = { outlived, "-1D", "-a", strategy, "-i",
			    "2:2", "-S", "here", "-l", "log", "-p", "pid",
			    PORT, "echo", NULL };
	char		text[4096], path[64], directory[PATH_MAX];
	pid_t		daemon;
	ssize_t		n;
	int		status, client, next;

	new_place();
	status = piped(argv, text, sizeof(text));
	ok(status == 0, "%s: the command's status is 0", strategy);
	ok(strstr(text, "9999\n") != NULL &&
	    strstr(text, ": parent of " PORT) != NULL,
	    "its output is the port, and the first line of the log");
	daemon = the_daemon();
	(void)snprintf(text, sizeof(text), "%d\n", daemon);
	ok(strcmp(file_text(pid_file), text) == 0, "the daemon's pid is in its "
	    "file: %d", daemon);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "it serves");
	(void)snprintf(path, sizeof(path), "/proc/%d/cwd", daemon);
	n = readlink(path, directory, sizeof(directory) - 1);
	ok(n == 1 && *directory == '/' && getsid(daemon) == daemon,
	    "it has a session of its own, and / as its directory");
	descriptors_of(daemon, text, sizeof(text));
	ok(strncmp(text, "null null null ", 15) == 0,
	    "its first descriptors are /dev/null: %s", text);
	(void)snprintf(directory, sizeof(directory), "%s/here",
	    harness_state());
	(void)ctl("-S", directory, "-n", PORT, "status", NULL);
	(void)snprintf(text, sizeof(text), ": parent %d, generation 1,",
	    daemon);
	ok(says(text), "the lock is the daemon's");
	send_signal(daemon, SIGKILL);
	(void)await_end(daemon);
	await_no_listener(9999);
	status = piped(argv, text, sizeof(text));
	next = dial(9999);
	ok(status == 0 && echoes(next, "new\n") && echoes(client, "old\n"),
	    "killed and started again, beside an orphan");
	(void)close(client);
	(void)close(next);
	(void)sscanf(file_text(pid_file), "%d", &daemon);
	send_signal(daemon, SIGTERM);
	ok(await_end(daemon) == 0 && harness_nobody_left() &&
	    access(pid_file, F_OK) == -1, "TERM: it ends, and its file goes");
	ok(strstr(file_text(log_file), "the port is free") != NULL,
	    "the log has it all");
}

/* Children and an heir are forked before the command returns. */
static void
takes_over(void)
{
	const char	*const first[] = { outlived, "-D", "-H", "20", "-S",
			    "here", "-l", "log", PORT, "echo", NULL };
	const char	*const next[] = { outlived, "-1D", "-T", "-H", "20",
			    "-S", "here", "-l", "log", "-p", "pid", PORT,
			    "echo", NULL };
	const char	*const fails[] = { outlived, "-D", "-T", "-R", "-S",
			    "here", "-l", "log", PORT, "echo", NULL };
	char		text[4096];
	pid_t		old, new = -1;
	int		client;

	new_place();
	ok(piped(first, text, sizeof(text)) == 0, "-D, with an heir");
	old = the_daemon();
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client");
	ok(WEXITSTATUS(piped(fails, text, sizeof(text))) == 69 && strstr(text,
	    "has the option SO_REUSEADDR: expected no -R") != NULL,
	    "-D -T, which fails, says why: %s", text);
	ok(piped(next, text, sizeof(text)) == 0 &&
	    strstr(text, "9999\n") != NULL, "-D -T: nobody keeps what the "
	    "command was given");
	ok(await_end(old) == 0 && echoes(client, "still here\n"),
	    "the old one has ended, its client is served");
	(void)close(client);
	(void)sscanf(file_text(pid_file), "%d", &new);
	send_signal(new, SIGINT);
	ok(await_end(new) == 0 && harness_nobody_left(), "nobody is left");
}

/* Its program is the one that was there when it was started. */
static void
serves_program(void)
{
	const char	*const argv[] = { outlived, "-D", "-S", ".", "-l",
			    "log", PORT, "exec", "./program", NULL };
	char		text[4096], path[PATH_MAX];
	int		client;

	new_place();
	(void)snprintf(path, sizeof(path), "%s/program", harness_state());
	(void)!symlink(inside, path);
	ok(piped(argv, text, sizeof(text)) == 0, "a program by a relative path");
	client = dial(9999);
	hear_paragraph(client, text, sizeof(text));
	ok(strstr(text, "descriptors 0 1 2\n0 and 1 are one socket\n") != NULL,
	    "is started, with its client and the log only");
	(void)close(client);
	send_signal(the_daemon(), SIGTERM);
	ok(harness_nobody_left(), "nobody is left");
}

/* It fails: one line, and a status of its own. */
static void
fails(const char *log, const char *file, int status, const char *said)
{
	const char	*const argv[] = { outlived, "-D", "-w", "0", "-l", log,
			    "-p", file, "-S", "here", PORT, "echo", NULL };
	char		text[4096];
	int		ended = piped(argv, text, sizeof(text));

	ok(WIFEXITED(ended) && WEXITSTATUS(ended) == status &&
	    strstr(text, said) != NULL && harness_nobody_left(),
	    "status %d: %s", status, said);
	if (strstr(text, said) == NULL)
		note("%s", text);
}

static void
failures(void)
{
	int	listener;

	new_place();
	fails("stderr", "pid", EX_USAGE, "expected the log to be syslog or");
	fails("no/log", "pid", EX_OSERR, "the log 'no/log': No such file");
	fails("log", ".", EX_OSERR, "the pid file '.': Is a directory");
	fails("log", "no/pid", EX_OSERR, "the pid file 'no/pid': No such");
	(void)!symlink("log", pid_file);
	fails("log", "pid", EX_OSERR, "the pid file 'pid': Too many levels");
	(void)unlink(pid_file);
	(void)mkfifo(pid_file, 0600);
	fails("log", "pid", EX_OSERR, "the pid file 'pid': ");
	(void)unlink(pid_file);
	(void)close(open(pid_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	listener = listening(9999, true);
	fails("log", "pid", EX_UNAVAILABLE, "Address already in use");
	ok(*file_text(pid_file) == '\0', "and the file is as it was");
	(void)close(listener);
}

static void
lead_group(void)
{
	in_state();
	(void)setpgid(0, 0);
}

/* The command waits, because the daemon waits for the port. */
static pid_t
start_waiting(pid_t *daemon)
{
	const char	*const argv[] = { outlived, "-D", "-w", "86400", "-l",
			    "log", "-S", "here", PORT, "echo", NULL };
	pid_t		command, list[64];

	new_place();
	command = program_start_in(lead_group, argv, -1);
	await_log("trying for 86400 s");
	await_children(command, 1, list);
	*daemon = list[0];
	return command;
}

static void
ends_before(int signo, const char *said)
{
	pid_t	daemon, command = start_waiting(&daemon);

	send_signal(daemon, signo);
	ok(await_end(command) == EX_OSERR << 8 && log_has(said),
	    "the daemon ends before it accepts: %s", said);
}

static void
waits(void)
{
	int	listener = listening(9999, true), status;
	pid_t	daemon, command;

	ends_before(SIGKILL, "was ended by signal 9 (Killed) before it accept");
	ends_before(SIGTERM, "was told to end before it accepted");
	command = start_waiting(&daemon);
	(void)kill(-command, SIGINT);
	status = await_end(command);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT &&
	    await_end(daemon) == 0, "Ctrl-C ends both");
	command = start_waiting(&daemon);
	send_signal(command, SIGKILL);
	(void)await_end(command);
	(void)close(listener);
	ok(await_end(daemon) == EX_OSERR << 8 &&
	    strstr(file_text(log_file), "whoever started this has gone") &&
	    listeners(9999) == 0, "the command is killed: nobody serves");
}

static void
ignore_children(void)
{
	in_state();
	(void)signal(SIGCHLD, SIG_IGN);
}

/* Who calls may have left odd things. */
static void
odd_callers(void)
{
	const char	*const argv[] = { outlived, "-1D", "-w", "0", "-l",
			    "log", "-S", "here", PORT, "echo", NULL };
	int		listener, out[2];

	new_place();
	listener = listening(9999, true);
	ok(await_end(program_start_in(ignore_children, argv, -1)) ==
	    EX_UNAVAILABLE << 8, "CHLD is ignored: the status is the daemon's");
	(void)close(listener);
	if (pipe2(out, O_CLOEXEC) == -1)
		bail("pipe2: %s", strerror(errno));
	(void)close(out[0]);
	ok(await_end(program_start_in(in_state, argv, out[1])) == 0 &&
	    log_has("cannot say that the port is 9999: Broken pipe"),
	    "nobody reads the port: status 0, and a line says so");
	(void)close(out[1]);
	send_signal(the_daemon(), SIGTERM);
	ok(harness_nobody_left(), "it ends");
}

/* -p alone: a file that is never believed. */
static void
is_never_read(void)
{
	char		text[32];
	struct server	first, next;
	int		client, fd;

	new_place();
	fd = open(pid_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void)dprintf(fd, "%d\nand much more than a number of a process\n",
	    getpid());
	(void)close(fd);
	first = server_start("-p", pid_file, "-n", "x", PORT, "echo", NULL);
	(void)snprintf(text, sizeof(text), "%d\n", first.pid);
	ok(strcmp(file_text(pid_file), text) == 0,
	    "a file with another pid: written over");
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client");
	send_signal(first.pid, SIGQUIT);
	await_no_listener(9999);
	await_log("the port is free");
	ok(access(pid_file, F_OK) == -1, "QUIT: the file goes with the port");
	next = server_start("-p", pid_file, "-n", "x", PORT, "echo", NULL);
	(void)close(client);
	ok(await_end(first.pid) == 0, "the first one's clients are done");
	(void)snprintf(text, sizeof(text), "%d\n", next.pid);
	ok(strcmp(file_text(pid_file), text) == 0, "the next one's file stays");
	send_signal(next.pid, SIGKILL);
	(void)await_end(next.pid);
	ok(strcmp(file_text(pid_file), text) == 0, "KILL: so it does");
	next = server_start("-p", pid_file, "-n", "x", PORT, "echo", NULL);
	(void)unlink(pid_file);
	(void)mkdir(pid_file, 0700);
	server_end(next);
	ok(rmdir(pid_file) == 0, "what is not its file stays");
}

/* In a directory of root's the user can empty it. */
static void
is_emptied(void)
{
	struct server	server;
	struct stat	st;

	if (getuid() != 0) {
		skip("a pid file in root's directory", "root makes it");
		return;
	}
	new_place();
	server = server_start("-p", pid_file, "-u", "nobody", PORT, "echo",
	    NULL);
	ok(atoi(file_text(pid_file)) == server.pid, "-u: root writes the file");
	server_end(server);
	ok(stat(pid_file, &st) == 0 && st.st_size == 0,
	    "and the user, who cannot remove it, empties it");
}

int
main(void)
{
	static const char	*const all[] = { "fork", "pass", "shared",
				    "fcntl", "mutex" };
	size_t			 i;

	harness_begin();
	harness_overlook_leaks();
	harness_own_network();
	harness_drop_capabilities();
	if (realpath("./outlived", outlived) == NULL ||
	    realpath("tests/inside", inside) == NULL)
		bail("realpath: %s", strerror(errno));
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		returns(all[i]);
	takes_over();
	serves_program();
	failures();
	waits();
	odd_callers();
	is_never_read();
	is_emptied();
	return done();
}
