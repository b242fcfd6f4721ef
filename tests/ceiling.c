/* SPDX-License-Identifier: ISC */
/*
 * How fast a server of each design could be at most: the fewest calls that do
 * the same work, with the same orderly end of each connection.  No titles, no
 * board, no signals, nothing that a careful operator would want; figure-30.1
 * holds outlived against it.
 *
 *	tests/ceiling DESIGN CHILDREN [PROGRAM]
 *
 * listens on 0.0.0.0:9999.  If descriptor 3 is open it is a file with a number
 * for each child, which counts its clients there.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/fdpass.h"
#include "net/listener.h"

#define COUNTS		3	/* the descriptor */

static int		listenfd, lockfd, queue[2];
static pthread_mutex_t	*mutex;
static uint32_t		*counts;
static char		*program;
static char		bytes[16384];

/* A number in a line, and as many bytes come back, until there is no line. */
static void
serve(int connfd)
{
	char	line[64];
	ssize_t	n;

	while ((n = read(connfd, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		n = atol(line);
		if (n <= 0 || n > (ssize_t)sizeof(bytes) ||
		    write(connfd, bytes, (size_t)n) != n)
			break;
	}
	(void)close(connfd);
}

static void __attribute__((__noreturn__))
become_program(int connfd)
{
	(void)dup2(connfd, STDIN_FILENO);
	(void)dup2(connfd, STDOUT_FILENO);
	(void)execl(program, program, (char *)NULL);
	_exit(127);
}

static pid_t
fork_or_die(void)
{
	pid_t	pid = fork();

	if (pid == -1)
		err(1, "fork");
	return pid;
}

/* A child for each client: it serves, or becomes the program. */
static void __attribute__((__noreturn__))
fork_per_client(void)
{
	int	connfd;

	for (;;) {
		if ((connfd = accept(listenfd, NULL, NULL)) == -1)
			continue;
		if (fork_or_die() == 0) {
			(void)close(listenfd);
			if (program != NULL)
				become_program(connfd);
			serve(connfd);
			_exit(0);
		}
		(void)close(connfd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* The child borrows the parent's memory until it is the program. */
static void __attribute__((__noreturn__))
vfork_per_client(void)
{
	int	connfd;

	for (;;) {
		if ((connfd = accept4(listenfd, NULL, NULL,
		    SOCK_CLOEXEC)) == -1)
			continue;
		if (vfork() == 0)
			become_program(connfd);
		(void)close(connfd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* The design's only difference from its neighbours. */
static void
no_lock(short type)
{
	(void)type;
}

static void
file_lock(short type)
{
	struct flock	lock = { .l_type = type, .l_whence = SEEK_SET };

	(void)fcntl(lockfd, F_SETLKW, &lock);
}

static void
mutex_lock(short type)
{
	if (type == F_WRLCK)
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
	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_setpshared(&attributes,
	    PTHREAD_PROCESS_SHARED);
	(void)pthread_mutex_init(mutex, &attributes);
}

static void __attribute__((__noreturn__))
child_accepts(int child, void (*lock)(short type))
{
	int	connfd;

	for (;;) {
		lock(F_WRLCK);
		connfd = accept(listenfd, NULL, NULL);
		lock(F_UNLCK);
		counts[child]++;
		serve(connfd);
	}
}

static void __attribute__((__noreturn__))
children_accept(int n, void (*lock)(short type))
{
	while (n-- > 0)
		if (fork_or_die() == 0)
			child_accepts(n, lock);
	for (;;)
		(void)pause();
}

static void __attribute__((__noreturn__))
child_receives(int child)
{
	struct address	peer;
	int		connfd;

	while (fdpass_recv(queue[1], &connfd, &peer) == 1) {
		counts[child]++;
		serve(connfd);
	}
	_exit(0);
}

static void __attribute__((__noreturn__))
parent_passes(int n)
{
	struct address	nobody = { .len = 0 };
	int		connfd;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, queue) == -1)
		err(1, "socketpair");
	while (n-- > 0)
		if (fork_or_die() == 0)
			child_receives(n);
	for (;;) {
		if ((connfd = accept(listenfd, NULL, NULL)) == -1)
			continue;
		(void)fdpass_send(queue[0], connfd, &nobody);
		(void)close(connfd);
	}
}

int
main(int argc, char *argv[])
{
	struct listener_options	options = { .backlog = 4096,
				    .reuseaddr = true };
	struct address		address;
	const char		*failed = "address", *design = argv[1];
	int			n = argc > 2 ? atoi(argv[2]) : 0;

	if (n < 1)
		errx(1, "usage: ceiling DESIGN CHILDREN [PROGRAM]");
	program = argv[3];
	counts = mmap(NULL, (size_t)n * sizeof(*counts),
	    PROT_READ | PROT_WRITE, MAP_SHARED, COUNTS, 0);
	if (counts == MAP_FAILED)
		counts = calloc((size_t)n, sizeof(*counts));
	if (counts == NULL || address_numeric(&address, "0.0.0.0:9999") == -1 ||
	    (listenfd = listener_open(&address, &options, &failed)) == -1)
		err(1, "%s", failed);
	memset(bytes, 'x', sizeof(bytes));
	if (strcmp(design, "fork") == 0)
		fork_per_client();
	if (strcmp(design, "vfork") == 0)
		vfork_per_client();
	if (strcmp(design, "shared") == 0)
		children_accept(n, no_lock);
	if (strcmp(design, "fcntl") == 0) {
		lockfd = memfd_create("accept lock", 0);
		children_accept(n, file_lock);
	}
	if (strcmp(design, "mutex") == 0) {
		make_mutex();
		children_accept(n, mutex_lock);
	}
	if (strcmp(design, "pass") == 0)
		parent_passes(n);
	errx(1, "'%s' is no design", design);
}
