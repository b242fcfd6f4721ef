/* SPDX-License-Identifier: ISC */
/*
 * A program for one client, as small as can be: a line, and the answer.  It is
 * entered where others have their C library's beginning, which asks the
 * processor what it can: in a virtual machine each of these questions is an
 * exit to the host, half a millisecond in all, and no server's fault.
 */
#include <sys/syscall.h>

#include <unistd.h>

void	_start(void) __attribute__((__noreturn__));

void
_start(void)
{
	static char	line[128];
	long		n = syscall(SYS_read, STDIN_FILENO, line, sizeof(line));

	/* Without that beginning there is no errno: a call that fails is the
	   end of us. */
	if (n > 0)
		n = syscall(SYS_write, STDOUT_FILENO, line, (size_t)n);
	for (;;)
		(void)syscall(SYS_exit_group, n > 0 ? 0 : 1);
}
