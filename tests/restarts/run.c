/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../harness.h"
#include "../load.h"
#include "../measurement.h"
#include "../process.h"
#include "far.h"
#include "restarts.h"

#define ADDRESS		"0.0.0.0:9999"
#define LOOPBACK	"127.0.0.1:9999"
/* Clients take turns with so many addresses of theirs, one behind the other: a
   connection that is over keeps its port for a minute. */
#define SOURCES		8
/* From one session's message to the next one's, in s. */
#define SPEECH		0.005
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
	{ .name = "TERM with standby", .signal = SIGTERM, .heir = true,
	    .standby = true, .no_reset = true, .seamless = true },
	{ .name = "KILL with standby", .signal = SIGKILL, .heir = true,
	    .standby = true, .no_reset = true, .seamless = true },
	{ .name = "takeover", .no_reset = true, .seamless = true },
	{ .name = "TERM, not shut out", .signal = SIGTERM, .unshut = true },
};

static struct load	 load;
static int		 client_net = -1;	/* -1: there is only one */
static pid_t		 relay;
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
	/* Who was killed may have children that are about to leave; and where
	   there is an heir, the one before may not have ended. */
	return server_start("-H", heir, "-w", way->signal == SIGTERM &&
	    !way->heir ? "0" : "3", ADDRESS, "echo", NULL);
}

static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}

/* The next parent, when it is sent CONT; or it waits for the end of the one
   before already. */
static struct server
start_next(const struct way *way, int *port)
{
	struct server	next = { .port = 9999 };
	siginfo_t	info;

	log_clear();
	harness_hold(!way->standby);
	next.pid = server_begin(port, "-H", "10", "-w", "30", ADDRESS, "echo",
	    NULL);
	harness_hold(false);
	if (way->standby)
		await_log("trying for 30 s");
	else if (waitid(P_PID, (id_t)next.pid, &info, WSTOPPED) == -1)
		err(1, "waitid");
	return next;
}

static struct server
restart(const struct way *way, struct server server,
    const struct options *options, double *down)
{
	struct server	next = { .pid = 0 };
	int64_t		began;
	int		port = -1;

	if (way->signal == 0) {
		next = start(way);
		reap(server.pid);
		*down = 0;
		return next;
	}
	if (way->heir)
		next = start_next(way, &port);
	began = now_us();
	send_signal(server.pid, way->signal);
	if (way->heir) {
		/* Nothing is lost by not waiting: "kill PID; outlived ..." */
		send_signal(next.pid, SIGCONT);
		(void)server_await(port);
	} else {
		reap(server.pid);
		next = start(way);
	}
	*down = (double)(now_us() - began) / 1e3;
	if (way->heir)
		reap(server.pid);
	if (options->verbose)
		(void)fprintf(stderr, "%s: the next parent accepts after "
		    "%.1f ms\n", way->name, *down);
	return next;
}

/* A network that is far from the clients', which is the one that there was: for
   the server, if packets can be carried to it. */
static void
go_far(const struct options *options)
{
	int	near, far;

	if (options->delay == 0 ||
	    (near = far_device(FAR_CLIENT, SOURCES)) == -1)
		return;
	client_net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (client_net == -1)
		err(1, "/proc/self/ns/net");
	harness_own_network();
	if ((far = far_device(FAR_SERVER, 1)) == -1)
		err(1, "a second TUN device");
	if ((relay = fork()) == 0)
		far_carry(near, far, options->delay * 1000);
	if (relay == -1)
		err(1, "fork");
	(void)close(near);
	(void)close(far);
}

/* The addresses that are theirs alone; "": there are none. */
static const char *
sources(void)
{
	static char	text[SOURCES * 32];
	in_addr_t	first = ntohl(inet_addr(FAR_CLIENT));
	size_t		len = 0;
	int		i;

	for (i = 0; i < SOURCES && client_net != -1; i++) {
		const struct in_addr source = { htonl(first + (in_addr_t)i) };

		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "--source %s ", inet_ntoa(source));
	}
	return text;
}

/* In their network. */
static void
start_clients(const struct options *options)
{
	char	hold[64] = "";
	int	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (options->sessions > 0)
		(void)snprintf(hold, sizeof(hold), "--hold %d --every %.3f",
		    options->sessions, options->sessions * SPEECH);
	if (client_net != -1 && setns(client_net, CLONE_NEWNET) == -1)
		err(1, "the clients' network");
	load_start(&load, true, "-s echo -b 6 -t %d --rate %d %s %s%s",
	    PATIENCE, options->rate, hold, sources(),
	    client_net == -1 ? LOOPBACK : FAR_SERVER ":9999");
	if (client_net != -1 && setns(here, CLONE_NEWNET) == -1)
		err(1, "the server's network");
	(void)close(here);
	load_await(&load);
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

	start_clients(options);
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
   order.  What is before and behind is no part of it: a restart begins there. */
static double
longest_gap(const int64_t *served, int n, int64_t from, int64_t to)
{
	int64_t	longest = 0, before = from;
	int	i;

	for (i = 0; i < n && served[i] < to; i++) {
		if (served[i] < from)
			continue;
		if (served[i] - before > longest)
			longest = served[i] - before;
		before = served[i];
	}
	/* Nobody any more. */
	if (to - before > longest)
		longest = to - before;
	return (double)longest / 1e3;
}

/* Of the clients that were served, in the order in which they were. */
static void
measure_gaps(struct result *result, int64_t *served, int n)
{
	int	i;

	qsort(served, (size_t)n, sizeof(*served), compare);
	result->quiets = QUIET;
	for (i = 0; i < QUIET; i++)
		result->quiet[i] = longest_gap(served, n, marks[i],
		    marks[i + 1]);
	for (i = 0; i < result->restarts; i++)
		result->gaps[i] = longest_gap(served, n, marks[QUIET + i],
		    marks[QUIET + i + 1]);
}

/* What became of a client: its name in the log, and in the table. */
static const struct {
	const char	*outcome, *word;
	size_t		 count;		/* of struct result */
} losses[] = {
	{ "refused", "refused", offsetof(struct result, refused) },
	{ "reset_before", "reset", offsetof(struct result, reset) },
	{ "reset_after", "reset", offsetof(struct result, reset) },
	{ "short", "reset", offsetof(struct result, reset) },
	{ "timeout", "timed out", offsetof(struct result, timed_out) },
};

static void
tell(const struct load_request *lost, const char *word)
{
	int	i = 0;

	while (marks[i + 1] != 0 && marks[i + 1] <= lost->due)
		i++;
	(void)fprintf(stderr, "restart %d: a client came %.1f ms after it, and "
	    "was %s %.1f ms later\n", i - QUIET + 1,
	    (double)(lost->due - marks[i]) / 1e3, word,
	    (double)(lost->ended - lost->due) / 1e3);
}

static void
count_loss(struct result *result, const struct load_request *lost,
    bool verbose)
{
	size_t	i, n = sizeof(losses) / sizeof(losses[0]);

	for (i = 0; i < n && strcmp(losses[i].outcome, lost->outcome) != 0; i++)
		;
	/* Not the server's doing. */
	if (i == n)
		errx(1, "a client: %s", lost->outcome);
	++*(int *)(void *)((char *)result + losses[i].count);
	if (verbose)
		tell(lost, losses[i].word);
}

static void
count(struct result *result, const struct options *options)
{
	struct load_request	 one;
	int			 most = (int)load_number(&load, "requests");
	int			 n = 0;
	int64_t			*served = calloc((size_t)most + 1,
				    sizeof(*served));

	if (served == NULL)
		err(1, "malloc");
	for (; load_next(&load, &one); result->tried++)
		if (strcmp(one.outcome, "done") != 0)
			count_loss(result, &one, options->verbose);
		else if (n < most) {
			result->waited += one.ended - one.due >= WAITED;
			served[n++] = one.ended;
		}
	if (result->tried != most)
		errx(1, "clients in the log: %d of %d", result->tried, most);
	measure_gaps(result, served, n);
	free(served);
	result->lost = (int)load_number(&load, "sessions/lost");
	/* Of a processor. */
	result->client_cpu = load_number(&load, "client_cpu/all") *
	    load_number(&load, "seconds") * 1e3;
}

/* What is restarted, and how. */
struct work {
	const struct way	*way;
	const char		*strategy;
	int			 restarts;
	const struct options	*options;
};

static void
work(const void *what, void *measured)
{
	const struct work	*work = what;
	const struct options	*options = work->options;
	struct result		*result = measured;

	harness_begin();
	harness_own_network();
	go_far(options);
	result->restarts = work->restarts;
	result->delayed = client_net != -1;
	harness_strategy(work->strategy);
	/* Server and clients are in sessions of their own: the scheduler is fair
	   to each of them (sched(7), on autogroups). */
	harness_lead();
	restart_all(work->way, start(work->way), options, result);
	if (relay > 0)
		result->relay_cpu = (double)cpu_of(relay);
	(void)alarm(HUNG);
	load_stop(&load);
	load_end(&load);
	count(result, options);
	load_free(&load);
	if (options->verbose && result->lost + result->reset > 0)
		log_show();
	result->measured = true;
}

bool
run(const struct way *way, const char *strategy, int restarts,
    const struct options *options, struct result *result)
{
	const struct work	what = { .way = way, .strategy = strategy,
				    .restarts = restarts, .options = options };

	if (!measure_apart(work, &what, result, sizeof(*result)))
		errx(1, "%s, %s could not be measured", way->name, strategy);
	return result->measured;
}
