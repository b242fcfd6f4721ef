/* SPDX-License-Identifier: ISC */
/*
 * Clients as they are: they close one end, say a byte at a time, or nonsense,
 * or something urgent, and send what nobody asked for.  Each gets the answer
 * that is due to him, and end-of-file; no child dies of it.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "exchange.h"
#include "harness.h"
#include "net/stream.h"
#include "pattern.h"

/* He closes his end before he has read anything, perhaps before anybody has
   accepted him. */
static void
closes_one_end(const struct exchange *exchange, bool unaccepted)
{
	int	client;

	if (unaccepted)
		stop_all();
	client = dial(server.port);
	say(client, exchange->asks);
	(void)shutdown(client, SHUT_WR);
	if (unaccepted)
		continue_all();
	ok(is_answered(client, exchange->hears, strlen(exchange->hears)),
	    "an answer to one who has closed his end%s",
	    unaccepted ? " before accept()" : "");
	(void)close(client);
}

/* So does one who has sent a lot. */
static void
sends_and_closes(void)
{
	static char	expected[MB];
	struct pattern	pattern = { 0, 0 };
	int		client = dial(server.port);
	pid_t		sends = pattern_sender(client, MB, true);

	pattern_fill(&pattern, expected, MB);
	ok(is_answered(client, expected, MB), "a MB comes back");
	ok(await_end(sends) == 0, "when all of it was sent");
	(void)close(client);
}

static void
half_closed(const struct cell *cell)
{
	static const struct exchange	*const those[] = {
		&echo_back, &cat, &bytes };
	size_t				 i;
	int				 client;

	(void)cell;
	for (i = 0; i < sizeof(those) / sizeof(those[0]); i++) {
		begin(those[i], 2);
		closes_one_end(those[i], false);
		closes_one_end(those[i], true);
		if (those[i] != &bytes)
			sends_and_closes();
		else {
			client = dial(server.port);
			say(client, "1000000\n");
			(void)shutdown(client, SHUT_WR);
			ok(is_answered(client, so_many_xs(), MB), "a MB of x");
			(void)close(client);
		}
		end();
	}
}

static int
dial_at_once(void)
{
	const int	at_once = 1;
	int		client = dial(server.port);

	(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &at_once,
	    sizeof(at_once));
	return client;
}

/* Each byte is a segment, and the next one waits for its echo, or not. */
static void
byte_by_byte(const struct cell *cell)
{
	const char	*text, numbers[] = "12345\r\n67\n890\n";
	char		 byte[2] = "", sent[1000];
	struct pattern	 pattern = { 0, 0 };
	int		 client;
	size_t		 i;

	(void)cell;
	pattern_fill(&pattern, sent, sizeof(sent));
	begin(&echo_back, 1);
	client = dial_at_once();
	for (i = 0; i < sizeof(sent); i++) {
		byte[0] = sent[i];
		if (!echoes(client, byte))
			break;
	}
	ok(i == sizeof(sent), "bytes come back one by one");
	for (i = 0; i < sizeof(sent); i++)
		(void)send(client, sent + i, 1, MSG_NOSIGNAL);
	(void)shutdown(client, SHUT_WR);
	ok(is_answered(client, sent, sizeof(sent)), "and all together");
	(void)close(client);
	end();

	begin(&bytes, 1);
	client = dial_at_once();
	for (text = numbers; *text != '\0'; text++) {
		(void)send(client, text, 1, MSG_NOSIGNAL);
		await_read(server.port, client);
	}
	(void)shutdown(client, SHUT_WR);
	ok(is_answered(client, so_many_xs(), 12345 + 67 + 890),
	    "requests whose bytes come one by one");
	(void)close(client);
	end();
}

#define GARBAGE	200000

/* Any bytes; the same ones each time (xorshift, G. Marsaglia 2003). */
static const char *
garbage(void)
{
	static char	bytes_of_it[GARBAGE];
	uint32_t	state = 2463534242U;
	size_t		i;

	for (i = 0; i < GARBAGE; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		bytes_of_it[i] = (char)(state >> 24);
	}
	return bytes_of_it;
}

/* Another process sends it, and closes its end. */
static pid_t
garbage_sender(int client)
{
	const char	*text = garbage();
	pid_t		 pid = fork();

	if (pid == -1)
		bail("fork: %s", strerror(errno));
	if (pid != 0)
		return pid;
	if (writen(client, text, GARBAGE) == -1 ||
	    shutdown(client, SHUT_WR) == -1)
		_exit(1);
	_exit(0);
}

/* One line that says what is wrong, then end-of-file. */
static bool
is_refused(int client)
{
	static const char	begins[] = "the number of bytes '",
				ends[] = "' is too long: expected 1 to "
				    "1000000000\n";
	char			line[512];
	size_t			len = 0;
	ssize_t			n;

	if (!hears(client, begins))
		return false;
	while (len < sizeof(line) && (n = readsome(client, line + len,
	    sizeof(line) - len)) > 0)
		len += (size_t)n;
	return n == 0 && len >= sizeof(ends) - 1 && memchr(line, '\n', len) ==
	    line + len - 1 && memcmp(line + len - (sizeof(ends) - 1), ends,
	    sizeof(ends) - 1) == 0;
}

static void
talks_nonsense(const struct cell *cell)
{
	static const struct exchange	*const those[] = {
		&echo_back, &cat, &bytes, &chargen, &daytime, &discard };
	const struct exchange		*that;
	size_t				 i;
	int				 client;
	pid_t				 sends;

	(void)cell;
	for (i = 0; i < sizeof(those) / sizeof(those[0]); i++) {
		that = those[i];
		begin(that, 2);
		client = dial(server.port);
		sends = garbage_sender(client);
		if (that == &echo_back || that == &cat)
			ok(is_answered(client, garbage(), GARBAGE),
			    "nonsense comes back as it was");
		else if (that == &bytes)
			ok(is_refused(client), "it is refused in one line");
		else
			ok(that->rest == MANY ? rest_of(client) != -1 :
			    rest_of(client) == that->rest,
			    "it changes nothing");
		ok(await_end(sends) == 0, "all of it was taken");
		(void)close(client);
		ok(is_served(that), "the next client is served");
		end();
	}
}

/* The bytes ! and 2 are urgent. */
static void
say_urgently(int client, const char *text)
{
	for (; *text != '\0'; text++)
		if (send(client, text, 1, MSG_NOSIGNAL |
		    (*text == '!' || *text == '2' ? MSG_OOB : 0)) != 1)
			bail("send: %s", strerror(errno));
}

/* All of it is there when the server comes to read it. */
static void
is_urgent(const struct exchange *exchange, const char *text,
    const char *answer, size_t n)
{
	int	client;

	stop_all();
	client = dial_at_once();
	say_urgently(client, text);
	(void)shutdown(client, SHUT_WR);
	continue_all();
	ok(is_answered(client, answer, n), "%s: in its place",
	    exchange->program != NULL ? exchange->program :
	    exchange->service);
	(void)close(client);
}

/* It comes while the server waits for it. */
static void
becomes_urgent(void)
{
	int	client = dial_at_once();

	ok(echoes(client, "before\n"), "before an urgent byte");
	say_urgently(client, "!");
	ok(hears(client, "!"), "an urgent byte comes back");
	ok(echoes(client, "behind\n"), "and what is behind it");
	(void)close(client);
}

/* RFC 6093: an urgent byte is a byte of the stream. */
static void
urgent(const struct cell *cell)
{
	static const char	text[] = "stop! at! once!! and read\n!";
	int			client;

	(void)cell;
	begin(&echo_back, 1);
	is_urgent(&echo_back, text, text, strlen(text));
	becomes_urgent();
	end();
	begin(&cat, 1);
	is_urgent(&cat, text, text, strlen(text));
	becomes_urgent();
	end();
	begin(&bytes, 1);
	is_urgent(&bytes, "120\n2\n", so_many_xs(), 120 + 2);
	end();
	begin(&chargen, 1);
	client = dial_at_once();
	say_urgently(client, "!");
	(void)shutdown(client, SHUT_WR);
	ok(rest_of(client) != MANY, "chargen: thrown away");
	(void)close(client);
	end();
}

/* He sends a MB that nobody wants to read, some of it before he is accepted;
   and an answer may need more than one of his windows. */
static void
is_heard(const char *text, const char *answer, size_t n)
{
	const int	small = 8192;
	struct pattern	pattern = { 0, 0 };
	char		first[50000];
	int		client;
	pid_t		sends;

	pattern_fill(&pattern, first, sizeof(first));
	stop_all();
	client = dial(server.port);
	(void)setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(client, text);
	if (writen(client, first, sizeof(first)) == -1)
		bail("write: %s", strerror(errno));
	sends = pattern_sender(client, MB, false);
	continue_all();
	ok(answer == NULL ? rest_of(client) == (ssize_t)n :
	    is_answered(client, answer, n),
	    "the whole answer, and end-of-file");
	ok(await_end(sends) == 0, "to one whose MB was taken");
	(void)close(client);
	ok(all_are_idle(), "whose child is idle again");
}

#define ANSWER	30000

static void
unread(const struct cell *cell)
{
	static const char	refusal[] = "the number of bytes 'x' is "
				    "invalid: expected 1 to 1000000000\n";
	static char		answer[ANSWER + sizeof(refusal)];

	(void)cell;
	begin(&bytes, 2);
	is_heard("x\n", refusal, sizeof(refusal) - 1);
	memcpy(answer, so_many_xs(), ANSWER);
	memcpy(answer + ANSWER, refusal, sizeof(refusal));
	is_heard("30000\nx\n", answer, ANSWER + sizeof(refusal) - 1);
	end();
	begin(&daytime, 2);
	is_heard("what time is it?\n", NULL, 26);
	end();
}

int
main(void)
{
	static const struct cell	cells[] = {
		{ .name = "half-close", .play = half_closed },
		{ .name = "byte by byte", .play = byte_by_byte },
		{ .name = "nonsense", .play = talks_nonsense },
		{ .name = "urgent", .play = urgent },
		{ .name = "unread", .play = unread },
	};

	harness_begin();
	cells_play_both(cells, sizeof(cells) / sizeof(cells[0]));
	return done();
}
