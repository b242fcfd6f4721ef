/* SPDX-License-Identifier: ISC */
/*
 * The child becomes a program, as inetd's did (UNP 13.5): the client is its
 * standard input and output.  What inetd does not tell, the environment does,
 * as in UCSPI: who is talking to whom.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <paths.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/address.h"
#include "net/log.h"
#include "service.h"

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

/*
 * The program's file: a path, or the first file in PATH that may be executed.
 * Unlike execvp(3) this goes no further if the kernel then refuses it, nor
 * does it take what is no program for a script of sh.
 */
static int
find(const char *name, char path[PATH_MAX])
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
be_tried(const char *path, char *const argv[])
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
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

/*
 * Whether it can be executed is for the kernel to say: there may be no
 * permission, no interpreter, another machine's code.  A process that is
 * traced stops before the program's first instruction, and ends there.
 */
static int
try(const char *path, char *const argv[])
{
	struct sigaction	action = { .sa_handler = SIG_DFL };
	pid_t			pid;

	/* Were it ignored, nobody would tell us how the trial ended. */
	(void)sigaction(SIGCHLD, &action, NULL);
	pid = fork();
	if (pid == 0)
		be_tried(path, argv);
	return pid == -1 ? -1 : watch(pid);
}

int
program_prepare(char *argv[], void **arg, char *why, size_t size)
{
	char		 path[PATH_MAX] = "";
	const char	*more = "";
	int		 error;

	*arg = argv;
	if (argv[0] == NULL) {
		(void)snprintf(why, size, "expected a program");
		return -1;
	}
	if (find(argv[0], path) == 0 && try(path, argv) == 0)
		return 0;
	error = errno;
	if (error == ENOEXEC)
		more = " (a script begins with #! and its interpreter)";
	else if (error == ENOENT && access(path, X_OK) == 0)
		more = " (the file is there, its interpreter is not)";
	(void)snprintf(why, size, "cannot execute '%.150s': %s%s", argv[0],
	    strerror(error), more);
	return -1;
}

/* Whether a variable is about somebody else: another supervisor's service,
   the client of a UCSPI server that has started us. */
static bool
is_stale(const char *variable)
{
	static const char *const	stale[] = {
		"LISTEN_FDS=", "LISTEN_FDNAMES=", "LISTEN_PID=",
		"NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "PROTO=",
		"TCPLOCAL", "TCPREMOTE", "TCP6LOCAL", "TCP6REMOTE",
		"SSLLOCAL", "SSLREMOTE", "UNIXLOCAL", "UNIXREMOTE",
	};
	size_t				i;

	for (i = 0; i < sizeof(stale) / sizeof(stale[0]); i++)
		if (strncmp(variable, stale[i], strlen(stale[i])) == 0)
			return true;
	return false;
}

static void
forget_stale(void)
{
	char	**from = environ, **to = environ;

	for (; *from != NULL; from++)
		if (!is_stale(*from))
			*to++ = *from;
	*to = NULL;
}

static int
name_end(const char *host_name, const char *port_name,
    const struct address *address)
{
	char	host[ADDRESS_TEXT], port[ADDRESS_TEXT];

	address_split(address, host, port);
	return setenv(host_name, host, 1) == -1 ? -1 :
	    setenv(port_name, port, 1);
}

static int
name_ends(const struct outlive_client *client)
{
	struct address	local, remote;

	memset(&remote, 0, sizeof(remote));
	memcpy(&remote.sa, client->peer, client->peerlen);
	remote.len = client->peerlen;
	memset(&local, 0, sizeof(local));
	local.len = sizeof(local.in6);
	if (getsockname(client->fd, &local.sa, &local.len) == -1)
		return -1;
	return setenv("PROTO", "TCP", 1) == -1 ||
	    name_end("TCPLOCALIP", "TCPLOCALPORT", &local) == -1 ||
	    name_end("TCPREMOTEIP", "TCPREMOTEPORT", &remote) == -1 ? -1 : 0;
}

/*
 * Signals as programs expect them.  Handlers become defaults by themselves,
 * what is ignored stays ignored (execve(2)); and the program has no use for
 * the signal that tells a child of its parent's end.
 */
static void
restore_signals(void)
{
	struct sigaction	action = { .sa_handler = SIG_DFL };

	(void)sigaction(SIGPIPE, &action, NULL);
	(void)sigaction(SIGXFSZ, &action, NULL);
	(void)prctl(PR_SET_PDEATHSIG, 0);
}

void
program_run(const struct outlive_client *client, void *arg)
{
	char *const	*argv = arg;
	char		 path[PATH_MAX];

	restore_signals();
	forget_stale();
	if (name_ends(client) == 0 &&
	    dup2(client->fd, STDIN_FILENO) != -1 &&
	    dup2(client->fd, STDOUT_FILENO) != -1 &&
	    find(argv[0], path) == 0)
		(void)execve(path, argv, environ);
	log_warn("cannot execute '%s' for %s", argv[0], client->name);
	_exit(1);
}
