/* SPDX-License-Identifier: ISC */
/*
 * The article's figures 1 to 10, played with server1 and server2; the states
 * are the kernel's.  Figures 7 and 8 wait for the end of TIME_WAIT, a minute:
 * only with OUTLIVE_PATIENT in the environment.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "net/clock.h"
#include "process.h"

#define NONE	0

static pid_t
start(const char *program, const char *option)
{
	const char	*argv[] = { program, option, NULL };

	return program_start(argv, -1);
}

static int
exit_status(pid_t pid)
{
	int	status = await_end(pid);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t
server1(const char *option)
{
	pid_t	pid = start("./server1", option);

	await_listener(9999);
	return pid;
}

/* Ctrl-C is later than server1's accept(): what waits for one gets a reset. */
static pid_t
server2(const char *option)
{
	pid_t		pid = start("./server2", option);
	struct wait	wait = { .what = "server1's accept()" };

	await_listener(8888);
	while (not_accepted() > 0)
		wait_a_moment(&wait);
	return pid;
}

static void
ctrl_c(pid_t pid)
{
	int	status;

	send_signal(pid, SIGINT);
	status = await_end(pid);
	if (!WIFSIGNALED(status))
		bail("Ctrl-C did not end it: status %x", (unsigned)status);
}

/* The one connection between the two, as the kernel has it at either end. */
static bool
connection(unsigned int end1, unsigned int end2)
{
	long long	began = clock_ms();
	int		all1, all2, in1, in2;

	/* The segments of a close may still be on their way. */
	do {
		all1 = sockets_in(0, 9999, 0) - listeners(9999);
		all2 = sockets_in(0, 0, 9999);
		in1 = end1 == NONE ? 0 : sockets_in(end1, 9999, 0);
		in2 = end2 == NONE ? 0 : sockets_in(end2, 0, 9999);
		if (all1 == (end1 != NONE) && in1 == all1 &&
		    all2 == (end2 != NONE) && in2 == all2)
			return true;
		(void)poll(NULL, 0, 2);
	} while (clock_ms() - began < DEADLINE * 1000);
	note("server1's end: %d, %d as expected; server2's: %d, %d",
	    all1, in1, all2, in2);
	return false;
}

/* A server and its client, both ended: server1's end is in TIME_WAIT. */
static void
time_wait(const char *option)
{
	pid_t	one = server1(option), two = server2(option);

	ctrl_c(one);
	ctrl_c(two);
	if (!connection(TCP_TIME_WAIT, NONE))
		bail("no TIME_WAIT");
}

static bool
refused(const char *option)
{
	bool	said;

	log_clear();
	said = exit_status(start("./server1", option)) == 1 &&
	    log_has("server1: bind error: Address already in use\n") &&
	    log_lines() == 1;
	if (!said)
		log_show();
	return said && listeners(9999) == 0;
}

/* Figures 7 and 8. */
static void
a_minute_later(void)
{
	struct wait	wait = { .what = "TIME_WAIT's end" };
	long long	began = clock_ms();

	if (getenv("OUTLIVE_PATIENT") == NULL) {
		skip("7: TIME_WAIT has gone, after a minute",
		    "takes a minute: set OUTLIVE_PATIENT");
		skip("8: server1 runs, and still does not listen on 9999",
		    "takes a minute: set OUTLIVE_PATIENT");
		return;
	}
	while (sockets_in(TCP_TIME_WAIT, 9999, 0) > 0 &&
	    clock_ms() - began < 90000) {
		wait.since = 0;
		wait_a_moment(&wait);
	}
	ok(sockets_in(0, 9999, 0) == 0, "7: TIME_WAIT has gone, after %lld s",
	    (clock_ms() - began) / 1000);
	ok(a_listener() != 0 && listeners(9999) == 0,
	    "8: server1 runs, and still does not listen on 9999");
}

static void
unchecked_bind(void)
{
	static const char	ignore[] = "--ignore-bind-error";
	struct wait		wait = { .what = "a listener" };
	pid_t			one, two;

	one = server1(ignore);
	two = server2(ignore);
	ok(listeners(9999) == 1 && listeners(8888) == 1 &&
	    connection(TCP_ESTABLISHED, TCP_ESTABLISHED),
	    "1: both listen; one connection, ESTABLISHED at both ends");
	ctrl_c(one);
	ok(listeners(9999) == 0 && connection(TCP_FIN_WAIT2, TCP_CLOSE_WAIT),
	    "2, 3: server1 ended: FIN_WAIT2 at its end, CLOSE_WAIT at the other");
	ctrl_c(two);
	ok(connection(TCP_TIME_WAIT, NONE),
	    "4, 5: server2 ended: TIME_WAIT at server1's end, nothing at the other");
	one = start("./server1", ignore);
	while (a_listener() == 0)
		wait_a_moment(&wait);
	log_clear();
	ok(exit_status(start("./server2", ignore)) == 1 &&
	    log_has("server2: connect error: Connection refused\n"),
	    "6: both again: server2 cannot connect");
	ok(listeners(9999) == 0 && waitpid(one, NULL, WNOHANG) == 0,
	    "6: server1 runs and listens on %u, not on 9999", a_listener());
	a_minute_later();
	ctrl_c(one);
}

/* Each begins in a network without any TIME_WAIT. */
static void
checked_bind(void)
{
	pid_t	one, two;

	harness_own_network();
	time_wait(NULL);
	ok(refused(NULL), "9: the bind() in TIME_WAIT is refused, and says so");
	ok(refused("--reuseaddr"),
	    "with SO_REUSEADDR too, if the first server1 had not set it");

	harness_own_network();
	time_wait("--reuseaddr");
	one = server1("--reuseaddr");
	ok(sockets_in(TCP_TIME_WAIT, 9999, 0) == 1,
	    "10: with SO_REUSEADDR both times it binds, TIME_WAIT or not");
	two = server2("--reuseaddr");
	ok(sockets_in(TCP_ESTABLISHED, 9999, 0) == 1, "10: and is connected to");
	ctrl_c(one);
	ctrl_c(two);

	harness_own_network();
	time_wait("--reuseaddr");
	ok(refused(NULL),
	    "without it, it is refused also if the first one had set it");

	harness_own_network();
	one = server1(NULL);
	two = server2(NULL);
	ctrl_c(two);
	ctrl_c(one);
	ok(connection(NONE, TCP_TIME_WAIT),
	    "the client closes first: TIME_WAIT at its end, none at 9999");
	one = server1(NULL);
	ok(listeners(9999) == 1, "and server1 has its port without SO_REUSEADDR");
	ctrl_c(one);
}

/* What they do for their clients. */
static void
service(void)
{
	const char	*first[] = { "./server1", "7001", NULL };
	const char	*second[] = { "./server2", "7002", "7001", NULL };
	pid_t		 one = program_start(first, -1), two;
	int		 client;

	await_listener(7001);
	two = program_start(second, -1);
	await_listener(7002);
	client = dial(7002);
	ok(echoes(client, "by way of server2\n"),
	    "other ports; server2 answers what server1 does");
	(void)shutdown(client, SHUT_WR);
	ok(sees_end(client), "and closes when the client has");
	(void)close(client);
	client = dial(7002);
	ok(echoes(client, "next\n"), "one client after the other");
	log_clear();
	ctrl_c(one);
	say(client, "anybody there?\n");
	ok(sees_end(client) && exit_status(two) == 1 &&
	    log_has("server2: server1 has gone\n"),
	    "a server2 that has lost server1 says so, and ends");
	(void)close(client);
}

static void
arguments(void)
{
	static const char	*const wrong[][5] = {
		{ "./server1", "70000", NULL },
		{ "./server1", "http", NULL },
		{ "./server1", "", NULL },
		{ "./server1", "1", "2", NULL },
		{ "./server1", "--reuse-what", NULL },
		{ "./server2", "0", NULL },
		{ "./server2", "8888", "-1", NULL },
		{ "./server2", "1", "2", "3", NULL },
	};
	static const char	*const said[] = {
		"server1: port '70000' is too large: expected 1 to 65535\n",
		"server1: port 'http' is invalid: expected 1 to 65535\n",
		"server1: port '' is invalid: expected 1 to 65535\n",
		"server1: usage: server1 [--ignore-bind-error] [--reuseaddr] "
		"[port]\n",
		"server1: usage: ",
		"server2: port '0' is too small: expected 1 to 65535\n",
		"server2: usage: ",
		"server2: usage: server2 [--ignore-bind-error] [--reuseaddr] "
		"[port [port of server1]]\n",
	};
	size_t	i;

	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		log_clear();
		if (!ok(exit_status(program_start(wrong[i], -1)) == 1 &&
		    log_has(said[i]), "%s %s", wrong[i][0], wrong[i][1]))
			log_show();
	}
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	service();
	unchecked_bind();
	checked_bind();
	arguments();
	ok(harness_nobody_left(), "all ended");
	return done();
}
