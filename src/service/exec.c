/* SPDX-License-Identifier: ISC */
/*
 * The child becomes a program, as inetd's did (UNP 13.5): the client is its
 * standard input and output.  What inetd does not tell, the environment does,
 * as in UCSPI: who is talking to whom.
 */
#include <sys/types.h>
#include <sys/prctl.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/address.h"
#include "net/log.h"
#include "program.h"
#include "service.h"

int
exec_prepare(char *argv[], void **arg, char *why, size_t size)
{
	char		 path[PATH_MAX] = "";
	const char	*more = "";
	int		 error;

	*arg = argv;
	if (argv[0] == NULL) {
		(void)snprintf(why, size, "expected a program");
		return -1;
	}
	if (program_find(argv[0], path) == 0 && program_try(path, argv) == 0)
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
		"LISTEN_PIDFDID=", "FDSTORE=", "NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "PROTO=",
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
	/* And what it starts is reached by one signal to its group. */
	(void)setsid();
}

void
exec_serve(const struct outlive_client *client, void *arg)
{
	char *const	*argv = arg;
	char		 path[PATH_MAX];

	restore_signals();
	forget_stale();
	if (name_ends(client) == 0 &&
	    dup2(client->fd, STDIN_FILENO) != -1 &&
	    dup2(client->fd, STDOUT_FILENO) != -1 &&
	    program_find(argv[0], path) == 0)
		(void)execve(path, argv, environ);
	log_warn("cannot execute '%s' for %s", argv[0], client->name);
	_exit(1);
}
