/* SPDX-License-Identifier: ISC */
/* What this machine needs for what no restart can do without. */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "far.h"
#include "restarts.h"

#define TIMES	15

static int
compare(const void *a, const void *b)
{
	double	x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
program_takes(void)
{
	static char			program[] = "./outlived",
					option[] = "--version";
	char				*argv[] = { program, option, NULL };
	posix_spawn_file_actions_t	silence;
	double				ms[TIMES];
	int				i, error;

	(void)posix_spawn_file_actions_init(&silence);
	(void)posix_spawn_file_actions_addopen(&silence, STDOUT_FILENO,
	    "/dev/null", O_WRONLY, 0);
	for (i = 0; i < TIMES; i++) {
		int64_t	began = now_us();
		pid_t	pid;

		error = posix_spawn(&pid, program, &silence, NULL, argv,
		    environ);
		if (error != 0)
			errc(1, error, "%s", program);
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			;
		ms[i] = (double)(now_us() - began) / 1e3;
	}
	(void)posix_spawn_file_actions_destroy(&silence);
	qsort(ms, TIMES, sizeof(*ms), compare);
	return ms[TIMES / 2];
}
