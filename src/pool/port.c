/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "blame.h"
#include "control.h"
#include "heir.h"
#include "net/clock.h"
#include "net/listener.h"
#include "net/log.h"
#include "pool.h"
#include "port.h"
#include "signals.h"
#include "stopped.h"
#include "takeover.h"

/* Between two tries of an address that is in use, in ms; and the part of the
   time so far that is let pass between two looks at a process that is in the
   way, up to that: clients wait for us if it is about to end. */
#define BIND_PAUSE	20
#define LOOK_PART	100

/* How long whoever has the socket may take to answer, in ms. */
#define ANSWER		1000

/* Between two looks whether our own heir is there, in ms. */
#define THANK_PAUSE	5

/* How long the door of a rival may take to open, in ms. */
#define RIVAL		100

/* The socket that was given; or -1. */
static int
adopt(const struct pool *pool, struct address *address, struct blame *blame)
{
	struct listener_options	 options = { .backlog = pool->config->backlog,
				    .reuseaddr = true };
	const char		*failed;
	int			 fd = pool->config->listen_fd;
	char			 why[256];

	if (listener_check(fd, address, why, sizeof(why)) == -1)
		return blame_finally(blame, "%s", why);
	if (listener_adopt(fd, &options, &failed) == -1)
		return blame_finally(blame, "descriptor %d: %s: %s", fd,
		    failed, strerror(errno));
	if (listener_is_ipv6_alone(fd, address))
		log_info("the socket that was passed is for IPv6 alone "
		    "(BindIPv6Only=): IPv4 is refused");
	return fd;
}

/* One of our own. */
static int
open_listener(const struct pool *pool, struct address *address,
    struct blame *blame)
{
	struct listener_options	options = { .backlog = pool->config->backlog,
				    .reuseaddr = pool->config->reuseaddr };
	int			fd;

	fd = listener_open(address, &options, &blame->failed);
	if (fd == -1 && errno == EADDRINUSE &&
	    stopped_let_go(pool->instance.dir, address_port(address)) > 0)
		fd = listener_open(address, &options, &blame->failed);
	return fd;
}

/* Who is to hand it over: he has a lock that says so. */
static pid_t
who_has_it(const struct pool *pool, enum who who)
{
	return who == PARENT ? instance_holder(&pool->instance,
	    INSTANCE_OWNER) : instance_heir(&pool->instance);
}

/*
 * Ask once.  A connection, and the offer; or -1: he says nothing, or it was
 * somebody else who had control in that moment.  The end of the connection does
 * not tell that he has gone: a newborn of his that is stopped has a copy of
 * control.
 */
static int
ask_once(struct pool *pool, enum who who, pid_t pid, int64_t deadline,
    struct control_offer *offer)
{
	int		connection = control_connect(&pool->instance), result;
	struct pollfd	door = { .fd = connection, .events = POLLIN };

	if (connection == -1)
		return -1;
	do {
		(void)signals_wait(&door, 1, BIND_PAUSE, false);
		result = control_receive(connection, offer);
	} while (result == -1 && clock_ms() < deadline && !signals_end() &&
	    who_has_it(pool, who) == pid);
	if (result == 0 && offer->owner == (who == PARENT))
		return connection;
	if (result == 0) {
		(void)close(offer->listener);
		(void)close(offer->control);
	}
	(void)close(connection);
	return -1;
}

/* Ask for the sockets, as long as he is there who has them. */
static int
ask(struct pool *pool, enum who who, pid_t pid, struct control_offer *offer)
{
	int64_t	deadline = clock_ms() + ANSWER;
	int	connection;

	while ((connection = ask_once(pool, who, pid, deadline,
	    offer)) == -1 && clock_ms() < deadline && !signals_end() &&
	    who_has_it(pool, who) == pid)
		(void)signals_wait(NULL, 0, 1, false);
	return connection;
}

/* Whether it is what was asked for. */
static int
check_offer(struct pool *pool, struct address *address, int fd,
    struct blame *blame)
{
	bool	reuses = listener_reuses(fd);
	char	why[256];

	if (listener_check(fd, address, why, sizeof(why)) == -1)
		return blame_finally(blame, "the socket of process %d: %s",
		    blame->pid, why);
	if (reuses != pool->config->reuseaddr)
		return blame_finally(blame, "the socket of process %d has %s "
		    "SO_REUSEADDR: expected %s -R, or the process to end",
		    blame->pid, reuses ? "the option" : "no option",
		    reuses ? "no" : "the option");
	return fd;
}

/* The one that somebody has: it is shared with him for now. */
static int
inherit(struct pool *pool, struct address *address, enum who who, pid_t pid,
    struct blame *blame)
{
	struct control_offer	offer;
	int			connection;

	(void)blame_process(blame, who, pid);
	if ((connection = ask(pool, who, pid, &offer)) == -1) {
		blame->gone = who_has_it(pool, who) != pid;
		return -1;
	}
	if (check_offer(pool, address, offer.listener, blame) == -1) {
		(void)close(connection);
		(void)close(offer.listener);
		(void)close(offer.control);
		return -1;
	}
	pool->inherited = true;
	pool->takes_over = who == PARENT;
	pool->given = offer.given;
	pool->control = offer.control;
	pool->predecessor = connection;
	pool->predecessor_pid = pid;
	pool->generation = offer.generation;
	return offer.listener;
}

/* We have the door.  A rival is one who had it just before us. */
static int
enter(struct pool *pool, struct address *address, pid_t rival,
    struct blame *blame)
{
	pid_t	pid;
	int	fd, saved;

	pool->given = pool->config->listen_fd != -1;
	pid = instance_holder(&pool->instance, INSTANCE_OWNER);
	if (pid != -1 && pid == rival)
		return blame_finally(blame, "process %d has just taken %s over",
		    pid, pool->instance.name);
	if (pid != -1 && pool->config->takeover)
		return inherit(pool, address, PARENT, pid, blame);
	if (pid != -1)
		return blame_process(blame, PARENT, pid);
	if ((pid = instance_heir(&pool->instance)) != -1)
		return inherit(pool, address, HEIR, pid, blame);
	blame->failed = "the lock of";
	if (instance_lock(&pool->instance, INSTANCE_OWNER, &pid) == -1)
		return errno == EAGAIN ? blame_process(blame, PARENT, pid) : -1;
	fd = pool->given ? adopt(pool, address, blame) :
	    open_listener(pool, address, blame);
	if (fd == -1) {
		saved = errno;
		instance_unlock(&pool->instance, INSTANCE_OWNER);
		errno = saved;
	}
	return fd;
}

/* One try; -1 with what was in the way, and perhaps errno. */
static int
try_port(struct pool *pool, struct address *address, pid_t rival,
    struct blame *blame)
{
	int	fd, saved;

	*blame = (struct blame){ .failed = "the lock of" };
	if (instance_lock(&pool->instance, INSTANCE_DOOR, &blame->pid) == -1)
		return errno == EAGAIN ? blame_process(blame, ENTRANT,
		    blame->pid) : -1;
	fd = enter(pool, address, rival, blame);
	if (fd == -1) {
		saved = errno;
		instance_unlock(&pool->instance, INSTANCE_DOOR);
		errno = saved;
	}
	return fd;
}

/*
 * Whoever is in the way lets go of the lock before it ends, with QUIT long
 * before: so it is looked at again and again.  A standby waits for hours, and
 * hears of a death at once: the pid of the dead, or 0.
 */
static pid_t
wait_for_end(pid_t pid, int64_t waited)
{
	struct pollfd	end = { .fd = pid == 0 ? -1 :
			    (int)syscall(SYS_pidfd_open, pid, 0),
			    .events = POLLIN };
	int64_t		pause = 1 + waited / LOOK_PART;
	bool		dead;

	dead = signals_wait(&end, 1, (int)(pause < BIND_PAUSE ? pause :
	    BIND_PAUSE), false) > 0;
	if (end.fd != -1)
		(void)close(end.fd);
	return dead ? pid : 0;
}

int
port_find(struct pool *pool, struct address *address)
{
	struct blame	blame;
	int64_t		start = clock_ms(), wait;
	pid_t		rival = 0, dead = 0;
	bool		told = false;

	while ((pool->listener = try_port(pool, address, rival,
	    &blame)) == -1) {
		if (blame.final)
			return -1;
		wait = (int64_t)pool->config->bind_wait * 1000;
		/* Of two who want the same one is too late.  But who was killed
		   just now may have the door still. */
		if (pool->config->takeover && blame.failed == NULL &&
		    blame.who == ENTRANT) {
			rival = blame.pid;
			wait = RIVAL;
		}
		if (!blame.gone && (!blame_is_worth_waiting(&blame) ||
		    clock_ms() >= start + wait)) {
			blame_say_refused(&blame, pool, address);
			return -1;
		}
		if (!told)
			blame_say_waiting(&blame, pool, address);
		told = true;
		if (blame.failed == NULL)
			/* Who was dead then, and is in the way all the same,
			   would not let us sleep. */
			dead = wait_for_end(blame.pid == dead ? 0 : blame.pid,
			    clock_ms() - start);
		else
			(void)signals_wait(NULL, 0, BIND_PAUSE, false);
		if (signals_end())
			return -1;
	}
	return 0;
}

int
port_control(struct pool *pool)
{
	if (pool->control == -1)
		pool->control = control_open(&pool->instance);
	if (pool->control != -1)
		return 0;
	log_warn("%s/control%s", pool->instance.path, pool->config->heir > 0 ?
	    "" : ": nobody can take the socket over");
	return pool->config->heir > 0 ? -1 : 0;
}

static void
say_backlog(const struct outlive_config *config)
{
	int	somaxconn = listener_somaxconn(), backlog = config->backlog;

	if (somaxconn != -1 && backlog > somaxconn) {
		log_info("the kernel cuts the backlog of %d to %d "
		    "(net.core.somaxconn)", backlog, somaxconn);
		backlog = somaxconn;
	}
	if (config->early_drop.full > backlog)
		log_info("early drop is never full: no more than %d clients "
		    "can wait, and it says %d", backlog,
		    config->early_drop.full);
}

/* What was set for others; they have no use for it any more. */
static int
make_ours(struct pool *pool)
{
	struct listener_options	 options = { .backlog = pool->config->backlog,
				    .reuseaddr = pool->config->reuseaddr };
	const char		*failed;

	if (!listener_listens(pool->listener)) {
		log_info("somebody has shut the listening socket down");
		return -1;
	}
	if (listener_adopt(pool->listener, &options, &failed) == 0)
		return 0;
	log_warn("the socket that was handed over: %s", failed);
	return -1;
}

int
port_own(struct pool *pool)
{
	pid_t	holder;

	if (pool->takes_over && takeover_ask(pool) == -1)
		return -1;
	/* Nobody else has the door. */
	if (pool->inherited && instance_lock(&pool->instance, INSTANCE_OWNER,
	    &holder) == -1) {
		log_warn("%s/lock", pool->instance.path);
		return -1;
	}
	if (pool->inherited && make_ours(pool) == -1)
		return -1;
	/* It belongs to the socket, which may have had another owner; and he
	   another strategy. */
	if (pool->strategy->parent_accepts &&
	    fcntl(pool->listener, F_SETFL, O_NONBLOCK) == -1) {
		log_warn("O_NONBLOCK");
		return -1;
	}
	if (pid_file_write(&pool->pid_file) == -1) {
		log_warn("the pid file '%s'", pool->config->pid_file);
		/* Nobody else has the port any more. */
		if (!pool->inherited)
			return -1;
	}
	pool->takes_over = false;
	say_backlog(pool->config);
	instance_unlock(&pool->instance, INSTANCE_DOOR);
	return 0;
}

int
port_thank(struct pool *pool)
{
	if (pool->predecessor == -1)
		return -1;
	if (pool->config->heir > 0 && !pool->given && !heir_has_it(pool))
		return THANK_PAUSE;
	(void)control_say(pool->predecessor, CONTROL_MINE, NULL);
	(void)close(pool->predecessor);
	pool->predecessor = -1;
	return -1;
}

void
port_forked(struct pool *pool)
{
	control_close(pool->control, &pool->instance, false);
	if (pool->heir_line != -1)
		(void)close(pool->heir_line);
	if (pool->ready != -1)
		(void)close(pool->ready);
	if (pool->announce != -1)
		(void)close(pool->announce);
	if (pool->predecessor != -1)
		(void)close(pool->predecessor);
	if (pool->successor != -1)
		(void)close(pool->successor);
	pool->control = pool->heir_line = pool->ready = pool->announce =
	    pool->predecessor = pool->successor = -1;
	/* A takeover is still to be told of on standard error if it fails. */
	log_begun();
}
