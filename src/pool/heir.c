/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "heir.h"
#include "net/clock.h"
#include "net/listener.h"
#include "net/log.h"
#include "pool.h"
#include "signals.h"

/* Before the next one after one that was killed, or could not be born, in ms;
   it grows (policy.h). */
#define PAUSE		50

/* How long a parent waits for a new one to be ready, in ms. */
#define READY		1000

/* How often one whose parent has ended looks for another owner, in ms. */
#define LOOK		50

/* How long an owner may take to let go of the port that he was asked for, and
   has given up, in ms. */
#define SETTLE		3000

/*
 * What the heir waits for.  A copy of the parent's end of the line is in every
 * child, until its first act; so it does not tell of a death, but a pidfd does.
 */
struct watch {
	int	line;		/* end-of-file: the parent gives the port up */
	int	parent;		/* a pidfd: it ends; -1: it has, or there are
				   none */
	int	next;		/* to who comes in; -1: nobody does */
	int64_t	settled;	/* clock_ms(): a takeover that is cut short is
				   decided */
	int64_t	deadline;	/* clock_ms(); 0: there is a parent */
	int64_t	tell;		/* that there is none; 0: that was told */
};

static void __attribute__((__noreturn__))
leave(int status)
{
	log_settle();
	_exit(status);
}

/* What it has of the parent's, but for the two sockets, the lock file, and the
   log. */
static void
let_go(struct pool *pool)
{
	int	fds[] = { pool->ready, pool->announce, pool->wake, pool->spare,
		    pool->queue[0], pool->queue[1], pool->lock, pool->held,
		    pool->predecessor, pool->successor };
	size_t	i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] != -1)
			(void)close(fds[i]);
	/* Neither is there any more. */
	log_wake(-1);
	log_begun();
	pid_file_forked(&pool->pid_file);
	board_close(pool->board);
	pool->board = NULL;
}

static void
orphaned(const struct pool *pool, struct watch *watch)
{
	watch->settled = clock_ms() + SETTLE;
	watch->tell = clock_ms() + LOOK;
	watch->deadline = watch->tell + (int64_t)pool->config->heir * 1000;
}

/* In a takeover it is for a moment only, and not worth a line. */
static void
tell(const struct pool *pool, struct watch *watch)
{
	watch->tell = 0;
	setproctitle("heir of %s, generation %u, keeps the port",
	    pool->instance.name, pool->generation);
	log_info("heir of generation %u: its parent has gone; keeping the port "
	    "for the next one, for %d s", pool->generation,
	    pool->config->heir);
}

/* Nobody has come.  Unless somebody is just coming in: he has the door, and is
   given the socket, or finds the port free. */
static void
give_up(struct pool *pool, const char *why)
{
	pid_t	holder;
	int	waiting;

	if (instance_lock(&pool->instance, INSTANCE_DOOR, &holder) == -1)
		return;
	/* One of a later generation may keep it on. */
	if (instance_holder(&pool->instance, INSTANCE_OWNER) == -1 &&
	    instance_heir(&pool->instance) == -1) {
		waiting = listener_waiting(pool->listener);
		control_close(pool->control, &pool->instance, true);
		listener_end(pool->listener);
		log_info("heir of generation %u: %s, the port is free; clients "
		    "that waited are reset: %d", pool->generation, why,
		    waiting);
	}
	leave(0);
}

/* We keep it until there is another owner: he may be killed. */
static void
hand_over(struct pool *pool, struct watch *watch)
{
	struct control_offer	offer = { .listener = pool->listener,
				    .control = pool->control,
				    .generation = pool->generation };
	pid_t			pid;
	int			connection = control_accept(pool->control,
				    &pool->instance, &pool->user, &pid);

	if (connection == -1)
		return;
	/* He has come for the owner; he will come again. */
	if (instance_holder(&pool->instance, INSTANCE_OWNER) != -1) {
		(void)close(connection);
		return;
	}
	if (watch->next != -1)
		(void)close(watch->next);
	watch->next = connection;
	if (control_offer(connection, &offer) == -1)
		log_warn("heir: the socket cannot be passed to process %d",
		    pid);
	else
		log_info("heir of generation %u: process %d has the socket, "
		    "too; clients that wait: %d", pool->generation, pid,
		    listener_waiting(pool->listener));
}

static void
hear_next(struct pool *pool, struct watch *watch)
{
	if (control_hear(watch->next, NULL) == CONTROL_MINE) {
		log_debug("heir of generation %u: the next parent has the port",
		    pool->generation);
		leave(0);
	}
	(void)close(watch->next);
	watch->next = -1;
}

/* As long as there is an owner, he is: who takes a connection that is for him,
   and has nothing to say, keeps whoever comes in from being heard. */
static bool
is_asked(const struct pool *pool, const struct watch *watch)
{
	return watch->deadline != 0 &&
	    instance_holder(&pool->instance, INSTANCE_OWNER) == -1;
}

/* Sleep until something happens. */
static void
sleep_well(struct pool *pool, struct watch *watch)
{
	struct pollfd	fds[] = {
		{ .fd = watch->line, .events = POLLIN },
		{ .fd = watch->parent, .events = POLLIN },
		{ .fd = is_asked(pool, watch) ? pool->control : -1,
		    .events = POLLIN },
		{ .fd = watch->next, .events = POLLIN },
	};

	if (watch->deadline != 0)
		fds[0].fd = fds[1].fd = -1;
	if (signals_wait(fds, watch->next != -1 ? 4 : 3,
	    watch->deadline == 0 ? -1 : LOOK, false) <= 0)
		return;
	if (fds[0].revents != 0 || fds[1].revents != 0)
		orphaned(pool, watch);
	if (fds[3].revents != 0)
		hear_next(pool, watch);
	if (fds[2].revents != 0)
		hand_over(pool, watch);
}

/* The one from whom our parent was taking over, when it was killed, may have
   been asked to let go of the port, and be about to. */
static bool
is_leaving(const struct pool *pool, const struct watch *watch, pid_t owner)
{
	return pool->takes_over && owner == pool->predecessor_pid &&
	    clock_ms() < watch->settled;
}

/* He did not say so, and is the owner; or was, and has shut the socket down. */
static bool
is_over(const struct pool *pool, const struct watch *watch)
{
	pid_t	owner = instance_holder(&pool->instance, INSTANCE_OWNER);

	/* He will say so, when he has an heir. */
	if (watch->next != -1)
		return false;
	return (owner != -1 && !is_leaving(pool, watch, owner)) ||
	    !listener_listens(pool->listener);
}

/* He has come, and not said that he can do without us.  (A newborn of his that
   is stopped may keep the connection open.) */
static bool
is_expecting(const struct pool *pool, const struct watch *watch)
{
	return watch->next != -1 &&
	    instance_holder(&pool->instance, INSTANCE_OWNER) != -1;
}

static void __attribute__((__noreturn__))
run(struct pool *pool, int line)
{
	struct watch	watch = { .line = line, .next = -1 };

	let_go(pool);
	signals_forget();
	/* Ctrl-C is for the parent alone, as with children. */
	(void)setsid();
	setproctitle("heir of %s, generation %u", pool->instance.name,
	    pool->generation);
	watch.parent = (int)syscall(SYS_pidfd_open, pool->parent, 0);
	if (instance_lock_heir(&pool->instance, pool->generation) == -1) {
		log_warn("heir: %s/lock", pool->instance.path);
		leave(1);
	}
	(void)!write(line, "", 1);
	/* It may have ended before, and its pid be somebody else's. */
	if (getppid() != pool->parent)
		orphaned(pool, &watch);
	while (!signals_end()) {
		sleep_well(pool, &watch);
		(void)signals_hup();
		if (watch.deadline == 0)
			continue;
		if (is_over(pool, &watch)) {
			log_debug("heir of generation %u: there is another "
			    "owner", pool->generation);
			leave(0);
		}
		if (watch.tell != 0 && clock_ms() >= watch.tell)
			tell(pool, &watch);
		if (clock_ms() >= watch.deadline &&
		    !is_expecting(pool, &watch))
			give_up(pool, "no parent has come");
	}
	if (watch.deadline != 0)
		give_up(pool, "told to end");
	log_info("heir of generation %u: told to end", pool->generation);
	leave(0);
}

/* It says so once; a newborn that is stopped does not keep us for long. */
static bool
is_ready(struct pool *pool, int ms)
{
	struct pollfd	line = { .fd = pool->heir_line, .events = POLLIN };
	char		byte;

	if (!pool->heir_ready && poll(&line, 1, ms) == 1)
		pool->heir_ready = recv(pool->heir_line, &byte, 1,
		    MSG_DONTWAIT) == 1;
	return pool->heir_ready;
}

static int
birth(struct pool *pool)
{
	int	pair[2];
	pid_t	pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	if ((pid = fork()) == 0) {
		(void)close(pair[0]);
		run(pool, pair[1]);
	}
	(void)close(pair[1]);
	if (pid == -1) {
		(void)close(pair[0]);
		return -1;
	}
	pool->heir = pid;
	pool->heir_line = pair[0];
	pool->heir_ready = false;
	/* Another one has it still, perhaps. */
	(void)is_ready(pool, pool->predecessor != -1 && !pool->takes_over ?
	    0 : READY);
	log_info("heir: process %d keeps the port for %d s when the parent "
	    "ends", pid, pool->config->heir);
	return 0;
}

int
heir_look(struct pool *pool)
{
	int64_t	now = clock_ms();
	int	ms;

	/* What was passed to a parent before us, is kept by whoever did. */
	if (pool->config->heir == 0 || pool->heir != 0 || pool->given)
		return -1;
	if (now < pool->heirs.not_before)
		return (int)(pool->heirs.not_before - now);
	if (birth(pool) == 0)
		return -1;
	if ((ms = policy_trouble(&pool->heirs, PAUSE, now)) > 0)
		log_warn("no heir: the next try in %d ms", ms);
	return (int)(pool->heirs.not_before - now);
}

void
heir_await(struct pool *pool)
{
	if (pool->heir != 0)
		(void)is_ready(pool, READY);
}

bool
heir_reaped(struct pool *pool, pid_t pid, int status)
{
	if (pool->heir == 0 || pid != pool->heir)
		return false;
	if (WIFSTOPPED(status) || WIFCONTINUED(status))
		return true;
	if (WIFSIGNALED(status))
		log_info("heir: process %d was ended by signal %d (%s)", pid,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_info("heir: process %d has ended", pid);
	(void)close(pool->heir_line);
	pool->heir_line = -1;
	pool->heir = 0;
	(void)policy_trouble(&pool->heirs, PAUSE, clock_ms());
	return true;
}

bool
heir_has_it(struct pool *pool)
{
	return pool->heir != 0 && is_ready(pool, 0);
}

void
heir_part(struct pool *pool)
{
	if (pool->heir_line != -1)
		/* A child may have a copy still. */
		(void)shutdown(pool->heir_line, SHUT_RDWR);
}

void
heir_end(struct pool *pool)
{
	if (pool->heir == 0)
		return;
	/* Nothing is lost with it, and it may be stopped. */
	(void)kill(pool->heir, SIGKILL);
	while (waitpid(pool->heir, NULL, 0) == -1 && errno == EINTR)
		;
	(void)close(pool->heir_line);
	pool->heir_line = -1;
	pool->heir = 0;
}
