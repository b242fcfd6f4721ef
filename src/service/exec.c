/* SPDX-License-Identifier: ISC */
/*
 * A process becomes a program, as inetd's did (UNP 13.5): the client is its
 * standard input and output.  What inetd does not tell, the environment does,
 * as in UCSPI: who is talking to whom.
 */
#include <sys/types.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/address.h"
#include "net/log.h"
#include "net/path.h"
#include "program.h"
#include "service.h"

/* Who is talking to whom. */
static const char *const	ends[] = {
	"TCPLOCALIP", "TCPLOCALPORT", "TCPREMOTEIP", "TCPREMOTEPORT",
};
#define ENDS	(sizeof(ends) / sizeof(ends[0]))

/* Where the program was found, and its environment: what does not change from
   client to client, and then PROTO and the ends. */
static char	program_path[PATH_MAX];
static char	**environment;
static char	end_texts[ENDS][ADDRESS_TEXT + 16];

static int	make_environment(void);

/* A daemon changes its directory, and what was found is still meant. */
static int
make_absolute(void)
{
	char	*path = path_absolute(program_path);
	size_t	 len = path == NULL ? 0 :
		    strlcpy(program_path, path, sizeof(program_path));

	free(path);
	if (len >= sizeof(program_path))
		errno = ENAMETOOLONG;
	return len > 0 && len < sizeof(program_path) ? 0 : -1;
}

int
exec_prepare(char *argv[], void **arg, char *why, size_t size)
{
	const char	*more = "";
	int		 error;

	*arg = argv;
	if (argv[0] == NULL) {
		(void)snprintf(why, size, "expected a program");
		return -1;
	}
	if (program_find(argv[0], program_path) == 0 &&
	    program_try(program_path, argv) == 0 && make_absolute() == 0 &&
	    make_environment() == 0)
		return 0;
	error = errno;
	if (error == ENOEXEC)
		more = " (a script begins with #! and its interpreter)";
	else if (error == ENOENT && access(program_path, X_OK) == 0)
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
		"LISTEN_PIDFDID=", "FDSTORE=", "NOTIFY_SOCKET=",
		"SYSTEMD_EXEC_PID=", "WATCHDOG_PID=", "WATCHDOG_USEC=",
		"PROTO=",
		"TCPLOCAL", "TCPREMOTE", "TCP6LOCAL", "TCP6REMOTE",
		"SSLLOCAL", "SSLREMOTE", "UNIXLOCAL", "UNIXREMOTE",
	};
	size_t				i;

	for (i = 0; i < sizeof(stale) / sizeof(stale[0]); i++)
		if (strncmp(variable, stale[i], strlen(stale[i])) == 0)
			return true;
	return false;
}

static int
make_environment(void)
{
	char	**variable, **to;
	size_t	  n = 0;

	for (variable = environ; *variable != NULL; variable++)
		n++;
	environment = calloc(n + 1 + ENDS + 1, sizeof(*environment));
	if (environment == NULL)
		return -1;
	to = environment;
	for (variable = environ; *variable != NULL; variable++)
		if (!is_stale(*variable))
			*to++ = *variable;
	*to++ = (char *)(uintptr_t)"PROTO=TCP";
	for (n = 0; n < ENDS; n++)
		*to++ = end_texts[n];
	return 0;
}

/* The texts of one end, which begin with the n-th. */
static void
name_end(size_t n, const struct address *address)
{
	char	values[2][ADDRESS_TEXT];
	int	i;

	address_split(address, values[0], values[1]);
	for (i = 0; i < 2; i++)
		(void)snprintf(end_texts[n + (size_t)i], sizeof(end_texts[0]),
		    "%s=%.79s", ends[n + (size_t)i], values[i]);
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
	name_end(0, &local);
	name_end(2, &remote);
	return 0;
}

/* Signals as programs expect them.  Handlers become defaults by themselves,
   what is ignored stays ignored (execve(2)). */
static void
restore_signals(void)
{
	struct sigaction	action = { .sa_handler = SIG_DFL };

	(void)sigaction(SIGPIPE, &action, NULL);
	(void)sigaction(SIGXFSZ, &action, NULL);
	(void)sigaction(SIGWINCH, &action, NULL);
}

void
exec_serve(const struct outlive_client *client, void *arg)
{
	char *const	*argv = arg;

	restore_signals();
	/* The log first: it may be what standard output is. */
	if (name_ends(client) == 0 &&
	    dup2(log_for_programs(), STDERR_FILENO) != -1 &&
	    dup2(client->fd, STDIN_FILENO) != -1 &&
	    dup2(client->fd, STDOUT_FILENO) != -1) {
		(void)execve(program_path, argv, environment);
		/* It may have moved. */
		if (program_find(argv[0], program_path) == 0)
			(void)execve(program_path, argv, environment);
	}
	log_warn("cannot execute '%s'", argv[0]);
	_exit(1);
}
