/* SPDX-License-Identifier: ISC */
/* Bytes are whole although signals interrupt every call, and whoever reads
   them is slow; a farewell takes its time, and no more. */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "net/clock.h"
#include "net/stream.h"
#include "pattern.h"
#include "process.h"

#define MUCH	3000000

static volatile sig_atomic_t	interruptions;

static void
on_tick(int signo)
{
	(void)signo;
	interruptions++;
}

static void
make_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		bail("socketpair: %s", strerror(errno));
}

/* Another process sends a signal each millisecond; no SA_RESTART. */
static pid_t
tick(void)
{
	struct sigaction	action = { .sa_handler = on_tick };
	pid_t			us = getpid(), pid;

	(void)sigaction(SIGUSR1, &action, NULL);
	if ((pid = fork()) == -1)
		bail("fork");
	while (pid == 0 && getppid() == us) {
		(void)kill(us, SIGUSR1);
		(void)poll(NULL, 0, 1);
	}
	if (pid == 0)
		_exit(0);
	return pid;
}

/* The other end waits before each read or write. */
static pid_t
slow_peer(const int pair[2], bool reads)
{
	struct pattern	pattern = { 0, 0 };
	pid_t		pid = fork();
	int		fd = pair[1], i;

	if (pid == -1)
		bail("fork");
	if (pid != 0)
		return pid;
	(void)close(pair[0]);
	for (i = 0; i < 30; i++) {
		(void)poll(NULL, 0, 5);
		if (!(reads ? pattern_receive(&pattern, fd, MUCH / 30) :
		    pattern_send(&pattern, fd, MUCH / 30)))
			_exit(1);
	}
	_exit(0);
}

/* A farewell in another process, which a signal interrupts each millisecond:
   if it were never done, that would be seen.  Its end of the pair is closed
   here. */
static pid_t
leaver(const int pair[2])
{
	pid_t	pid = fork();

	if (pid == -1)
		bail("fork");
	if (pid != 0) {
		(void)close(pair[0]);
		return pid;
	}
	(void)close(pair[1]);
	(void)tick();
	farewell(pair[0], "goodbye\n", 8);
	_exit(interruptions > 0 ? 0 : 1);
}

/* In time for those who stay, neither sooner nor much later. */
static void
ends_in_time(pid_t pid, int64_t began, const char *whom)
{
	int64_t	took;

	ok(await_end(pid) == 0, "a farewell to one who %s", whom);
	took = clock_ms() - began;
	ok(took >= FAREWELL_MS && took < 3 * FAREWELL_MS, "took %lld ms",
	    (long long)took);
}

/* Another process sends a byte now and then, until nobody wants it. */
static pid_t
dripper(int fd)
{
	pid_t	pid = fork();

	if (pid == -1)
		bail("fork");
	while (pid == 0 && send(fd, "x", 1, MSG_NOSIGNAL) == 1)
		(void)poll(NULL, 0, 5);
	if (pid == 0)
		_exit(0);
	return pid;
}

static void
stay(void)
{
	int	silent[2], drips[2], full[2];
	pid_t	pids[3];
	int64_t	began = clock_ms();

	make_pair(silent);
	make_pair(drips);
	make_pair(full);
	while (send(full[0], "x", 1, MSG_DONTWAIT) == 1)
		;
	pids[0] = leaver(silent);
	pids[1] = leaver(drips);
	(void)dripper(drips[1]);
	pids[2] = leaver(full);
	ends_in_time(pids[0], began, "is silent");
	ends_in_time(pids[1], began, "says a byte now and then");
	ends_in_time(pids[2], began, "has no room for last words");
	(void)close(silent[1]);
	(void)close(drips[1]);
	(void)close(full[1]);
}

/* Who goes when he is told to, and who sends without an end. */
static void
go(void)
{
	static char	much[65536];
	char		words[9] = "";
	int		pair[2];
	int64_t		began = clock_ms();
	size_t		sent = 0;
	ssize_t		n;
	pid_t		pid;

	make_pair(pair);
	(void)writen(pair[1], "unread", 6);
	pid = leaver(pair);
	ok(readsome(pair[1], words, 8) == 8 &&
	    strcmp(words, "goodbye\n") == 0 && readsome(pair[1], words, 1) == 0,
	    "last words, and end-of-file");
	(void)close(pair[1]);
	(void)await_end(pid);
	ok(clock_ms() - began < FAREWELL_MS, "who goes has been waited for");

	make_pair(pair);
	pid = leaver(pair);
	while ((n = send(pair[1], much, sizeof(much), MSG_NOSIGNAL)) > 0)
		sent += (size_t)n;
	ok(sent >= FAREWELL_BYTES && sent < FAREWELL_BYTES + MUCH,
	    "who sends without an end is given up after %zu bytes", sent);
	ok(await_end(pid) == 0, "and was interrupted");
	(void)close(pair[1]);
}

int
main(void)
{
	static char	bytes[MUCH];
	struct pattern	pattern = { 0, 0 };
	int		pair[2];
	pid_t		peer, ticker;
	size_t		have;
	ssize_t		n;

	harness_begin();
	make_pair(pair);
	pattern_fill(&pattern, bytes, MUCH);
	ticker = tick();
	peer = slow_peer(pair, true);
	(void)close(pair[1]);
	ok(writen(pair[0], bytes, MUCH) == MUCH, "writen(): all of it");
	ok(interruptions > 0, "with %d interruptions", (int)interruptions);
	(void)close(pair[0]);
	ok(await_end(peer) == 0, "and nothing else");

	make_pair(pair);
	interruptions = 0;
	peer = slow_peer(pair, false);
	(void)close(pair[1]);
	memset(bytes, 0, MUCH);
	for (have = 0; have < MUCH; have += (size_t)n)
		if ((n = readsome(pair[0], bytes + have, MUCH - have)) <= 0)
			break;
	memset(&pattern, 0, sizeof(pattern));
	ok(have == MUCH && pattern_matches(&pattern, bytes, MUCH),
	    "readsome(): all of it");
	ok(interruptions > 0, "with %d interruptions", (int)interruptions);
	ok(readsome(pair[0], bytes, 1) == 0, "then end-of-file");
	send_signal(ticker, SIGKILL);
	(void)close(pair[0]);
	stay();
	go();
	return done();
}
