/* SPDX-License-Identifier: ISC */
/* Bytes are whole although signals interrupt every call, and whoever reads
   them is slow. */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "net/stream.h"
#include "pattern.h"

#define MUCH	3000000

static volatile sig_atomic_t	interruptions;

static void
on_tick(int signo)
{
	(void)signo;
	interruptions++;
}

/* A signal each millisecond, and no SA_RESTART. */
static void
tick(void)
{
	struct sigaction	action = { .sa_handler = on_tick };
	struct itimerval	timer = { { 0, 1000 }, { 0, 1000 } };

	(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* The other end waits before each read or write. */
static pid_t
slow_peer(int fd, bool reads)
{
	struct pattern	pattern = { 0, 0 };
	pid_t		pid = fork();
	int		i;

	if (pid != 0)
		return pid;
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
	int		pair[2], status;
	pid_t		peer;
	size_t		have;
	ssize_t		n;

	harness_begin();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		bail("socketpair: %s", strerror(errno));
	pattern_fill(&pattern, bytes, MUCH);
	peer = slow_peer(pair[1], true);
	tick();
	ok(writen(pair[0], bytes, MUCH) == MUCH, "writen(): all of it");
	ok(interruptions > 0, "with %d interruptions", (int)interruptions);
	while (waitpid(peer, &status, 0) == -1 && errno == EINTR)
		;
	ok(status == 0, "and nothing else");

	interruptions = 0;
	peer = slow_peer(pair[1], false);
	memset(bytes, 0, MUCH);
	for (have = 0; have < MUCH; have += (size_t)n)
		if ((n = readsome(pair[0], bytes + have, MUCH - have)) <= 0)
			break;
	memset(&pattern, 0, sizeof(pattern));
	ok(have == MUCH && pattern_matches(&pattern, bytes, MUCH),
	    "readsome(): all of it");
	ok(interruptions > 0, "with %d interruptions", (int)interruptions);
	(void)close(pair[1]);
	while (waitpid(peer, &status, 0) == -1 && errno == EINTR)
		;
	ok(readsome(pair[0], bytes, 1) == 0, "then end-of-file");
	return done();
}
