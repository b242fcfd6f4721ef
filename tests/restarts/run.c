/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../harness.h"
#include "../process.h"
#include "far.h"
#include "load.h"
#include "restarts.h"

#define PORT		9999
#define ADDRESS		"0.0.0.0:9999"
/* A client that was served after so long has sent its SYN twice, in us. */
#define WAITED		900000
/* Whatever happens until the next restart is over by then, in s. */
#define HUNG		60

const struct way	ways[WAYS] = {
	{ .name = "TERM", .signal = SIGTERM, .no_reset = true },
	{ .name = "KILL", .signal = SIGKILL },
	{ .name = "TERM with heir", .signal = SIGTERM, .heir = true,
	    .no_reset = true, .seamless = true },
	{ .name = "KILL with heir", .signal = SIGKILL, .heir = true,
	    .no_reset = true, .seamless = true },
	{ .name = "takeover", .no_reset = true, .seamless = true },
	{ .name = "TERM, not shut out", .signal = SIGTERM, .unshut = true },
};

static struct load	*load;
static pid_t		 client, relay;
static int		 line;		/* to the clients */
static int64_t		 marks[QUIET + MOST + 1];	/* us */

static struct server
start(const struct way *way)
{
	const char	*heir = way->heir ? "10" : "0";

	if (way->unshut)
		return server_start_paused("unshut 1", "-w", "0", ADDRESS,
		    "echo", NULL);
	if (way->signal == 0)
		return server_start("-T", ADDRESS, "echo", NULL);
	/* Who was killed may have children that are about to leave. */
	return server_start("-H", heir, "-w",
	    way->signal == SIGTERM ? "0" : "3", ADDRESS, "echo", NULL);
}

static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}

static struct server
restart(const struct way *way, struct server server,
    const struct options *options, double *down)
{
	struct server	next;
	int64_t		began = now_us(), ended;

	if (way->signal == 0) {
		next = start(way);
		reap(server.pid);
		*down = 0;
		return next;
	}
	send_signal(server.pid, way->signal);
	reap(server.pid);
	ended = now_us();
	next = start(way);
	*down = (double)(now_us() - began) / 1e3;
	if (options->verbose)
		(void)fprintf(stderr, "%s: the parent ended in %.1f ms, the "
		    "next one accepts after %.1f\n", way->name,
		    (double)(ended - began) / 1e3, *down);
	return next;
}

/* The clients in a network of their own, if packets can be carried to it. */
static bool
start_clients(const struct options *options)
{
	int	pair[2], near = -1, far = -1;

	if (options->delay > 0)
		near = far_device(FAR_CLIENT, 1);
	load->server = (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_port = htons(PORT) };
	(void)inet_pton(AF_INET, near == -1 ? "127.0.0.1" : FAR_SERVER,
	    &load->server.sin_addr);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		err(1, "socketpair");
	if ((client = fork()) == 0) {
		(void)close(pair[0]);
		load_run(load, pair[1]);
	}
	(void)close(pair[1]);
	line = pair[0];
	if (client == -1)
		err(1, "fork");
	if (near == -1)
		return false;
	harness_own_network();
	if ((far = far_device(FAR_SERVER, LOAD_SERVERS)) == -1)
		err(1, "a second TUN device");
	if ((relay = fork()) == 0)
		far_carry(near, far, options->delay * 1000);
	if (relay == -1)
		err(1, "fork");
	(void)close(near);
	(void)close(far);
	return true;
}

static void
sleep_until(int64_t us)
{
	struct timespec	then = { .tv_sec = us / 1000000,
			    .tv_nsec = us % 1000000 * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then,
	    NULL) == EINTR)
		;
}

/* Now, or when it is time, whichever is later. */
static int64_t
sleep_after(int64_t mark, const struct options *options)
{
	int64_t	ready = now_us(), us = options->interval * 1000LL;

	/* At least half of it is left for clients. */
	sleep_until(ready > mark + us / 2 ? ready + us / 2 : mark + us);
	return now_us();
}

static void
restart_all(const struct way *way, struct server server,
    const struct options *options, struct result *result)
{
	int	i, all = QUIET + result->restarts;
	char	byte;

	(void)!write(line, "", 1);
	if (read(line, &byte, 1) != 1)
		errx(1, "the sessions could not be opened");
	marks[0] = sleep_after(now_us(), options);
	for (i = 0; i < all; i++) {
		(void)alarm(HUNG);
		if (i >= QUIET)
			server = restart(way, server, options,
			    &result->down[i - QUIET]);
		marks[i + 1] = sleep_after(marks[i], options);
	}
	result->wall = (double)(marks[all] - marks[0]) / 1e3;
}

static int
compare(const void *a, const void *b)
{
	int64_t	x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Between two clients that were served, one after the other, in ms; of times in
   order. */
static double
longest_gap(const int64_t *served, int n, int64_t from, int64_t to)
{
	int64_t	longest = 0, before = from;
	int	i;

	for (i = 0; i < n; i++) {
		if (served[i] >= from && served[i] - before > longest)
			longest = served[i] - before;
		before = served[i];
		if (before >= to)
			break;
	}
	/* Nobody any more. */
	if (before < to && to - before > longest)
		longest = to - before;
	return (double)longest / 1e3;
}

static void
measure_gaps(struct result *result)
{
	int64_t	*served = calloc((size_t)load->n + 1, sizeof(*served));
	int	 i, n = 0;

	if (served == NULL)
		err(1, "malloc");
	for (i = 0; i < load->n; i++)
		if (load->clients[i].outcome == SERVED)
			served[n++] = load->clients[i].ended;
	qsort(served, (size_t)n, sizeof(*served), compare);
	result->quiets = QUIET;
	for (i = 0; i < QUIET; i++)
		result->quiet[i] = longest_gap(served, n, marks[i],
		    marks[i + 1]);
	for (i = 0; i < result->restarts; i++)
		result->gaps[i] = longest_gap(served, n, marks[QUIET + i],
		    marks[QUIET + i + 1]);
	free(served);
}

static void
tell(const struct client *lost)
{
	static const char *const words[] = { [REFUSED] = "refused",
				    [RESET] = "reset",
				    [TIMED_OUT] = "timed out" };
	int			 i = 0;

	while (marks[i + 1] != 0 && marks[i + 1] <= lost->began)
		i++;
	(void)fprintf(stderr, "restart %d: a client came %.1f ms after it, and "
	    "was %s %.1f ms later\n", i - QUIET + 1,
	    (double)(lost->began - marks[i]) / 1e3, words[lost->outcome],
	    (double)(lost->ended - lost->began) / 1e3);
}

static void
count(struct result *result, const struct options *options)
{
	int	i;

	for (i = 0; i < load->n; i++) {
		const struct client *one = &load->clients[i];

		result->refused += one->outcome == REFUSED;
		result->reset += one->outcome == RESET;
		result->timed_out += one->outcome == TIMED_OUT;
		result->waited += one->outcome == SERVED &&
		    one->ended - one->began >= WAITED;
		if (options->verbose && one->outcome != SERVED)
			tell(one);
	}
	result->tried = load->n;
	result->lost = load->lost;
	result->client_cpu = load->cpu;
}

static void
work(const struct way *way, const char *strategy,
    const struct options *options, struct result *result)
{
	size_t	size = sizeof(*load);
	int	status;

	harness_begin();
	harness_own_network();
	load = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (load == MAP_FAILED)
		err(1, "mmap");
	load->rate = options->rate;
	load->sessions = options->sessions;
	load->patience = PATIENCE;
	result->delayed = start_clients(options);
	harness_strategy(strategy);
	restart_all(way, start(way), options, result);
	if (relay > 0)
		result->relay_cpu = (double)cpu_of(relay);
	/* Who carries packets has a copy. */
	(void)shutdown(line, SHUT_RDWR);
	(void)alarm(HUNG);
	while (waitpid(client, &status, 0) == -1 && errno == EINTR)
		;
	if (status != 0)
		errx(1, "the clients have failed");
	measure_gaps(result);
	count(result, options);
	if (options->verbose && result->lost + result->reset > 0)
		log_show();
	result->measured = true;
}

bool
run(const struct way *way, const char *strategy, int restarts,
    const struct options *options, struct result *result)
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
		shared->restarts = restarts;
		work(way, strategy, options, shared);
		exit(0);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (status != 0)
		errx(1, "%s, %s could not be measured", way->name, strategy);
	*result = *shared;
	(void)munmap(shared, sizeof(*shared));
	return result->measured;
}
