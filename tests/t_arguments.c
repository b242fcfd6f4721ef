/* SPDX-License-Identifier: ISC */
/* Wrong arguments: one line that names what was wrong, and exit 64; an
   address that is not to be had: why, and exit 69. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"

static const struct {
	const char	*argument[4];
	const char	*said;
} wrong[] = {
	{ { NULL },				"expected [host:]port and a" },
	{ { "9999" },				"expected [host:]port and a" },
	{ { "127.0.0.1:0", "ecko" },		"no service 'ecko'" },
	{ { "127.0.0.1:0", "echo", "x" },	"no arguments, but here is 'x'" },
	{ { "127.0.0.1:0", "exec" },		"expected a program" },
	{ { "127.0.0.1:0", "exec", "nosuch" },	"'nosuch': No such file" },
	{ { "127.0.0.1:0", "exec", "" },	"cannot execute ''" },
	{ { "127.0.0.1:0", "exec", "/etc" },	"'/etc': Permission denied" },
	{ { "127.0.0.1:0", "exec", "/etc/passwd" }, "Permission denied" },
	{ { "127.0.0.1:65536", "echo" },	"from 0 to 65535" },
	{ { "127.0.0.1", "echo" },		"'127.0.0.1' is no address" },
	{ { "::1:9999", "echo" },		"brackets" },
	{ { "-y", "127.0.0.1:0", "echo" },	"'y'" },
	{ { "--frobnicate" },			"frobnicate" },
	{ { "-a", "serv02", "127.0.0.1:0", "echo" },
	    "'serv02' is no strategy: expected fork, shared, fcntl, mutex" },
	{ { "-b" },				"requires an argument" },
	{ { "-b", "0", "127.0.0.1:0", "echo" },	"expected 1 to 65535" },
	{ { "-b", "x", "127.0.0.1:0", "echo" },	"backlog 'x' is invalid" },
	{ { "-m", "0", "127.0.0.1:0", "echo" },	"number of children '0'" },
	{ { "-w", "-1", "127.0.0.1:0", "echo" }, "the wait '-1'" },
	{ { "-t", "86401", "127.0.0.1:0", "echo" }, "the idle timeout '86401'" },
	{ { "-x", "-1", "127.0.0.1:0", "echo" }, "the session limit '-1'" },
	{ { "-r", "-1", "127.0.0.1:0", "echo" }, "number of clients '-1'" },
	{ { "-D", "-lstderr", "127.0.0.1:9", "echo" },
	    "a daemon has no standard error: expected the log to be" },
	{ { "-D", "-l/dev/fd/1", "127.0.0.1:9", "echo" },
	    "a daemon has no standard error: expected the log to be" },
	{ { "-i", "8", "127.0.0.1:0", "echo" },	"expected MIN:MAX" },
	{ { "-i", "9:8", "127.0.0.1:0", "echo" }, "expected 9 to" },
	{ { "-i", "0:8", "127.0.0.1:0", "echo" }, "expected 1 to" },
	{ { "--early-drop", "8", "127.0.0.1:0", "echo" },
	    "early drop '8': expected START:RATE:FULL" },
	{ { "--early-drop", "8:9", "127.0.0.1:0", "echo" },
	    "expected START:RATE:FULL, as 100:30:1000" },
	{ { "--early-drop", "65536:9:65536", "127.0.0.1:0", "echo" },
	    "the start of early drop '65536' is too large: expected 0 to" },
	{ { "--early-drop", "8:0:9", "127.0.0.1:0", "echo" },
	    "the rate of early drop '0' is too small: expected 1 to 100" },
	{ { "--early-drop", "8:101:9", "127.0.0.1:0", "echo" },
	    "the rate of early drop '101' is too large" },
	{ { "--early-drop", "8:30:7", "127.0.0.1:0", "echo" },
	    "the end of early drop '7' is too small: expected 8 to 65535" },
	{ { "--early-drop", "0:30:00", "127.0.0.1:0", "echo" },
	    "the end of early drop '00' is too small: expected 1 to 65535" },
	{ { "--early-drop", "8:30:9:1", "127.0.0.1:0", "echo" },
	    "the end of early drop '9:1' is invalid" },
	{ { "-i8:9", "-m4", "127.0.0.1:0", "echo" }, "-i MIN up to -m" },
};

/* Ask for an address that is not to be had. */
static void
refused(int status, const char *what, const char *help)
{
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 69, "%s: exit 69",
	    what);
	ok(log_has(what) && log_has(help), "that name '%s' and '%s'", what,
	    help);
	log_show();
	log_clear();
}

static void
in_use(void)
{
	struct server	server = server_start("-i", "1:1", "127.0.0.1:9999",
			    "echo", NULL);
	int		client = dial(server.port);

	ok(echoes(client, "hello\n"), "a client is served");
	log_clear();
	refused(server_run("-w", "0", "127.0.0.1:9999", "echo", NULL),
	    "is the parent of 127.0.0.1:9999: expected it to end",
	    "in the way: LISTEN 127.0.0.1:9999");
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	log_clear();
	await_no_listener(9999);
	refused(server_run("-R", "-w", "0", "127.0.0.1:9999", "echo", NULL),
	    "in the way: ESTABLISHED 127.0.0.1:9999 with",
	    "Set SO_REUSEADDR before bind()");
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
}

/* On Linux both sockets must have had the option: the old one counts too. */
static void
started_without(void)
{
	struct server	server = server_start("-R", "-i", "1:1",
			    "127.0.0.1:9999", "echo", NULL);
	int		client = dial(server.port);

	ok(echoes(client, "hello\n"), "a client of a server with -R");
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	await_no_listener(9999);
	log_clear();
	refused(server_run("-w", "0", "127.0.0.1:9999", "echo", NULL),
	    "bind 127.0.0.1:9999: Address already in use",
	    "made without SO_REUSEADDR");
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
}

/* -b is what the kernel has: of a socket in LISTEN, tcpi_sacked. */
static void
backlog(void)
{
	struct server	server = server_start("-b", "77", "127.0.0.1:0",
			    "echo", NULL);
	struct tcp_info	info = { 0 };
	socklen_t	len = sizeof(info);
	int		copy = listener_of(server.pid);

	if (copy == -1)
		skip("-b 77", "pidfd_getfd() is not allowed here");
	else {
		(void)getsockopt(copy, IPPROTO_TCP, TCP_INFO, &info, &len);
		ok(info.tcpi_sacked == 77, "-b 77: the backlog is %u",
		    info.tcpi_sacked);
		(void)close(copy);
	}
	send_signal(server.pid, SIGINT);
	ok(await_end(server.pid) == 0 && harness_nobody_left(), "all ended");
}

/* A wait for the port is a wait for the event, not for its own end. */
static void
waits(void)
{
	struct server	first = server_start("-i", "1:1", "127.0.0.1:9999",
			    "echo", NULL);
	const char	*argv[] = { "./outlived", "-w", "25", "-i", "1:1",
			    "127.0.0.1:9999", "echo", NULL };
	pid_t		second, list[64];
	int		client;

	log_clear();
	second = program_start(argv, -1);
	await_log("trying for 25 s");
	ok(1, "a second server says that it waits");
	send_signal(first.pid, SIGTERM);
	(void)await_end(first.pid);
	await_children(second, 1, list);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "and has the port when it is free");
	(void)close(client);
	send_signal(second, SIGTERM);
	ok(await_end(second) == 0 && harness_nobody_left(), "all ended");
	log_clear();
}

/* One that is told to end while it waits ends. */
static void
told_while_waiting(void)
{
	struct server	first = server_start("-i", "1:1", "127.0.0.1:9999",
			    "echo", NULL);
	const char	*argv[] = { "./outlived", "-w", "86400",
			    "127.0.0.1:9999", "echo", NULL };
	pid_t		second;

	log_clear();
	second = program_start(argv, -1);
	await_log("trying for 86400 s");
	send_signal(second, SIGTERM);
	ok(await_end(second) == 0, "TERM ends one that waits");
	send_signal(first.pid, SIGINT);
	ok(await_end(first.pid) == 0 && harness_nobody_left(), "all ended");
}

/* Every option has a long name. */
static void
long_options(void)
{
	struct server	server = server_start("--backlog", "5",
			    "--idle", "2:3", "--max-children=3",
			    "--no-reuseaddr", "--verbose", "--bind-wait", "0",
			    "--max-requests", "7", "--idle-timeout", "86400",
			    "--session-limit", "86400", "--per-source", "9",
			    "--log", "stderr", "--early-drop", "1:1:6",
			    "127.0.0.1:0", "echo", NULL);
	pid_t		list[64];
	int		client = dial(server.port);

	await_children(server.pid, 3, list);
	ok(echoes(client, "hello\n"), "all long options together");
	ok(log_has("echo for 127.0.0.1:"), "--verbose logs each client");
	ok(log_has("early drop is never full: no more than 5 clients can wait, "
	    "and it says 6"), "an early drop beyond the backlog is said");
	(void)close(client);
	send_signal(server.pid, SIGINT);
	ok(await_end(server.pid) == 0 && harness_nobody_left(), "all ended");
	server = server_start("-b", "5000", "127.0.0.1:0", "echo", NULL);
	ok(log_has("cuts the backlog of 5000 to"), "a cut backlog is said");
	send_signal(server.pid, SIGINT);
	ok(await_end(server.pid) == 0 && harness_nobody_left(), "all ended");
}

/* Addresses that are not ours to have. */
static void
not_ours(void)
{
	int	fd, status;

	log_clear();
	refused(server_run("-w", "0", "10.255.255.254:9998", "echo", NULL),
	    "bind 10.255.255.254:9998", "is no address of this machine");
	if ((fd = socket(AF_INET6, SOCK_STREAM, 0)) == -1)
		skip("a link-local address", "this kernel has no IPv6");
	else {
		(void)close(fd);
		refused(server_run("-w", "0", "[fe80::1]:9998", "echo", NULL),
		    "bind [fe80::1]:9998: Invalid argument",
		    "needs its interface");
	}
	status = server_run("no.such.host.invalid:9", "echo", NULL);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 69 &&
	    log_lines() == 1 && log_has("'no.such.host.invalid:9' cannot be "
	    "found"), "a host without an address: exit 69");
	log_show();
	log_clear();
}

int
main(void)
{
	const char *const	*a;
	size_t			 i;
	int			 status;

	harness_begin();
	harness_own_network();
	/* Without folders that an ordinary user may not look into: EACCES. */
	(void)setenv("PATH", "/usr/bin:/bin", 1);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		a = wrong[i].argument;
		log_clear();
		status = server_run(a[0], a[1], a[2], a[3], NULL);
		ok(WIFEXITED(status) && WEXITSTATUS(status) == 64 &&
		    log_lines() == 1 && log_has(wrong[i].said),
		    "%s %s %s: one line that says %s", a[0] ? a[0] : "nothing",
		    a[0] && a[1] ? a[1] : "", a[0] && a[1] && a[2] ? a[2] : "",
		    wrong[i].said);
		log_show();
	}
	log_clear();
	in_use();
	started_without();
	backlog();
	waits();
	told_while_waiting();
	long_options();
	not_ours();
	ok(server_run("--help", NULL) == 0 && log_lines() == 0, "--help");
	ok(server_run("--version", NULL) == 0 && log_lines() == 0,
	    "--version");
	return done();
}
