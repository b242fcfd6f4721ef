/* SPDX-License-Identifier: ISC */
/* The public calls: from a configuration to a running pool. */
#include <sys/types.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/explain.h"
#include "net/listener.h"
#include "net/log.h"
#include "outlive.h"
#include "parent.h"
#include "pool.h"
#include "signals.h"

#define NEWCOMERS	1000

/* Between two tries of an address that is in use, in ms. */
#define BIND_PAUSE	20

void
outlive_config_init(struct outlive_config *config)
{
	*config = (struct outlive_config){
		.service_name = "service",
		.backlog = 4096,
		.idle_min = 8,
		.idle_max = 32,
		.max_children = 1024,
		.bind_wait = 3,
		.reuseaddr = true,
		.announce_fd = -1,
	};
}

/* NULL, or what cannot be meant. */
static const char *
nonsense(const struct outlive_config *config)
{
	if (config->service == NULL || config->address == NULL)
		return "there is no service or no address";
	if (config->backlog < 1 || config->backlog > 65535 ||
	    config->bind_wait < 0)
		return "the backlog is 1 to 65535, the wait at least 0";
	if (config->max_children > 100000)
		return "100000 children are the most";
	if (config->max_requests < 0)
		return "a child serves any number of clients (0), or at least "
		    "1";
	if (config->idle_min < 1 || config->idle_max < config->idle_min)
		return "idle children: at least 1, and no more than the most";
	if (config->max_children < config->idle_min)
		return "more idle children are wanted than there may be "
		    "children";
	if (gettid() != getpid())
		/* The parent-death signal is about the thread that forked. */
		return "outlive_serve() belongs in the main thread";
	return NULL;
}

static void
log_line(const char *line)
{
	log_info("%s", line);
}

/* Who is in the way, and what would help. */
static void
explain_failure(const struct address *address, bool reuseaddr)
{
	struct obstacles	found;

	if (obstacles_find(&found, address, reuseaddr, false) == -1)
		log_warn("cannot look for the reason");
	else if (found.error == 0)
		log_info("it can be bound now: whoever was in the way has "
		    "left");
	else {
		/* Nor will we: two of us would share the clients unawares. */
		found.reuseport_helps = false;
		explain(&found, log_line);
	}
	obstacles_free(&found);
}

/* What time may mend: the port is taken, or the address not there yet. */
static bool
is_worth_waiting(int error)
{
	return error == EADDRINUSE || error == EADDRNOTAVAIL;
}

/* Try for as long as the configuration says, or until we are told to end. */
static int
open_listener(const struct outlive_config *config, struct address *address)
{
	struct listener_options	 options = { .backlog = config->backlog,
				    .reuseaddr = config->reuseaddr };
	int64_t			 deadline;
	char			 name[ADDRESS_TEXT];
	const char		*failed;
	bool			 told = false;
	int			 fd, somaxconn;

	(void)address_print(address, name);
	deadline = clock_ms() + (int64_t)config->bind_wait * 1000;
	while ((fd = listener_open(address, &options, &failed)) == -1) {
		if (!is_worth_waiting(errno) || clock_ms() >= deadline) {
			log_warn("%s %s", failed, name);
			explain_failure(address, config->reuseaddr);
			return -1;
		}
		if (!told)
			log_info("%s %s: %s, trying for %d s", failed, name,
			    errno == EADDRINUSE ? "address in use" :
			    "not an address of this machine yet",
			    config->bind_wait);
		told = true;
		(void)signals_wait(NULL, 0, BIND_PAUSE);
		if (signals_end())
			return -1;
	}
	somaxconn = listener_somaxconn();
	if (somaxconn != -1 && config->backlog > somaxconn)
		log_info("the kernel cuts the backlog of %d to %d "
		    "(net.core.somaxconn)", config->backlog, somaxconn);
	return fd;
}

/* A socket at end-of-file (leave.h). */
static int
open_spare(void)
{
	int	pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	(void)close(pair[1]);
	return pair[0];
}

static int
open_pool(struct pool *pool)
{
	int	waiting, slots;

	/* Draining, each one that waits may need a child of its own, and so
	   do those who come in the meantime. */
	waiting = listener_somaxconn();
	if (waiting == -1 || waiting > pool->config->backlog)
		waiting = pool->config->backlog;
	slots = pool->config->max_children + waiting + NEWCOMERS;
	if ((pool->board = board_open(slots)) == NULL ||
	    (pool->children = calloc((size_t)slots,
	    sizeof(*pool->children))) == NULL ||
	    (pool->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1 ||
	    (pool->spare = open_spare()) == -1 ||
	    pool->strategy->open(pool) == -1)
		return -1;
	return 0;
}

/* What was opened, as far as it came. */
static void
close_pool(struct pool *pool)
{
	if (pool->listener != -1)
		(void)close(pool->listener);
	if (pool->wake != -1)
		(void)close(pool->wake);
	if (pool->spare != -1)
		(void)close(pool->spare);
	free(pool->children);
	if (pool->board != NULL)
		board_close(pool->board);
}

/*
 * Say which port it is.  Then the descriptor becomes /dev/null, before any
 * child has it: whoever reads it to the end is not kept waiting by one.
 */
static int
announce(int fd, unsigned int port)
{
	int	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int	result;

	if (null == -1) {
		log_warn("/dev/null");
		return -1;
	}
	if (dprintf(fd, "%u\n", port) < 0)
		log_warn("cannot say that the port is %u", port);
	result = dup3(null, fd, fd > STDERR_FILENO ? O_CLOEXEC : 0);
	if (result == -1)
		log_warn("/dev/null on descriptor %d", fd);
	(void)close(null);
	return result;
}

int
outlive_serve(const struct outlive_config *config)
{
	struct pool	 pool = { .config = config, .strategy = &strategy_pass,
			    .parent = getpid(), .wake = -1, .spare = -1,
			    .queue = { -1, -1 }, .held = -1,
			    .policy = { .idle_min = config->idle_min,
			    .idle_max = config->idle_max,
			    .max_children = config->max_children } };
	struct address	 address;
	const char	*why;
	char		 name[ADDRESS_TEXT];
	int		 status = EX_OSERR;

	log_open(config->verbose);
	if ((why = nonsense(config)) != NULL) {
		log_info("%s", why);
		return EX_USAGE;
	}
	switch (address_parse(&address, config->address, &why)) {
	case -1:
		log_info("'%s' is no address: %s", config->address, why);
		return EX_USAGE;
	case -2:
		log_info("'%s' cannot be found: %s", config->address, why);
		return EX_UNAVAILABLE;
	}
	if (signals_open() == -1) {
		log_warn("sigaction");
		return EX_OSERR;
	}
	if ((pool.listener = open_listener(config, &address)) == -1)
		return signals_end() ? 0 : EX_UNAVAILABLE;
	pool.port = address_port(&address);
	if (open_pool(&pool) == -1) {
		log_warn("cannot make a pool of %d children",
		    config->max_children);
		goto out;
	}
	setproctitle("parent of %u", pool.port);
	log_info("parent of %s: %s (%s), %s", address_print(&address, name),
	    pool.strategy->name, pool.strategy->place, config->service_name);
	if (config->announce_fd != -1 &&
	    announce(config->announce_fd, pool.port) == -1)
		goto out;
	if (parent_run(&pool) == 0)
		status = 0;
out:
	close_pool(&pool);
	return status;
}
