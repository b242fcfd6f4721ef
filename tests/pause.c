/* SPDX-License-Identifier: ISC */
/*
 * Pause points: linked into tests/paused/outlived with -Wl,--wrap, to stop
 * the server at a named moment instead of hoping for it.  OUTLIVED_PAUSE in
 * the environment says which one:
 *
 * newborn N	the N-th child stops itself right after fork(), before its
 *		first act
 * taken N	who takes the N-th connection stops itself right after
 *		recvmsg(), before it says that it has a client
 * full N	the queue has no room until N children have been forked
 * listen 1	the parent stops itself between bind() and listen()
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

pid_t	__real_fork(void);
pid_t	__wrap_fork(void);
ssize_t	__real_sendmsg(int, const struct msghdr *, int);
ssize_t	__wrap_sendmsg(int, const struct msghdr *, int);
ssize_t	__real_recvmsg(int, struct msghdr *, int);
ssize_t	__wrap_recvmsg(int, struct msghdr *, int);
int	__real_listen(int, int);
int	__wrap_listen(int, int);

static int		 forks;		/* in a child: which one it is */
static _Atomic int	*takes;		/* of all children together */

static void __attribute__((__constructor__))
share(void)
{
	takes = mmap(NULL, sizeof(*takes), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (takes == MAP_FAILED)
		abort();
}

/* The number if that is the pause that is asked for, otherwise 0. */
static int
asked(const char *pause)
{
	const char	*text = getenv("OUTLIVED_PAUSE");
	size_t		 len = strlen(pause);

	if (text == NULL || strncmp(text, pause, len) != 0)
		return 0;
	return atoi(text + len);
}

pid_t
__wrap_fork(void)
{
	pid_t	pid;

	forks++;
	pid = __real_fork();
	if (pid == 0 && forks == asked("newborn "))
		(void)raise(SIGSTOP);
	return pid;
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	if (forks < asked("full ")) {
		errno = EAGAIN;
		return -1;
	}
	return __real_sendmsg(fd, msg, flags);
}

ssize_t
__wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t	n = __real_recvmsg(fd, msg, flags);

	if (n > 0 && ++*takes == asked("taken "))
		(void)raise(SIGSTOP);
	return n;
}

int
__wrap_listen(int fd, int backlog)
{
	if (asked("listen "))
		(void)raise(SIGSTOP);
	return __real_listen(fd, backlog);
}
