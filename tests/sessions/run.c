/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>
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

static int	report;		/* a file in memory: outlive-load's */
static char	log_path[128];	/* it has a head when all sessions are open */

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

static bool
has_begun(void)
{
	int	fd = open(log_path, O_RDONLY | O_CLOEXEC);
	char	byte;
	bool	begun = fd != -1 && read(fd, &byte, 1) == 1;

	if (fd != -1)
		(void)close(fd);
	return begun;
}

/* All sessions, open, each with its first answer. */
static pid_t
hold(int sessions, const struct options *options)
{
	char		n[16], every[16];
	const char	*argv[] = { "./outlive-load", "--hold", n, "--every",
			    every, "--json", "--log", log_path, "-t", PATIENCE,
			    ADDRESS, NULL };
	pid_t		pid;

	if (sessions == 0)
		return -1;
	(void)snprintf(n, sizeof(n), "%d", sessions);
	(void)snprintf(every, sizeof(every), "%d", options->every);
	pid = program_start(argv, report);
	while (!has_begun()) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			errx(1, "the sessions could not be opened");
		moment();
	}
	return pid;
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

/* The number behind these words. */
static double
member(const char *json, const char *in, const char *name)
{
	const char	*at = strstr(json, in);

	if (at == NULL || (at = strstr(at, name)) == NULL)
		errx(1, "outlive-load has not reported %s", name);
	return strtod(at + strlen(name), NULL);
}

/* Each session says a last word, and hears it. */
static void
end_sessions(pid_t load, int sessions, struct result *result)
{
	static char	json[1 << 16];
	double		began = now();
	ssize_t		n;

	send_signal(load, SIGINT);
	reap(load);
	result->answered = now() - began;
	/* Who is lost is at its end: the beginning is enough. */
	n = pread(report, json, sizeof(json) - 1, 0);
	json[n > 0 ? n : 0] = '\0';
	result->lost = (long)member(json, "\"sessions\":{", "\"lost\":");
	result->messages = (long)member(json, "\"sessions\":{",
	    "\"messages\":");
	if (result->lost == 0 && result->messages < 2L * sessions)
		errx(1, "not every session has had its last answer");
	result->client = member(json, "\"client_cpu\":{", "\"all\":");
}

static void
work(const char *strategy, int sessions, const struct options *options,
    struct result *result)
{
	struct server	server;
	double		began;
	pid_t		load;

	harness_begin();
	harness_own_network();
	(void)alarm(HUNG);
	harness_strategy(strategy);
	report = memfd_create("report", MFD_CLOEXEC);
	if (report == -1)
		err(1, "memfd_create");
	(void)snprintf(log_path, sizeof(log_path), "%s/log", harness_state());
	server = start(sessions);
	began = now();
	load = hold(sessions, options);
	result->opening = now() - began;
	server = kill_and_start(server, sessions, result);
	if (load != -1)
		end_sessions(load, sessions, result);
	send_signal(server.pid, SIGTERM);
	/* The children of both, too. */
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	if (options->verbose)
		log_show();
}

void
run(const char *strategy, int sessions, const struct options *options,
    struct result *result)
{
	struct result	*shared = mmap(NULL, sizeof(*shared),
			    PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int		 status;
	pid_t		 pid;

	(void)fflush(NULL);
	if (shared == MAP_FAILED || (pid = fork()) == -1)
		err(1, "a process to measure in");
	if (pid == 0) {
		work(strategy, sessions, options, shared);
		/* Nobody else is there who could have been skipped. */
		exit(0);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (status != 0)
		errx(1, "%s with %d sessions could not be measured", strategy,
		    sessions);
	*result = *shared;
	(void)munmap(shared, sizeof(*shared));
	/* It has said why. */
	if (result->first <= 0)
		exit(77);
}
