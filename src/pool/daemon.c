/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon.h"
#include "net/log.h"

void
daemon_prepare(void)
{
	int	fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= STDERR_FILENO);
	if (fd != -1)
		(void)close(fd);
}

/* What has become of a daemon that does not accept: an exit status. */
static int
failed(pid_t daemon)
{
	int	status;

	while (waitpid(daemon, &status, 0) == -1)
		if (errno != EINTR) {
			log_warn("waitpid");
			return EX_OSERR;
		}
	if (WIFSIGNALED(status))
		log_info("process %d was ended by signal %d (%s) before it "
		    "accepted", daemon, WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		/* It has said why itself. */
		return WEXITSTATUS(status);
	else
		log_info("process %d was told to end before it accepted",
		    daemon);
	return EX_OSERR;
}

static int
wait_for(pid_t daemon, int ready, int fd)
{
	char	text[16];
	size_t	len = 0;
	ssize_t	n;

	do {
		n = read(ready, text + len, sizeof(text) - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && text[len - 1] != '\n' && len < sizeof(text)) ||
	    (n == -1 && errno == EINTR));
	(void)close(ready);
	if (n <= 0)
		return failed(daemon);
	if (fd != -1 && write(fd, text, len) != (ssize_t)len)
		log_warn("cannot say that the port is %.*s", (int)len - 1,
		    text);
	return 0;
}

int
daemon_fork(int fd, int *ready)
{
	int	pair[2], null;
	pid_t	pid;

	/* Ignored, CHLD takes the daemon's status away; and who reads the port
	   may leave, as in the foreground. */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (pipe2(pair, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		log_warn("no process in the background");
		return EX_OSERR;
	}
	if (pid != 0) {
		(void)close(pair[1]);
		return wait_for(pid, pair[0], fd);
	}
	(void)close(pair[0]);
	/* It is not ours to keep open. */
	if (fd > STDERR_FILENO && (null = open("/dev/null", O_RDWR |
	    O_CLOEXEC)) != -1) {
		(void)dup3(null, fd, O_CLOEXEC);
		(void)close(null);
	}
	*ready = pair[1];
	return -1;
}

int
daemon_detach(void)
{
	int	null = open("/dev/null", O_RDWR), fd;

	if (null == -1 || setsid() == -1 || chdir("/") == -1) {
		log_warn("cannot leave for the background");
		if (null > STDERR_FILENO)
			(void)close(null);
		return -1;
	}
	/* One of them, if whoever called us had closed it, it may be itself. */
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) == -1) {
			log_warn("/dev/null on descriptor %d", fd);
			if (null > STDERR_FILENO)
				(void)close(null);
			return -1;
		}
	if (null > STDERR_FILENO)
		(void)close(null);
	return 0;
}

int
daemon_ready(int ready, unsigned int port)
{
	int	n = dprintf(ready, "%u\n", port);

	if (n < 0)
		log_warn("whoever started this has gone");
	(void)close(ready);
	return n < 0 ? -1 : 0;
}
