/* SPDX-License-Identifier: ISC */
/* Whether this machine has room for a process for each session. */
#include <sys/types.h>
#include <sys/resource.h>

#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sessions.h"

/* Beside the sessions' children: idle ones, parents, ourselves. */
#define OTHERS		200
/* KiB for a session: a child's page tables, stacks and sockets. */
#define MEMORY		256

static char	why[256];

/* The number behind a word, or the first one of the file; INT64_MAX: there is
   no such file, or no number ("max"). */
static int64_t
number_in(const char *path, const char *word)
{
	FILE	*file = fopen(path, "re");
	char	 line[256];
	int64_t	 number = INT64_MAX;

	if (file == NULL)
		return number;
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, word, strlen(word)) == 0) {
			if (sscanf(line + strlen(word), "%" SCNd64,
			    &number) != 1)
				number = INT64_MAX;
			break;
		}
	(void)fclose(file);
	return number;
}

static void
too_few(const char *what, int64_t there, int64_t wanted)
{
	(void)snprintf(why, sizeof(why), "%s: %" PRId64 ", wanted %" PRId64,
	    what, there, wanted);
}

/* Of the group that we are in and of those above it, each of which has a
   limit of its own. */
static void
check_group(const char *root, char *group, int64_t wanted)
{
	char	path[PATH_MAX], *end;
	int64_t	most, now;

	do {
		(void)snprintf(path, sizeof(path), "%s%s/pids.max", root,
		    group);
		most = number_in(path, "");
		(void)snprintf(path, sizeof(path), "%s%s/pids.current", root,
		    group);
		now = number_in(path, "");
		if (most != INT64_MAX && now != INT64_MAX &&
		    most - now < wanted) {
			too_few("pids.max - pids.current of our control group",
			    most - now, wanted);
		}
		if ((end = strrchr(group, '/')) != NULL)
			*end = '\0';
	} while (end != NULL);
}

static void
check_groups(int64_t wanted)
{
	FILE	*file = fopen("/proc/self/cgroup", "re");
	char	 line[PATH_MAX], *group;

	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0)
			check_group("/sys/fs/cgroup", line + 3, wanted);
		else if ((group = strstr(line, ":pids:")) != NULL)
			check_group("/sys/fs/cgroup/pids", group + 6, wanted);
	}
	(void)fclose(file);
}

/* Threads of this machine, by the fourth field, "running/all". */
static int64_t
threads(void)
{
	FILE	*file = fopen("/proc/loadavg", "re");
	int	 n = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%*s %*s %*s %*d/%d", &n) != 1)
		n = 0;
	(void)fclose(file);
	return n;
}

static void
check_processes(int64_t wanted)
{
	static const char *const	files[] = {
		"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max" };
	struct rlimit			limit;
	int64_t				there;
	size_t				i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		there = number_in(files[i], "");
		if (there != INT64_MAX && there < wanted + threads())
			too_few(files[i], there, wanted + threads());
	}
	if (getrlimit(RLIMIT_NPROC, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY &&
	    limit.rlim_cur < (rlim_t)wanted)
		too_few("processes of a user (ulimit -u)",
		    (int64_t)limit.rlim_cur, wanted);
}

const char *
limit_in_the_way(int sessions)
{
	struct rlimit	limit;
	int64_t		memory = number_in("/proc/meminfo", "MemAvailable:");
	int64_t		first = 0, last = 0;
	FILE		*file;

	why[0] = '\0';
	check_processes(sessions + OTHERS);
	check_groups(sessions + OTHERS);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_max < (rlim_t)sessions + OTHERS)
		too_few("descriptors (ulimit -Hn)", (int64_t)limit.rlim_max,
		    sessions + OTHERS);
	if (memory < (int64_t)sessions * MEMORY)
		too_few("MemAvailable, KiB", memory,
		    (int64_t)sessions * MEMORY);
	file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	if (file != NULL) {
		/* outlive-load goes on with another address after 16384. */
		if (fscanf(file, "%" SCNd64 " %" SCNd64, &first, &last) == 2 &&
		    last - first < (sessions < 16384 ? sessions : 16384))
			too_few("net.ipv4.ip_local_port_range: ports",
			    last - first + 1, sessions);
		(void)fclose(file);
	}
	return why[0] == '\0' ? NULL : why;
}
