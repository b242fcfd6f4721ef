/* SPDX-License-Identifier: ISC */
/* What an errno of accept(2) means; and a listener that somebody ends. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "net/listener.h"
#include "process.h"

static const struct {
	int			error;
	enum listener_verdict	verdict;
} rows[] = {
	{ EAGAIN, LISTENER_NOTHING },
	{ EINTR, LISTENER_AGAIN },
	{ ECONNABORTED, LISTENER_AGAIN },
	{ EPROTO, LISTENER_AGAIN },
	{ ENETDOWN, LISTENER_AGAIN },
	{ ENETUNREACH, LISTENER_AGAIN },
	{ ENONET, LISTENER_AGAIN },
	{ ENOPROTOOPT, LISTENER_AGAIN },
	{ EHOSTDOWN, LISTENER_AGAIN },
	{ EHOSTUNREACH, LISTENER_AGAIN },
	{ EMFILE, LISTENER_WAIT },
	{ ENFILE, LISTENER_WAIT },
	{ ENOBUFS, LISTENER_WAIT },
	{ ENOMEM, LISTENER_WAIT },
	{ EPERM, LISTENER_WAIT },	/* a firewall's, or nobody knows */
	{ EBADF, LISTENER_FATAL },
	{ EINVAL, LISTENER_FATAL },
	{ ENOTSOCK, LISTENER_FATAL },
	{ EOPNOTSUPP, LISTENER_FATAL },
};

/* Somebody shuts the listening socket down: the server cannot go on, says so,
   and its clients are served to the end. */
static void
shut_down(const struct cell *cell)
{
	const bool	parent = cell->strategy->parent_accepts;
	struct server	server = server_start("-i", "2:2", "127.0.0.1:9999",
			    "echo", NULL);
	int		client = dial(server.port), copy, status;

	ok(echoes(client, "hello\n"), "a client is served");
	if ((copy = listener_of(server.pid)) == -1) {
		skip("a listener that is shut down",
		    "pidfd_getfd() is not allowed here");
		send_signal(server.pid, SIGTERM);
	} else {
		log_clear();
		(void)shutdown(copy, SHUT_RDWR);
		(void)close(copy);
		status = await_end(server.pid);
		ok(WIFEXITED(status) && WEXITSTATUS(status) == 71 &&
		    log_has(parent ? "accept: Invalid argument" :
		    "somebody has shut the listening socket down"),
		    "a listener that is shut down ends the parent with 71");
		/* Children who accept may be seen to leave first. */
		ok(log_lines() <= (parent ? 2 : 3), "in few lines of the log");
		ok(echoes(client, "on\n"), "its client is served");
	}
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
}

int
main(void)
{
	static const struct cell	shut = { .name = "shut down",
					    .play = shut_down };
	size_t				i;

	harness_begin();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ok(listener_verdict(rows[i].error) == rows[i].verdict, "%s",
		    strerror(rows[i].error));
	cells_play_all(&shut, 1);
	return done();
}
