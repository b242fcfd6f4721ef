/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../client.h"
#include "../harness.h"
#include "../load.h"
#include "../measurement.h"
#include "../process.h"
#include "measure.h"
#include "pool/generation.h"

#define MANY	2048		/* more children than any subject has */
#define COUNTS	3		/* the descriptor of tests/ceiling */
#define PATIENCE	60		/* s, of a client */

/* What a set of processes has used so far. */
struct usage {
	double	cpu;		/* s */
	double	switches;
};

/* The first number behind a name in a file of /proc/PID; 0: there is none. */
static double
number_in(pid_t pid, const char *file, const char *name)
{
	char	path[64], line[256];
	double	number = 0;
	FILE	*in;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	if ((in = fopen(path, "re")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), in) != NULL)
		if (strncmp(line, name, strlen(name)) == 0) {
			number = atof(line + strlen(name));
			break;
		}
	(void)fclose(in);
	return number;
}

static void
add(struct usage *usage, pid_t pid)
{
	usage->cpu += number_in(pid, "schedstat", "") / 1e9;
	usage->switches +=
	    number_in(pid, "status", "voluntary_ctxt_switches:") +
	    number_in(pid, "status", "nonvoluntary_ctxt_switches:");
}

/* A server and its children, those that are alive. */
static struct usage
living(pid_t server, int *children)
{
	struct usage	usage = { .cpu = 0 };
	static pid_t	list[MANY];
	int		i;

	*children = children_of(server, list, MANY);
	add(&usage, server);
	for (i = 0; i < *children; i++)
		add(&usage, list[i]);
	return usage;
}

/* Those that have ended, and have been waited for, and all of theirs. */
static struct usage
dead(void)
{
	struct rusage	r;

	(void)getrusage(RUSAGE_CHILDREN, &r);
	return (struct usage){
	    .cpu = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6,
	    .switches = (double)(r.ru_nvcsw + r.ru_nivcsw) };
}

/* It listens, has its children, and all of them sleep. */
static struct usage
settled(pid_t server, const struct subject *subject)
{
	struct wait	wait = { .what = subject->argv[0] };
	struct usage	before = { .cpu = -1 }, usage;
	int		children;

	for (;; before = usage) {
		usage = living(server, &children);
		if (children >= subject->children && listeners(PORT) > 0 &&
		    usage.switches == before.switches)
			return usage;
		wait_a_moment(&wait);
		(void)poll(NULL, 0, 20);
	}
}

static int
compare(const void *a, const void *b)
{
	uint32_t	x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
spread(uint32_t *counts, int n, struct sample *sample)
{
	if (n == 0)
		return;
	qsort(counts, (size_t)n, sizeof(*counts), compare);
	sample->least = counts[0];
	sample->median = counts[n / 2];
	sample->most = counts[n - 1];
}

/* By the board. */
static void
distribution(const char *instance, struct sample *sample)
{
	struct generations	generations;
	char			path[256];
	uint32_t		counts[MANY];
	int			dir, i, n = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", harness_state(), instance);
	if ((dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return;
	if (generations_read(&generations, dir) == 0 && generations.n > 0)
		for (; n < generations.list[0].n && n < MANY; n++)
			counts[n] = generations.list[0].children[n].taken;
	i = n;
	generations_free(&generations);
	(void)close(dir);
	spread(counts, i, sample);
}

static double
mean_pss(pid_t server)
{
	static pid_t	list[MANY];
	int		i, n = children_of(server, list, MANY);
	double		sum = 0;

	for (i = 0; i < n; i++)
		sum += number_in(list[i], "smaps_rollup", "Pss:");
	return n == 0 || sum <= 0 ? -1 : sum / n;
}

/* Descriptor 3 of what is started. */
static int	counts_fd;

/* Everyone begins as under systemd. */
static void
prepare(void)
{
	harness_seclude();
	(void)dup2(counts_fd, COUNTS);
}

static void
start_clients(struct load *load, const struct clients *clients)
{
	char	service[32], loop[64];

	if (clients->bytes > 0)
		(void)snprintf(service, sizeof(service), "-b %d",
		    clients->bytes);
	else
		(void)snprintf(service, sizeof(service), "-s echo -b 6");
	if (clients->rate > 0)
		(void)snprintf(loop, sizeof(loop), "--rate %d --for %.3f",
		    clients->rate, (double)clients->n * clients->connections /
		    clients->rate);
	else
		(void)snprintf(loop, sizeof(loop), "-c %d -p %d -n %d",
		    clients->n, clients->n, clients->connections);
	load_start(load, false, "%s %s -t %d %d", service, loop, PATIENCE,
	    PORT);
}

/* How many connections there were. */
static double
put_clients(const struct load *load, struct sample *sample)
{
	double	many = load_number(load, "requests");
	double	seconds = load_number(load, "seconds");
	double	done = load_number(load, "done");

	if (many <= 0 || seconds <= 0)
		errx(1, "there were no clients");
	sample->rate = done / seconds;
	sample->failed = (int)(many - done);
	sample->first_byte = done <= 0 ? -1 :
	    load_number(load, "latency_us/first_byte/p50");
	/* Of a processor. */
	sample->client_cpu = load_number(load, "client_cpu/all") * seconds /
	    many * 10000;
	return many;
}

static uint32_t *
new_counts(void)
{
	size_t		 bytes = MANY * sizeof(uint32_t);
	uint32_t	*counts;

	if ((counts_fd = memfd_create("counts", MFD_CLOEXEC)) == -1 ||
	    ftruncate(counts_fd, (off_t)bytes) == -1 ||
	    (counts = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
	    counts_fd, 0)) == MAP_FAILED)
		err(1, "memfd");
	return counts;
}

/* Who is measured, and by whom. */
struct work {
	const struct subject	*subject;
	const struct clients	*clients;
};

static void
work(const void *what, void *result)
{
	const struct work	*work = what;
	const struct subject	*subject = work->subject;
	struct sample		*sample = result;
	uint32_t		*counts;
	struct load		 load;
	struct usage		 before, after, others;
	pid_t			 server;
	double			 many;
	int			 children;

	harness_begin();
	harness_own_network();
	counts = new_counts();
	server = program_start_in(prepare, subject->argv, -1);
	before = settled(server, subject);
	start_clients(&load, work->clients);
	load_end(&load);
	others = dead();
	after = living(server, &children);
	*sample = (struct sample){ .pss = mean_pss(server), .least = -1,
	    .median = -1, .most = -1 };
	many = put_clients(&load, sample);
	load_free(&load);
	if (subject->instance != NULL)
		distribution(subject->instance, sample);
	else
		spread(counts, subject->children, sample);
	send_signal(server, SIGTERM);
	(void)waitpid(server, NULL, 0);
	if (subject->mortal) {
		/* A child that has ended is in its parent's account, once the
		   parent is in ours. */
		harness_end_all();
		after = dead();
		after.cpu -= others.cpu;
		after.switches -= others.switches;
	}
	sample->cpu = (after.cpu - before.cpu) / many * 10000;
	sample->switches = (after.switches - before.switches) / many;
}

void
measure(const struct subject *subject, const struct clients *clients,
    struct sample *sample)
{
	const struct work	what = { .subject = subject,
				    .clients = clients };

	if (!measure_apart(work, &what, sample, sizeof(*sample)))
		errx(1, "%s %s could not be measured", subject->argv[0],
		    subject->argv[1]);
}
