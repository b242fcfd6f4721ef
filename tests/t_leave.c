/* SPDX-License-Identifier: ISC */
/* WINCH in a child: from the parent, at its end, and in what it forks. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "harness.h"
#include "process.h"
#include "pool/leave.h"

static int	queue[2], spare[2];

/* In the child: what the queue gives; 'e' for end-of-file. */
static int
next(void)
{
	char	byte;
	ssize_t	n = recv(queue[1], &byte, 1, 0);

	return n == 1 ? byte : n == 0 ? 'e' : 'x';
}

static void
block_winch(int how)
{
	sigset_t	winch;

	(void)sigemptyset(&winch);
	(void)sigaddset(&winch, SIGWINCH);
	(void)sigprocmask(how, &winch, NULL);
}

/* A child with the handler, of that parent; what play() returned in it. */
static int
child(pid_t parent, int (*play)(void))
{
	pid_t	pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, queue) == -1 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, spare) == -1)
		bail("socketpair");
	(void)close(spare[1]);
	(void)send(queue[0], "a", 1, 0);
	(void)send(queue[0], "b", 1, 0);
	block_winch(SIG_BLOCK);
	if ((pid = fork()) == -1)
		bail("fork");
	if (pid == 0) {
		struct leave way = { .parent = parent, .door = queue[1],
		    .spare = spare[0], .queue = true };

		if (leave_arm(&way) == -1)
			_exit(1);
		block_winch(SIG_UNBLOCK);
		_exit(play());
	}
	return WEXITSTATUS(await_end(pid));
}

static int
told(void)
{
	(void)raise(SIGWINCH);
	return next();
}

static int
grandchild(void)
{
	pid_t	pid = fork();
	char	byte;

	if (pid == 0) {
		(void)raise(SIGWINCH);
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
	if (next() != 'a' || next() != 'b')
		return 'x';
	/* More may come: it is not at its end. */
	return recv(queue[1], &byte, 1, MSG_DONTWAIT) == -1 &&
	    errno == EAGAIN ? 'w' : 'e';
}

/* The parent has gone, as getppid() sees it; a sibling has its end. */
static int
orphaned(void)
{
	(void)raise(SIGWINCH);
	return next() == 'a' && next() == 'b' ? next() : 'x';
}

/* It had gone before we asked to be told. */
static int
late(void)
{
	char	byte;

	if (next() != 'a' || next() != 'b')
		return 'x';
	return recv(queue[1], &byte, 1, MSG_DONTWAIT) == 0 ? 'e' : 'w';
}

/* With a client its parent's end is no news; without one it hears of it. */
static int
busy_orphan(pid_t parent)
{
	struct leave	way = { .parent = parent, .door = queue[1],
			    .spare = spare[0], .queue = true };
	char		byte;

	if (leave_arm(&way) == -1)
		return 'x';
	block_winch(SIG_UNBLOCK);
	leave_later();
	send_signal(parent, SIGKILL);
	while (getppid() == parent)
		(void)poll(NULL, 0, 1);
	if (next() != 'a' || next() != 'b')
		return 'x';
	if (recv(queue[1], &byte, 1, MSG_DONTWAIT) == 0)
		return 'e';
	leave_as_before();
	return recv(queue[1], &byte, 1, MSG_DONTWAIT) == 0 ? 'l' : 'w';
}

static int
killed_while_busy(void)
{
	pid_t	pid, orphan = -1;
	int	line[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, queue) == -1 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, spare) == -1 ||
	    pipe(line) == -1)
		bail("socketpair");
	(void)send(queue[0], "a", 1, 0);
	(void)send(queue[0], "b", 1, 0);
	block_winch(SIG_BLOCK);
	if ((pid = fork()) == 0) {
		pid_t parent = getpid();

		if (fork() == 0) {
			orphan = getpid();
			(void)!write(line[1], &orphan, sizeof(orphan));
			_exit(busy_orphan(parent));
		}
		for (;;)
			(void)pause();
	}
	if (pid == -1 || read(line[0], &orphan, sizeof(orphan)) !=
	    sizeof(orphan) || orphan == -1)
		bail("fork");
	(void)await_end(pid);
	return WEXITSTATUS(await_end(orphan));
}

int
main(void)
{
	harness_begin();
	ok(child(getpid(), told) == 'e',
	    "told to leave: end-of-file, queue or not");
	ok(child(getpid(), grandchild) == 'w',
	    "what a service forks does not end the queue");
	ok(child(1, orphaned) == 'e',
	    "an orphan: the queue to its end, then end-of-file");
	ok(child(1, late) == 'e', "the same, although nobody has told it");
	ok(killed_while_busy() == 'l', "a busy one hears of its parent's end "
	    "when it is done");
	return done();
}
