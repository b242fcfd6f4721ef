/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "begin.h"
#include "boardfile.h"
#include "generation.h"
#include "net/clock.h"
#include "net/explain.h"
#include "net/listener.h"
#include "net/log.h"
#include "net/path.h"
#include "net/process.h"
#include "orphan.h"
#include "pool.h"
#include "signals.h"
#include "source.h"
#include "stopped.h"

/* Between two tries of an address that is in use, in ms. */
#define BIND_PAUSE	20

bool
begin_log_is_ours(const char *where)
{
	return where == NULL || strcmp(where, "stderr") == 0 ||
	    strcmp(where, "/dev/stdout") == 0 ||
	    strcmp(where, "/dev/stderr") == 0 ||
	    strncmp(where, "/dev/fd/", 8) == 0 ||
	    strncmp(where, "/proc/self/fd/", 14) == 0;
}

/*
 * The log, which children have, as the user whom they are: root would follow
 * what he, or they, have laid in its place (and have a way to write it).  As
 * root only where nobody else can have laid anything.
 */
static int
open_log(const struct pool *pool)
{
	const char	*where = pool->config->log;
	char		*path;
	int		 result, saved;

	if (!user_is_another(&pool->user) || begin_log_is_ours(where))
		return log_to(where);
	if (user_borrow(&pool->user) == -1)
		return -1;
	result = log_to(where);
	saved = errno;
	if (user_return(&pool->user) == -1)
		return -1;
	if (result == -1 && saved == EACCES &&
	    (path = path_absolute(where)) != NULL) {
		if (path_is_roots(path)) {
			result = log_to(path);
			saved = errno;
		}
		free(path);
	}
	errno = saved;
	return result;
}

int
begin_log(const struct pool *pool)
{
	if (open_log(pool) == 0)
		return 0;
	if (user_is_another(&pool->user))
		log_warn("the log '%s', for user '%s' to write",
		    pool->config->log, pool->config->user);
	else
		log_warn("the log '%s'", pool->config->log);
	return -1;
}

int
begin_place(struct pool *pool, struct address *address)
{
	const struct outlive_config	*config = pool->config;
	const char			*why;
	char				 name[INSTANCE_NAME];
	char				 line[PATH_MAX + 128];

	switch (address_parse(address, config->address, &why)) {
	case -1:
		log_info("'%s' is no address: %s", config->address, why);
		return EX_USAGE;
	case -2:
		log_info("'%s' cannot be found: %s", config->address, why);
		return EX_UNAVAILABLE;
	}
	if (config->name == NULL && address_port(address) == 0) {
		log_info("port 0 is another one each time: expected a name "
		    "for the instance");
		return EX_USAGE;
	}
	if (config->name == NULL)
		instance_name(address, name, sizeof(name));
	else if ((why = instance_bad_name(config->name)) != NULL) {
		log_info("'%s' is no name: %s", config->name, why);
		return EX_USAGE;
	} else
		(void)strlcpy(name, config->name, sizeof(name));
	if (instance_open(&pool->instance, config->state_dir, name,
	    &pool->user, line, sizeof(line)) == -1) {
		log_info("%s", line);
		return EX_OSERR;
	}
	return 0;
}

static void
log_line(const char *line)
{
	log_info("%s", line);
}

/* Who is in the way of the port, and what would help; if nobody is, that is
   worth a line only where the port was what failed. */
static void
explain_failure(const struct address *address,
    const struct outlive_config *config, bool failed)
{
	struct obstacles	found;

	if (obstacles_find(&found, address, config->reuseaddr, false) == -1)
		log_warn("cannot look for the reason");
	else if (found.error == 0) {
		if (failed)
			log_info("it can be bound now: whoever was in the "
			    "way has left");
	} else {
		orphans_name(&found.owners, config->state_dir);
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

/* The socket that was given; or -1, and why is in the log. */
static int
adopt(struct pool *pool, struct address *address,
    const struct listener_options *options)
{
	int	fd = pool->config->listen_fd;
	char	why[256];

	if (listener_adopt(fd, address, options, why, sizeof(why)) == -1) {
		log_info("%s", why);
		return -1;
	}
	if (listener_is_ipv6_alone(fd, address))
		log_info("the socket that was passed is for IPv6 alone "
		    "(BindIPv6Only=): IPv4 is refused");
	return fd;
}

/* One try to own the port: the instance's lock, and then the port itself.  -1
   with errno, and what failed in words. */
static int
own_port(struct pool *pool, struct address *address, pid_t *holder,
    const char **failed)
{
	struct listener_options	options = { .backlog = pool->config->backlog,
				    .reuseaddr = pool->config->reuseaddr };
	int			fd, saved;

	*holder = -1;
	*failed = "the lock of";
	if (instance_lock(&pool->instance, holder) == -1)
		return -1;
	fd = pool->given ? adopt(pool, address, &options) :
	    listener_open(address, &options, failed);
	if (fd == -1 && !pool->given && errno == EADDRINUSE &&
	    stopped_let_go(pool->instance.dir, address_port(address)) > 0)
		fd = listener_open(address, &options, failed);
	if (fd == -1) {
		saved = errno;
		instance_unlock(&pool->instance);
		errno = saved;
	}
	return fd;
}

/* The process that has the lock, in words. */
static const char *
holder_words(pid_t holder, char *text, size_t size)
{
	if (holder == 0)
		(void)strlcpy(text, "a process in another pid namespace",
		    size);
	else
		(void)snprintf(text, size, "process %d", holder);
	return text;
}

static void
say_waiting(const struct pool *pool, const char *name, const char *failed,
    pid_t holder)
{
	char	text[64];
	int	wait = pool->config->bind_wait;

	if (holder != -1)
		log_info("%s is the parent of %s, trying for %d s",
		    holder_words(holder, text, sizeof(text)),
		    pool->instance.name, wait);
	else
		log_info("%s %s: %s, trying for %d s", failed, name,
		    errno == EADDRINUSE ? "address in use" :
		    "not an address of this machine yet", wait);
}

static void
say_refused(const struct pool *pool, const struct address *address,
    const char *name, const char *failed, pid_t holder)
{
	char	text[64];

	if (holder != -1)
		log_info("%s is the parent of %s: expected it to end, or "
		    "-n with another name", holder_words(holder, text, sizeof(text)),
		    pool->instance.name);
	else
		log_warn("%s %s", failed, name);
	if (pool->given)
		/* Of course it is in use. */
		return;
	explain_failure(address, pool->config, holder == -1);
}

int
begin_listener(struct pool *pool, struct address *address)
{
	int64_t		 deadline;
	char		 name[ADDRESS_TEXT];
	const char	*failed;
	bool		 told = false;
	pid_t		 holder;
	int		 fd, somaxconn, backlog = pool->config->backlog;

	(void)address_print(address, name);
	deadline = clock_ms() + (int64_t)pool->config->bind_wait * 1000;
	while ((fd = own_port(pool, address, &holder, &failed)) == -1) {
		if (holder == -1 && pool->given)
			return -1;
		if ((holder == -1 && !is_worth_waiting(errno)) ||
		    clock_ms() >= deadline) {
			say_refused(pool, address, name, failed, holder);
			return -1;
		}
		if (!told)
			say_waiting(pool, name, failed, holder);
		told = true;
		(void)signals_wait(NULL, 0, BIND_PAUSE, false);
		if (signals_end())
			return -1;
	}
	somaxconn = listener_somaxconn();
	if (somaxconn != -1 && backlog > somaxconn) {
		log_info("the kernel cuts the backlog of %d to %d "
		    "(net.core.somaxconn)", backlog, somaxconn);
		backlog = somaxconn;
	}
	if (pool->config->early_drop.full > backlog)
		log_info("early drop is never full: no more than %d clients "
		    "can wait, and it says %d", backlog,
		    pool->config->early_drop.full);
	return fd;
}

/* What is root's to do with the port comes before. */
int
begin_user(struct pool *pool)
{
	const char	*failed, *path = pool->config->pid_file;
	char		 why[PATH_MAX + 128];

	/* Not before we own the port: who fails to, changes nothing. */
	if (instance_give(&pool->instance, &pool->user, why,
	    sizeof(why)) == -1) {
		log_info("%s", why);
		return -1;
	}
	if (path != NULL && pid_file_write(&pool->pid_file, path) == -1) {
		log_warn("the pid file '%s'", path);
		return -1;
	}
	if (user_become(&pool->user, &failed) == 0)
		return 0;
	log_warn("cannot become user '%s': %s", pool->config->user, failed);
	return -1;
}

int
begin_generation(struct pool *pool, char *orphans, size_t size)
{
	struct generations	generations;
	int			result;

	if (generations_read(&generations, pool->instance.dir) == -1) {
		log_info("cannot look for orphans: %s", errno == ENOENT ?
		    "there is no /proc of this pid namespace" :
		    strerror(errno));
		*orphans = '\0';
	} else {
		generations_sweep(&generations, pool->instance.dir,
		    pool->instance.path, false);
		(void)generations_orphans(&generations, orphans, size);
		if (source_others(pool, &generations) == -1)
			log_warn("cannot count the clients of orphans");
	}
	result = instance_number(&pool->instance,
	    generations_last(&generations) + 1, &pool->generation);
	generations_free(&generations);
	if (result == -1)
		log_warn("%s/lock", pool->instance.path);
	return result;
}

int
begin_board(struct pool *pool, const struct address *address, int size)
{
	struct board_head	head;
	struct process		self;

	memset(&head, 0, sizeof(head));
	head.number = pool->generation;
	head.max_children = (uint32_t)pool->config->max_children;
	head.parent = pool->parent;
	if (process_visible() && process_read(pool->parent, &self) == 0)
		head.parent_start = self.start;
	generation_world(&head.world);
	head.given = pool->given;
	head.net_ns = generation_network();
	(void)address_print(address, head.address);
	(void)strlcpy(head.service, pool->config->service_name,
	    sizeof(head.service));
	(void)strlcpy(head.strategy, pool->strategy->name,
	    sizeof(head.strategy));
	pool->board = board_create(pool->instance.dir, &head, size);
	if (pool->board != NULL)
		return 0;
	log_warn("%s: no board for %d children", pool->instance.path, size);
	return -1;
}
