/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../client.h"
#include "../harness.h"
#include "../load.h"
#include "../measurement.h"
#include "../process.h"
#include "sessions.h"

#define PORT		9999
#define ADDRESS		"127.0.0.1:9999"
/* Of one run, in s: whatever happens in it is over by then. */
#define HUNG		1200
/* How long a session waits for an answer, in s. */
#define PATIENCE	"300"
/* New clients beside the one that is timed. */
#define CLIENTS		3
/* What idle children may need beside the sessions'. */
#define SPARE		2000

static double
now(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
moment(void)
{
	(void)poll(NULL, 0, 2);
}

static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}

static struct server
start(int sessions)
{
	char	most[16];

	(void)snprintf(most, sizeof(most), "%d", sessions + SPARE);
	return server_start("-w", "3", "-m", most, ADDRESS, "echo", NULL);
}

/* All sessions, open, each with its first answer. */
static void
hold(struct load *load, int sessions, const struct options *options)
{
	load_start(load, true, "--hold %d --every %d -t " PATIENCE " " ADDRESS,
	    sessions, options->every);
	/* However long the opening takes, within this run's alarm. */
	while (!load_begun(load))
		moment();
}

/* A new client, and whether it is a child of that parent who serves it. */
static void
be_client(const struct server *server, double *first)
{
	int	fd = dial(server->port);

	if (!echoes(fd, "hello\n"))
		errx(1, "a new client has no answer");
	if (first != NULL)
		*first = now();
	(void)await_server_of(server->pid, fd);
	(void)close(fd);
}

static struct server
kill_and_start(struct server server, int sessions, struct result *result)
{
	double	began = now(), gone, accepts, first;
	int	i;

	send_signal(server.pid, SIGKILL);
	reap(server.pid);
	gone = now();
	server = start(sessions);
	accepts = now();
	be_client(&server, &first);
	for (i = 0; i < CLIENTS; i++)
		be_client(&server, NULL);
	result->gone = (gone - began) * 1e3;
	result->accepts = (accepts - began) * 1e3;
	result->first = (first - began) * 1e3;
	return server;
}

/* Each session says a last word, and hears it. */
static void
end_sessions(struct load *load, int sessions, struct result *result)
{
	double	began = now();

	load_stop(load);
	load_end(load);
	result->answered = now() - began;
	result->lost = (long)load_number(load, "sessions/lost");
	result->messages = (long)load_number(load, "sessions/messages");
	if (result->lost == 0 && result->messages < 2L * sessions)
		errx(1, "not every session has had its last answer");
	result->client = load_number(load, "client_cpu/all");
	load_free(load);
}

/* Who is killed, with how many sessions. */
struct work {
	const char		*strategy;
	int			 sessions;
	const struct options	*options;
};

static void
work(const void *what, void *measured)
{
	const struct work	*work = what;
	struct result		*result = measured;
	struct server		 server;
	struct load		 load;
	double			 began;

	harness_begin();
	harness_own_network();
	(void)alarm(HUNG);
	harness_strategy(work->strategy);
	server = start(work->sessions);
	began = now();
	if (work->sessions > 0)
		hold(&load, work->sessions, work->options);
	result->opening = now() - began;
	server = kill_and_start(server, work->sessions, result);
	if (work->sessions > 0)
		end_sessions(&load, work->sessions, result);
	send_signal(server.pid, SIGTERM);
	/* The children of both, too. */
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	if (work->options->verbose)
		log_show();
}

void
run(const char *strategy, int sessions, const struct options *options,
    struct result *result)
{
	const struct work	what = { .strategy = strategy,
				    .sessions = sessions, .options = options };

	if (!measure_apart(work, &what, result, sizeof(*result)))
		errx(1, "%s with %d sessions could not be measured", strategy,
		    sessions);
	/* It has said why. */
	if (result->first <= 0)
		exit(77);
}
