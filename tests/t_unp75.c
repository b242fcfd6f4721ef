/* SPDX-License-Identifier: ISC */
/* UNP 7.5's four steps with doc/examples/unp75.c, with -r and without. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"

static const char	unp75[] = "doc/examples/unp75";

static pid_t
start(const char *option)
{
	const char	*argv[] = { unp75, option, NULL };

	return program_start(argv, -1);
}

static void
await_a_clean_port(void)
{
	struct wait	wait = { .what = "the last socket of the port" };

	while (sockets_in(0, 9999, 0) > 0)
		wait_a_moment(&wait);
}

/* Steps 1 to 3: a client, and its child whose parent has gone. */
static int
left_with_a_child(const char *option, int signo)
{
	pid_t	parent = start(option), child[64];
	int	client;

	await_listener(9999);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served%s",
	    option != NULL ? ", with -r" : "");
	await_children(parent, 1, child);
	send_signal(parent, signo);
	ok(WTERMSIG(await_end(parent)) == signo, "the listening server ends");
	ok(listeners(9999) == 0 &&
	    sockets_in(TCP_ESTABLISHED, 9999, local_port(client)) == 1 &&
	    echoes(client, "still here\n"), "its child goes on");
	return client;
}

/* Step 4. */
static bool
refused(const char *option)
{
	int	status;

	log_clear();
	status = await_end(start(option));
	return WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
	    log_has("unp75: bind error: Address already in use\n");
}

/* A command line that is wrong ends it with 1, and a line that says why. */
static bool
complains(const char *argument, const char *line)
{
	int	status;

	log_clear();
	status = await_end(start(argument));
	return WIFEXITED(status) && WEXITSTATUS(status) == 1 && log_has(line);
}

int
main(void)
{
	struct wait	wait = { .what = "a child that is not even a zombie" };
	pid_t		parent, child[64];
	int		client, another;

	harness_begin();
	harness_own_network();

	client = left_with_a_child(NULL, SIGTERM);
	ok(refused(NULL), "started again: refused");
	ok(refused("-r"), "with -r too: the old socket did not have it");
	ok(echoes(client, "and on\n"), "the client has not noticed");
	(void)close(client);
	await_a_clean_port();
	ok(harness_nobody_left(),
	    "the client closes first: nothing is left at the port");

	client = left_with_a_child("-r", SIGKILL);
	ok(refused(NULL), "started again without -r: refused");
	parent = start("-r");
	await_listener(9999);
	another = dial(9999);
	ok(echoes(another, "hello\n") && echoes(client, "and on\n"),
	    "started again with -r: serves, beside the old child");
	await_children(parent, 1, child);
	(void)shutdown(another, SHUT_WR);
	ok(sees_end(another), "the client is done, and the child closes");
	while (kill(child[0], 0) == 0)		/* a zombie would stay */
		wait_a_moment(&wait);
	(void)close(another);
	(void)close(client);
	send_signal(parent, SIGTERM);
	(void)await_end(parent);
	ok(complains("65536", "unp75: the port is too large: expected 1 to "
	    "65535\n") && complains("-x", "unp75: usage: unp75 [-r] [port]\n"),
	    "a wrong command line");
	ok(harness_nobody_left(), "all ended");
	return done();
}
