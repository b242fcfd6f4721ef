/* SPDX-License-Identifier: ISC */
/*
 * outlive-load's command line, the signals that end it, what it says on a
 * terminal, and from where it connects.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "load/worker.h"
#include "loader.h"
#include "process.h"
#include "terminal.h"

#define SIZE	64		/* of an answer */

static void
answer(int fd, int number)
{
	char	xs[SIZE];

	(void)number;
	memset(xs, 'x', sizeof(xs));
	if (hear_line(fd))
		(void)send(fd, xs, sizeof(xs), MSG_NOSIGNAL);
	hear_end(fd);
}

static void
await_accepted(int n)
{
	struct wait	wait = { .what = "clients of a server" };

	while (seen->accepted < n)
		wait_a_moment(&wait);
}

/* Bad arguments: what is said of them. */

static const struct mistake {
	const char	*arguments, *says, *expects;
} mistakes[] = {
	{ "-c 0 1", "clients '0' is too small", "expected 1 to 100000" },
	{ "-c x 1", "clients 'x' is invalid", "expected 1 to 100000" },
	{ "-b 1000000001 1", "bytes '1000000001' is too large",
	    "expected 1 to 1000000000" },
	{ "-k 0 1", "requests '0' is too small", "expected 1 to 2147483647" },
	{ "-n -1 1", "connections '-1' is too small",
	    "expected 1 to 2147483647" },
	{ "-p 65 1", "processes '65' is too large", "expected 1 to 64" },
	{ "--hold 100001 1", "hold '100001' is too large",
	    "expected 1 to 100000" },
	{ "-r 0 1", "rate '0'", "expected a number above 0, 1e+06 at most" },
	{ "-r 1x 1", "rate '1x'", "expected a number above 0" },
	{ "-r nan 1", "rate 'nan'", "expected a number above 0" },
	{ "-t -1 1", "timeout '-1'", "expected a number above 0, 172800" },
	{ "--for 172801 1", "for '172801'", "172800 at most" },
	{ "--every inf --hold 1 1", "every 'inf'", "172800 at most" },
	{ "-s http 1", "service 'http'", "expected bytes, daytime or echo" },
	{ "--source nowhere.invalid 1", "--source 'nowhere.invalid'", "" },
	{ "--source 192.0.2.1 1", "--source '192.0.2.1'",
	    "expected an address of this machine" },
	{ "--source ::1 127.0.0.1:1", "--source",
	    "expected an address of the server's family" },
	{ "-r 1 -c 1 1", "--rate beside -c, -n or -k",
	    "expected an open loop or a closed one" },
	{ "-r 1 -n 1 1", "--rate beside -c, -n or -k", "expected" },
	{ "-r 1 -k 1 1", "--rate beside -c, -n or -k", "expected" },
	{ "--hold 1 -s bytes 1", "--hold with service 'bytes'",
	    "expected echo" },
	{ "--every 1 1", "--every", "expected --hold beside it" },
	{ "-s daytime -k 2 1", "-k 2 with daytime", "expected 1" },
	{ "-s daytime -b 2 1", "-b with daytime", "expected none" },
	{ "-p 3 -c 2 1", "-p 3", "expected at most as many processes as "
	    "there are clients or sessions, 2" },
	{ "-c 1", "expected [host:]port", "see outlive-load --help" },
	{ "1 2", "'2' behind the address", "expected nothing" },
	{ "0", "'0'", "expected a port from 1 to 65535" },
	{ "127.0.0.1:0", "'127.0.0.1:0'", "expected a port from 1 to 65535" },
	{ "127.0.0.1:x", "'127.0.0.1:x'", "port" },
	{ "-x 1", "invalid option -- 'x'", "" },
	{ "--nothing 1", "unrecognized option '--nothing'", "" },
	{ "-c", "option requires an argument -- 'c'", "" },
};

static void
is_told(const char *arguments, int expected, const char *says,
    const char *expects)
{
	int	status;

	log_clear();
	status = loader("%s", arguments);
	if (!ok(status == expected && report()[0] == '\0' &&
	    log_lines() == 1 && log_has("outlive-load: ") && log_has(says) &&
	    log_has(expects), "%s: %s", arguments, says)) {
		note("status %d", status);
		log_show();
	}
}

static void
mistaken(void)
{
	const struct mistake	*mistake;

	for (mistake = mistakes; mistake < mistakes + sizeof(mistakes) /
	    sizeof(mistakes[0]); mistake++)
		is_told(mistake->arguments, 64, mistake->says,
		    mistake->expects);
	is_told("nowhere.invalid:1", 68, "'nowhere.invalid:1'", "");
	is_told("--help=x", 64, "'--help' doesn't allow an argument", "");
}

/* Before anybody comes. */
static void
files(void)
{
	static const char *const	options[] = { "--log", "--timeline",
					    "--svg" };
	char				line[128];
	unsigned int			port = hostile(answer);
	size_t				i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		(void)snprintf(line, sizeof(line), "%s /nowhere/file %u",
		    options[i], port);
		is_told(line, 73, "/nowhere/file", "No such file");
	}
	ok(seen->accepted == 0, "nobody has come");
	log_clear();
	ok(loader("--log /dev/full %u", port) == 74 &&
	    log_has("/dev/full: No space left"), "a log on a full disk");
}

static void
shown(void)
{
	ok(loader("--help") == 0 && reports("usage: outlive-load ") &&
	    reports("\nExit status: 0 "), "--help");
	ok(loader("--version") == 0 &&
	    reports("outlive-load " PACKAGE_VERSION "\n"), "--version");
}

/* Signals, and the terminal. */

static void
interrupted(void)
{
	pid_t	pid = loader_start("--json --for 100 %u", hostile(answer));
	int	status;

	await_accepted(3);
	send_signal(pid, SIGINT);
	status = loader_end(pid);
	ok(status == 0 && (int)reported("done") >= 3 &&
	    reported("requests") - reported("done") < 0.5 &&
	    reported("seconds") < 99, "INT ends it, and it reports");
}

static void
ignore_ends(void)
{
	(void)signal(SIGCHLD, SIG_IGN);
}

static void
ends_are_ignored(void)
{
	unsigned int	port = hostile(answer);

	loader_prepare(ignore_ends);
	ok(loader("%u", port) == 0,
	    "it ends, although whoever has started it ignores that");
	loader_prepare(NULL);
}

static void
type(struct terminal *terminal, const char *options, unsigned int port)
{
	char	line[128];

	(void)snprintf(line, sizeof(line), "./outlive-load %s %u", options,
	    port);
	terminal->len = 0;
	terminal->text[0] = '\0';
	terminal_type(terminal, line);
}

static void
progress(void)
{
	static struct terminal	terminal;
	struct wait		wait = { .what = "a progress line" };
	struct wait		end = { .what = "the end of a run" };
	unsigned int		port = hostile(answer);

	terminal_open(&terminal);
	type(&terminal, "-r 20", port);
	while (strstr(terminal.text, " answers per second, 0 failed") ==
	    NULL) {
		terminal_listen(&terminal, 10);
		wait_a_moment(&wait);
	}
	ok(1, "on a terminal it says how far it is");
	terminal_press(&terminal, "\003");
	while (!terminal.prompts) {
		terminal_listen(&terminal, 10);
		wait_a_moment(&end);
	}
	ok(strstr(terminal.text, "\nthis client ") != NULL,
	    "^C ends it, and it reports");
	type(&terminal, "-q -r 20 --for 1.2", port);
	for (end.since = 0; !terminal.prompts; wait_a_moment(&end))
		terminal_listen(&terminal, 10);
	ok(strstr(terminal.text, "\nthis client ") != NULL &&
	    strstr(terminal.text, "answers per second") == NULL,
	    "-q: it does not");
	terminal_close(&terminal);
	log_clear();
	(void)loader("-r 20 --for 1.2 %u", port);
	ok(log_lines() == 0 && log_text()[0] == '\0',
	    "nor where that is no terminal");
}

/* Addresses: a process that has made so many connections. */
static void
source_after(uint64_t made, const char *expected, unsigned int port)
{
	static struct record	record;
	struct plan		plan = { .processes = 1 };
	struct worker		worker = { .plan = &plan, .record = &record,
				    .made = made };
	struct watched		watched = { .fd = -1 };
	struct address		local = { .len = sizeof(local.in6) };
	const char		*why;
	char			text[ADDRESS_TEXT];

	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	if (address_parse(&plan.server, text, &why) != 0)
		bail("%s: %s", text, why);
	TAILQ_INIT(&worker.waiting);
	if (worker_dial(&worker, &watched) == -1 ||
	    getsockname(watched.fd, &local.sa, &local.len) == -1)
		bail("worker_dial");
	ok(strncmp(address_print(&local, text), expected, strlen(expected)) ==
	    0, "connection %llu comes from %s", (unsigned long long)made,
	    text);
	ok(record.sources == (int)made / 16384, "and the record says so");
	worker_close(&worker, &watched);
}

static void
sources(void)
{
	unsigned int	port = hostile(answer);

	source_after(0, "127.0.0.1:", port);
	source_after(16383, "127.0.0.1:", port);
	source_after(16384, "127.0.0.2:", port);
	source_after(40000, "127.0.0.3:", port);
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	harness_drop_capabilities();
	mistaken();
	files();
	shown();
	interrupted();
	ends_are_ignored();
	progress();
	sources();
	hostile_end();
	ok(harness_nobody_left(), "no process is left");
	return done();
}
