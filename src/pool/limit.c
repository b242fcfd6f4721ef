/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <errno.h>
#include <linux/sockios.h>
#include <signal.h>
#include <unistd.h>

#include "limit.h"
#include "net/log.h"
#include "net/stream.h"
#include "outlive.h"

static volatile sig_atomic_t	serving = -1;	/* the client's descriptor */
static volatile sig_atomic_t	overdue;
static pid_t			self;

/* The next alarm finds the default action (SA_RESETHAND). */
static void
on_alarm(int signo)
{
	const struct linger	reset = { .l_onoff = 1 };
	int			unsent = 0, saved = errno;

	(void)signo;
	/* What a service has forked inherits this handler, not our part. */
	if (serving == -1 || getpid() != self)
		return;
	overdue = 1;
	/* The kernel would keep the output of a client that never reads. */
	if (ioctl(serving, SIOCOUTQ, &unsent) == 0 && unsent > 0)
		(void)setsockopt(serving, SOL_SOCKET, SO_LINGER, &reset,
		    sizeof(reset));
	(void)shutdown(serving, SHUT_RDWR);
	(void)alarm(LIMIT_GRACE);
	errno = saved;
}

/* On the client's socket alone: accept() on the listening one would time
   out. */
static void
limit_silence(const struct outlive_config *config, int fd)
{
	const struct timeval	limit = { .tv_sec = config->idle_timeout };

	if (config->idle_timeout > 0 &&
	    (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
	    sizeof(limit)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
	    sizeof(limit)) == -1))
		log_warn("cannot set the idle timeout");
}

void
limit_begin(const struct outlive_config *config,
    const struct outlive_client *client)
{
	struct sigaction	action = { .sa_handler = on_alarm,
				    .sa_flags = SA_RESTART | SA_RESETHAND };

	limit_silence(config, client->fd);
	if (config->session_limit == 0)
		return;
	self = getpid();
	overdue = 0;
	serving = client->fd;
	(void)sigfillset(&action.sa_mask);
	/* For each client: the last one's may have come. */
	(void)sigaction(SIGALRM, &action, NULL);
	(void)alarm((unsigned int)config->session_limit);
}

void
limit_end(const struct outlive_config *config,
    const struct outlive_client *client)
{
	if (config->session_limit > 0) {
		/* First: an alarm that has come already is not to set the
		   second one. */
		serving = -1;
		(void)alarm(0);
	}
	if (config->idle_timeout > 0 && stall_seen())
		log_debug("idle timeout: %s was ended after %d s without "
		    "progress", client->name, config->idle_timeout);
	if (overdue)
		log_debug("session limit: %s was ended after %d s",
		    client->name, config->session_limit);
}

void
limit_program(const struct outlive_config *config,
    const struct outlive_client *client)
{
	limit_silence(config, client->fd);
	if (config->session_limit > 0)
		(void)alarm((unsigned int)config->session_limit);
}

bool
limit_ended(const struct outlive_config *config, int status)
{
	return config->session_limit > 0 && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGALRM;
}
