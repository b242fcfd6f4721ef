/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

/* A client that is not done by then is given up, in s. */
#define PATIENCE	60

/* What the clients write, each of them where no other does. */
struct report {
	int64_t	began, ended;		/* us */
	int	failed;
	int	first_byte[];		/* us, of each connection */
};

static int64_t
now_us(void)
{
	struct timespec	now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* One connection; false: it has failed. */
static bool
ask(const struct load *load, const struct sockaddr_in *server, int *first_byte)
{
	char			answer[16384];
	int64_t			began = now_us();
	int			fd = socket(AF_INET, SOCK_STREAM, 0), left;
	ssize_t			n = -1;

	*first_byte = -1;
	left = load->answer;
	if (connect(fd, (const struct sockaddr *)server,
	    sizeof(*server)) == 0 &&
	    send(fd, load->request, strlen(load->request),
	    MSG_NOSIGNAL) != -1)
		for (; left > 0; left -= (int)n) {
			n = read(fd, answer, sizeof(answer));
			if (n <= 0)
				break;
			if (*first_byte == -1)
				*first_byte = (int)(now_us() - began);
		}
	(void)close(fd);
	return left <= 0;
}

/* So that a client does not depend on how long its answers take. */
static void
sleep_until(int64_t us)
{
	struct timespec	then = { .tv_sec = us / 1000000,
			    .tv_nsec = us % 1000000 * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then,
	    NULL) == EINTR)
		;
}

static void __attribute__((__noreturn__))
be_client(const struct load *load, int number, int start,
    struct report *report)
{
	struct sockaddr_in	server = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)load->port) };
	char			byte;
	int			i;

	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)number);
	(void)alarm(PATIENCE);
	(void)!read(start, &byte, 1);
	report->began = now_us();
	for (i = 0; i < load->connections; i++) {
		if (load->pause > 0)
			sleep_until(report->began + (int64_t)i * load->pause +
			    (int64_t)number * load->pause / load->clients);
		if (!ask(load, &server, &report->first_byte[i]))
			report->failed++;
	}
	report->ended = now_us();
	_exit(0);
}

static int
compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int
median_first_byte(const struct load *load, char *reports, size_t size)
{
	int	n = 0, i, k, median, *all;

	all = calloc((size_t)(load->clients * load->connections),
	    sizeof(*all));
	if (all == NULL)
		err(1, "malloc");
	for (k = 0; k < load->clients; k++)
		for (i = 0; i < load->connections; i++) {
			struct report *report = (void *)(reports +
			    (size_t)k * size);

			if (report->first_byte[i] != -1)
				all[n++] = report->first_byte[i];
		}
	qsort(all, (size_t)n, sizeof(*all), compare);
	median = n == 0 ? -1 : all[n / 2];
	free(all);
	return median;
}

void
load_run(const struct load *load, struct load_result *result)
{
	size_t	 size = (sizeof(struct report) + (size_t)load->connections *
		    sizeof(int) + 63) / 64 * 64;
	size_t	 whole = size * (size_t)load->clients;
	char	*reports = mmap(NULL, whole, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t	 began = INT64_MAX, ended = 0;
	int	 start[2], k, status;
	pid_t	 pid[64];

	if (reports == MAP_FAILED || load->clients > 64 || pipe(start) == -1)
		err(1, "a load of %d clients", load->clients);
	for (k = 0; k < load->clients; k++)
		if ((pid[k] = fork()) == 0) {
			(void)close(start[1]);
			be_client(load, k, start[0],
			    (void *)(reports + (size_t)k * size));
		} else if (pid[k] == -1)
			err(1, "fork");
	(void)close(start[0]);
	(void)close(start[1]);	/* and off they go */
	*result = (struct load_result){ .failed = 0 };
	for (k = 0; k < load->clients; k++) {
		struct report *report = (void *)(reports + (size_t)k * size);

		while (waitpid(pid[k], &status, 0) == -1 && errno == EINTR)
			;
		if (status != 0)
			report->failed = load->connections;
		if (report->began < began)
			began = report->began;
		if (report->ended > ended)
			ended = report->ended;
		result->failed += report->failed;
	}
	result->us = ended - began;
	result->first_byte = median_first_byte(load, reports, size);
	(void)munmap(reports, whole);
}
