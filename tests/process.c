/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

#include <dirent.h>
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

/* A small file of /proc/PID, as text; false if the process is not there. */
static bool
read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char	path[64];
	ssize_t	n;
	int	fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, text, size - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

long
sleeps_of(pid_t pid)
{
	static const char	name[] = "\nvoluntary_ctxt_switches:";
	char			text[4096];
	const char		*line;

	if (!read_proc(pid, "status", text, sizeof(text)) ||
	    (line = strstr(text, name)) == NULL)
		bail("process %d does not say how often it has slept", pid);
	return atol(line + strlen(name));
}

void
await_sleeps(pid_t pid, long how_many)
{
	struct wait	wait = { .what = "a process that wakes now and then" };
	long		until = sleeps_of(pid) + how_many;

	while (sleeps_of(pid) < until)
		wait_a_moment(&wait);
}

/* Children of a process, from the fourth field of /proc/PID/stat. */
int
children_of(pid_t parent, pid_t *list, int max)
{
	DIR		*proc = opendir("/proc");
	struct dirent	*entry;
	int		 n = 0;

	if (proc == NULL)
		bail("/proc: %s", strerror(errno));
	while ((entry = readdir(proc)) != NULL) {
		char	 text[512], *after, state;
		pid_t	 pid = (pid_t)atoi(entry->d_name);
		int	 ppid;

		/* The name, in brackets, may hold anything. */
		if (pid == 0 || !read_proc(pid, "stat", text, sizeof(text)) ||
		    (after = strrchr(text, ')')) == NULL ||
		    sscanf(after + 1, " %c %d", &state, &ppid) != 2)
			continue;
		if (state != 'Z' && n < max &&
		    ppid == (parent != 0 ? parent : getpid()))
			list[n++] = pid;
	}
	(void)closedir(proc);
	return n;
}

void
await_children(pid_t parent, int how_many, pid_t *list)
{
	struct wait	wait = { .what = "the right number of children" };

	while (children_of(parent, list, 64) != how_many)
		wait_a_moment(&wait);
}

bool
title_is(pid_t pid, const char *title)
{
	char	 text[256];
	const char	*generation;
	size_t		 len;

	if (!read_proc(pid, "cmdline", text, sizeof(text)))
		return false;
	/* libbsd pads a title that has become shorter with blanks. */
	for (len = strlen(text); len > 0 && text[len - 1] == ' ';)
		text[--len] = '\0';
	if (strstr(title, ", generation ") == NULL &&
	    (generation = strstr(text, ", generation ")) != NULL)
		len = (size_t)(generation - text);
	return strlen(title) == len && memcmp(text, title, len) == 0;
}

bool
title_has(pid_t pid, const char *text)
{
	char	title[256];

	return read_proc(pid, "cmdline", title, sizeof(title)) &&
	    strstr(title, text) != NULL;
}

void
await_born(pid_t parent, int how_many)
{
	struct wait	wait = { .what = "the first act of a child" };
	pid_t		list[64];
	int		i;

	await_children(parent, how_many, list);
	for (i = 0; i < how_many; i++)
		while (title_has(list[i], "parent of"))
			wait_a_moment(&wait);
}

void
await_title(pid_t pid, const char *title)
{
	struct wait	wait = { .what = title };

	while (!title_is(pid, title))
		wait_a_moment(&wait);
}

unsigned long long
signals_of(pid_t pid, const char *set)
{
	char	text[4096], *at;

	if (!read_proc(pid, "status", text, sizeof(text)) ||
	    (at = strstr(text, set)) == NULL)
		bail("no %s of process %d", set, pid);
	return strtoull(at + strlen(set) + 1, NULL, 16);
}

pid_t
await_server_of(pid_t parent, int client)
{
	struct wait	wait = { .what = "a child that serves the client" };
	char		title[64];
	pid_t		list[512];
	int		i, n;

	(void)snprintf(title, sizeof(title), "outlived: echo for 127.0.0.1:%u",
	    local_port(client));
	for (;; wait_a_moment(&wait)) {
		n = children_of(parent, list, 512);
		for (i = 0; i < n; i++)
			if (title_is(list[i], title))
				return list[i];
	}
}

void
send_signal(pid_t pid, int signo)
{
	if (pid < 2)
		bail("a signal to pid %d", pid);
	(void)kill(pid, signo);
}

/* The letter of its state (proc(5)); 0: it is not there. */
static char
state_of(pid_t pid)
{
	char	text[512], *after;

	if (!read_proc(pid, "stat", text, sizeof(text)) ||
	    (after = strrchr(text, ')')) == NULL)
		return 0;
	return after[2];
}

/* The 14th and 15th fields of its stat, in ticks. */
static long
ticks_of(pid_t pid)
{
	char	text[512], *after;
	long	user, system;

	if (!read_proc(pid, "stat", text, sizeof(text)) ||
	    (after = strrchr(text, ')')) == NULL ||
	    sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
	    "%ld %ld", &user, &system) != 2)
		return 0;
	return user + system;
}

long
cpu_of(pid_t pid)
{
	pid_t	list[512];
	int	i, n = children_of(pid, list, 512);
	long	ticks = ticks_of(pid);

	for (i = 0; i < n; i++)
		ticks += ticks_of(list[i]);
	return ticks * 1000 / sysconf(_SC_CLK_TCK);
}

bool
lives(pid_t pid)
{
	char	state = state_of(pid);

	return state != 0 && state != 'Z' && state != 'X';
}

void
await_gone(pid_t pid)
{
	struct wait	wait = { .what = "a process to go" };

	while (kill(pid, 0) == 0)
		wait_a_moment(&wait);
}

bool
is_stopped(pid_t pid)
{
	return state_of(pid) == 'T';
}

void
await_stop(pid_t pid)
{
	struct wait	wait = { .what = "a process that stops" };

	while (!is_stopped(pid))
		wait_a_moment(&wait);
}

void
stop(pid_t pid)
{
	send_signal(pid, SIGSTOP);
	await_stop(pid);
}

pid_t
await_stopped(pid_t parent)
{
	struct wait	wait = { .what = "a child that is stopped" };
	pid_t		list[64];
	int		i, n;

	for (;; wait_a_moment(&wait)) {
		n = children_of(parent, list, 64);
		for (i = 0; i < n; i++)
			if (is_stopped(list[i]))
				return list[i];
	}
}

bool
holds(pid_t pid, unsigned long inode)
{
	char		 path[64], wanted[64], target[64];
	DIR		*dir;
	struct dirent	*entry;
	bool		 found = false;
	ssize_t		 n;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	(void)snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	if ((dir = opendir(path)) == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		n = readlinkat(dirfd(dir), entry->d_name, target,
		    sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	(void)closedir(dir);
	return found;
}

void
descriptors_of(pid_t pid, char *text, size_t size)
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
		else if (strncmp(target, "/dev/pts/", 9) == 0)
			kind = "terminal";
		else if (strncmp(target, "socket:", 7) == 0)
			kind = "socket";
		else if (strstr(target, "[eventfd]") != NULL)
			kind = "eventfd";
		else if (strcmp(target + strlen(target) - 5, "/lock") == 0)
			kind = "lock";
		else if (strncmp(target, harness_state(),
		    strlen(harness_state())) == 0)
			kind = "directory";
		else
			kind = target;
		(void)strlcat(text, fd == 0 ? "" : " ", size);
		(void)strlcat(text, kind, size);
	}
}

bool
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

int
listener_of(pid_t pid)
{
	int		pidfd = pidfd_open(pid, 0), fd, copy, listens;
	socklen_t	len;

	if (pidfd == -1)
		bail("pidfd_open: %s", strerror(errno));
	for (fd = 3; fd < 16; fd++) {
		if ((copy = pidfd_getfd(pidfd, fd, 0)) == -1)
			continue;
		len = sizeof(listens);
		if (getsockopt(copy, SOL_SOCKET, SO_ACCEPTCONN, &listens,
		    &len) == 0 && listens) {
			(void)close(pidfd);
			return copy;
		}
		(void)close(copy);
	}
	(void)close(pidfd);
	return -1;
}
