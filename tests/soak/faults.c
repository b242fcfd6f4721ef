/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../harness.h"
#include "../process.h"
#include "faults.h"

#define LEAST		100	/* ms, from one fault to the next */
#define MOST		2000
#define AFTERWARDS	(3 * S)	/* what one may disturb when it is over */
#define TOLD		64
#define LATERS		64

/* What is to be done then: something is taken back, most of all. */
static struct later {
	int64_t	when;
	void	(*act)(pid_t);
	pid_t	pid;
} laters[LATERS];
static int	n_laters;

static struct told { int64_t at; char text[120]; } told[TOLD];
static int	n_told;

static int64_t	next, disturbed_until;
static uint64_t	number;			/* of the next fault */

static const struct kind_of_fault {
	const char	*name;
	unsigned int	 weight;
	bool		(*act)(struct dice *);
} faults[] = {
	{ "TERM to the parent",		6, parent_term },
	{ "KILL to the parent",		6, parent_kill },
	{ "SEGV to the parent",		3, parent_segv },
	{ "QUIT to the parent",		6, parent_quit },
	{ "HUP to the parent",		4, parent_hup },
	{ "STOP, CONT to the parent",	3, parent_stop },
	{ "no descriptor for the parent", 2, parent_full },
	{ "KILL to the heir",		4, heir_kill },
	{ "TERM to a child",		4, child_term },
	{ "KILL to a child",		4, child_kill },
	{ "SEGV to a child",		2, child_segv },
	{ "STOP, CONT to a child",	4, child_stop },
	{ "no descriptor for a child",	2, child_full },
	{ "a second parent",		3, second },
	{ "takeover",			5, takeover },
	{ "two takeovers",		3, takeovers },
	{ "takeover, the new one killed", 4, takeover_killed },
	{ "takeover, the old one killed", 3, takeover_alone },
	{ "the disk full",		2, disk_full },
	{ "files removed",		1, removed },
	{ "the time of day jumps",	4, jump },
	{ "drain",			2, drain },
	{ "drain, with a deadline",	1, drain_now },
};
#define FAULTS	(sizeof(faults) / sizeof(faults[0]))
struct fault	fault;

/* What came of each. */
static struct outcome { int times, backs; int64_t worst; } outcomes[FAULTS];
static struct outcome	*ended_by;	/* the last that has ended a parent */
static struct outcome	*current;

void
fault_detail(const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(fault.detail, sizeof(fault.detail), fmt, ap);
	va_end(ap);
}

void
fault_tell(const char *fmt, ...)
{
	struct told	*one = &told[n_told++ % TOLD];
	va_list		 ap;

	one->at = us() - soak.began;
	va_start(ap, fmt);
	(void)vsnprintf(one->text, sizeof(one->text), fmt, ap);
	va_end(ap);
	if (soak.verbose)
		(void)printf("  %8.3f %s\n", (double)one->at / 1e6, one->text);
}

void
faults_tell(int last)
{
	int	i = n_told > last ? n_told - last : 0;

	if (n_told - i > TOLD)
		i = n_told - TOLD;
	for (; i < n_told; i++)
		(void)printf("# %8.3f %s\n", (double)told[i % TOLD].at / 1e6,
		    told[i % TOLD].text);
}

void
fault_later(int64_t in, void (*act)(pid_t), pid_t pid)
{
	if (n_laters == LATERS)
		bail("too much to be done later");
	laters[n_laters++] = (struct later){ us() + in, act, pid };
}

void
fault_disturb(int64_t lasts)
{
	int64_t	until = us() + lasts + AFTERWARDS;

	if (until > disturbed_until)
		disturbed_until = until;
}

bool
disturbed(void)
{
	return us() < disturbed_until || blind_until() == INT64_MAX;
}

int64_t
fault_between(struct dice *dice, unsigned int least, unsigned int most)
{
	return (int64_t)(least + roll(dice, most - least + 1)) * MS;
}

void
faults_begin(void)
{
	n_told = n_laters = 0;
	next = number = 0;
	disturbed_until = 0;
	surroundings_begin();
	fault_ends_parent(false);
}

void
fault_ends_parent(bool ours)
{
	ended_by = ours ? current : NULL;
}

static void
draw(void)
{
	struct dice	 dice = dice_of(++number);
	unsigned int	 sum = 0, which;
	size_t		 i;

	for (i = 0; i < FAULTS; i++)
		sum += faults[i].weight;
	next = us() + fault_between(&dice, LEAST, MOST);
	which = roll(&dice, sum);
	for (i = 0; which >= faults[i].weight; i++)
		which -= faults[i].weight;
	current = &outcomes[i];
	fault.detail[0] = '\0';
	see(&fault.sight);
	if (!faults[i].act(&dice)) {
		fault_tell("(%s: nobody is there)", faults[i].name);
		return;
	}
	current->times++;
	fault_tell("%s: %s", faults[i].name, fault.detail);
}

static void
do_later(int64_t until)
{
	int	i;

	for (i = 0; i < n_laters;) {
		struct later one = laters[i];

		if (one.when > until) {
			i++;
			continue;
		}
		laters[i] = laters[--n_laters];
		one.act(one.pid);
	}
}

void
faults_look(void)
{
	do_later(us());
	faults_look_blindly();
	if (!soak.harms)
		return;
	if (next == 0)
		next = us() + LEAST * MS;
	if (us() >= next && n_laters < LATERS / 2)
		draw();
}

void
faults_end(void)
{
	do_later(INT64_MAX);
}

void
faults_back(int64_t took)
{
	if (ended_by == NULL || took == -1)
		return;
	ended_by->backs++;
	if (took > ended_by->worst)
		ended_by->worst = took;
}

void
faults_table(void)
{
	size_t	i;

	(void)printf("%-30s %6s %6s %14s\n", "fault", "times", "backs",
	    "worst back, ms");
	for (i = 0; i < FAULTS; i++) {
		(void)printf("%-30s %6d", faults[i].name, outcomes[i].times);
		if (outcomes[i].backs > 0)
			(void)printf(" %6d %14.1f", outcomes[i].backs,
			    (double)outcomes[i].worst / 1e3);
		(void)putchar('\n');
	}
}
