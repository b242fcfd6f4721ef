/* SPDX-License-Identifier: ISC */
/*
 * server2 [--ignore-bind-error] [--reuseaddr] [port [port of server1]]
 *
 * The other program of doc/article.md.  It connects to server1, then listens
 * on port 8888 of 127.0.0.1: what a client sends goes on to server1, and the
 * answer back.  No client is needed: it is there to have a connection.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sockaddr_in
loopback(const char *port)
{
	struct sockaddr_in	in;
	const char		*problem;
	long long		n = strtonum(port, 1, 65535, &problem);

	if (problem != NULL)
		errx(1, "port '%s' is %s: expected 1 to 65535", port, problem);
	memset(&in, 0, sizeof(in));
	in.sin_family = AF_INET;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((in_port_t)n);
	return in;
}

static void
relay(int connfd, int server1fd)
{
	char	bytes[4096];
	ssize_t	n;

	while ((n = read(connfd, bytes, sizeof(bytes))) > 0) {
		if (write(server1fd, bytes, (size_t)n) != n ||
		    recv(server1fd, bytes, (size_t)n, MSG_WAITALL) != n)
			errx(1, "server1 has gone");
		if (write(connfd, bytes, (size_t)n) != n)
			break;
	}
	(void)close(connfd);
}

int
main(int argc, char *argv[])
{
	int			ignore_bind_error = 0, reuseaddr = 0;
	const struct option	options[] = {
		{ "ignore-bind-error", no_argument, &ignore_bind_error, 1 },
		{ "reuseaddr", no_argument, &reuseaddr, 1 },
		{ NULL, 0, NULL, 0 }
	};
	struct sockaddr_in	own, server1;
	int			ch, connfd, listenfd, server1fd, on = 1;

	while ((ch = getopt_long(argc, argv, "", options, NULL)) == 0)
		;
	if (ch != -1 || argc - optind > 2)
		errx(1, "usage: server2 [--ignore-bind-error] [--reuseaddr] "
		    "[port [port of server1]]");
	own = loopback(argc > optind ? argv[optind] : "8888");
	server1 = loopback(argc > optind + 1 ? argv[optind + 1] : "9999");

	if ((server1fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(1, "socket error");
	if (connect(server1fd, (struct sockaddr *)&server1,
	    sizeof(server1)) == -1)
		err(1, "connect error");
	if ((listenfd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(1, "socket error");
	if (reuseaddr && setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)) == -1)
		err(1, "setsockopt error");
	if (bind(listenfd, (struct sockaddr *)&own, sizeof(own)) == -1 &&
	    !ignore_bind_error)
		err(1, "bind error");
	if (listen(listenfd, SOMAXCONN) == -1)
		err(1, "listen error");
	(void)printf("server2: connected, and waiting for clients\n");
	(void)fflush(stdout);

	(void)signal(SIGPIPE, SIG_IGN);		/* clients may go at any time */
	for (;;) {
		if ((connfd = accept(listenfd, NULL, NULL)) != -1)
			relay(connfd, server1fd);
		else if (errno != ECONNABORTED)		/* UNP 5.11 */
			err(1, "accept error");
	}
}
