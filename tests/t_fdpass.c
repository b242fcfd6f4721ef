/* SPDX-License-Identifier: ISC */
/* Connections on their way from one process to another. */
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "net/fdpass.h"

int
main(void)
{
	struct address	 peer, got;
	struct rlimit	 limit, low;
	const char	*why;
	char		 text[ADDRESS_TEXT], byte;
	int		 pair[2], pipes[2], fd, n, last;

	harness_begin();
	if (address_parse(&peer, "[::1]:40312", &why) == -1 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1 ||
	    pipe(pipes) == -1)
		bail("cannot begin");

	ok(fdpass_waiting(pair[1]) == 0, "nothing waits");
	ok(fdpass_send(pair[0], pipes[0], &peer) == 0, "one is sent");
	ok(fdpass_send(pair[0], pipes[0], &peer) == 0, "another");
	ok(fdpass_waiting(pair[1]) == 2, "two wait");
	ok(fdpass_recv(pair[1], &fd, &got) == 1, "one is received");
	ok(strcmp(address_print(&got, text), "[::1]:40312") == 0,
	    "with its address: %s", text);
	ok((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "it is close-on-exec");
	(void)!write(pipes[1], "x", 1);
	ok(read(fd, &byte, 1) == 1 && byte == 'x', "and the same file");
	(void)close(fd);

	/* No room for the descriptor: an error, not end-of-file. */
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	low = limit;
	low.rlim_cur = 0;
	(void)setrlimit(RLIMIT_NOFILE, &low);
	n = fdpass_recv(pair[1], &fd, &got);
	last = errno;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	ok(n == -1 && last == EMFILE, "at the limit it is lost, and said: %s",
	    strerror(last));

	/* What was sent outlives the sender. */
	(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
	for (n = 0; fdpass_send(pair[0], pipes[0], &peer) == 0; n++)
		;
	ok(errno == EAGAIN && n > 8, "%d fit, then EAGAIN", n);
	(void)close(pair[0]);
	for (; n > 0 && fdpass_recv(pair[1], &fd, &got) == 1; n--)
		(void)close(fd);
	ok(n == 0, "all are received after the sender has closed");
	ok(fdpass_recv(pair[1], &fd, &got) == 0, "then end-of-file");
	return done();
}
