/* SPDX-License-Identifier: ISC */
/*
 * Time limits of a client: without progress (-t), and of the whole session
 * (-x).  Who is to be ended is ended, not before time; who makes progress is
 * not.  A limit has passed when its client sees the end; only clients who have
 * to do something all the time wait by the clock, and begin again if this
 * process was kept waiting itself.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "net/clock.h"
#include "net/stream.h"
#include "outlive.h"
#include "pool/limit.h"
#include "process.h"

#define LIMIT_MS	1000	/* of -t 1 and -x 1 */
#define TRIES		10
#define EACH_WAY	6	/* plays, see main() */
#define COUNT(list)	(sizeof(list) / sizeof((list)[0]))

static const char	*self;		/* the test's own program */

/* The alarm goes off in the very moment in which it is ended. */
static bool	just_now;

unsigned int	__real_alarm(unsigned int);
unsigned int	__wrap_alarm(unsigned int);

unsigned int
__wrap_alarm(unsigned int seconds)
{
	unsigned int	before = __real_alarm(seconds);

	/* It was on its way. */
	if (just_now && seconds == 0)
		(void)raise(SIGALRM);
	return before;
}

static void
last_moment(void)
{
	struct outlive_config	config = { .session_limit = 30 };
	struct outlive_client	client = { .fd = dup(STDIN_FILENO) };

	limit_begin(&config, &client);
	just_now = true;
	limit_end(&config, &client);
	just_now = false;
	ok(__real_alarm(0) == 0, "an alarm in the last moment has no second "
	    "one");
	(void)signal(SIGALRM, SIG_DFL);
	(void)close(client.fd);
}

/* The log says of this client that it was ended, by which limit. */
static void
await_verdict(const char *limit, int client)
{
	char	text[128];

	(void)snprintf(text, sizeof(text), "%s: 127.0.0.1:%u was ended after "
	    "1 s", limit, local_port(client));
	await_log(text);
	ok(1, "the log has that %s", text);
}

static bool
in_time(int64_t began)
{
	int64_t	took = clock_ms() - began;

	/* A clock that ticks every 10 ms. */
	return ok(took >= LIMIT_MS - 10, "after %lld ms", (long long)took);
}

/* A client that says nothing, or nothing more, is ended by either limit; the
   next one is served by whoever served it. */
static void
play_silent(const struct cell *cell)
{
	static const char	*const	limits[] = { "idle timeout",
					    "session limit" };
	struct server			server;
	int64_t				began;
	int				client, i;

	(void)cell;
	for (i = 0; i < 2; i++) {
		server = server_start("-v", i == 0 ? "-t" : "-x", "1",
		    "-i", "1:1", "-m", "1", "127.0.0.1:0", "echo", NULL);
		began = clock_ms();
		client = dial(server.port);
		ok(sees_end(client), "%s: who is silent is ended", limits[i]);
		(void)in_time(began);
		await_verdict(limits[i], client);
		(void)close(client);
		client = dial(server.port);
		began = clock_ms();
		ok(echoes(client, "hello\n"), "the next one is served");
		ok(i == 1 || sees_end(client), "and ended");
		if (i == 0)
			(void)in_time(began);
		(void)close(client);
		ok(!log_has("signal"), "no child has died of it");
		server_end(server);
	}
}

/* More than there may be are silent: the third one's turn comes. */
static void
play_full(const struct cell *cell)
{
	struct server	server = server_start("-t", "1", "-i", "1:2",
			    "-m", "2", "127.0.0.1:0", "echo", NULL);
	int		clients[3], i;

	(void)cell;
	for (i = 0; i < 3; i++) {
		clients[i] = dial(server.port);
		if (i < 2)
			ok(echoes(clients[i], "hello\n"), "one of two");
	}
	ok(echoes(clients[2], "hello\n"), "the third one, who had to wait");
	ok(sees_end(clients[0]) && sees_end(clients[1]), "two were ended");
	for (i = 0; i < 3; i++)
		(void)close(clients[i]);
	server_end(server);
}

/* A byte now and then, until the time is over or the connection is.  False: it
   has ended; *late: we have been silent for as long as the limit. */
static bool
drip(int client, int ms, bool *late)
{
	int64_t	began = clock_ms(), last = began, now = began;
	char	byte;

	*late = false;
	while (now - began < ms) {
		if (send(client, "x", 1, MSG_NOSIGNAL) != 1 ||
		    readsome(client, &byte, 1) != 1)
			return false;
		(void)poll(NULL, 0, 300);
		now = clock_ms();
		*late |= now - last >= LIMIT_MS;
		last = now;
	}
	return true;
}

static void
play_drips(const struct cell *cell)
{
	struct server	server = server_start("-t", "1", "-i", "1:1",
			    "127.0.0.1:0", "echo", NULL);
	int64_t		began;
	int		client, i;
	bool		late = true, stays = false;

	(void)cell;
	for (i = 0; i < TRIES && late; i++) {
		client = dial(server.port);
		stays = drip(client, 2500, &late);
		(void)close(client);
	}
	ok(stays, "who says a byte now and then is not ended by -t");
	server_end(server);

	server = server_start("-v", "-x", "1", "-i", "1:1", "127.0.0.1:0",
	    "echo", NULL);
	began = clock_ms();
	client = dial(server.port);
	ok(!drip(client, DEADLINE * 1000, &late), "but is by -x");
	(void)in_time(began);
	await_verdict("session limit", client);
	(void)close(client);
	server_end(server);
}

/* A reset, without reading what is before it: a FIN would not wake us. */
static bool
awaits_reset(int client)
{
	struct pollfd	pfd = { .fd = client };
	int		error = 0;
	socklen_t	len = sizeof(error);

	if (poll(&pfd, 1, DEADLINE * 1000) != 1)
		return false;
	(void)getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &len);
	return error == ECONNRESET;
}

static void
unread(const char *option, const char *limit, const char *service)
{
	struct server	server = server_start("-v", option, "1", "-i", "1:1",
			    "-m", "1", "127.0.0.1:0", service, NULL);
	int64_t		began = clock_ms();
	int		client = dial(server.port);

	if (strcmp(service, "bytes") == 0)
		say(client, "1000000000\n");
	ok(awaits_reset(client), "%s, %s: who does not read is reset", limit,
	    service);
	(void)in_time(began);
	await_verdict(limit, client);
	ok(sockets_in(0, server.port, local_port(client)) == 0,
	    "the kernel keeps nothing of it");
	ok(!log_has("signal"), "its child lives");
	(void)close(client);
	client = dial(server.port);
	if (strcmp(service, "bytes") == 0)
		say(client, "3\n");
	ok(hears(client, strcmp(service, "bytes") == 0 ? "xxx" : " !\""),
	    "and serves the next one");
	(void)close(client);
	server_end(server);
}

static void
play_unread_t(const struct cell *cell)
{
	(void)cell;
	unread("-t", "idle timeout", "bytes");
	unread("-t", "idle timeout", "chargen");
}

static void
play_unread_x(const struct cell *cell)
{
	(void)cell;
	unread("-x", "session limit", "bytes");
	unread("-x", "session limit", "chargen");
}

/* A client with as little room as there may be. */
static int
dial_narrow(unsigned int port)
{
	struct sockaddr_in	to = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval		deadline = { .tv_sec = DEADLINE };
	int			fd = socket(AF_INET, SOCK_STREAM, 0), least = 1;

	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least,
	    sizeof(least)) == -1 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO,
	    &deadline, sizeof(deadline)) == -1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		bail("a narrow client: %s", strerror(errno));
	return fd;
}

/*
 * So slowly that there is no room for the server's next write for much longer
 * than the limit: what it sees of us is what we have acknowledged.  False: the
 * connection has ended.
 */
static bool
sip(int client, int ms, bool *late)
{
	int64_t	began = clock_ms(), last = began, now = began;
	char	bytes[2048];

	*late = false;
	while (now - began < ms) {
		if (readsome(client, bytes, sizeof(bytes)) <= 0)
			return false;
		(void)poll(NULL, 0, 300);
		now = clock_ms();
		*late |= now - last >= LIMIT_MS;
		last = now;
	}
	return true;
}

static void
slow(const char *service)
{
	struct server	server = server_start("-t", "1", "-i", "1:1",
			    "127.0.0.1:0", service, NULL);
	int		client, i;
	bool		late = true, stays = false;

	for (i = 0; i < TRIES && late; i++) {
		client = dial_narrow(server.port);
		if (strcmp(service, "bytes") == 0)
			say(client, "1000000000\n");
		stays = sip(client, 4000, &late);
		(void)close(client);
	}
	ok(stays, "%s: who reads slowly is not ended by -t", service);
	server_end(server);
}

/* The server has written all of it long ago, and waits for the next request. */
static void
play_slow_answer(const struct cell *cell)
{
	struct server	server = server_start("-v", "-t", "1", "-i", "1:1",
			    "127.0.0.1:0", "bytes", NULL);
	int		client = -1, i;
	bool		late = true, stays = false;
	char		bytes[2048];

	(void)cell;
	for (i = 0; i < TRIES && late; i++) {
		client = dial_narrow(server.port);
		say(client, "14000\n");
		stays = sip(client, 4000, &late);
		if (late)
			(void)close(client);
	}
	ok(stays && !late, "who reads an answer slowly is not ended by -t");
	while (readsome(client, bytes, sizeof(bytes)) > 0)
		;
	await_verdict("idle timeout", client);
	(void)close(client);
	server_end(server);
}

/* The time is that since the last progress, which nobody was woken for. */
static void
play_late_answer(const struct cell *cell)
{
	struct server	server = server_start("-v", "-t", "1", "-i", "1:1",
			    "127.0.0.1:0", "bytes", NULL);
	int		client = dial_narrow(server.port);
	int64_t		began;
	char		bytes[2048];

	(void)cell;
	say(client, "14000\n");
	(void)poll(NULL, 0, LIMIT_MS * 7 / 10);
	began = clock_ms();
	while (readsome(client, bytes, sizeof(bytes)) > 0)
		;
	await_verdict("idle timeout", client);
	(void)in_time(began);
	(void)close(client);
	server_end(server);
}

static void
play_slow_bytes(const struct cell *cell)
{
	(void)cell;
	slow("bytes");
}

static void
play_slow_chargen(const struct cell *cell)
{
	(void)cell;
	slow("chargen");
}

/* Nothing of it needs the parent. */
static void
play_orphans(const struct cell *cell)
{
	static const char	*const	options[] = { "-t", "-x" };
	struct server			server;
	int				client, i;

	(void)cell;
	for (i = 0; i < 2; i++) {
		server = server_start(options[i], "2", "-i", "1:1",
		    "127.0.0.1:0", "echo", NULL);
		client = dial(server.port);
		ok(echoes(client, "hello\n"), "%s: a client is served",
		    options[i]);
		send_signal(server.pid, SIGKILL);
		(void)await_end(server.pid);
		ok(echoes(client, "on\n"), "by an orphan");
		ok(sees_end(client), "and is ended by it");
		(void)close(client);
		ok(harness_nobody_left(), "the orphan has ended");
	}
}

static void
play_programs(const struct cell *cell)
{
	struct server	server = server_start("-v", "-t", "1", "-i", "1:1",
			    "127.0.0.1:0", "exec", "cat", NULL);
	int		client = dial(server.port);
	int64_t		began;

	began = clock_ms();
	ok(echoes(client, "hello\n"), "cat serves");
	ok(sees_end(client), "-t ends it when its client is silent");
	(void)in_time(began);
	(void)close(client);
	server_end(server);

	began = clock_ms();
	server = server_start("-v", "-x", "1", "-i", "1:1", "127.0.0.1:0",
	    "exec", "sleep", "1000", NULL);
	client = dial(server.port);
	ok(sees_end(client), "-x ends a program that sleeps");
	(void)in_time(began);
	await_log(cell->strategy->prefork ? "session limit: program " :
	    "session limit: child ");
	ok(!log_has("by signal"), "and that is no accident");
	(void)close(client);
	server_end(server);

	log_clear();
	server = server_start("-x", "1", "-i", "1:1", "127.0.0.1:0",
	    "exec", "sleep", "1000", NULL);
	client = dial(server.port);
	ok(sees_end(client), "without -v");
	(void)close(client);
	server_end(server);
	ok(!log_has("session limit") && !log_has("by signal"),
	    "that is no line");
}

/* Echoes; but who says "!" is kept for ever. */
static void
serve_badly(const struct outlive_client *client, void *arg)
{
	char	byte;

	(void)arg;
	while (readsome(client->fd, &byte, 1) == 1) {
		while (byte == '!')
			(void)pause();
		(void)writen(client->fd, &byte, 1);
	}
}

static int
be_bad_server(const char *strategy)
{
	struct outlive_config	config;

	outlive_config_init(&config);
	config.address = "127.0.0.1:9999";
	config.service = serve_badly;
	config.strategy = strategy;
	config.session_limit = 1;
	config.idle_min = 2;
	config.verbose = true;
	return outlive_serve(&config);
}

/*
 * A service that never returns costs its child, at the second alarm.  That of
 * somebody else, whose time was over before, has no second one.
 */
static void
play_stuck(const struct cell *cell)
{
	const char	*argv[] = { self, cell->strategy->name, NULL };
	char		 text[128];
	struct server	 server = { .pid = program_start(argv, -1) };
	int		 clients[2], other;

	await_listener(9999);
	clients[0] = dial(9999);
	ok(echoes(clients[0], "hello\n"), "one is served");
	clients[1] = dial(9999);
	say(clients[1], "!");
	ok(sees_end(clients[0]) && sees_end(clients[1]), "both are ended");
	await_verdict("session limit", clients[0]);
	other = dial(9999);
	ok(echoes(other, "hello\n"), "a child is stuck: another one serves");
	ok(sees_end(other), "its client is ended, too");
	(void)close(other);
	(void)snprintf(text, sizeof(text), "was ended while it served "
	    "127.0.0.1:%u", local_port(clients[1]));
	await_log(text);
	ok(log_has("session limit: child "), "the child was ended");
	ok(!log_has("by signal"), "by the limit");
	(void)close(clients[0]);
	(void)close(clients[1]);
	other = dial(9999);
	ok(echoes(other, "hello\n"), "another one is served");
	(void)close(other);
	server_end(server);
	ok(!log_has("was ended while it was idle"), "no other child was");
}

int
main(int argc, char *argv[])
{
	/* How a child gets its client, three ways; the rest is between the
	   service and its client. */
	static const struct strategy	*const	ways[] = { &strategy_pass,
						    &strategy_shared,
						    &strategy_fork };
	static const struct cell		plays[] = {
		{ .name = "stuck", .play = play_stuck },
		{ .name = "silent", .play = play_silent },
		{ .name = "full", .play = play_full },
		{ .name = "unread, -x", .play = play_unread_x },
		{ .name = "orphans", .play = play_orphans },
		{ .name = "programs", .play = play_programs },
		/* With the first one only. */
		{ .name = "drips", .play = play_drips },
		{ .name = "unread, -t", .play = play_unread_t },
		{ .name = "slow answer", .play = play_slow_answer },
		{ .name = "late answer", .play = play_late_answer },
		{ .name = "slow bytes", .play = play_slow_bytes },
		{ .name = "slow chargen", .play = play_slow_chargen },
	};
	struct cell	cells[3 * COUNT(plays)];
	size_t		way, i;
	int		n = 0;

	self = argv[0];
	setproctitle_init(argc, argv, environ);
	if (argc > 1)
		return be_bad_server(argv[1]);
	harness_begin();
	harness_overlook_leaks();
	last_moment();
	for (way = 0; way < COUNT(ways); way++)
		for (i = 0; i < (way == 0 ? COUNT(plays) : EACH_WAY); i++) {
			cells[n] = plays[i];
			cells[n++].strategy = ways[way];
		}
	cells_at_once = n;
	cells_play(cells, n);
	return done();
}
