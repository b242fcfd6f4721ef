/* SPDX-License-Identifier: ISC */
/*
 * UNP 7.5: a server forks one child for each client.  The listening server
 * ends, its child goes on, and the server is started again.  Is it given its
 * port?  Only with SO_REUSEADDR, which it sets if you say -r.
 *
 *   terminal 1                           terminal 2
 *
 *   $ cc -o unp75 unp75.c $(pkg-config --cflags --libs libbsd-overlay)
 *   $ ./unp75 &                                                          (1)
 *   unp75: process 1001 listens
 *                                        $ exec 5<>/dev/tcp/127.0.0.1/9999
 *                                        $ echo hello >&5; head -1 <&5   (2)
 *                                        hello
 *   $ kill $!                                                            (3)
 *   $ ./unp75                                                            (4)
 *   unp75: bind error: Address already in use
 *
 * The client is served all the while: echo again >&5; head -1 <&5.  End it
 * with exec 5>&-, and do the same with ./unp75 -r, twice: (4) succeeds.
 * On Linux -r in (4) alone is not enough; the old socket must have had it too.
 *
 * kill $! ends one process.  Ctrl-C and kill %1 go to the whole process group,
 * and the child is in it.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
tcp_listen(in_port_t port, int reuseaddr)
{
	struct sockaddr_in	servaddr;
	int			fd, on = 1;

	memset(&servaddr, 0, sizeof(servaddr));
	servaddr.sin_family = AF_INET;
	servaddr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	servaddr.sin_port = htons(port);
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(1, "socket error");
	if (reuseaddr && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)) == -1)
		err(1, "setsockopt error");
	if (bind(fd, (struct sockaddr *)&servaddr, sizeof(servaddr)) == -1)
		err(1, "bind error");
	if (listen(fd, SOMAXCONN) == -1)
		err(1, "listen error");
	return fd;
}

static void
str_echo(int connfd)
{
	char	bytes[4096];
	ssize_t	n;

	while ((n = read(connfd, bytes, sizeof(bytes))) > 0)
		if (write(connfd, bytes, (size_t)n) != n)
			break;
}

int
main(int argc, char *argv[])
{
	const char	*problem = NULL;
	in_port_t	port = 9999;
	pid_t		pid;
	int		ch, connfd, listenfd, reuseaddr = 0;

	while ((ch = getopt(argc, argv, "r")) == 'r')
		reuseaddr = 1;
	if (optind < argc)
		port = (in_port_t)strtonum(argv[optind], 1, 65535, &problem);
	if (problem != NULL)
		errx(1, "the port is %s: expected 1 to 65535", problem);
	if (ch != -1 || argc - optind > 1)
		errx(1, "usage: unp75 [-r] [port]");
	listenfd = tcp_listen(port, reuseaddr);
	(void)printf("unp75: process %d listens\n", getpid());
	(void)fflush(stdout);

	(void)signal(SIGCHLD, SIG_IGN);			/* no zombies */
	for (;;) {
		if ((connfd = accept(listenfd, NULL, NULL)) == -1) {
			if (errno == ECONNABORTED)		/* UNP 5.11 */
				continue;
			err(1, "accept error");
		}
		if ((pid = fork()) == 0) {
			(void)close(listenfd);
			str_echo(connfd);
			exit(0);
		}
		if (pid == -1)
			warn("fork error");
		(void)close(connfd);
	}
}
