/* SPDX-License-Identifier: ISC */
/*
 * outlive-lab: predictions that do not hold are shown to fail; nothing is left
 * behind; what is drawn is what was captured.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "harness.h"
#include "lab/run.h"
#include "lab/tcp.h"
#include "process.h"
#include "terminal.h"

static char	text[65536];

/* Experiments of our own. */

static void
right(struct stage *stage)
{
	stage_step(stage, "A socket listens.");
	(void)tcp_listen("127.0.0.1:7000", TCP_PLAIN, 1);
	(void)stage_expect_state(stage, "127.0.0.1:7000", NULL, TCP_LISTEN);
	(void)stage_expect_errno(stage, "the same again", tcp_listen(
	    "127.0.0.1:7000", TCP_PLAIN, 1) == -1 ? errno : 0, EADDRINUSE);
}

static void
wrong(struct stage *stage)
{
	stage_step(stage, "Nobody listens.");
	(void)stage_expect_errno(stage, "connect()", tcp_connect(
	    "127.0.0.1:7000", NULL, TCP_PLAIN) == -1 ? errno : 0,
	    ECONNREFUSED);
	(void)stage_expect_errno(stage, "connect()", tcp_connect(
	    "127.0.0.1:7000", NULL, TCP_PLAIN) == -1 ? errno : 0, 0);
}

static void
wrong_state(struct stage *stage)
{
	stage_step(stage, "Nobody listens.");
	(void)stage_expect_state(stage, "127.0.0.1:7000", NULL, TCP_LISTEN);
}

static void
wrong_actor(struct stage *stage)
{
	struct actor	*server1;

	stage_step(stage, "A program.");
	server1 = stage_start(stage, "server1", "65536", NULL);
	(void)stage_expect_says(stage, server1, "waiting for clients");
	(void)stage_expect_exit(stage, server1, 0);
	(void)stage_expect_killed(stage, server1, SIGINT);
	(void)stage_expect_alive(stage, server1);
}

static void
wrong_row(struct stage *stage)
{
	const struct row	row = { .id = "X1", .what = "a port",
				    .unp = "-", .bsd = "-", .lin = "in use" };

	stage_step(stage, "A table.");
	(void)stage_row(stage, &row, "in use");
	(void)stage_row(stage, &row, "binds");
}

static void
cannot(struct stage *stage)
{
	stage_step(stage, "It depends on something.");
	stage_set(stage, "net/ipv4/no_such_thing", "1");
	(void)stage_expect_errno(stage, "never", 0, 0);
}

static void
crashes(struct stage *stage)
{
	stage_step(stage, "It is killed.");
	(void)raise(SIGKILL);	/* process 1 does not hear it */
	_exit(3);
}

static void
programs(struct stage *stage)
{
	stage_step(stage, "A program runs, and another one.");
	(void)stage_start(stage, "outlived", "127.0.0.1:7000", "echo", NULL);
	(void)stage_expect_state(stage, "127.0.0.1:7000", NULL, TCP_LISTEN);
}

static const struct experiment	own[] = {
	{ "right", "a claim", "us", 1, 1, right },
	{ "wrong", "a claim", "us", 1, 1, wrong },
	{ "state", "a claim", "us", 1, 1, wrong_state },
	{ "actor", "a claim", "us", 1, 1, wrong_actor },
	{ "row", "a claim", "us", 1, 1, wrong_row },
	{ "cannot", "a claim", "us", 1, 1, cannot },
	{ "crashes", "a claim", "us", 1, 1, crashes },
	{ "programs", "a claim", "us", 1, 1, programs },
};

/* What is told of some of them; the exit status. */
static int
played(size_t from, size_t n, struct run_options options)
{
	const struct experiment	*list[8];
	int			 out = memfd_create("told", MFD_CLOEXEC);
	int			 status;
	ssize_t			 len;
	size_t			 i;
	pid_t			 pid;

	for (i = 0; i < n; i++)
		list[i] = &own[from + i];
	if (out == -1 || (pid = fork()) == -1)
		bail("fork: %s", strerror(errno));
	if (pid == 0) {
		(void)dup2(out, STDOUT_FILENO);
		status = run(list, n, &options);
		(void)fflush(stdout);
		_exit(status);
	}
	status = await_end(pid);
	len = pread(out, text, sizeof(text) - 1, 0);
	text[len > 0 ? len : 0] = '\0';
	(void)close(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool
told(const char *words)
{
	if (strstr(text, words) != NULL)
		return true;
	note("expected: %s", words);
	return false;
}

static int
times(const char *words)
{
	const char	*at = text;
	int		 n;

	for (n = 0; (at = strstr(at, words)) != NULL; n++)
		at++;
	return n;
}

static void
verdicts(void)
{
	const struct run_options	plain = { .quick = true };
	const struct run_options	json = { .json = true };

	ok(played(0, 1, plain) == 0 && told("right: all 2 predictions held"),
	    "what holds holds");
	ok(told("    LISTEN       127.0.0.1:7000   -"), "the table is shown");
	ok(played(1, 1, plain) == 1, "a prediction put in wrong: 1");
	ok(told("held connect() fails: Connection refused") &&
	    told("NOT HELD connect() succeeds") &&
	    told("seen: Connection refused"), "it is named, and what was seen");
	ok(told("wrong: 1 of 2 predictions did not hold, first:\n"
	    "    step 1: connect()"), "and at the end again");
	ok(told("|-- SYN seq 0 --") && told("-- RST ACK ack 1 --|"),
	    "and its segments are drawn");
	ok(played(2, 1, plain) == 1 && told("NOT HELD 127.0.0.1:7000: LISTEN") &&
	    told("seen: nothing"), "a wrong state");
	ok(played(3, 1, plain) == 1 && told("4 of 4 predictions did not") &&
	    told("seen: status 1") && told("seen: it has ended") &&
	    told("expected 1 to 65535"), "wrong about a program, four times");
	ok(played(4, 1, plain) == 1 && told("1 of 2 predictions") &&
	    told("in use  held\n") && told("binds   NOT\n"), "a wrong row");
	ok(played(5, 1, plain) == 77 && told("cannot: could not run: "
	    "/proc/sys/net/ipv4/no_such_thing cannot be set to '1': "
	    "No such file"), "one that cannot run: 77, and why");
	ok(played(6, 1, plain) == 1, "one that fails itself: 1");
	ok(played(0, 7, plain) == 1 && told("7 experiments: 1 held, 5 did not, "
	    "1 could not run") && told("crashes: the experiment itself failed, "
	    "status 3"), "all at once: each has its verdict");
	ok(played(0, 2, json) == 1 && told("\"verdict\":\"held\"") &&
	    told("\"verdict\":\"broken\",\"predictions\":2,\"broken\":1") &&
	    told("\"segment\":\"RST ACK ack 1\"") && told("\"held\":false,"
	    "\"seen\":\"Connection refused\""), "the same as JSON");
	ok(times("\"segment\":\"SYN seq 0\"") == 2 &&
	    times("\"segment\"") == 4, "each segment is captured once");
}

/* What may not be had, for a moment. */
static int	no_packets, no_namespaces;

int	__real_socket(int, int, int);
int	__wrap_socket(int, int, int);
int	__real_unshare(int);
int	__wrap_unshare(int);

int
__wrap_socket(int family, int type, int protocol)
{
	if (!no_packets || family != AF_PACKET)
		return __real_socket(family, type, protocol);
	errno = EPERM;
	return -1;
}

int
__wrap_unshare(int flags)
{
	if (!no_namespaces)
		return __real_unshare(flags);
	errno = EPERM;
	return -1;
}

static void
refusals(void)
{
	const struct run_options	plain = { .quick = true };
	const struct run_options	json = { .json = true };
	struct run_options		keep = { .quick = true };

	no_packets = 1;
	ok(played(1, 1, plain) == 1 && told("# Segments cannot be captured "
	    "here, and are not drawn (packet(7)):") && told("held connect() "
	    "fails") && times("SYN seq 0") == 0,
	    "no packet socket: it is said, and the rest is played");
	keep.pcap = tmpfile();
	ok(played(1, 1, keep) == 77 && told("could not run: segments cannot be "
	    "captured here"), "--pcap cannot do without");
	no_packets = 0;
	no_namespaces = 1;
	ok(played(0, 1, plain) == 77 && told("right: could not run: no network "
	    "of our own (unshare, user namespaces): Operation not permitted"),
	    "no namespaces: 77, and why");
	ok(played(0, 1, json) == 77 && told("\"steps\":[],"
	    "\"verdict\":\"skipped\"") && told("user namespaces"),
	    "the same as JSON");
	no_namespaces = 0;
}

/* Until a terminal shows that. */
static bool
shows(struct terminal *terminal, const char *words)
{
	struct wait	wait = { .what = words };

	while (memmem(terminal->text, terminal->len, words,
	    strlen(words)) == NULL) {
		terminal_listen(terminal, 20);
		wait_a_moment(&wait);
	}
	return true;
}

/* Colours, progress, Ctrl-C. */
static void
on_a_terminal(void)
{
	static struct terminal	terminal;

	terminal_open(&terminal);
	terminal_type(&terminal, "TERM=xterm ./outlive-lab run article");
	ok(shows(&terminal, "\033[32mheld \033[0m127.0.0.1:9999 with"),
	    "in colour");
	ok(shows(&terminal, "TIME_WAIT ends: 1 of 60 s"),
	    "who waits is told for what");
	terminal_press(&terminal, "\003");
	terminal_await_prompt(&terminal);
	terminal.len = 0;
	terminal_type(&terminal,
	    "TERM=xterm NO_COLOR=1 ./outlive-lab run server-port; echo 'the end'");
	ok(shows(&terminal, "server-port: all ") && shows(&terminal,
	    "the end") && memmem(terminal.text, terminal.len, "\033[32m",
	    5) == NULL, "NO_COLOR: without");
	terminal_close(&terminal);
	ok(harness_nobody_left(), "Ctrl-C has left nobody behind");
}

/* Its programs end with it, whoever of it is killed. */
static void
nothing_is_left(void)
{
	const struct run_options	plain = { .quick = true };
	const char			*argv[] = { "./outlive-lab", "run",
					    "article", NULL };
	char				 before[4096];
	pid_t				 lab, list[64];

	(void)strlcpy(before, file_text("/proc/sys/net/ipv4/"
	    "ip_local_port_range"), sizeof(before));
	ok(played(7, 1, plain) == 0 && harness_nobody_left(),
	    "a program that would go on ends with its experiment");
	lab = program_start(argv, -1);
	await_children(lab, 1, list);
	await_children(list[0], 1, list);
	/* server1, or who is about to be. */
	while (children_of(list[0], list + 1, 60) == 0)
		(void)poll(NULL, 0, 1);
	send_signal(lab, SIGKILL);
	(void)await_end(lab);
	ok(harness_nobody_left(), "outlive-lab is killed: nobody is left");
	ok(strcmp(before, file_text("/proc/sys/net/ipv4/"
	    "ip_local_port_range")) == 0, "what it sets is not set here");
}

/* The capture file, read by what stands in pcap-savefile(5) and RFC 9293. */

struct end {
	unsigned int	port;
	uint32_t	isn;
};

static uint32_t
word(const unsigned char *bytes, int n)
{
	uint32_t	value = 0;

	while (n-- > 0)
		value = value << 8 | *bytes++;
	return value;
}

/* Each port has one connection at a time; numbers are from its SYN on. */
static struct end *
end_of(struct end *ends, unsigned int port)
{
	while (ends->port != 0 && ends->port != port)
		ends++;
	ends->port = port;
	return ends;
}

/* As the diagram is to name one: of an IPv4 frame without options. */
static void
name_segment(const unsigned char *ip, unsigned int bytes, char *label,
    size_t size)
{
	static struct end	 ends[64];
	const unsigned char	*tcp = ip + 20;
	unsigned int		 flags = tcp[13];
	unsigned int		 len = word(ip + 2, 2) - 20 -
				    (tcp[12] >> 4) * 4U;
	struct end		*from = end_of(ends, word(tcp, 2));
	struct end		*to = end_of(ends, word(tcp + 2, 2));
	uint32_t		 seq = word(tcp + 4, 4), ack = word(tcp + 8, 4);

	(void)bytes;
	if (flags & 0x02)
		from->isn = seq;
	if (flags & 0x04)
		to->isn = ack - 1;
	(void)snprintf(label, size, "%s%s%s%s%s", flags & 0x02 ? "SYN " : "",
	    flags & 0x01 ? "FIN " : "", flags & 0x04 ? "RST " : "",
	    flags & 0x08 ? "PSH " : "", flags & 0x10 ? "ACK " : "");
	if (len > 0)
		(void)snprintf(label + strlen(label), size - strlen(label),
		    "seq %u:%u ", seq - from->isn, seq - from->isn + len);
	else if (flags & 0x03)
		(void)snprintf(label + strlen(label), size - strlen(label),
		    "seq %u ", seq - from->isn);
	if (flags & 0x10)
		(void)snprintf(label + strlen(label), size - strlen(label),
		    "ack %u ", ack - to->isn);
}

/* The next arrow, from here on; its label. */
static const char *
next_arrow(const char *from, char *label, size_t size)
{
	const char	*line, *begin, *end;

	while ((line = strstr(from, " ms ")) != NULL) {
		from = line + 4;
		if ((begin = strstr(from, "- ")) == NULL ||
		    (end = strstr(begin, " -")) == NULL ||
		    end > strchr(from, '\n'))
			continue;
		(void)snprintf(label, size, "%.*s", (int)(end - begin) - 2,
		    begin + 2);
		return end;
	}
	return NULL;
}

static void
drawn_is_captured(void)
{
	static unsigned char	bytes[65536];
	const char		*argv[] = { "./outlive-lab", "run", "--quick",
				    "--pcap", "capture", "article", NULL };
	char			path[512], label[64], drawn[64];
	const char		*at = text;
	int			out = memfd_create("told", MFD_CLOEXEC), file;
	int			status, arrows = 0, alike = 0, frames = 0;
	ssize_t			n, len, offset = 24;

	(void)snprintf(path, sizeof(path), "%s/capture", harness_state());
	argv[4] = path;
	status = await_end(program_start(argv, out));
	len = pread(out, text, sizeof(text) - 1, 0);
	text[len > 0 ? len : 0] = '\0';
	(void)close(out);
	if (status == 69 << 8) {
		skip("diagrams against the capture", "built without libpcap");
		return;
	}
	ok(status == 0, "--pcap: every prediction held");
	file = open(path, O_RDONLY | O_CLOEXEC);
	n = file == -1 ? -1 : read(file, bytes, sizeof(bytes));
	(void)close(file);
	ok(n > 24 && memcmp(bytes, "\324\303\262\241\2\0\4\0", 8) == 0 &&
	    bytes[20] == 1, "a capture file, of Ethernet");
	while (offset + 16 < n) {
		const unsigned char	*header = bytes + offset;
		unsigned int		 size = header[8] | header[9] << 8;

		frames++;
		name_segment(header + 16 + 14, size - 14, label,
		    sizeof(label));
		label[strlen(label) - 1] = '\0';
		offset += 16 + (ssize_t)size;
		if ((at = next_arrow(at, drawn, sizeof(drawn))) == NULL)
			break;
		arrows++;
		if (strcmp(label, drawn) == 0)
			alike++;
		else
			note("captured: %s; drawn: %s", label, drawn);
	}
	ok(frames >= 15 && arrows == frames && alike == frames && at != NULL &&
	    next_arrow(at, drawn, sizeof(drawn)) == NULL, "each of %d segments "
	    "is an arrow of the same name, and there are no others", frames);
}

int
main(void)
{
	/* Boxes are for UTF-8. */
	(void)setenv("LC_ALL", "C", 1);
	harness_begin();
	harness_overlook_leaks();
	/* Should an experiment not be in its own, it is not in the host's. */
	harness_own_network();
	verdicts();
	refusals();
	nothing_is_left();
	on_a_terminal();
	drawn_is_captured();
	return done();
}
