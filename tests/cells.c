/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "harness.h"
#include "net/clock.h"

int	cells_at_once = 8;

struct run {
	pid_t		 pid;
	FILE		*says;
	int		 status;
	bool		 ended;
	long long	 took;		/* ms; at first, when it began */
};

static void
begin(const struct cell *cell, struct run *run)
{
	int	out = memfd_create(cell->name, MFD_CLOEXEC);

	if (out == -1 || (run->says = fdopen(out, "r")) == NULL)
		bail("memfd: %s", strerror(errno));
	if ((run->pid = fork()) == -1)
		bail("fork: %s", strerror(errno));
	run->took = clock_ms();
	if (run->pid != 0)
		return;
	(void)dup2(out, STDOUT_FILENO);
	anew();
	harness_begin();
	harness_own_network();
	harness_strategy(cell->strategy->name);
	cell->play(cell);
	exit(done());
}

/* Its checks become ours. */
static void
relay(const struct cell *cell, struct run *run)
{
	char	line[1024], name[64];
	int	checks = 0;

	(void)snprintf(name, sizeof(name), "%s, %s", cell->strategy->name,
	    cell->name);
	rewind(run->says);
	while (fgets(line, sizeof(line), run->says) != NULL) {
		const char *text = strstr(line, " - ");
		const char *why = strstr(line, " # SKIP ");
		int holds = strncmp(line, "ok ", 3) == 0;

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "1..0 # SKIP ", 12) == 0)
			skip(name, line + 12);
		else if (holds && why != NULL)
			skip(name, why + 8);
		else if (text != NULL &&
		    (holds || strncmp(line, "not ok ", 7) == 0))
			(void)ok(holds, "%s: %s", name, text + 3);
		else if (strncmp(line, "1..", 3) != 0)
			note("%s: %s", name,
			    line + (strncmp(line, "# ", 2) == 0 ? 2 : 0));
		checks += text != NULL || why != NULL;
	}
	note("%s: took %lld ms", name, run->took);
	(void)fclose(run->says);
	if (!WIFEXITED(run->status) || WEXITSTATUS(run->status) != 0 ||
	    checks == 0)
		(void)ok(0, "%s: ended with status %#x after %d checks",
		    name, run->status, checks);
}

void
cells_play(const struct cell *cells, int n)
{
	struct run	*runs = calloc((size_t)n, sizeof(*runs));
	int		 begun = 0, ended = 0, said = 0, i, status;
	pid_t		 pid;

	if (runs == NULL)
		bail("no memory");
	while (said < n) {
		for (; begun < n && begun - ended < cells_at_once; begun++)
			begin(&cells[begun], &runs[begun]);
		if ((pid = wait(&status)) == -1)
			bail("wait: %s", strerror(errno));
		for (i = 0; i < begun; i++)
			if (runs[i].pid == pid) {
				runs[i].status = status;
				runs[i].ended = true;
				runs[i].took = clock_ms() - runs[i].took;
				ended++;
			}
		for (; said < begun && runs[said].ended; said++)
			relay(&cells[said], &runs[said]);
	}
	free(runs);
}

/* Each with each of the strategies, up to a NULL. */
static void
play_with(const struct strategy *const *strategy, const struct cell *cells,
    int n)
{
	struct cell		*all = NULL;
	int			 many = 0, i;

	for (; *strategy != NULL; strategy++) {
		all = reallocarray(all, (size_t)(many + n), sizeof(*all));
		if (all == NULL)
			bail("no memory");
		for (i = 0; i < n; i++) {
			all[many] = cells[i];
			all[many++].strategy = *strategy;
		}
	}
	cells_play(all, many);
	free(all);
}

void
cells_play_all(const struct cell *cells, int n)
{
	play_with(strategies, cells, n);
}

void
cells_play_both(const struct cell *cells, int n)
{
	const struct strategy	*const both[] = {
		strategy_find("pass"), strategy_find("shared"), NULL };

	play_with(both, cells, n);
}
