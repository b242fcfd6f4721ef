/* SPDX-License-Identifier: ISC */
/* Bytes are whole although signals interrupt every call, and whoever reads
   them is slow. */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
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
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		bail("socketpair: %s", strerror(errno));
	pattern_fill(&pattern, bytes, MUCH);
	ticker = tick();
	peer = slow_peer(pair, true);
	(void)close(pair[1]);
	ok(writen(pair[0], bytes, MUCH) == MUCH, "writen(): all of it");
	ok(interruptions > 0, "with %d interruptions", (int)interruptions);
	(void)close(pair[0]);
	ok(await_end(peer) == 0, "and nothing else");

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		bail("socketpair: %s", strerror(errno));
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
	return done();
}
