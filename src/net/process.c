/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

ssize_t
process_file(int dir, const char *name, char *text, size_t size)
{
	int	fd = openat(dir, name, O_RDONLY | O_CLOEXEC), saved;
	ssize_t	n;

	if (fd == -1)
		return -1;
	n = read(fd, text, size - 1);
	saved = errno;
	(void)close(fd);
	errno = saved;
	text[n > 0 ? n : 0] = '\0';
	return n;
}

bool
process_visible(void)
{
	char	text[16];
	ssize_t	n = readlink("/proc/self", text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return atoi(text) == getpid();
}

int64_t
process_tick(void)
{
	long	ticks = sysconf(_SC_CLK_TCK);

	return ticks > 0 && ticks <= 1000 ? 1000 / ticks : 10;
}

static int
read_stat(int dir, const char *name, struct process *process)
{
	unsigned long long	 start;
	char			 text[1024];
	const char		*rest;
	int			 parent;

	/* Its name, in parentheses, may have any of them inside. */
	if (process_file(dir, name, text, sizeof(text)) <= 0 ||
	    (rest = strrchr(text, ')')) == NULL ||
	    sscanf(rest + 1, " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u "
	    "%*u %*d %*d %*d %*d %d %*d %llu", &process->state, &parent,
	    &process->flags, &process->threads, &start) != 5)
		return -1;
	process->parent = parent;
	process->start = (int64_t)start * process_tick();
	return 0;
}

int
process_stat(int dir, struct process *process)
{
	return read_stat(dir, "stat", process);
}

/* One file is one process's; thousands of orphans are looked at so. */
int
process_read(pid_t pid, struct process *process)
{
	char	path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return read_stat(AT_FDCWD, path, process);
}

int
process_user(pid_t pid, uid_t *uid)
{
	char		 path[32], text[2048];
	const char	*line = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (process_file(AT_FDCWD, path, text, sizeof(text)) > 0)
		line = strstr(text, "\nUid:");
	return line != NULL && sscanf(line, "\nUid: %u", uid) == 1 ? 0 : -1;
}

bool
process_is_stopped(const struct process *process)
{
	return process->state == 'T' || process->state == 't';
}

bool
process_is_dead(const struct process *process)
{
	return (process->state == 'Z' || process->state == 'X') &&
	    process->threads <= 1;
}
