/* SPDX-License-Identifier: ISC */
/*
 * The five servers of UNP chapter 30 as they stand in the book, faults and
 * all, told again in the fewest lines: tests/t_book.c shows what they do, and
 * doc/unp.md what that costs.  Do not build on it.
 *
 *	book SECTION CHILDREN
 *
 * listens on 127.0.0.1:9999, with SO_REUSEADDR.  The service is the book's,
 * too: a line with a number, and that many bytes come back.  Left out is what
 * measures: the handlers of SIGINT, which print CPU times.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/fdpass.h"
#include "net/listener.h"
#include "net/stream.h"

#define MOST_BYTES	16384
#define MOST_CHILDREN	16

static int		listenfd, lockfd;
static pthread_mutex_t	*mutex;

/* Every error is the end of the process that has it. */
static void __attribute__((__noreturn__))
die(const char *what)
{
	warn("%s error", what);
	_exit(1);
}

static pid_t
fork_or_die(void)
{
	pid_t	pid = fork();

	if (pid == -1)
		die("fork");
	return pid;
}

/* Closes the connection. */
static void
serve(int connfd)
{
	FILE	*client = fdopen(connfd, "r");
	char	 bytes[MOST_BYTES], line[32];
	long	 n;

	memset(bytes, 'x', sizeof(bytes));
	while (client != NULL && fgets(line, sizeof(line), client) != NULL) {
		n = atol(line);
		if (n <= 0 || n > MOST_BYTES) {
			warnx("client request for %ld bytes", n);
			_exit(1);
		}
		if (writen(connfd, bytes, (size_t)n) == -1)
			die("write");
	}
	if (client == NULL || ferror(client))
		die("read");
	(void)fclose(client);
}

/* Two errors are known as those of one connection; EMFILE is not. */
static int
accept_client(void)
{
	int	connfd;

	while ((connfd = accept(listenfd, NULL, NULL)) == -1)
		if (errno != ECONNABORTED && errno != EPROTO)
			die("accept");
	return connfd;
}

/* UNP 30.5.  There, a handler of SIGCHLD reaps. */
static void __attribute__((__noreturn__))
fork_per_client(void)
{
	int	connfd;

	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		connfd = accept_client();
		if (fork_or_die() == 0) {
			(void)close(listenfd);
			serve(connfd);
			_exit(0);
		}
		(void)close(connfd);
	}
}

/* The kernel lets go of it when its holder dies. */
static void
file_lock(bool on)
{
	struct flock	lock = { .l_type = on ? F_WRLCK : F_UNLCK,
			    .l_whence = SEEK_SET };

	if (fcntl(lockfd, F_SETLKW, &lock) == -1)
		die("fcntl");
}

/* Nobody lets go of this one: it is not robust. */
static void
mutex_lock(bool on)
{
	if (on)
		(void)pthread_mutex_lock(mutex);
	else
		(void)pthread_mutex_unlock(mutex);
}

static void
make_mutex(void)
{
	pthread_mutexattr_t	attributes;

	mutex = mmap(NULL, sizeof(*mutex), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mutex == MAP_FAILED)
		die("mmap");
	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_setpshared(&attributes,
	    PTHREAD_PROCESS_SHARED);
	(void)pthread_mutex_init(mutex, &attributes);
}

/* UNP 30.6 to 30.8.  The parent sleeps, whatever becomes of its children. */
static void __attribute__((__noreturn__))
children_accept(int n, void (*lock)(bool on))
{
	int	connfd;

	while (n-- > 0) {
		if (fork_or_die() != 0)
			continue;
		for (;;) {
			if (lock != NULL)
				lock(true);
			connfd = accept_client();
			if (lock != NULL)
				lock(false);
			serve(connfd);
		}
	}
	for (;;)
		(void)pause();
}

/*
 * A child at a pipe; its parent's end of that.  Of the pipes that were made
 * before, the child has the parent's ends, and keeps them.
 */
static int
birth_at_a_pipe(void)
{
	struct address	peer;
	int		pair[2], connfd;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		die("socketpair");
	if (fork_or_die() != 0) {
		(void)close(pair[1]);
		return pair[0];
	}
	(void)close(pair[0]);
	(void)close(listenfd);
	for (;;) {
		if (fdpass_recv(pair[1], &connfd, &peer) != 1)
			die("read_fd");
		serve(connfd);
		if (write(pair[1], "", 1) != 1)
			die("write");
	}
}

/* UNP 30.9: to the first child that is idle. */
static void __attribute__((__noreturn__))
parent_passes(int n)
{
	struct pollfd	fds[1 + MOST_CHILDREN];
	bool		busy[1 + MOST_CHILDREN] = { false };
	struct address	nobody = { .len = 0 };
	char		done;
	int		connfd, i, idle = n;

	for (i = 0; i <= n; i++)
		fds[i] = (struct pollfd){ .events = POLLIN,
		    .fd = i == 0 ? listenfd : birth_at_a_pipe() };
	for (;;) {
		fds[0].fd = idle > 0 ? listenfd : -1;
		if (poll(fds, (nfds_t)n + 1, -1) == -1)
			die("poll");
		if (fds[0].revents != 0) {
			connfd = accept_client();
			for (i = 1; busy[i]; i++)
				;
			busy[i] = true;
			idle--;
			if (fdpass_send(fds[i].fd, connfd, &nobody) == -1)
				die("write_fd");
			(void)close(connfd);
		}
		for (i = 1; i <= n; i++) {
			if (fds[i].revents == 0)
				continue;
			if (read(fds[i].fd, &done, 1) != 1)
				die("child terminated unexpectedly: read");
			busy[i] = false;
			idle++;
		}
	}
}

int
main(int argc, char *argv[])
{
	struct listener_options	options = { .backlog = 128,
				    .reuseaddr = true };
	struct address		address;
	const char		*failed = "address";
	int			n = argc == 3 ? atoi(argv[2]) : 0;

	if (n < 1 || n > MOST_CHILDREN)
		errx(1, "usage: book SECTION CHILDREN");
	if (address_numeric(&address, "127.0.0.1:9999") == -1 ||
	    (listenfd = listener_open(&address, &options, &failed)) == -1)
		die(failed);
	if (strcmp(argv[1], "30.5") == 0)
		fork_per_client();
	if (strcmp(argv[1], "30.6") == 0)
		children_accept(n, NULL);
	if (strcmp(argv[1], "30.7") == 0) {
		if ((lockfd = memfd_create("accept lock", 0)) == -1)
			die("memfd");
		children_accept(n, file_lock);
	}
	if (strcmp(argv[1], "30.8") == 0) {
		make_mutex();
		children_accept(n, mutex_lock);
	}
	if (strcmp(argv[1], "30.9") == 0)
		parent_passes(n);
	errx(1, "section %s has no server", argv[1]);
}
