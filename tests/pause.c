/* SPDX-License-Identifier: ISC */
/*
 * Pause points: linked into tests/paused/outlived with -Wl,--wrap, to stop
 * the server at a named moment instead of hoping for it.  OUTLIVED_PAUSE in
 * the environment says which ones, separated by commas (and those of
 * pause_takeover.c):
 *
 * accepted N	the parent stops itself when it has accepted the N-th client
 * sending N	the parent stops itself before it sends a client to its
 *		children for the N-th time
 * newborn N	the N-th child stops itself right after fork(), before its
 *		first act
 * waiting N	the N-th child that comes to wait for a client stops itself
 *		before it does, past all that it could have looked at before;
 *		it has the accept lock, if there is one
 * lining N	the N-th child stops itself before it waits for the accept lock
 * taken N	which child ever takes the N-th connection stops itself right
 *		after recvmsg() or accept(), before it says that it has a client
 * gate PATH	children wait before recvmsg() as long as there is such a file
 * barren PATH	fork() and vfork() fail as long as there is such a file
 * stillborn PATH	children end before their first act as long as there is
 *		such a file
 * crowded PATH	there is no descriptor in the whole system as long as there is
 *		such a file
 * moment N	a process stops itself when it is about to wait for a moment, of
 *		less than 20 ms, and for nothing else, for the N-th time
 * aside 1	each child stops itself when it steps aside; before that it has
 *		time to hear of its parent's end
 * full N	the queue has no room until N children have been forked
 * listen 1	the parent stops itself between bind() and listen()
 * shut N	who takes the N-th connection shuts the queue down
 * immortal 1	the parent's signals do nothing
 * limits 1	whoever asks is told that a thousand million descriptors may be
 *		open
 * flood 1	for each client that is accepted there is another one, whom no
 *		minimum TTL keeps away; there is no privilege for a filter
 * draining 1	the parent stops itself when it drains, before it shuts new
 *		SYNs out
 * shut out 1	right after that
 * slow 1	two seconds pass in the moment after that
 * unshut 1	new SYNs are not shut out, and handshakes not looked for
 * looking N	the parent stops itself before it looks for handshakes in flight
 *		for the N-th time
 * looked N	right after that
 * ending 1	the parent stops itself before it shuts the listening socket
 *		down
 * ended 1	right after that
 * unfiltered 1	nobody may attach a filter to a socket
 * leap 1	the time of day jumps, an hour on or back, whenever it is asked
 * jumped PATH	the time of day is an hour on as long as there is such a file
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pause.h"
#include "pool/leave.h"

/* How long at least an orphan steps aside (child.c), in ms. */
#define ASIDE	20

pid_t	__real_fork(void);
pid_t	__wrap_fork(void);
pid_t	__wrap_vfork(void);
ssize_t	__real_sendmsg(int, const struct msghdr *, int);
ssize_t	__wrap_sendmsg(int, const struct msghdr *, int);
ssize_t	__real_recvmsg(int, struct msghdr *, int);
ssize_t	__wrap_recvmsg(int, struct msghdr *, int);
int	__real_getrlimit(__rlimit_resource_t, struct rlimit *);
int	__wrap_getrlimit(__rlimit_resource_t, struct rlimit *);
int	__real_getdtablesize(void);
int	__wrap_getdtablesize(void);
long	__real_sysconf(int);
long	__wrap_sysconf(int);
int	__real_kill(pid_t, int);
int	__wrap_kill(pid_t, int);
int	__real_accept4(int, struct sockaddr *, socklen_t *, int);
int	__wrap_accept4(int, struct sockaddr *, socklen_t *, int);
bool	__real_leave_line_up(void);
bool	__wrap_leave_line_up(void);
int	__real_clock_gettime(clockid_t, struct timespec *);
int	__wrap_clock_gettime(clockid_t, struct timespec *);
time_t	__real_time(time_t *);
time_t	__wrap_time(time_t *);
int	__real_poll(struct pollfd *, nfds_t, int);
int	__wrap_poll(struct pollfd *, nfds_t, int);
int	__real_nanosleep(const struct timespec *, struct timespec *);
int	__wrap_nanosleep(const struct timespec *, struct timespec *);
int	__real_shutout_begin(int);
int	__wrap_shutout_begin(int);
int	__real_shutout_handshakes(int);
int	__wrap_shutout_handshakes(int);
int	__real_setsockopt(int, int, int, const void *, socklen_t);
int	__wrap_setsockopt(int, int, int, const void *, socklen_t);
int	__real_shutdown(int, int);
int	__wrap_shutdown(int, int);
int	__real_listen(int, int);
int	__wrap_listen(int, int);

static int		 forks;		/* in a child: which one it is */
static bool		 is_child, waited;
static int		 flood = -1;	/* its last client */
static time_t		 later;		/* s, by a clock that nobody sets */
static struct {		/* of all children together */
	_Atomic int	 takes, waits;
} *together;

static void __attribute__((__constructor__))
share(void)
{
	together = mmap(NULL, sizeof(*together), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (together == MAP_FAILED)
		abort();
}

/* What stands behind the name of a pause, if it is asked for; else NULL. */
static const char *
pause_text(const char *name)
{
	static char	 text[256];
	const char	*item = getenv("OUTLIVED_PAUSE");
	size_t		 len = strlen(name);

	for (; item != NULL; item = strchr(item, ',')) {
		item += *item == ',';
		if (strncmp(item, name, len) == 0) {
			(void)snprintf(text, sizeof(text), "%.*s",
			    (int)strcspn(item + len, ","), item + len);
			return text;
		}
	}
	return NULL;
}

/* The number of a pause; 0: it is not asked for. */
static int
asked(const char *name)
{
	const char	*text = pause_text(name);

	return text != NULL ? atoi(text) : 0;
}

/* Whether a pause is asked for, and its file is there. */
static bool
lasts(const char *name)
{
	const char	*path = pause_text(name);

	return path != NULL && access(path, F_OK) == 0;
}

/* Stop at the N-th time that it is asked. */
void
pause_at(const char *name, int time)
{
	if (time == asked(name))
		(void)raise(SIGSTOP);
}

bool
pause_is_child(void)
{
	return is_child;
}

static bool
is_barren(void)
{
	errno = EAGAIN;
	return lasts("barren ");
}

pid_t
__wrap_fork(void)
{
	pid_t	pid;

	if (is_barren())
		return -1;
	forks++;
	pid = __real_fork();
	if (pid == 0 && lasts("stillborn "))
		_exit(1);
	if (pid == 0 && flood != -1)
		(void)close(flood);
	if (pid != 0)
		return pid;
	is_child = true;
	pause_at("newborn ", forks);
	return pid;
}

/* A function that returns cannot call it; whoever can do with the real one can
   do with fork().  What a child starts is no child of the pool's. */
pid_t
__wrap_vfork(void)
{
	if (!is_child)
		return __wrap_fork();
	return is_barren() ? -1 : __real_fork();
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	static int	times;

	pause_at("sending ", ++times);
	if (forks < asked("full ")) {
		errno = EAGAIN;
		return -1;
	}
	return __real_sendmsg(fd, msg, flags);
}

/* In a child that is about to block. */
static void
waits(void)
{
	if (!waited)
		pause_at("waiting ", ++together->waits);
	waited = true;
}

bool
__wrap_leave_line_up(void)
{
	static bool	lined;
	bool		stay = __real_leave_line_up();

	if (!lined)
		pause_at("lining ", forks);
	lined = true;
	return stay;
}

ssize_t
__wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t		n;
	int		take;

	/* A parent that moves its queue does not wait. */
	if (!is_child)
		return __real_recvmsg(fd, msg, flags);
	waits();
	while (lasts("gate "))
		(void)__real_poll(NULL, 0, 2);
	n = __real_recvmsg(fd, msg, flags);
	take = n > 0 ? ++together->takes : 0;
	if (take > 0)
		pause_at("taken ", take);
	if (take > 0 && take == asked("shut "))
		(void)shutdown(fd, SHUT_RD);
	return n;
}

int
__wrap_kill(pid_t pid, int signo)
{
	return asked("immortal ") ? 0 : __real_kill(pid, signo);
}

#define THOUSAND_MILLION	1000000000

int
__wrap_getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
	int	result = __real_getrlimit(resource, limit);

	if (resource == RLIMIT_NOFILE && asked("limits "))
		limit->rlim_cur = limit->rlim_max = THOUSAND_MILLION;
	return result;
}

int
__wrap_getdtablesize(void)
{
	return asked("limits ") ? THOUSAND_MILLION : __real_getdtablesize();
}

long
__wrap_sysconf(int name)
{
	return name == _SC_OPEN_MAX && asked("limits ") ? THOUSAND_MILLION :
	    __real_sysconf(name);
}

int
__wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	static int	moments;

	if (n == 0 && ms < ASIDE)
		pause_at("moment ", ++moments);
	else if (n == 0 && is_child)
		pause_at("aside ", 1);
	return __real_poll(fds, n, ms);
}

int
__wrap_nanosleep(const struct timespec *time, struct timespec *rest)
{
	static const struct timespec	ages = { .tv_sec = 1 };

	/* The kernel's time between two steps of an end is not ours. */
	return __real_nanosleep(asked("aside ") ? &ages : time, rest);
}

int
__wrap_listen(int fd, int backlog)
{
	if (asked("listen "))
		(void)raise(SIGSTOP);
	return __real_listen(fd, backlog);
}

int
__wrap_shutout_begin(int fd)
{
	int	result;

	if (asked("unshut "))
		return 0;
	pause_at("draining ", 1);
	result = __real_shutout_begin(fd);
	pause_at("shut out ", 1);
	later = asked("slow ") ? 2 : 0;
	return result;
}

int
__wrap_shutout_handshakes(int fd)
{
	static int	looks;
	int		result;

	if (asked("unshut "))
		return 0;
	pause_at("looking ", ++looks);
	result = __real_shutout_handshakes(fd);
	pause_at("looked ", looks);
	return result;
}

int
__wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (level == SOL_SOCKET && name == SO_ATTACH_FILTER &&
	    (asked("flood ") || asked("unfiltered "))) {
		errno = EPERM;
		return -1;
	}
	return __real_setsockopt(fd, level, name, value, len);
}

int
__wrap_shutdown(int fd, int how)
{
	int		listens = 0, result;
	socklen_t	len = sizeof(listens);

	(void)getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len);
	if (is_child || !listens)
		return __real_shutdown(fd, how);
	pause_at("ending ", 1);
	result = __real_shutdown(fd, how);
	pause_at("ended ", 1);
	return result;
}

/* The client that has come with this one; the one before it leaves. */
static void
come_again(int listener)
{
	struct sockaddr_storage	to;
	socklen_t		len = sizeof(to);
	int			most = 255;

	if (flood != -1)
		(void)close(flood);
	flood = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (setsockopt(flood, IPPROTO_IP, IP_TTL, &most,
	    sizeof(most)) == -1 ||
	    getsockname(listener, (struct sockaddr *)&to, &len) == -1 ||
	    connect(flood, (struct sockaddr *)&to, len) == -1)
		abort();
}

int
__wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
	static int	times;
	int		client;

	if (is_child)
		waits();
	if (is_child && pause_text("crowded ") != NULL)
		/* The file is looked at when there is a client. */
		(void)__real_poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1,
		    -1);
	if (lasts("crowded ")) {
		errno = ENFILE;
		return -1;
	}
	client = __real_accept4(fd, peer, len, flags);
	if (client != -1 && is_child)
		pause_at("taken ", ++together->takes);
	else if (client != -1)
		pause_at("accepted ", ++times);
	if (client != -1 && asked("flood "))
		come_again(fd);
	return client;
}

/* Where it is now, in s from the truth. */
static time_t
leap(void)
{
	static time_t	where = 3600;
	int		saved = errno;
	bool		jumped = lasts("jumped ");

	errno = saved;
	if (jumped)
		return 3600;
	if (asked("leap ") == 0)
		return 0;
	where = -where;
	return where;
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int	result = __real_clock_gettime(clock, now);

	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		now->tv_sec += leap();
	if (clock == CLOCK_MONOTONIC)
		now->tv_sec += later;
	return result;
}

time_t
__wrap_time(time_t *now)
{
	time_t	result = __real_time(NULL) + leap();

	if (now != NULL)
		*now = result;
	return result;
}
