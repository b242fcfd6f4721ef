/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measurement.h"

int
option_number(const char *option, const char *text, int least, int most)
{
	const char	*why;
	int		 n = (int)strtonum(text, least, most, &why);

	if (why != NULL)
		errx(64, "%s '%s' is %s: expected %d to %d", option, text, why,
		    least, most);
	return n;
}

bool
measure_apart(void (*measure)(const void *what, void *result),
    const void *what, void *result, size_t size)
{
	void	*shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int	 status;
	pid_t	 pid;

	(void)fflush(NULL);
	if (shared == MAP_FAILED || (pid = fork()) == -1)
		err(1, "a process to measure in");
	if (pid == 0) {
		measure(what, shared);
		/* A harness that skips has come to its exit already. */
		exit(0);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	(void)memcpy(result, shared, size);
	(void)munmap(shared, size);
	return status == 0;
}
