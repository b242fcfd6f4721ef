/* SPDX-License-Identifier: ISC */
/*
 * The clock is set, on and back, all the time: nothing happens.  Whatever waits
 * waits by a clock that nobody sets; only what is written down has the time of
 * day.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "net/clock.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

/* A wait of a second, begun no earlier than that. */
static void
took_a_second(const char *what, long long began)
{
	long long	took = clock_ms() - began;

	ok(took >= 990, "%s: after %lld ms", what, took);
}

/* What is written down: the hours go up and down. */
static void
leaps(void)
{
	struct server	server;
	char		path[256], line[512];
	FILE		*file;
	int		hour, before = -1, different = 0;

	(void)snprintf(path, sizeof(path), "%s/log", harness_state());
	server = server_start_paused("leap 1", "-l", path, PORT, "echo", NULL);
	server_end(server);
	if ((file = fopen(path, "re")) == NULL)
		bail("%s", path);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%*d-%*d-%*dT%d:", &hour) != 1)
			bail("no time: %s", line);
		different += before != -1 && hour != before;
		before = hour;
	}
	(void)fclose(file);
	ok(different > 0, "the clock leaps");
}

static void
ends_clients(const char *option)
{
	struct server	server = server_start_paused("leap 1", option, "1",
			    PORT, "echo", NULL);
	long long	began = clock_ms();
	int		client = dial(server.port);

	ok(sees_end(client), "%s 1 ends a client", option);
	took_a_second(option, began);
	(void)close(client);
	server_end(server);
}

static void
leap(void)
{
	(void)setenv("OUTLIVED_PAUSE", "leap 1", 1);
}

/* A port that is in use is tried for a second, and no longer. */
static void
waits_for_port(void)
{
	const char	*argv[] = { "tests/paused/outlived", "-w", "1", "-n",
			    "other", PORT, "echo", NULL };
	struct server	server = server_start(PORT, "echo", NULL);
	long long	began = clock_ms();
	int		status = await_end(program_start_in(leap, argv, -1));

	ok(WIFEXITED(status) && WEXITSTATUS(status) == EX_UNAVAILABLE,
	    "a port in use is not to be had");
	took_a_second("-w", began);
	server_end(server);
}

/* Births that fail are tried again, a second later, then two. */
static void
births(void)
{
	struct server	server;
	long long	began = clock_ms();
	char		pause[80];
	int		client;

	gate_close("leap 1,barren", pause, sizeof(pause));
	log_clear();
	server = server_start_paused(pause, PORT, "echo", NULL);
	await_log("fork: the next try in 1 s");
	await_log("fork: the next try in 2 s");
	took_a_second("births", began);
	gate_open();
	client = dial(server.port);
	ok(echoes(client, "hello\n"), "a client is served");
	(void)close(client);
	server_end(server);
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	leaps();
	ends_clients("-t");
	ends_clients("-x");
	waits_for_port();
	births();
	return done();
}
