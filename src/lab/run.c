/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "actor.h"
#include "net/clock.h"
#include "net/json.h"
#include "netns.h"
#include "run.h"

/* One that takes so much longer than it says, in s, hangs. */
#define HUNG		120
/* Between two looks at them, in ms. */
#define LOOK		50

#define SKIPPED		77	/* the exit status of automake's tests, too */

struct player {
	const struct experiment	*experiment;
	struct report		 report;
	struct outcome		*outcome;	/* shared with its processes */
	pid_t			 pid;		/* 0: it has ended */
	int64_t			 hangs;
};

/* No process of it is left when its parent has ended, however that was. */
static void
tie_to_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(EX_OSERR);
}

/* In process 1 of its namespaces. */
static void __attribute__((__noreturn__))
play(struct player *player, const struct run_options *options)
{
	static struct stage	stage;
	char			why[128];

	stage.experiment = player->experiment;
	stage.report = &player->report;
	stage.outcome = player->outcome;
	stage.quick = options->quick;
	if (netns_settle(why, sizeof(why)) == -1) {
		report_begin(&player->report, player->experiment);
		stage_skip(&stage, "%s", why);
	}
	stage_open(&stage, options->pcap);
	player->experiment->play(&stage);
	stage_close(&stage);
	_exit(0);
}

/* Between the host and them. */
static void __attribute__((__noreturn__))
lead(struct player *player, const struct run_options *options)
{
	struct outcome	*outcome = player->outcome;
	pid_t		 pid;
	int		 status;

	if (netns_leave(outcome->why, sizeof(outcome->why)) == -1) {
		outcome->verdict = VERDICT_SKIPPED;
		report_begin(&player->report, player->experiment);
		report_end(&player->report, player->experiment, outcome);
		_exit(0);
	}
	if ((pid = fork()) == -1)
		err(EX_OSERR, "fork");
	if (pid == 0) {
		/* Out of its sight, that is 0. */
		tie_to_parent(0);
		play(player, options);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
}

static void
start(struct player *player, const struct run_options *options, bool alone)
{
	pid_t	self = getpid();

	player->report = (struct report){ .json = options->json,
	    .colour = options->colour, .boxes = options->boxes,
	    .quick = options->quick, .out = stdout };
	player->outcome = mmap(NULL, sizeof(*player->outcome),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (player->outcome == MAP_FAILED)
		err(EX_OSERR, "mmap");
	if (!alone && (player->report.out = tmpfile()) == NULL)
		err(EX_CANTCREAT, "a file for what is told");
	player->hangs = clock_ms() + 1000LL *
	    (player->experiment->seconds + HUNG);
	(void)fflush(NULL);
	if ((player->pid = fork()) == -1)
		err(EX_OSERR, "fork");
	if (player->pid == 0) {
		tie_to_parent(self);
		lead(player, options);
	}
}

/* It has ended, one way or another. */
static void
settle(struct player *player, int status)
{
	struct outcome	*outcome = player->outcome;

	player->pid = 0;
	outcome->done = true;
	if (status == 0)
		return;
	outcome->verdict = VERDICT_BROKEN;
	outcome->broken++;
	if (WIFEXITED(status))
		(void)snprintf(outcome->why, sizeof(outcome->why),
		    "the experiment itself failed, status %d",
		    WEXITSTATUS(status));
	else
		(void)snprintf(outcome->why, sizeof(outcome->why),
		    "the experiment itself was ended by %s",
		    strsignal(WTERMSIG(status)));
}

static void
look(struct player *players, size_t n)
{
	size_t	i;
	int	status;

	for (i = 0; i < n; i++) {
		struct player	*player = &players[i];

		if (player->pid == 0)
			continue;
		if (waitpid(player->pid, &status, WNOHANG) == player->pid)
			settle(player, status);
		else if (clock_ms() > player->hangs)
			(void)kill(player->pid, SIGKILL);
	}
}

static void
show_progress(const struct player *players, size_t n)
{
	size_t		i;
	const char	*what = "";
	size_t		running = 0;

	for (i = 0; i < n; i++)
		if (players[i].pid != 0) {
			running++;
			if (*what == '\0')
				what = players[i].outcome->progress;
		}
	(void)fprintf(stderr, "\r\033[K");
	if (running > 0 && *what != '\0')
		(void)fprintf(stderr, "%.76s", what);
	(void)fflush(stderr);
}

/* What it has told; a step that was cut off is in there as far as it came. */
static void
tell(struct player *player)
{
	char	bytes[4096];
	size_t	n;

	if (player->report.out == stdout)
		return;
	rewind(player->report.out);
	while ((n = fread(bytes, 1, sizeof(bytes), player->report.out)) > 0)
		(void)fwrite(bytes, 1, n, stdout);
	(void)fclose(player->report.out);
}

static int
summary(const struct player *players, size_t n, bool words)
{
	int	counts[3] = { 0 };
	size_t	i;

	for (i = 0; i < n; i++)
		counts[players[i].outcome->verdict]++;
	if (words) {
		(void)printf("\n%zu experiments: %d held, %d did not, %d could "
		    "not run\n", n, counts[VERDICT_HELD],
		    counts[VERDICT_BROKEN], counts[VERDICT_SKIPPED]);
		for (i = 0; i < n; i++)
			if (players[i].outcome->verdict != VERDICT_HELD)
				(void)printf("%s: %s\n",
				    players[i].experiment->name,
				    players[i].outcome->why);
	}
	if (counts[VERDICT_BROKEN] > 0)
		return 1;
	return counts[VERDICT_SKIPPED] > 0 ? SKIPPED : 0;
}

int
run(const struct experiment *const *experiments_, size_t n,
    const struct run_options *options)
{
	struct player	*players = calloc(n, sizeof(*players));
	struct utsname	 system;
	bool		 alone = n == 1 && !options->json;
	size_t		 i;
	int		 status;

	if (players == NULL)
		err(EX_OSERR, "memory for %zu experiments", n);
	actors_begin();
	for (i = 0; i < n; i++) {
		players[i].experiment = experiments_[i];
		start(&players[i], options, alone);
	}
	(void)uname(&system);
	if (options->json) {
		(void)fputc('{', stdout);
		json_member(stdout, "system", system.sysname);
		(void)fputc(',', stdout);
		json_member(stdout, "release", system.release);
		(void)printf(",\"experiments\":[");
	}
	for (i = 0; i < n; i++) {
		while (look(players, n), players[i].pid != 0) {
			if (options->progress)
				show_progress(players, n);
			(void)poll(NULL, 0, LOOK);
		}
		if (options->progress)
			(void)fprintf(stderr, "\r\033[K");
		if (i > 0)
			(void)fputs(options->json ? ",\n" : "\n\n", stdout);
		tell(&players[i]);
		(void)fflush(stdout);
	}
	if (options->json)
		(void)puts("]}");
	status = summary(players, n, n > 1 && !options->json);
	for (i = 0; i < n; i++)
		(void)munmap(players[i].outcome, sizeof(struct outcome));
	free(players);
	return status;
}
