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
#include "soak.h"

#define LEAST		100	/* ms, from one fault to the next */
#define MOST		2000
#define AFTERWARDS	(3 * S)	/* what one may disturb when it is over */
#define TOLD		64
#define LATERS		64
#define JOBS		16

/* What is to be done then: something is taken back, most of all. */
static struct later {
	int64_t	when;
	void	(*act)(pid_t);
	pid_t	pid;
} laters[LATERS];
static int	n_laters;

static struct told { int64_t at; char text[120]; } told[TOLD];
static int	n_told;

static int64_t	next, disturbed_until, blind;	/* INT64_MAX: still */
static uint64_t	number;			/* of the next fault */
static pid_t	blinded;		/* the parent of that time */
static pid_t	jobs[JOBS];
static int	n_jobs;
static struct sight	sight;
static char	detail[120];

/* Of each kind of fault: false, there was nobody. */
static bool	parent_term(struct dice *), parent_kill(struct dice *),
		parent_segv(struct dice *), parent_quit(struct dice *),
		parent_hup(struct dice *), parent_stop(struct dice *),
		parent_full(struct dice *), heir_kill(struct dice *),
		child_term(struct dice *), child_kill(struct dice *),
		child_segv(struct dice *), child_stop(struct dice *),
		child_full(struct dice *), second(struct dice *),
		takeover(struct dice *), takeovers(struct dice *),
		takeover_killed(struct dice *), takeover_alone(struct dice *),
		disk_full(struct dice *), removed(struct dice *),
		jump(struct dice *), drain(struct dice *),
		drain_now(struct dice *);
static const struct fault {
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
/* What came of each. */
static struct outcome { int times, backs; int64_t worst; } outcomes[FAULTS];
static struct outcome	*ended_by;	/* the last that has ended a parent */
static struct outcome	*current;

static void __attribute__((__format__(printf, 1, 2)))
tell(const char *fmt, ...)
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

static void
later(int64_t in, void (*act)(pid_t), pid_t pid)
{
	if (n_laters == LATERS)
		bail("too much to be done later");
	laters[n_laters++] = (struct later){ us() + in, act, pid };
}

static void
disturb(int64_t lasts)
{
	int64_t	until = us() + lasts + AFTERWARDS;

	if (until > disturbed_until)
		disturbed_until = until;
}

bool
disturbed(void)
{
	return us() < disturbed_until || blind == INT64_MAX;
}

int64_t
blind_until(void)
{
	return blind;
}

static int64_t
between(struct dice *dice, unsigned int least, unsigned int most)
{
	return (int64_t)(least + roll(dice, most - least + 1)) * MS;
}

/* The parent; NULL: there is none, or we do not know, or it is told to end. */
static struct server_one *
target(void)
{
	struct server_one	*owner = servers_owner();

	if (blind == INT64_MAX || owner == NULL || owner->told != 0)
		return NULL;
	(void)snprintf(detail, sizeof(detail), "%d", owner->pid);
	return owner;
}

static void
hit(pid_t pid, int signo)
{
	struct seen	 one = { .pid = pid };
	const struct seen *seen = seen_of(&sight, pid);

	judge_hit(seen != NULL ? seen : &one, signo);
	send_signal(pid, signo);
}

/* What a parent's end may cost. */
static void
permit_end(int signo)
{
	bool	heir = lock_heir() > 0;
	bool	killed = signo == SIGKILL || signo == SIGSEGV;

	if (!heir)
		permit(REFUSED | (killed ? RESET | SHORT : 0), -1, -1,
		    "the parent's end");
	else if (killed)
		permit(RESET | SHORT, 1, 2 * S, "a parent was killed");
}

static bool
end_parent(int signo)
{
	struct server_one	*owner = target();

	if (owner == NULL)
		return false;
	ended_by = current;
	permit_end(signo);
	server_told(owner, signo);
	hit(owner->pid, signo);
	return true;
}

static bool
parent_term(struct dice *dice)
{
	(void)dice;
	return end_parent(SIGTERM);
}

static bool
parent_kill(struct dice *dice)
{
	(void)dice;
	return end_parent(SIGKILL);
}

static bool
parent_segv(struct dice *dice)
{
	(void)dice;
	return end_parent(SIGSEGV);
}

static bool
parent_quit(struct dice *dice)
{
	(void)dice;
	return end_parent(SIGQUIT);
}

static bool
parent_hup(struct dice *dice)
{
	struct server_one	*owner = target();

	(void)dice;
	if (owner == NULL || !owner->served)
		return false;
	send_signal(owner->pid, SIGHUP);
	return true;
}

static void
go_on(pid_t pid)
{
	tell("CONT to %d", pid);
	send_signal(pid, SIGCONT);
}

static void
stop_for(pid_t pid, int64_t lasts)
{
	disturb(lasts);
	send_signal(pid, SIGSTOP);
	later(lasts, go_on, pid);
}

static bool
parent_stop(struct dice *dice)
{
	struct server_one	*owner = target();
	int64_t			 lasts = between(dice, 20, 1500);

	if (owner == NULL)
		return false;
	stop_for(owner->pid, lasts);
	return true;
}

static bool
is_child(const struct seen *one)
{
	return one->kind == IDLE || one->kind == BUSY;
}

/* Of those who are there, one that is a child. */
static const struct seen *
a_child(struct dice *dice)
{
	unsigned int	n = 0, which = roll(dice, 1 << 20);
	int		i, round;

	for (round = 0; round < 2; round++) {
		if (round == 1 && n == 0)
			return NULL;
		if (round == 1)
			which %= n;
		for (i = 0; i < sight.n; i++) {
			const struct seen *one = &sight.list[i];

			if (!is_child(one))
				continue;
			if (round == 0)
				n++;
			else if (which-- == 0) {
				(void)snprintf(detail, sizeof(detail),
				    "%d, %s", one->pid, one->title);
				return one;
			}
		}
	}
	return NULL;
}

static bool
hit_child(struct dice *dice, int signo)
{
	const struct seen	*one = a_child(dice);

	if (one == NULL)
		return false;
	hit(one->pid, signo);
	return true;
}

static bool
child_term(struct dice *dice)
{
	return hit_child(dice, SIGTERM);
}

static bool
child_kill(struct dice *dice)
{
	return hit_child(dice, SIGKILL);
}

static bool
child_segv(struct dice *dice)
{
	return hit_child(dice, SIGSEGV);
}

static bool
child_stop(struct dice *dice)
{
	const struct seen	*one = a_child(dice);
	int64_t			 lasts = between(dice, 20, 2500);

	if (one == NULL)
		return false;
	stop_for(one->pid, lasts);
	return true;
}

/* For everybody: a child has what its parent had when it was born. */
static void
descriptors_back(pid_t pid)
{
	struct rlimit	ours, limit;
	int		i;

	tell("descriptors again (%d)", pid);
	(void)getrlimit(RLIMIT_NOFILE, &ours);
	see(&sight);
	for (i = 0; i < sight.n; i++)
		if (prlimit(sight.list[i].pid, RLIMIT_NOFILE, NULL,
		    &limit) == 0 && limit.rlim_cur < ours.rlim_cur) {
			limit.rlim_cur = limit.rlim_max < ours.rlim_cur ?
			    limit.rlim_max : ours.rlim_cur;
			(void)prlimit(sight.list[i].pid, RLIMIT_NOFILE, &limit,
			    NULL);
		}
}

static void
fill_descriptors(pid_t pid, int64_t lasts)
{
	struct rlimit	limit;
	int		highest;

	disturb(lasts);
	(void)descriptors_count(pid, &highest);
	if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0) {
		limit.rlim_cur = (rlim_t)highest + 1;
		(void)prlimit(pid, RLIMIT_NOFILE, &limit, NULL);
	}
	later(lasts, descriptors_back, pid);
}

static bool
parent_full(struct dice *dice)
{
	struct server_one	*owner = target();
	int64_t			 lasts = between(dice, 50, 1500);

	if (owner == NULL || !owner->served)
		return false;
	fill_descriptors(owner->pid, lasts);
	return true;
}

static bool
child_full(struct dice *dice)
{
	const struct seen	*one = a_child(dice);
	int64_t			 lasts = between(dice, 50, 1500);

	if (one == NULL)
		return false;
	fill_descriptors(one->pid, lasts);
	return true;
}

static bool
heir_kill(struct dice *dice)
{
	pid_t	heir = lock_heir();

	(void)dice;
	if (blind == INT64_MAX || heir <= 1)
		return false;
	(void)snprintf(detail, sizeof(detail), "%d", heir);
	/* Without a parent it has those who wait. */
	if (!servers_serve())
		permit(REFUSED | RESET, -1, -1, "the heir's end");
	hit(heir, SIGKILL);
	return true;
}

static bool
second(struct dice *dice)
{
	int	wait = (int)roll(dice, 3);

	if (target() == NULL)
		return false;
	(void)snprintf(detail, sizeof(detail), "%d, waits %d s",
	    servers_start(SECOND, wait)->pid, wait);
	return true;
}

static bool
takeover(struct dice *dice)
{
	(void)dice;
	if (target() == NULL)
		return false;
	(void)snprintf(detail, sizeof(detail), "%d",
	    servers_start(TAKEOVER, soak.plan.wait)->pid);
	return true;
}

static bool
takeovers(struct dice *dice)
{
	pid_t	first, other;

	(void)dice;
	if (target() == NULL)
		return false;
	first = servers_start(TAKEOVER, soak.plan.wait)->pid;
	other = servers_start(TAKEOVER, soak.plan.wait)->pid;
	(void)snprintf(detail, sizeof(detail), "%d, %d", first, other);
	return true;
}

/* It may have the port already, and its clients, or not yet. */
static void
kill_server(pid_t pid)
{
	struct server_one	*server = server_of(pid);

	if (server == NULL || !server->alive)
		return;
	tell("KILL to %d%s", pid, server->owned ? ", which has the port" : "");
	see(&sight);
	permit_end(SIGKILL);
	server_told(server, SIGKILL);
	hit(pid, SIGKILL);
}

static bool
takeover_killed(struct dice *dice)
{
	int64_t			 in = between(dice, 0, 250);
	struct server_one	*one;

	if (target() == NULL)
		return false;
	ended_by = current;
	one = servers_start(TAKEOVER, soak.plan.wait);
	later(in, kill_server, one->pid);
	(void)snprintf(detail, sizeof(detail), "%d, in %d ms", one->pid,
	    (int)(in / MS));
	return true;
}

static bool
takeover_alone(struct dice *dice)
{
	int64_t			 in = between(dice, 0, 250);
	struct server_one	*owner = target();

	if (owner == NULL)
		return false;
	ended_by = current;
	later(in, kill_server, owner->pid);
	(void)snprintf(detail, sizeof(detail), "%d from %d, in %d ms",
	    servers_start(TAKEOVER, soak.plan.wait)->pid, owner->pid,
	    (int)(in / MS));
	return true;
}

static const char *
in_state(const char *name)
{
	static char	path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", getenv("OUTLIVE_STATE_DIR"),
	    name);
	return path;
}

static void
disk_free(pid_t pid)
{
	(void)pid;
	tell("room on the disk again");
	(void)unlink(in_state("full"));
}

static bool
disk_full(struct dice *dice)
{
	static const char	zeros[4096];
	int64_t			lasts = between(dice, 50, 1500);
	int			fd = open(in_state("full"), O_WRONLY | O_CREAT |
				    O_APPEND | O_CLOEXEC, 0600);

	if (fd == -1)
		return false;
	disturb(lasts);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	(void)close(fd);
	later(lasts, disk_free, 0);
	return true;
}

/* Who has seen it begins anew: the parent, and whoever keeps the port. */
static void
recover(pid_t pid)
{
	struct server_one	*server = server_of(pid);

	tell("TERM to %d, which cannot be found any more", pid);
	permit(REFUSED | RESET | SHORT, -1, -1, "files were removed");
	if (server == NULL || !server->alive)
		return;
	ended_by = NULL;
	see(&sight);
	server_told(server, SIGTERM);
	hit(pid, SIGTERM);
}

static bool
removed(struct dice *dice)
{
	static const char	*const which[] = { "board.*", "control", "lock",
				    "*" };
	struct server_one	*owner = target();
	char			 command[320];
	int64_t			 in = between(dice, 50, 900);
	unsigned int		 what = roll(dice, 4);

	if (owner == NULL || !owner->served || servers_coming())
		return false;
	(void)snprintf(command, sizeof(command), "rm -f %s/%s",
	    in_state(NAME), which[what]);
	blind = INT64_MAX;
	blinded = owner->pid;
	/* The shell's pid is nobody's when it is looked for. */
	if (system(command) == -1)
		return false;
	(void)snprintf(detail, sizeof(detail), "%s", which[what]);
	later(in, recover, owner->pid);
	return true;
}

/* Heirs that nobody finds; and whether it is over. */
static void
look_blindly(void)
{
	struct server_one	*owner;
	int			 i;

	if (blind != INT64_MAX)
		return;
	owner = servers_owner();
	if (owner != NULL && owner->pid != blinded && owner->served) {
		blind = us() + 20 * MS;
		disturb(0);
		tell("%d is found", owner->pid);
		return;
	}
	if (server_of(blinded)->alive)
		return;
	see(&sight);
	for (i = 0; i < sight.n; i++)
		if (sight.list[i].kind == HEIR && sight.list[i].parent == 1 &&
		    !judge_was_hit(sight.list[i].pid, SIGKILL)) {
			tell("KILL to heir %d, which cannot be found",
			    sight.list[i].pid);
			hit(sight.list[i].pid, SIGKILL);
		}
}

static void
jump_back(pid_t pid)
{
	(void)pid;
	tell("an hour back");
	(void)unlink(CLOCK_FILE);
}

static bool
jump(struct dice *dice)
{
	int64_t	lasts = between(dice, 50, 3000);
	int	fd;

	if (!soak.plan.jumps)
		return false;
	if ((fd = open(CLOCK_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) != -1)
		(void)close(fd);
	later(lasts, jump_back, 0);
	return true;
}

static void
end_job(pid_t pid)
{
	int	i;

	for (i = 0; i < n_jobs; i++)
		if (jobs[i] == pid)
			send_signal(pid, SIGKILL);
}

static bool
start_drain(const char *const argv[], int64_t lasts)
{
	if (n_jobs == JOBS)
		return false;
	jobs[n_jobs] = program_start(argv, -1);
	later(lasts, end_job, jobs[n_jobs++]);
	return true;
}

static bool
drain(struct dice *dice)
{
	const char	*argv[] = { "./outlivectl", "-n", NAME, "drain",
			    roll(dice, 2) == 0 ? "--orphans" : NULL, NULL };

	(void)snprintf(detail, sizeof(detail), "%s", argv[4] != NULL ?
	    argv[4] : "all");
	return start_drain(argv, between(dice, 50, 3000));
}

static bool
drain_now(struct dice *dice)
{
	const char	*argv[] = { "./outlivectl", "-n", NAME, "drain",
			    "--deadline", roll(dice, 2) == 0 ? "0" : "1",
			    roll(dice, 4) != 0 ? "--orphans" : NULL, NULL };
	int		 i;

	(void)snprintf(detail, sizeof(detail), "%s s, %s", argv[5],
	    argv[6] != NULL ? argv[6] : "all");
	for (i = 0; i < sight.n; i++)
		if (is_child(&sight.list[i]) &&
		    (argv[6] == NULL || sight.list[i].parent == 1)) {
			judge_hit(&sight.list[i], SIGTERM);
			judge_hit(&sight.list[i], SIGKILL);
		}
	permit(RESET | SHORT, 100, 5 * S, "a drain's deadline");
	return start_drain(argv, 10 * S);
}

bool
faults_reaped(pid_t pid, int status)
{
	int	i;

	for (i = 0; i < n_jobs; i++) {
		if (jobs[i] != pid)
			continue;
		jobs[i] = jobs[--n_jobs];
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			trouble("outlivectl drain was ended by signal %d",
			    WTERMSIG(status));
		else if (WIFEXITED(status) && WEXITSTATUS(status) != 0 &&
		    WEXITSTATUS(status) != 69 && !disturbed())
			trouble("outlivectl drain has ended with status %d",
			    WEXITSTATUS(status));
		return true;
	}
	return false;
}

void
faults_begin(void)
{
	n_told = n_laters = n_jobs = 0;
	next = number = 0;
	disturbed_until = blind = 0;
	ended_by = NULL;
}

static void
draw(void)
{
	struct dice	 dice = dice_of(++number);
	unsigned int	 sum = 0, which;
	size_t		 i;

	for (i = 0; i < FAULTS; i++)
		sum += faults[i].weight;
	next = us() + between(&dice, LEAST, MOST);
	which = roll(&dice, sum);
	for (i = 0; which >= faults[i].weight; i++)
		which -= faults[i].weight;
	current = &outcomes[i];
	detail[0] = '\0';
	see(&sight);
	if (!faults[i].act(&dice)) {
		tell("(%s: nobody is there)", faults[i].name);
		return;
	}
	current->times++;
	tell("%s: %s", faults[i].name, detail);
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
	look_blindly();
	if (soak.ending)
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
