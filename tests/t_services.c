/* SPDX-License-Identifier: ISC */
/*
 * The built-in services but for echo, which the other tests use: what they
 * answer, to the byte; and what they do about clients who make mistakes, send
 * more than was asked for, or do not go.  There is one child, so that its
 * next client tells when it is done with this one, and whether it lives.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "net/clock.h"
#include "net/stream.h"
#include "pattern.h"
#include "process.h"

#define MB	1000000

static struct server	server;
static pid_t		child;

static pid_t
idle_child(void)
{
	pid_t	list[64];

	await_children(server.pid, 1, list);
	await_title(list[0], "outlived: idle");
	return list[0];
}

static void
begin(const char *service)
{
	note("%s", service);
	server = server_start("-i", "1:1", "-m", "1", "127.0.0.1:0", service,
	    NULL);
	child = idle_child();
}

static void
end(void)
{
	ok(idle_child() == child, "the child has lived through all that");
	server_end(server);
}

/* A FIN, and no RST: client.h's sees_end() takes both. */
static bool
ends(int client)
{
	char	byte;
	ssize_t	n = readsome(client, &byte, 1);

	if (n != 0)
		note("instead of end-of-file: %s", n == 1 ? "a byte" :
		    strerror(errno));
	return n == 0;
}

static bool
closes(int client)
{
	(void)shutdown(client, SHUT_WR);
	return ends(client);
}

/* So many bytes, and each is an x. */
static bool
gives(int client, size_t n)
{
	char	got[65536];
	ssize_t	some;

	for (; n > 0; n -= (size_t)some) {
		some = readsome(client, got, n < sizeof(got) ? n :
		    sizeof(got) - 1);
		got[some > 0 ? some : 0] = '\0';
		if (some <= 0 || strspn(got, "x") != (size_t)some) {
			note("%zu bytes too few, or others", n);
			return false;
		}
	}
	return true;
}

/* Requests that are served: each by itself, and many at once. */
static void
requests(void)
{
	int	client = dial(server.port), i;
	bool	good = true;

	for (i = 1; i <= 1000 && good; i++) {
		say(client, i % 2 == 0 ? "7\n" : "000000000000000012\r\n");
		good = gives(client, i % 2 == 0 ? 7 : 12);
	}
	ok(good, "bytes: a thousand requests of one client");
	say(client, "1\n22\r\n333\n1000000\n4");
	ok(gives(client, 1 + 22 + 333 + MB), "four in one segment");
	say(client, "\n");
	ok(gives(client, 4), "and a fifth in two");
	for (i = 0; i < 10000; i++)
		say(client, "3\n");
	ok(gives(client, 30000), "ten thousand before an answer is read");
	ok(closes(client), "not a byte more");
	(void)close(client);
}

static void
byte_by_byte(void)
{
	const char	*text = "12345\r\n67\n";
	const int	 at_once = 1;
	int		 client = dial(server.port);

	(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &at_once,
	    sizeof(at_once));
	for (; *text != '\0'; text++) {
		if (send(client, text, 1, MSG_NOSIGNAL) != 1)
			break;
		await_read(server.port, client);
	}
	ok(*text == '\0' && gives(client, 12345 + 67), "byte by byte");
	ok(closes(client), "and no more than that");
	(void)close(client);
}

static void
unfinished(void)
{
	int	client = dial(server.port);

	say(client, "5\n7");
	ok(gives(client, 5) && closes(client),
	    "end-of-file in the middle of a line is no request");
	(void)close(client);
}

/* As many as there may be: some of them, then the client goes. */
static void
most(void)
{
	int	client = dial(server.port);

	say(client, "1000000000\n");
	ok(gives(client, MB), "the largest number is served");
	(void)close(client);
	ok(idle_child() == child, "until its client goes");
}

#define EXPECTED	": expected 1 to 1000000000\n"

/* What is no request, and what is said of it. */
static const struct bad {
	const char	*text;
	size_t		 len;		/* 0: as the text's */
	const char	*said;
} bads[] = {
	{ "abc\n", 0, "'abc' is invalid" },
	{ "7 apples\n", 0, "'7 apples' is invalid" },
	{ "0\n", 0, "'0' is too small" },
	{ "-5\n", 0, "'-5' is too small" },
	{ "+5\n", 0, "'+5' is invalid" },
	{ " 5\n", 0, "' 5' is invalid" },
	{ "5\r\r\n", 0, "'5\\r' is invalid" },
	{ "5\0x\n", 4, "'5\\0x' is invalid" },
	{ "\033[2J\377\n", 0, "'\\^[[2J\\M^?' is invalid" },
	{ "\n", 0, "'' is empty" },
	{ "\r\n", 0, "'' is empty" },
	{ "1000000001\n", 0, "'1000000001' is too large" },
	{ "99999999999999999999\n", 0, "'99999999999999999999' is too large" },
	{ "0000000000000000000000000000001\n", 0,
	    "'0000000000000000000000000000001' is too long" },
	{ "never a newline, and never an end", 0,
	    "'never a newline, and never an e' is too long" },
};

static void
bad_requests(void)
{
	char	line[256];
	size_t	i, len;
	int	client;

	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		client = dial(server.port);
		len = bads[i].len == 0 ? strlen(bads[i].text) : bads[i].len;
		say(client, "5\n");
		if (send(client, bads[i].text, len, MSG_NOSIGNAL) == -1)
			bail("send: %s", strerror(errno));
		(void)snprintf(line, sizeof(line), "the number of bytes %s%s",
		    bads[i].said, EXPECTED);
		ok(gives(client, 5) && hears(client, line) && ends(client),
		    "%s, then end-of-file", bads[i].said);
		(void)close(client);
		ok(idle_child() == child, "the child lives");
	}
}

static bool
hears_refusal(int client)
{
	return hears(client, "the number of bytes 'x' is invalid" EXPECTED);
}

/* The answer and the error arrive although there is a lot that nobody reads:
   it was there before, or comes all the time. */
static void
much_after_an_error(void)
{
	struct pattern	pattern = { 0, 0 };
	int		client = dial(server.port);
	pid_t		sends;

	stop(child);
	say(client, "1000000\nx\n");
	ok(pattern_send(&pattern, client, 50000), "an error, and 50 kB");
	send_signal(child, SIGCONT);
	ok(gives(client, MB) && hears_refusal(client) && ends(client),
	    "the answer, the error, end-of-file");
	(void)close(client);

	client = dial(server.port);
	say(client, "1000000\nx\n");
	sends = pattern_sender(client, 10 * MB, false);
	ok(gives(client, MB) && hears_refusal(client) && ends(client),
	    "the same while the client sends");
	ok(await_end(sends) == 0, "10 MB, and is not stopped");
	(void)close(client);
	ok(idle_child() == child, "the child is back");
}

/* A client who says this and then neither reads nor goes is let go; but not
   before he had time to. */
static void
stays(const char *text)
{
	int64_t	began = clock_ms(), took;
	int	client = dial(server.port);	/* daytime begins by that */

	say(client, text);
	await_read(server.port, client);
	ok(idle_child() == child, "a client stays: the child does not");
	took = clock_ms() - began;
	ok(took >= FAREWELL_MS && took < 3 * FAREWELL_MS, "after %lld ms",
	    (long long)took);
	(void)close(client);
}

/* Nor does a client keep the child who sends for ever. */
static void
sends_for_ever(void)
{
	int	client = dial(server.port);
	pid_t	sends;

	say(client, "x\n");
	sends = pattern_sender(client, (size_t)1000000 * MB, false);
	ok(await_end(sends) != 0, "a client who sends for ever is stopped");
	(void)close(client);
}

static void
test_bytes(void)
{
	begin("bytes");
	requests();
	byte_by_byte();
	unfinished();
	most();
	bad_requests();
	much_after_an_error();
	stays("x\n");
	sends_for_ever();
	end();
}

static void
test_discard(void)
{
	struct pattern	pattern = { 0, 0 };
	int		client;

	begin("discard");
	client = dial(server.port);
	ok(pattern_send(&pattern, client, 10 * MB), "10 MB");
	await_read(server.port, client);
	ok(closes(client), "all is read, nothing is answered, but the end");
	(void)close(client);
	end();
}

/* Line by line what RFC 864 shows, from the n-th line on; *n counts on. */
static bool
shows_lines(int client, int *n, int count)
{
	char	line[75];
	int	i;

	for (; count > 0; count--, ++*n) {
		for (i = 0; i < 72; i++)
			line[i] = (char)(32 + (*n + i) % 95);
		(void)snprintf(line + 72, 3, "\r\n");
		if (!hears(client, line)) {
			note("line %d is not: %s", *n, line);
			return false;
		}
	}
	return true;
}

/* Whether it waits in a call of the kernel's. */
static bool
sleeps(pid_t pid)
{
	char	path[64], state = '?';
	FILE	*stat;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = fopen(path, "re");
	if (stat == NULL || fscanf(stat, "%*d %*[^)]) %c", &state) != 1)
		bail("%s: %s", path, strerror(errno));
	(void)fclose(stat);
	return state == 'S';
}

/* A signal interrupts poll(), where chargen waits for a client who does not
   read; the child leaves, as it was asked to, but later. */
static void
interrupted(void)
{
	struct wait	wait = { .what = "chargen to have no room" };
	int		client = dial(server.port), i, n = 0;

	ok(shows_lines(client, &n, 1), "a client reads one line");
	for (i = 0; i < 5; i++) {
		while (!sleeps(child))
			wait_a_moment(&wait);
		send_signal(child, SIGWINCH);
	}
	/* More than there was room for. */
	ok(shows_lines(client, &n, 10 * MB / 74),
	    "then 10 MB, which no signal has cut short");
	(void)close(client);
	await_gone(child);
	child = idle_child();
}

/* Each direction by itself, then both. */
static void
both_ways(void)
{
	struct pattern	pattern = { 0, 0 };
	int		client = dial(server.port), n = 0;
	pid_t		sends;

	ok(shows_lines(client, &n, 200), "two hundred lines");
	ok(pattern_send(&pattern, client, 10 * MB),
	    "a client sends 10 MB while it reads nothing");
	sends = pattern_sender(client, 10 * MB, false);
	ok(shows_lines(client, &n, 10 * MB / 74), "and reads 10 MB");
	ok(await_end(sends) == 0, "while it sends 10 MB");
	(void)close(client);
	ok(idle_child() == child, "its close is the end");
}

/* A client that closes its end only has what was sent until then, and a FIN;
   one that does not read it keeps nobody. */
static void
half_closed(bool reads)
{
	char	bytes[65536];
	int	client = dial(server.port), n = 0;
	ssize_t	got = 0;

	ok(shows_lines(client, &n, 1), "a line");
	(void)shutdown(client, SHUT_WR);
	if (reads) {
		while ((got = readsome(client, bytes, sizeof(bytes))) > 0)
			;
		ok(got == 0, "a client closes its end, and sees ours");
	}
	ok(idle_child() == child, "the child is done with one that %s",
	    reads ? "reads" : "does not read");
	(void)close(client);
}

static void
test_chargen(void)
{
	begin("chargen");
	both_ways();
	half_closed(true);
	half_closed(false);
	interrupted();
	end();
}

/* It is the date of a moment since that time. */
static bool
hears_date(int client, time_t since)
{
	char	got[27] = "", line[64];
	size_t	have;

	for (have = 0; have < 26; have++)
		if (readsome(client, got + have, 1) != 1)
			break;
	for (; since <= time(NULL); since++) {
		(void)snprintf(line, sizeof(line), "%.24s\r\n",
		    ctime(&since));
		if (strcmp(got, line) == 0)
			return true;
	}
	note("no date of now: %s", got);
	return false;
}

static void
test_daytime(void)
{
	struct pattern	pattern = { 0, 0 };
	time_t		now = time(NULL);
	int		client;

	begin("daytime");
	client = dial(server.port);
	ok(hears_date(client, now) && ends(client), "the date, the end");
	(void)close(client);
	ok(idle_child() == child, "the child is back");

	stop(child);
	client = dial(server.port);
	ok(pattern_send(&pattern, client, 50000), "a client sends 50 kB first");
	now = time(NULL);
	send_signal(child, SIGCONT);
	ok(hears_date(client, now) && ends(client), "the date, the end");
	ok(pattern_send(&pattern, client, 10 * MB), "and 10 MB behind that");
	(void)close(client);
	ok(idle_child() == child, "the child is back");
	stays("hello\n");
	end();
}

int
main(void)
{
	harness_begin();
	test_bytes();
	test_chargen();
	test_daytime();
	test_discard();
	return done();
}
