/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "blame.h"
#include "net/explain.h"
#include "net/log.h"
#include "orphan.h"
#include "pool.h"

int
blame_process(struct blame *blame, enum who who, pid_t pid)
{
	blame->failed = NULL;
	blame->who = who;
	blame->pid = pid;
	return -1;
}

int
blame_finally(struct blame *blame, const char *fmt, ...)
{
	char	text[512];
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_info("%s", text);
	blame->final = true;
	return -1;
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

bool
blame_is_worth_waiting(const struct blame *blame)
{
	return !blame->final && (blame->failed == NULL ||
	    errno == EADDRINUSE || errno == EADDRNOTAVAIL);
}

/* The process in the way, and what it is. */
static const char *
process_words(const struct blame *blame, const struct pool *pool, char *text,
    size_t size)
{
	static const char	*const roles[] = {
		[ENTRANT] = "coming in as the parent of",
		[PARENT] = "the parent of",
		[HEIR] = "the heir of",
	};
	char			 process[64] =
				    "a process in another pid namespace";

	if (blame->pid != 0)
		(void)snprintf(process, sizeof(process), "process %d",
		    blame->pid);
	(void)snprintf(text, size, "%s is %s %s", process, roles[blame->who],
	    pool->instance.name);
	return text;
}

void
blame_say_waiting(const struct blame *blame, const struct pool *pool,
    const struct address *address)
{
	char	text[256], name[ADDRESS_TEXT];
	int	wait = pool->config->bind_wait, error = errno;

	if (blame->failed == NULL)
		log_info("%s, trying for %d s", process_words(blame, pool, text,
		    sizeof(text)), wait);
	else
		log_info("%s %s: %s, trying for %d s", blame->failed,
		    address_print(address, name),
		    error == EADDRINUSE ? "address in use" :
		    "not an address of this machine yet", wait);
}

void
blame_say_refused(const struct blame *blame, const struct pool *pool,
    const struct address *address)
{
	bool			 takeover = pool->config->takeover;
	const char		*const expected[] = {
		[ENTRANT] = "expected it to be done",
		[PARENT] = takeover ? "expected it to hand the port over "
		    "(kill -CONT, if it is stopped)" : "expected it to end, "
		    "-T, or -n with another name",
		[HEIR] = "expected it to answer (kill -CONT), or to be ended "
		    "(kill -KILL)",
	};
	char			 text[256], name[ADDRESS_TEXT];
	int			 error = errno;

	(void)address_print(address, name);
	errno = error;
	if (blame->failed == NULL)
		log_info("%s: %s", process_words(blame, pool, text,
		    sizeof(text)), expected[blame->who]);
	else
		log_warn("%s %s", blame->failed, name);
	if (pool->given)
		/* Of course it is in use. */
		return;
	explain_failure(address, pool->config, blame->failed != NULL);
}
