/* SPDX-License-Identifier: ISC */
/*
 * Wherever the server was started: the parent, its children and the programs
 * that they become find the same, and every signal means what it means.
 * Each row of the table is a surrounding; tests/inside tells what a program
 * finds.
 */
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"

static int		terminal;	/* the master's end */
static char		terminal_name[64];
static int		locked;		/* a file that is flock'ed */
static struct rlimit	descriptors;

/* What is prepared, in the new process. */

static void
all_blocked(void)
{
	sigset_t	all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
}

static void
all_ignored(void)
{
	int	signo;

	for (signo = 1; signo < NSIG; signo++)
		(void)signal(signo, SIG_IGN);
}

static void
all_closed(void)
{
	(void)close(STDIN_FILENO);
	(void)close(STDOUT_FILENO);
	(void)close(STDERR_FILENO);
}

/* As from a script that runs under a lock. */
static void
many_open(void)
{
	char	path[64];
	int	fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", getppid(),
	    locked);
	fd = open(path, O_RDWR);
	if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) == -1 ||
	    dup2(fd, 9) == -1 || dup2(STDERR_FILENO, 5) == -1 ||
	    dup2(STDERR_FILENO, 100) == -1)
		_exit(126);
}

static void
high_limit(void)
{
	(void)setrlimit(RLIMIT_NOFILE, &descriptors);
}

/* A service manager's variables, and those of a UCSPI server's client. */
static void
stale_variables(void)
{
	(void)setenv("LISTEN_FDS", "1", 1);
	(void)setenv("LISTEN_PID", "77", 1);
	(void)setenv("LISTEN_FDNAMES", "web", 1);
	(void)setenv("NOTIFY_SOCKET", "@/nowhere", 1);
	(void)setenv("WATCHDOG_USEC", "1000", 1);
	(void)setenv("WATCHDOG_PID", "77", 1);
	(void)setenv("PROTO", "SSL", 1);
	(void)setenv("SSLREMOTEIP", "10.0.0.1", 1);
	(void)setenv("TCPREMOTEHOST", "somebody.example", 1);
	(void)setenv("TCPREMOTEINFO", "root", 1);
	(void)setenv("TCPREMOTE_WITH_A_NAME_THAT_IS_LONGER_THAN_ANY_THAT_"
	    "SOMEBODY_WOULD_EXPECT", "1", 1);
	(void)setenv("TCPLOCALPORT", "25", 1);
}

/* As by a supervisor that signals groups. */
static void
leader(void)
{
	(void)setsid();
	(void)setenv("SYSTEMD_EXEC_PID", "1", 1);
}

/* As started by hand. */
static void
foreground(void)
{
	int	fd;

	(void)setsid();
	if ((fd = open(terminal_name, O_RDWR)) == -1)
		_exit(126);
	(void)dup2(fd, STDIN_FILENO);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	(void)close(fd);
}

/* A job in the background, and stty tostop: who writes is stopped. */
static void
background(void)
{
	struct termios	modes;
	pid_t		pid;

	foreground();
	if (tcgetattr(STDIN_FILENO, &modes) == -1)
		_exit(126);
	modes.c_lflag |= TOSTOP;
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &modes);
	/* Somebody else, no child of ours, is in the foreground. */
	if ((pid = fork()) == 0) {
		(void)setpgid(0, 0);
		(void)signal(SIGTTOU, SIG_IGN);
		(void)tcsetpgrp(STDIN_FILENO, getpid());
		if (fork() != 0)
			_exit(0);
		(void)signal(SIGTTOU, SIG_DFL);
		(void)pause();
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
}

/* Built with umask 077, our programs are not for others. */
static bool
nobody_may_start(void)
{
	pid_t	child = fork();
	int	status;

	if (child == 0) {
		harness_become_nobody();
		_exit(access("outlived", X_OK) != 0 ||
		    access("tests/inside", X_OK) != 0);
	}
	return waitpid(child, &status, 0) == child && status == 0;
}

static const struct surrounding {
	const char	*name;
	void		(*prepare)(void);
	const char	*standard;	/* descriptors of parent and child */
} rows[] = {
	{ "nothing special", NULL, "null null log" },
	{ "every signal is blocked", all_blocked, "null null log" },
	{ "every signal is ignored", all_ignored, "null null log" },
	{ "0, 1 and 2 are closed", all_closed, "null null null null" },
	{ "5, 9 (locked) and 100 are open", many_open, "null null log" },
	{ "as many descriptors as may be", high_limit, "null null log" },
	{ "variables of others", stale_variables, "null null log" },
	{ "at the head of a session", leader, "null null log" },
	{ "by systemd", harness_seclude, "null null log" },
	{ "in the foreground of a terminal", foreground,
	    "terminal terminal terminal terminal" },
	{ "in the background, with stty tostop", background,
	    "terminal terminal terminal terminal" },
	{ "an ordinary user", harness_become_nobody, "null null log" },
};

static struct server
start(const struct surrounding *row, const char *service)
{
	const char	*argv[] = { "./outlived", "-v", "-w", "0", "-i", "2:2",
			    "127.0.0.1:9999", service, "tests/inside", "-t",
			    "5", "-R", NULL };
	struct server	server = { .port = 9999 };
	pid_t		list[64];

	if (strcmp(service, "echo") == 0)
		argv[8] = NULL;
	server.pid = program_start_in(row->prepare, argv, -1);
	await_listener(9999);
	await_children(server.pid, 2, list);
	await_title(list[0], "outlived: idle");
	await_title(list[1], "outlived: idle");
	return server;
}

/* A set of signals in /proc, without 32 and 33, which are glibc's. */
static bool
set_is(pid_t pid, const char *set, const int *signals)
{
	unsigned long long	is = signals_of(pid, set) & ~(3ULL << 31);
	unsigned long long	should = 0;

	for (; *signals != 0; signals++)
		should |= 1ULL << (*signals - 1);
	if (is != should)
		note("%s of %d is %llx, not %llx", set, pid, is, should);
	return is == should;
}

static void
has(pid_t pid, const char *who, const char *standard, const char *more)
{
	char	is[1024], should[1024];

	(void)snprintf(should, sizeof(should), "%s %s", standard, more);
	descriptors_of(pid, is, sizeof(is));
	ok(strcmp(is, should) == 0, "%s has %s", who, is);
	ok(all_close_on_exec(pid), "and nothing else over an exec");
}

static void
look(struct server server, const struct surrounding *row)
{
	static const int	handled[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
				    SIGCHLD, 0 };
	static const int	none[] = { 0 };
	static const int	ignored[] = { SIGPIPE, SIGXFSZ, 0 };
	unsigned long long	all = 0, ignores;
	pid_t			list[64];
	const int		*signo;

	for (signo = handled; *signo != 0; signo++)
		all |= 1ULL << (*signo - 1);
	ok((signals_of(server.pid, "SigCgt") & all) == all,
	    "the parent handles HUP, INT, QUIT, TERM and CHLD");
	ignores = signals_of(server.pid, "SigIgn");
	ok((ignores >> (SIGPIPE - 1) & ignores >> (SIGXFSZ - 1) &
	    ignores >> (SIGTTOU - 1) & 1) == 1,
	    "it ignores PIPE, XFSZ and TTOU");
	/* listener, the instance, eventfd, spare, queue */
	has(server.pid, "the parent", row->standard,
	    "socket directory lock socket eventfd socket socket socket");
	await_children(server.pid, 2, list);
	ok(set_is(list[0], "SigBlk", none) &&
	    set_is(list[0], "SigIgn", ignored),
	    "a child blocks nothing, and ignores PIPE and XFSZ");
	ok(getsid(list[0]) == list[0], "it has a session of its own");
	/* the instance, eventfd, spare, queue */
	has(list[0], "an idle child", row->standard,
	    "directory eventfd socket socket");
}

/* What a program has to find: in the place of a child, or as a child's. */
static bool
finds_itself_well(int client, const struct surrounding *row, bool as_child)
{
	char		is[4096], should[4096];
	struct rlimit	limit = descriptors;
	uid_t		uid = getuid();

	if (uid == 0 && row->prepare == harness_become_nobody)
		uid = 65534;
	if (row->prepare != high_limit)
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	hear_paragraph(client, is, sizeof(is));
	(void)snprintf(should, sizeof(should),
	    "descriptors 0 1 2\n0 and 1 are one socket\nnot at default:\n"
	    "%s of a session\nparent-death signal %d\nno terminal\n"
	    "descriptors up to %llu\nuid %u\nPROTO=TCP\nTCPLOCALIP=127.0.0.1\nTCPLOCALPORT=9999\n"
	    "TCPREMOTEIP=127.0.0.1\nTCPREMOTEPORT=%u\n"
	    "argument -t\nargument 5\nargument -R\n\n",
	    as_child ? "leader" : "member", as_child ? 0 : SIGKILL,
	    (unsigned long long)limit.rlim_cur, uid, local_port(client));
	if (strcmp(is, should) != 0)
		note("found: %s", is);
	return strcmp(is, should) == 0;
}

/* HUP: others in the place of both idle children. */
static void
renewed(struct server server)
{
	struct wait	wait = { .what = "other children" };
	pid_t		before[64], after[64];
	int		i, j, n, fresh = 0, all = 0;

	/* The program, and two idle ones. */
	await_children(server.pid, 3, before);
	send_signal(server.pid, SIGHUP);
	/* By their titles: who is on the way out has none, and still counts. */
	while (fresh != 2 || all != 3) {
		wait_a_moment(&wait);
		all = children_of(server.pid, after, 64);
		for (fresh = 0, i = 0; i < all; i++) {
			for (n = 0, j = 0; j < 3; j++)
				n += before[j] == after[i];
			fresh += n == 0 && title_is(after[i], "outlived: idle");
		}
	}
	ok(1, "HUP replaces the idle children");
}

/* The terminal is resized: WINCH to all who have it moves nobody. */
static void
resized(struct server server)
{
	struct winsize	size = { .ws_row = 24, .ws_col = 80 };
	pid_t		before[64];
	char		byte;
	int		client, n, i, there = 0;

	n = children_of(server.pid, before, 64);
	send_signal(server.pid, SIGWINCH);
	/* The kernel tells whoever is in the foreground. */
	(void)ioctl(terminal, TIOCSWINSZ, &size);
	size.ws_row++;
	(void)ioctl(terminal, TIOCSWINSZ, &size);
	client = dial(9999);
	ok(recv(client, &byte, 1, 0) == 1,
	    "WINCH to the parent: it serves");
	for (i = 0; i < n; i++)
		there += lives(before[i]);
	ok(there == n, "and nobody has left");
	(void)close(client);
}

/* A program for which a child was forked in its parent's memory. */
static void
forked(const struct surrounding *row)
{
	const char *const	argv[] = { "./outlived", "-v", "-w", "0", "-a",
				    "fork", "127.0.0.1:9999", "exec",
				    "tests/inside", "-t", "5", "-R", NULL };
	pid_t			server, list[64];
	int			client, other;

	server = program_start_in(row->prepare, argv, -1);
	await_listener(9999);
	await_title(server, "outlived: parent of 127.0.0.1:9999");
	client = dial(9999);
	ok(finds_itself_well(client, row, true),
	    "-a fork: a program finds itself well");
	await_children(server, 1, list);
	ok(getsid(list[0]) == list[0], "with a session of its own");
	ok(title_is(server, "outlived: parent of 127.0.0.1:9999"),
	    "its parent is as before");
	other = dial(9999);
	ok(finds_itself_well(other, row, true), "so does the next one");
	send_signal(server, SIGKILL);
	(void)await_end(server);
	ok(listeners(9999) == 0, "after KILL nobody listens");
	ok(echoes(client, "on\n") && echoes(other, "on\n"),
	    "and both serve on");
	(void)close(client);
	(void)close(other);
}

static void
play(const struct surrounding *row)
{
	struct server	server, next;
	pid_t		list[64];
	int		client, other;

	note("%s", row->name);
	if (row->prepare == harness_become_nobody && !nobody_may_start()) {
		skip(row->name, "others may not start what was built here");
		return;
	}
	server = start(row, "exec");
	look(server, row);
	if (row->prepare == many_open)
		ok(flock(locked, LOCK_EX | LOCK_NB) == 0 &&
		    flock(locked, LOCK_UN) == 0,
		    "nobody has the lock of whoever started it");
	client = dial(9999);
	ok(finds_itself_well(client, row, false),
	    "a program finds itself well");
	ok(keeps_alive(9999, client),
	    "a client whose machine vanishes would be noticed");
	renewed(server);
	resized(server);
	ok(echoes(client, "on\n"), "the program serves on");

	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	await_no_listener(9999);
	ok(echoes(client, "after KILL\n"), "and after KILL");
	ok(keeps_alive(9999, client), "as the program of an orphan, too");
	next = start(row, "echo");
	await_children(next.pid, 2, list);
	ok(getsid(list[0]) == (row->prepare == harness_seclude ? next.pid :
	    list[0]), "a child that becomes no program has one, too, or its "
	    "parent's");
	other = dial(9999);
	ok(echoes(other, "hello\n"), "the next parent has the port at once");
	send_signal(next.pid, SIGQUIT);
	await_no_listener(9999);
	ok(echoes(other, "after QUIT\n") && waitpid(next.pid, NULL,
	    WNOHANG) == 0, "QUIT: it waits for its client");
	(void)close(other);
	ok(await_end(next.pid) == 0, "then it ends");

	next = start(row, "exec");
	send_signal(next.pid, SIGTERM);
	ok(await_end(next.pid) == 0 && listeners(9999) == 0, "TERM ends");
	next = start(row, "echo");
	other = dial(9999);
	ok(echoes(other, "hello\n"), "a client is served");
	send_signal(next.pid, SIGINT);
	ok(await_end(next.pid) == 0 && sees_end(other), "INT ends all");
	(void)close(other);
	ok(echoes(client, "still here\n"),
	    "the first client has not noticed");
	(void)close(client);
	forked(row);
	if (row->prepare == background)
		/* The one in the foreground. */
		harness_end_all();
	ok(harness_nobody_left(), "no process is left");
}

static void
prepare(void)
{
	struct rlimit	limit;
	FILE		*file = fopen("/proc/sys/fs/nr_open", "re");
	unsigned long	nr_open;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	descriptors.rlim_cur = descriptors.rlim_max = limit.rlim_max;
	if (file != NULL && fscanf(file, "%lu", &nr_open) == 1)
		descriptors.rlim_cur = descriptors.rlim_max = nr_open;
	if (file != NULL)
		(void)fclose(file);
	/* With no right to go beyond our own limit, up to that. */
	if (setrlimit(RLIMIT_NOFILE, &descriptors) == -1)
		descriptors.rlim_cur = descriptors.rlim_max = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	note("%llu descriptors", (unsigned long long)descriptors.rlim_cur);
	locked = memfd_create("locked", MFD_CLOEXEC);
	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (locked == -1 || terminal == -1 || grantpt(terminal) == -1 ||
	    unlockpt(terminal) == -1)
		bail("a file and a terminal: %s", strerror(errno));
	(void)strlcpy(terminal_name, ptsname(terminal), sizeof(terminal_name));
}

int
main(void)
{
	size_t	i;

	harness_begin();
	harness_overlook_leaks();
	harness_own_network();
	prepare();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		play(&rows[i]);
	return done();
}
