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
#include "net/log.h"
#include "net/path.h"
#include "net/process.h"
#include "pool.h"
#include "source.h"

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
	if (path != NULL && pid_file_open(&pool->pid_file, path) == -1) {
		log_warn("the pid file '%s'", path);
		return -1;
	}
	if (user_become(&pool->user, &failed) == 0)
		return 0;
	log_warn("cannot become user '%s': %s", pool->config->user, failed);
	return -1;
}

void
begin_boards(struct pool *pool, char *orphans, size_t size,
    void (*breathe)(void *))
{
	struct generations	generations;
	unsigned int		own = pool->board != NULL ? pool->generation : 0;

	*orphans = '\0';
	pool->unread = false;
	if (generations_read_gently(&generations, pool->instance.dir, breathe,
	    pool) == -1) {
		log_info("cannot look for orphans: %s", errno == ENOENT ?
		    "there is no /proc of this pid namespace" :
		    strerror(errno));
	} else {
		generations_sweep(&generations, pool->instance.dir,
		    pool->instance.path, pool->takes_over);
		(void)generations_orphans(&generations, orphans, size);
		pool->others = generations_children(&generations, own);
		if (source_others(pool, &generations) == -1)
			log_warn("cannot count the clients of orphans");
	}
	if (own == 0 && pool->generation < generations_last(&generations))
		pool->generation = generations_last(&generations);
	generations_free(&generations);
}

void
begin_say_orphans(const char *orphans)
{
	if (*orphans != '\0')
		log_info("orphans that still serve: %s", orphans);
}

int
begin_generation(struct pool *pool)
{
	if (instance_number(&pool->instance, pool->generation + 1,
	    &pool->generation) == 0)
		return 0;
	log_warn("%s/lock", pool->instance.path);
	return -1;
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
