/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <paths.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

/* As far as a look can tell; -1 with errno. */
static int
look(const char *path)
{
	struct stat	status;

	if (stat(path, &status) == -1 || access(path, X_OK) == -1)
		return -1;
	errno = EACCES;		/* what execve() says of a folder */
	return S_ISREG(status.st_mode) ? 0 : -1;
}

int
program_find(const char *name, char path[PATH_MAX])
{
	const char	*folder = getenv("PATH");
	int		 len, error = ENOENT;

	if (strchr(name, '/') != NULL) {
		errno = ENAMETOOLONG;
		return strlcpy(path, name, PATH_MAX) < PATH_MAX ?
		    look(path) : -1;
	}
	if (folder == NULL)
		folder = _PATH_DEFPATH;
	for (; *name != '\0'; folder++) {
		len = (int)strcspn(folder, ":");
		if (snprintf(path, PATH_MAX, "%.*s%s%s", len, folder,
		    len > 0 ? "/" : "", name) < PATH_MAX) {
			if (look(path) == 0)
				return 0;
			if (errno == EACCES)
				error = EACCES;
		}
		folder += len;
		if (*folder == '\0')
			break;
	}
	errno = error;
	return -1;
}

/* The process of a trial; it must not outlive us, nor run the program. */
static void __attribute__((__noreturn__))
be_tried(pid_t parent, const char *path, char *const argv[])
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
		_exit(0);	/* not allowed here: look() has to do */
	(void)raise(SIGSTOP);
	(void)execve(path, argv, environ);
	/* A process that is traced may be refused what others may. */
	_exit(errno == EPERM ? 0 : errno);
}

/* Let it go on, until it stops behind execve(), or ends. */
static int
watch(pid_t pid)
{
	const long	options = PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC;
	bool		first = true;
	int		status;

	for (;; first = false) {
		while (waitpid(pid, &status, WUNTRACED) == -1)
			if (errno != EINTR)
				return -1;
		if (!WIFSTOPPED(status)) {
			errno = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
			return errno == 0 ? 0 : -1;
		}
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8) ||
		    (first && ptrace(PTRACE_SETOPTIONS, pid, NULL,
		    options) == -1) ||
		    ptrace(PTRACE_CONT, pid, NULL, NULL) == -1) {
			(void)kill(pid, SIGKILL);
			while (waitpid(pid, &status, 0) == -1 &&
			    errno == EINTR)
				;
			return 0;
		}
	}
}

int
program_try(const char *path, char *const argv[])
{
	struct sigaction	action = { .sa_handler = SIG_DFL };
	pid_t			us = getpid(), pid;

	/* Were it ignored, nobody would tell us how the trial ended. */
	(void)sigaction(SIGCHLD, &action, NULL);
	pid = fork();
	if (pid == 0)
		be_tried(us, path, argv);
	return pid == -1 ? -1 : watch(pid);
}
