/* SPDX-License-Identifier: ISC */
/* How many clients one address may have at once. */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "net/address.h"
#include "net/log.h"
#include "pool/pool.h"
#include "pool/source.h"
#include "process.h"

#define SERVER	"127.0.0.1:9999"
#define ONE	"127.0.0.1:0"
#define OTHER	"127.0.0.2:0"

/* Whether it is served; if so, it stays. */
static bool
enters(const char *source, const char *server, int *fd)
{
	*fd = dial_from(source, server);
	if (echoes(*fd, "hello"))
		return true;
	(void)close(*fd);
	return false;
}

static bool
is_refused(const char *source, const char *server)
{
	int	fd;
	bool	served = enters(source, server, &fd);

	if (served)
		(void)close(fd);
	return !served;
}

/* Whoever has left may still be counted for a moment. */
static int
await_room(const char *source, const char *server)
{
	struct wait	wait = { .what = "room for a client" };
	int		fd;

	while (!enters(source, server, &fd))
		wait_a_moment(&wait);
	return fd;
}

/* The number of refusals that the log tells of, and in how many lines. */
static int
told(const char *text, int *lines)
{
	int	more = 0;

	for (*lines = 0; (text = strstr(text, "refusing others")) != NULL;
	    ++*lines) {
		text += strlen("refusing others");
		more += *text == '\n' ? 1 : atoi(text + 2);
	}
	return more;
}

/* All of them are there.  There may be more: where idle ones are few, those who
   refuse are missed for a moment. */
static bool
all_there(pid_t parent, const pid_t *list, int n)
{
	pid_t	now[64];
	int	i, k, found = 0, many = children_of(parent, now, 64);

	for (i = 0; i < n; i++)
		for (k = 0; k < many; k++)
			found += list[i] == now[k];
	return found == n;
}

static void
limit(const char *strategy)
{
	struct server	server;
	pid_t		list[64];
	int		fd[3], other, i, n, lines, refused = 0;

	note("strategy %s", strategy);
	harness_new_state();
	harness_strategy(strategy);
	log_clear();
	server = server_start("-s", "3", "-r", "4", "-i", "5:16", SERVER,
	    "echo", NULL);
	for (i = 0; i < 3; i++)
		ok(enters(ONE, SERVER, &fd[i]), "a client of one address");
	ok(is_refused(ONE, SERVER), "the fourth one is refused");
	ok(enters(OTHER, SERVER, &other), "another address's is served");
	n = children_of(server.pid, list, 64);
	for (i = 0; i < 30; i++)
		refused += is_refused(ONE, SERVER);
	ok(refused == 30, "30 more are refused");
	ok(all_there(server.pid, list, n), "which costs no child");
	(void)close(fd[0]);
	fd[0] = await_room(ONE, SERVER);
	ok(is_refused(ONE, SERVER), "one leaves, and there is room for one");
	send_signal(await_server_of(server.pid, fd[0]), SIGKILL);
	(void)close(fd[0]);
	fd[0] = await_room(ONE, SERVER);
	ok(is_refused(ONE, SERVER), "a child is killed, and there is room for "
	    "one");
	for (i = 0; i < 3; i++)
		(void)close(fd[i]);
	(void)close(other);
	server_end(server);
	refused = told(log_text(), &lines);
	ok(refused >= 33, "the log has all that were refused: %d", refused);
	ok(lines <= 2, "in %d lines", lines);
}

static void
orphans(const char *strategy)
{
	struct server	server;
	int		fd[3], other, i;

	note("orphans, strategy %s", strategy);
	harness_new_state();
	harness_strategy(strategy);
	server = server_start("-s", "3", SERVER, "echo", NULL);
	for (i = 0; i < 3; i++)
		ok(enters(ONE, SERVER, &fd[i]), "a client of one address");
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	server = server_start("-s", "3", SERVER, "echo", NULL);
	ok(is_refused(ONE, SERVER), "those whom orphans serve are counted");
	ok(enters(OTHER, SERVER, &other), "another address's is served");
	(void)close(fd[0]);
	fd[0] = await_room(ONE, SERVER);
	ok(is_refused(ONE, SERVER), "one leaves, and there is room for one");
	send_signal(await_server_of(0, fd[1]), SIGKILL);
	(void)close(fd[1]);
	fd[1] = await_room(ONE, SERVER);
	ok(is_refused(ONE, SERVER), "an orphan is killed, and there is room "
	    "for one");
	for (i = 0; i < 3; i++)
		(void)close(fd[i]);
	(void)close(other);
	server_end(server);
}

/* A drain forks a child for each who waits. */
static void
draining(void)
{
	struct server	server;
	int		fd[5], i, served = 0;

	note("a drain");
	harness_new_state();
	harness_strategy("pass");
	server = server_start("-s", "3", "-i", "1:1", "-m", "1", SERVER,
	    "echo", NULL);
	ok(enters(ONE, SERVER, &fd[0]), "one is served");
	for (i = 1; i < 5; i++)
		fd[i] = dial_from(ONE, SERVER);
	send_signal(server.pid, SIGTERM);
	(void)await_end(server.pid);
	for (i = 1; i < 5; i++)
		served += echoes(fd[i], "hello");
	ok(served == 2, "of four who wait the drain lets in %d", served);
	for (i = 0; i < 5; i++)
		(void)close(fd[i]);
	ok(harness_nobody_left(), "nobody is left");
}

/* Whoever is too many waits a moment, in which another one may leave. */
static void
patience(const char *strategy)
{
	bool		forks = strcmp(strategy, "fork") == 0;
	struct server	server;
	struct wait	wait = { .what = "the end of a child" };
	pid_t		waits, leaves;
	int		first, second;

	harness_new_state();
	harness_strategy(strategy);
	server = server_start_paused("moment 1", "-s", "1", "-i", "2:2",
	    SERVER, "echo", NULL);
	first = dial_from(ONE, SERVER);
	ok(echoes(first, "hello"), "%s: a client", strategy);
	leaves = await_server_of(server.pid, first);
	second = dial_from(ONE, SERVER);
	waits = forks ? server.pid : await_stopped(server.pid);
	await_stop(waits);
	(void)close(first);
	/* Idle, it may be one too many, and be let go at once. */
	while (lives(leaves) && (forks ||
	    !title_is(leaves, "outlived: idle")))
		wait_a_moment(&wait);
	send_signal(waits, SIGCONT);
	ok(echoes(second, "hello"), "another one who came as it left is "
	    "served");
	(void)close(second);
	server_end(server);
}

/* One after another, as soon as he sees the end; on a busy machine one may be
   too early, and comes again. */
static void
in_turn(const char *strategy)
{
	static const char *const	services[][2] = {
		{ "daytime", NULL }, { "exec", "date" } };
	struct server			server;
	char				byte;
	struct wait			wait = { .what = "room" };
	int				client, i, k, served, early;

	harness_new_state();
	harness_strategy(strategy);
	for (i = 0; i < 2; i++) {
		server = server_start("-s", "1", SERVER, services[i][0],
		    services[i][1], NULL);
		for (k = served = 0; served < 50; k++) {
			client = dial_from(ONE, SERVER);
			early = read(client, &byte, 1) != 1;
			while (read(client, &byte, 1) == 1)
				;
			(void)close(client);
			served += !early;
			if (early)
				wait_a_moment(&wait);
		}
		ok(1, "%s, %s: 50 one after another are served, by %d tries",
		    strategy, services[i][0], k);
		server_end(server);
	}
}

#define CROWD	100
#define ROOM	10

/* All come at the same time. */
static void
crowd(const char *strategy)
{
	struct server	server;
	int		fd[CROWD], more[ROOM], i, n, served = 0;

	harness_new_state();
	harness_strategy(strategy);
	server = server_start("-s", "10", "-i", "32:64", SERVER, "echo", NULL);
	for (i = 0; i < CROWD; i++)
		fd[i] = dial_from(ONE, SERVER);
	for (i = 0; i < CROWD; i++) {
		if (echoes(fd[i], "hello"))
			served++;
		else {
			(void)close(fd[i]);
			fd[i] = -1;
		}
	}
	ok(served > 0 && served <= ROOM, "%s, %d at the same time: %d are "
	    "served, %d may be", strategy, CROWD, served, ROOM);
	for (n = 0; served + n < ROOM && enters(ONE, SERVER, &more[n]); n++)
		;
	ok(served + n == ROOM && is_refused(ONE, SERVER),
	    "then as many as there is room for, and no more");
	for (i = 0; i < CROWD; i++)
		if (fd[i] != -1)
			(void)close(fd[i]);
	for (i = 0; i < n; i++)
		(void)close(more[i]);
	server_end(server);
}

#define ROUNDS	3000

/* Until the other one has come, too: at once, if there is a processor for each
   of us. */
static void
meet(_Atomic int *turn, int both)
{
	int	spins = 0;

	atomic_fetch_add(turn, 1);
	while (atomic_load(turn) < both)
		if (++spins > 10000)
			(void)sched_yield();
}

/* Two processes, one place: one of them has it, each time. */
static void
race(void)
{
	struct outlive_config	 config = { .per_source = 1 };
	struct pool		 pool = { .config = &config };
	struct address		 client;
	_Atomic int		*turn, *entered;
	int			 i, me, rounds = 0;
	pid_t			 child;

	turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pool.board = board_open(2);
	if (turn == MAP_FAILED || pool.board == NULL ||
	    source_open(&pool) == -1 || address_numeric(&client, ONE) == -1)
		bail("memory");
	entered = turn + 1;
	/* Its refusals are one line. */
	(void)log_open(NULL, false);
	log_begun();
	if ((child = fork()) == -1)
		bail("fork");
	me = child == 0;
	for (i = 1; i <= ROUNDS; i++) {
		meet(turn, 4 * i - 2);
		if (source_enter(&pool, me, &client, NULL))
			atomic_fetch_add(entered, 1);
		meet(turn, 4 * i);
		source_leave(&pool, me);
		rounds += atomic_load(entered) == i;
	}
	if (child == 0)
		_exit(0);
	(void)await_end(child);
	ok(rounds == ROUNDS, "two come at the same time, %d times: one of them "
	    "enters, %d times", ROUNDS, rounds);
	source_close(&pool);
	board_close(pool.board);
}

static void
networks(void)
{
	const char *const	server_at = "[2001:db8:1:1::1]:9999";
	struct server		server;
	int			fd[2], other, four[2];

	note("IPv6");
	if (system("PATH=$PATH:/sbin:/usr/sbin; for a in 1:1::1 1:1::2 1:1::3 "
	    "1:2::1; do ip -6 addr add 2001:db8:$a/128 dev lo nodad || exit 1; "
	    "done") != 0) {
		skip("addresses of IPv6", "none can be added here");
		return;
	}
	harness_new_state();
	harness_strategy("pass");
	log_clear();
	server = server_start("-s", "2", "[::]:9999", "echo", NULL);
	ok(enters("[2001:db8:1:1::1]:0", server_at, &fd[0]) &&
	    enters("[2001:db8:1:1::2]:0", server_at, &fd[1]),
	    "two addresses of one network");
	ok(is_refused("[2001:db8:1:1::3]:0", server_at),
	    "a third one of it is refused");
	await_log("]: 2001:db8:1:1::/64 has 2 clients");
	ok(enters("[2001:db8:1:2::1]:0", server_at, &other),
	    "another network's is served");
	ok(enters(ONE, SERVER, &four[0]) && enters(ONE, SERVER, &four[1]) &&
	    is_refused(ONE, SERVER) && !is_refused(OTHER, SERVER),
	    "addresses of IPv4 count one by one on the same socket");
	await_log("]: 127.0.0.1 has 2 clients");
	ok(1, "and have their names in the log");
	(void)close(fd[0]);
	(void)close(fd[1]);
	(void)close(four[0]);
	(void)close(four[1]);
	(void)close(other);
	server_end(server);
}

int
main(void)
{
	static const char *const	all[] = {
		"fork", "shared", "fcntl", "mutex", "pass", NULL
	};
	const char *const		*strategy;

	harness_begin();
	harness_overlook_leaks();
	harness_own_network();
	for (strategy = all; *strategy != NULL; strategy++) {
		limit(*strategy);
		orphans(*strategy);
		patience(*strategy);
		in_turn(*strategy);
		crowd(*strategy);
	}
	draining();
	race();
	networks();
	return done();
}
