/* SPDX-License-Identifier: ISC */
/* The public calls: from a configuration to a running pool. */
#include <sys/types.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "begin.h"
#include "daemon.h"
#include "generation.h"
#include "heir.h"
#include "manager.h"
#include "net/listener.h"
#include "net/log.h"
#include "net/systemd.h"
#include "outlive.h"
#include "parent.h"
#include "pool.h"
#include "port.h"
#include "signals.h"
#include "source.h"
#include "takeover.h"
#include "title.h"

#define NEWCOMERS	1000

void
outlive_config_init(struct outlive_config *config)
{
	*config = (struct outlive_config){
		.service_name = "service",
		.strategy = "pass",
		.backlog = 4096,
		.idle_min = 8,
		.idle_max = 32,
		.max_children = 1024,
		.bind_wait = 3,
		.reuseaddr = true,
		.listen_fd = -1,
		.log = "stderr",
		.announce_fd = -1,
	};
}

static bool
is_early_drop(const struct outlive_early_drop *drop)
{
	if (drop->start == 0 && drop->rate == 0 && drop->full == 0)
		return true;
	return drop->start >= 0 && drop->rate >= 1 && drop->rate <= 100 &&
	    drop->full >= 1 && drop->full <= 65535 &&
	    drop->full >= drop->start;
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
	if (config->max_requests < 0 || config->per_source < 0)
		return "a child serves any number of clients (0), or at least "
		    "1; and so may one address have";
	if (config->idle_timeout < 0 || config->idle_timeout > 86400 ||
	    config->session_limit < 0 || config->session_limit > 86400)
		return "a client's time limits are 0 (none) to 86400 seconds";
	if (config->idle_min < 1 || config->idle_max < config->idle_min)
		return "idle children: at least 1, and no more than the most";
	if (config->max_children < config->idle_min)
		return "more idle children are wanted than there may be "
		    "children";
	if (!is_early_drop(&config->early_drop))
		return "early drop: it starts at 0 or more, its rate is 1 to "
		    "100 percent, and it is full at 1 to 65535, not below its "
		    "start";
	if (config->daemon && begin_log_is_ours(config->log))
		return "a daemon has no standard error: expected the log to "
		    "be syslog or a file";
	if (config->daemon && getpid() == 1)
		return "process 1 of a pid namespace ends all others when it "
		    "returns: expected to serve in the foreground";
	if (config->listen_fd < -1)
		return "a socket to listen with is a descriptor, or -1";
	if (config->heir < 0 || config->heir > 86400)
		return "an heir keeps the port for 1 to 86400 seconds; 0: "
		    "there is none";
	if (config->listen_fd != -1 && config->takeover)
		return "a socket that was passed is taken from nobody: expected "
		    "one, or to take over, not both";
	if (config->listen_fd != -1 && config->heir > 0)
		return "whoever passed the socket keeps it: expected one, or "
		    "an heir, not both";
	if (config->listen_fd != -1 && !config->reuseaddr)
		return "a socket that was passed has SO_REUSEADDR: expected "
		    "one, or to leave it off, not both";
	if (gettid() != getpid())
		/* The parent-death signal is about the thread that forked. */
		return "outlive_serve() belongs in the main thread";
	return NULL;
}

/*
 * As service managers start us: at the head of a session, and no terminal.
 * Whoever else starts a session may signal all of its first group, of which
 * children must hear nothing; systemd says that it was it (systemd.exec(5)),
 * and the first process of a container has nobody above it.
 */
static bool
is_secluded(void)
{
	const char	*managed = getenv("SYSTEMD_EXEC_PID");
	int		 terminal;

	if (getsid(0) != getpid() || (getpid() != 1 &&
	    (managed == NULL || atoi(managed) != getpid())))
		return false;
	terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal == -1)
		return errno == ENXIO;
	(void)close(terminal);
	return false;
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

/*
 * The parent's book of its children.  They have no copy of it: so the kernel
 * need not copy a page of it behind each fork, either.
 */
static int
open_children(struct pool *pool, int slots)
{
	size_t	bytes = (size_t)slots * sizeof(*pool->children);
	void	*memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -1;
	pool->children = memory;
	return madvise(memory, bytes, MADV_DONTFORK);
}

static int
open_pool(struct pool *pool, const struct address *address)
{
	int	slots;

	/* Draining, each one that waits may need a child of its own, and so
	   do those who come in the meantime. */
	pool->backlog = listener_somaxconn();
	if (pool->backlog == -1 || pool->backlog > pool->config->backlog)
		pool->backlog = pool->config->backlog;
	slots = pool->config->max_children + pool->backlog + NEWCOMERS;
	if (begin_board(pool, address, slots) == -1)
		return -1;
	if (open_children(pool, slots) == -1 ||
	    (pool->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1 ||
	    (pool->spare = open_spare()) == -1 ||
	    source_open(pool) == -1 ||
	    (pool->strategy->open != NULL &&
	    pool->strategy->open(pool) == -1)) {
		log_warn("cannot make a pool of %d children",
		    pool->config->max_children);
		return -1;
	}
	return 0;
}

/* What was opened, as far as it came. */
static void
close_pool(struct pool *pool)
{
	log_wake(-1);
	pid_file_remove(&pool->pid_file);
	/* First: our heir hears that we have gone, and is not to believe that
	   somebody else has the port. */
	instance_unlock(&pool->instance, INSTANCE_OWNER);
	if (pool->ready != -1)
		(void)close(pool->ready);
	if (pool->announce != -1)
		(void)close(pool->announce);
	if (pool->heir_line != -1)
		(void)close(pool->heir_line);
	if (pool->predecessor != -1)
		(void)close(pool->predecessor);
	if (pool->successor != -1)
		(void)close(pool->successor);
	if (pool->listener != -1)
		(void)close(pool->listener);
	if (pool->wake != -1)
		(void)close(pool->wake);
	if (pool->spare != -1)
		(void)close(pool->spare);
	if (pool->lock != -1)
		(void)close(pool->lock);
	source_close(pool);
	if (pool->children != NULL)
		(void)munmap(pool->children, (size_t)board_size(pool->board) *
		    sizeof(*pool->children));
	if (pool->board != NULL) {
		board_part(pool->board);
		board_close(pool->board);
	}
	instance_close(&pool->instance);
}

/*
 * Where the port is to be said becomes /dev/null, before anybody is forked:
 * whoever reads it to the end is not kept waiting by a child.  Until it is said
 * we have it by another number, and no child does.
 */
static int
put_aside(struct pool *pool, int fd)
{
	int	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int	result = -1;

	pool->announce = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (pool->announce == -1 || null == -1 || (result = dup3(null, fd,
	    fd > STDERR_FILENO ? O_CLOEXEC : 0)) == -1)
		log_warn("/dev/null on descriptor %d", fd);
	if (null != -1)
		(void)close(null);
	return result;
}

/* Nothing of whoever has started us is for our children. */
static int
leave_caller(struct pool *pool)
{
	int	fd = pool->config->announce_fd;

	if (pool->ready != -1)
		return daemon_detach();
	return fd == -1 ? 0 : put_aside(pool, fd);
}

/* Say to him that we accept. */
static int
say_ready(struct pool *pool)
{
	int	ready = pool->ready, announce = pool->announce;

	log_begun();
	pool->ready = pool->announce = -1;
	if (ready != -1)
		return daemon_ready(ready, pool->port);
	if (announce == -1)
		return 0;
	if (dprintf(announce, "%u\n", pool->port) < 0)
		log_warn("cannot say that the port is %u", pool->port);
	return close(announce);
}

static void
set_title(const struct pool *pool)
{
	setproctitle("parent of %s, generation %u%s", pool->instance.name,
	    pool->generation, pool->takes_over ? ", coming in" : "");
}

static void
say_parent(const struct pool *pool, const struct address *address,
    const char *orphans)
{
	char	text[ADDRESS_TEXT];

	log_info("parent of %s: %s (%s), %s, generation %u",
	    address_print(address, text), pool->strategy->name,
	    pool->strategy->place, pool->config->service_name,
	    pool->generation);
	if (pool->parent == 1)
		log_info("process 1 of a pid namespace ends, and all processes "
		    "of it: children cannot outlive it (QUIT waits for them)");
	begin_say_orphans(orphans);
}

/* Everything is there: say so, and serve. */
static int
serve(struct pool *pool, const struct address *address, const char *orphans)
{
	pool->port = address_port(address);
	set_title(pool);
	title_open(pool->generation);
	if (leave_caller(pool) == -1)
		return -1;
	/* What was needed to begin would be copied at each fork. */
	(void)malloc_trim(0);
	/* Before we have clients; an old heir keeps the socket until then. */
	if (!pool->hurry)
		(void)heir_look(pool);
	if ((pool->takes_over && takeover_prepare(pool) == -1) ||
	    port_own(pool) == -1)
		return -1;
	set_title(pool);
	/* Clients have waited already.  Where we have bound the port ourselves
	   nobody has a child before we could say that we accept. */
	if (pool->inherited)
		parent_begin(pool);
	say_parent(pool, address, orphans);
	/* First: whoever waits for us may end when we are ready. */
	manager_ready(pool);
	/* Who has no port any more would miss us. */
	if (say_ready(pool) == -1 && !pool->inherited)
		return -1;
	log_wake(pool->wake);
	return parent_run(pool);
}

static bool
choose_strategy(struct pool *pool)
{
	const struct outlive_config	*config = pool->config;

	if (config->strategy == NULL ||
	    (pool->strategy = strategy_find(config->strategy)) == NULL) {
		log_info("'%s' is no strategy: expected fork, shared, fcntl, "
		    "mutex or pass", config->strategy == NULL ? "" :
		    config->strategy);
		return false;
	}
	pool->max_requests = config->max_requests;
	pool->policy.max_children = config->max_children;
	pool->policy.children_accept = !pool->strategy->parent_accepts;
	if (pool->strategy->prefork) {
		pool->policy.idle_min = config->idle_min;
		pool->policy.idle_max = config->idle_max;
	} else
		/* A child for each client. */
		pool->max_requests = 1;
	return true;
}

/* The boards of earlier ones, and a number.  If clients wait at the socket of an
   heir, and nobody needs to know who orphans serve, they are read later. */
static int
generation(struct pool *pool, char *orphans, size_t size)
{
	*orphans = '\0';
	pool->hurry = pool->inherited && !pool->takes_over;
	pool->unread = pool->hurry && pool->config->per_source == 0;
	if (!pool->unread)
		begin_boards(pool, orphans, size, NULL);
	return begin_generation(pool);
}

int
outlive_activation(const char **why)
{
	return systemd_listen_fd(why);
}

int
outlive_serve(const struct outlive_config *config)
{
	/* Not between the frames of the calls: a newborn writes to fewer pages,
	   and each page is a copy. */
	static struct pool	 pool;
	struct address		 address;
	const char		*why;
	char			 text[256];
	int			 status;

	pool = (struct pool){ .config = config, .ready = -1, .announce = -1,
	    .control = -1, .heir_line = -1, .predecessor = -1,
	    .successor = -1,
	    .wake = -1, .spare = -1, .lock = -1, .pid_file = { .fd = -1 },
	    .instance = { .dir = -1, .lock = -1 }, .listener = -1,
	    .given = config->listen_fd != -1,
	    .queue = { -1, -1 }, .held = -1 };
	if (config->daemon)
		daemon_prepare();
	(void)log_open(NULL, config->verbose);
	status = user_find(&pool.user, config->user, text, sizeof(text));
	if (begin_log(&pool) == -1)
		return EX_OSERR;
	if ((why = nonsense(config)) != NULL) {
		log_info("%s", why);
		return EX_USAGE;
	}
	if (!choose_strategy(&pool))
		return EX_USAGE;
	if (status != 0) {
		log_info("%s", text);
		return status;
	}
	if (config->daemon && (status = daemon_fork(config->announce_fd,
	    &pool.ready)) != -1)
		return status;
	pool.parent = getpid();
	pool.secluded = is_secluded();
	if (signals_open() == -1) {
		log_warn("sigaction");
		return EX_OSERR;
	}
	if ((status = begin_place(&pool, &address)) != 0)
		return status;
	if (port_find(&pool, &address) == -1)
		status = signals_end() ? 0 : EX_UNAVAILABLE;
	else if (begin_user(&pool) == -1 || port_control(&pool) == -1 ||
	    generation(&pool, text, sizeof(text)) == -1 ||
	    open_pool(&pool, &address) == -1 ||
	    serve(&pool, &address, text) == -1)
		/* Told to end before it was the owner, nothing has failed. */
		status = signals_end() ? 0 : EX_OSERR;
	/* Who has not taken over has nothing to leave to an heir. */
	if (pool.takes_over)
		heir_end(&pool);
	close_pool(&pool);
	log_settle();
	return status;
}
