/* SPDX-License-Identifier: ISC */
/*
 * Promise P1: a client that talks all the time, through five ends of the
 * parent, gets every byte back, from the child that it began with.
 */
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "net/stream.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

/* Bytes that do not repeat in step with any buffer. */
static void
fill(unsigned char *bytes, size_t n, unsigned int *seed)
{
	size_t	i;

	for (i = 0; i < n; i++) {
		*seed = *seed * 1103515245U + 12345U;
		bytes[i] = (unsigned char)(*seed >> 16);
	}
}

/*
 * The client, a process of its own: writes a block, reads it back, compares;
 * says so with one byte on the pipe, until it is told to stop by the other
 * one's end-of-file.
 */
static void __attribute__((__noreturn__))
talk(int fd, int rounds, int told)
{
	unsigned char	out[50000], in[sizeof(out)];
	struct pollfd	stop = { .fd = told, .events = POLLIN };
	unsigned int	seed = 1;
	size_t		have;
	ssize_t		n;

	while (poll(&stop, 1, 0) == 0) {
		fill(out, sizeof(out), &seed);
		if (writen(fd, out, sizeof(out)) == -1)
			_exit(2);
		for (have = 0; have < sizeof(in); have += (size_t)n)
			if ((n = readsome(fd, in + have,
			    sizeof(in) - have)) <= 0)
				_exit(3);
		if (memcmp(out, in, sizeof(in)) != 0)
			_exit(4);
		if (write(rounds, "", 1) != 1)
			_exit(5);
	}
	_exit(0);
}

/* The client goes on: two more blocks, the second begun after this call. */
static bool
goes_on(int rounds)
{
	struct pollfd	fd = { .fd = rounds, .events = POLLIN };
	char		byte[4096];
	int		i;

	while (poll(&fd, 1, 0) == 1)
		if (read(rounds, byte, sizeof(byte)) <= 0)
			return false;
	for (i = 0; i < 2; i++)
		if (poll(&fd, 1, DEADLINE * 1000) != 1 ||
		    read(rounds, byte, 1) != 1)
			return false;
	return true;
}

int
main(void)
{
	static const int	ends[] = { SIGKILL, SIGTERM, SIGKILL, SIGABRT,
				    SIGKILL };
	struct server		server;
	int			rounds[2], told[2], fd, status;
	pid_t			client, child;
	size_t			i;

	harness_begin();
	harness_own_network();
	server = server_start("-i", "2:4", PORT, "echo", NULL);
	fd = dial(server.port);
	child = await_server_of(server.pid, fd);
	if (pipe(rounds) == -1 || pipe(told) == -1 || (client = fork()) == -1)
		bail("pipe or fork");
	if (client == 0) {
		(void)close(told[1]);
		(void)close(rounds[0]);
		talk(fd, rounds[1], told[0]);
	}
	(void)close(told[0]);
	(void)close(rounds[1]);
	(void)close(fd);

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		ok(goes_on(rounds[0]), "the client talks");
		send_signal(server.pid, ends[i]);
		(void)await_end(server.pid);
		server = server_start("-i", "2:4", PORT, "echo", NULL);
		ok(goes_on(rounds[0]), "it talks on after %s and a restart",
		    strsignal(ends[i]));
	}
	ok(kill(child, 0) == 0, "the child that it began with lives");
	(void)close(told[1]);
	status = await_end(client);
	ok(status == 0, "every byte came back: %d",
	    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	ok(WIFEXITED(await_end(child)), "then its child left");
	send_signal(server.pid, SIGTERM);
	(void)await_end(server.pid);
	ok(harness_nobody_left(), "no process is left");
	return done();
}
