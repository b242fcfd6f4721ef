/* SPDX-License-Identifier: ISC */
/*
 * The children accept: all at once (UNP 30.6), or one at a time, under a file
 * lock (30.7) or a mutex in shared memory (30.8).  The lock is all that these
 * three differ in.
 *
 * Each child has the listening socket, so each must let go of it when the
 * parent ends, whatever it is doing then: leave.h.  What the parent still does
 * with the socket is to accept who is to be refused, and what waits when it
 * drains; the socket does not block then, and that is so for everyone.
 */
#include <sys/types.h>
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "leave.h"
#include "net/clock.h"
#include "net/listener.h"
#include "net/log.h"
#include "net/shutout.h"
#include "pool.h"
#include "spawn.h"

/* Before the next try of an accept() that had no room, in ms; it grows. */
#define ACCEPT_PAUSE	100

/* A mutex, and whoever has it: 0, or a pid.  In memory that all share. */
struct accept_mutex {
	pthread_mutex_t	mutex;
	_Atomic pid_t	holder;
};

static int
accept_newborn(struct pool *pool)
{
	return pool->listener;
}

/* Idle ones leave, busy ones when they are done; they have a copy of the
   listening socket each, and of nothing else that could tell them. */
static int
accept_renew(struct pool *pool)
{
	spawn_ask_all(pool);
	return 0;
}

static void
accept_close(struct pool *pool)
{
	/* Whoever stands in line behind a stopped child hears nothing of the
	   listening socket's end. */
	spawn_ask_all(pool);
}

static void
wait_for_room(struct pool *pool)
{
	int64_t		now = clock_ms();
	int		ms = policy_trouble(&pool->accepts, ACCEPT_PAUSE, now);
	uint64_t	one = 1;

	if (ms > 0)
		log_warn("accept: the next try in %d ms", ms);
	/* The parent takes us for idle, and looks at who waits (overload.h). */
	if (board_cannot_accept(pool->board, pool->accepts.not_before))
		(void)!write(pool->wake, &one, sizeof(one));
	(void)poll(NULL, 0, (int)(pool->accepts.not_before - now));
}

/* As take_client(), in the strategy's table. */
static int
accept_next(struct pool *pool, int *fd, struct address *peer)
{
	struct pollfd	listener = { .fd = pool->listener, .events = POLLIN };
	const char	*failed;

	for (;;) {
		*fd = listener_accept(pool->listener, peer);
		if (*fd != -1) {
			if (policy_fine(&pool->accepts, clock_ms()))
				log_info("accept: works again");
			board_has_accepted(pool->board);
			if (board_is_shut_out(pool->board) &&
			    shutout_end(*fd, &failed) == -1)
				log_warn("a client may not be heard: %s",
				    failed);
			return 1;
		}
		/* It has become the spare (leave.h), or it was shut down. */
		if (errno == EINVAL)
			return 0;
		/* All that it may have: the service has leaked them, and
		   another child has them to spare. */
		if (errno == EMFILE)
			return -1;
		switch (listener_verdict(errno)) {
		case LISTENER_AGAIN:
			break;
		case LISTENER_NOTHING:
			/* The parent drains, or a sibling was faster then. */
			(void)poll(&listener, 1, -1);
			break;
		case LISTENER_WAIT:
			wait_for_room(pool);
			break;
		case LISTENER_FATAL:
			return -1;
		}
	}
}

/* UNP 30.6: the kernel wakes one of those who wait. */
static int
shared_take_client(struct pool *pool, int *fd, struct address *peer)
{
	return accept_next(pool, fd, peer);
}

/* One at a time: lock() returns an error number, as pthreads do. */
static int
take_in_turn(struct pool *pool, int *fd, struct address *peer,
    int (*lock)(struct pool *), void (*unlock)(struct pool *))
{
	int	error, result;

	if (!leave_line_up())
		return 0;
	error = lock(pool);
	leave_line_left();
	if (error != 0) {
		errno = error;
		return -1;
	}
	result = accept_next(pool, fd, peer);
	error = errno;
	unlock(pool);
	errno = error;
	return result;
}

/*
 * UNP 30.7.  The lock is on a file of our own, not on the listening socket,
 * which would do: leave.h puts another file in that one's place, where
 * whoever waits would find a lock that nobody has.
 */
static int
fcntl_open(struct pool *pool)
{
	pool->lock = memfd_create("accept lock", MFD_CLOEXEC);
	return pool->lock == -1 ? -1 : 0;
}

static int
fcntl_lock(struct pool *pool)
{
	struct flock	lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	while (fcntl(pool->lock, F_SETLKW, &lock) == -1)
		if (errno != EINTR)
			return errno;
	return 0;
}

static void
fcntl_unlock(struct pool *pool)
{
	struct flock	lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(pool->lock, F_SETLK, &lock);
}

static pid_t
fcntl_holder(const struct pool *pool)
{
	struct flock	lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(pool->lock, F_GETLK, &lock) == -1 ||
	    lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

static int
fcntl_take_client(struct pool *pool, int *fd, struct address *peer)
{
	return take_in_turn(pool, fd, peer, fcntl_lock, fcntl_unlock);
}

/*
 * UNP 30.8.  A robust mutex: when whoever has it dies, the next one is told
 * and has it.  The book's is not, and one kill at the wrong moment ends its
 * server's service.
 */
static int
mutex_open(struct pool *pool)
{
	pthread_mutexattr_t	attributes;
	struct accept_mutex	*shared;
	int			error;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -1;
	(void)pthread_mutexattr_init(&attributes);
	if ((error = pthread_mutexattr_setpshared(&attributes,
	    PTHREAD_PROCESS_SHARED)) != 0 ||
	    (error = pthread_mutexattr_setrobust(&attributes,
	    PTHREAD_MUTEX_ROBUST)) != 0 ||
	    (error = pthread_mutex_init(&shared->mutex, &attributes)) != 0) {
		(void)munmap(shared, sizeof(*shared));
		errno = error;
		return -1;
	}
	(void)pthread_mutexattr_destroy(&attributes);
	pool->mutex = shared;
	return 0;
}

static int
mutex_lock(struct pool *pool)
{
	int	error = pthread_mutex_lock(&pool->mutex->mutex);

	if (error == EOWNERDEAD)
		/* All that it protects is a turn. */
		error = pthread_mutex_consistent(&pool->mutex->mutex);
	if (error == 0)
		atomic_store(&pool->mutex->holder, getpid());
	return error;
}

static void
mutex_unlock(struct pool *pool)
{
	atomic_store(&pool->mutex->holder, 0);
	(void)pthread_mutex_unlock(&pool->mutex->mutex);
}

static pid_t
mutex_holder(const struct pool *pool)
{
	return atomic_load(&pool->mutex->holder);
}

static int
mutex_take_client(struct pool *pool, int *fd, struct address *peer)
{
	return take_in_turn(pool, fd, peer, mutex_lock, mutex_unlock);
}

const struct strategy	strategy_shared = {
	.name = "shared",
	.place = "UNP 30.6",
	.prefork = true,
	.place_client = spawn_birth,
	.renew = accept_renew,
	.close = accept_close,
	.newborn = accept_newborn,
	.take_client = shared_take_client,
};

const struct strategy	strategy_fcntl = {
	.name = "fcntl",
	.place = "UNP 30.7",
	.prefork = true,
	.open = fcntl_open,
	.place_client = spawn_birth,
	.renew = accept_renew,
	.close = accept_close,
	.lock_holder = fcntl_holder,
	.newborn = accept_newborn,
	.take_client = fcntl_take_client,
};

const struct strategy	strategy_mutex = {
	.name = "mutex",
	.place = "UNP 30.8",
	.prefork = true,
	.open = mutex_open,
	.place_client = spawn_birth,
	.renew = accept_renew,
	.close = accept_close,
	.lock_holder = mutex_holder,
	.newborn = accept_newborn,
	.take_client = mutex_take_client,
};
