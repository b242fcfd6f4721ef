/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../file.h"
#include "../harness.h"
#include "../process.h"
#include "soak.h"

#define LOG	"/tmp/load"

static pid_t	load;		/* 0: it has ended */
static int	out = -1;
static int64_t	began;

const char *
crowd_log(void)
{
	return LOG;
}

int64_t
crowd_began(void)
{
	return began;
}

pid_t
crowd_pid(void)
{
	return load;
}

bool
crowd_alive(void)
{
	return load != 0;
}

/* The log's head says when all sessions were there. */
void
crowd_begin(void)
{
	char		 sessions[16], rate[16];
	const char	*argv[] = { "./outlive-load", "--hold", sessions,
			    "--every", "0.2", "--rate", rate, "--for", "86400",
			    "-s", "echo", "-t", "10", "--quiet", "--json",
			    "--log", LOG, ADDRESS, NULL };
	static struct sight sight;
	struct wait	 wait = { .what = "sessions" };

	(void)snprintf(sessions, sizeof(sessions), "%d", soak.plan.sessions);
	(void)snprintf(rate, sizeof(rate), "%d", soak.plan.rate);
	(void)unlink(LOG);
	if (out != -1)
		(void)close(out);
	if ((out = memfd_create("report", MFD_CLOEXEC)) == -1)
		bail("memfd");
	load = program_start(argv, out);
	while (!file_has(LOG, "CLOCK_MONOTONIC")) {
		reap();
		servers_look();
		wait_a_moment(&wait);
	}
	see(&sight);
	judge_sessions_are(&sight);
	if (sscanf(file_text(LOG), "# us since %lld", (long long *)&began) != 1)
		bail("outlive-load does not say when it has begun");
}

bool
crowd_reaped(pid_t pid, int status)
{
	if (load == 0 || pid != load)
		return false;
	load = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		trouble("outlive-load has ended with status %#x", status);
	else if (!soak.ending)
		trouble("outlive-load has ended by itself");
	return true;
}

void
crowd_end(void)
{
	if (load != 0)
		send_signal(load, SIGTERM);
}

void
crowd_forget(void)
{
	load = 0;
}

const char *
crowd_report(void)
{
	static char	text[1 << 18];
	ssize_t		n = pread(out, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}
