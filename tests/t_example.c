/* SPDX-License-Identifier: ISC */
/* doc/examples/echo.c, a server in 20 lines of C, does what outlived does. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"

static pid_t
start(void)
{
	const char	*argv[] = { "doc/examples/echo", "127.0.0.1:9999",
			    NULL };
	pid_t		pid = program_start(argv, -1);

	await_listener(9999);
	return pid;
}

int
main(void)
{
	pid_t		parent;
	int		old, new;

	harness_begin();
	harness_own_network();
	parent = start();
	await_title(parent, "echo: parent of 127.0.0.1:9999, generation 1");
	old = dial(9999);
	ok(echoes(old, "hello\n"), "a client is served");
	send_signal(parent, SIGKILL);
	(void)await_end(parent);
	/* A newborn may have a copy until its first act. */
	await_no_listener(9999);
	parent = start();
	new = dial(9999);
	ok(echoes(new, "hello\n"), "killed and started again: a new client");
	ok(echoes(old, "still here\n"), "and the old one");
	(void)close(old);
	(void)close(new);
	send_signal(parent, SIGTERM);
	ok(await_end(parent) == 0 && harness_nobody_left(), "all ended");
	return done();
}
