/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../harness.h"
#include "../process.h"
#include "faults.h"

#define JOBS		16

static int64_t	blind;			/* INT64_MAX: still */
static pid_t	blinded;		/* the parent of that time */
static pid_t	jobs[JOBS];		/* outlivectl drain */
static int	n_jobs;

int64_t
blind_until(void)
{
	return blind;
}

void
surroundings_begin(void)
{
	blind = 0;
	n_jobs = 0;
}

/* For everybody: a child has what its parent had when it was born. */
static void
descriptors_back(pid_t pid)
{
	struct rlimit	ours, limit;
	int		i;

	fault_tell("descriptors again (%d)", pid);
	(void)getrlimit(RLIMIT_NOFILE, &ours);
	see(&fault.sight);
	for (i = 0; i < fault.sight.n; i++)
		if (prlimit(fault.sight.list[i].pid, RLIMIT_NOFILE, NULL,
		    &limit) == 0 && limit.rlim_cur < ours.rlim_cur) {
			limit.rlim_cur = limit.rlim_max < ours.rlim_cur ?
			    limit.rlim_max : ours.rlim_cur;
			(void)prlimit(fault.sight.list[i].pid, RLIMIT_NOFILE,
			    &limit, NULL);
		}
}

static void
fill_descriptors(pid_t pid, int64_t lasts)
{
	struct rlimit	limit;
	int		highest;

	fault_disturb(lasts);
	(void)descriptors_count(pid, &highest);
	if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0) {
		limit.rlim_cur = (rlim_t)highest + 1;
		(void)prlimit(pid, RLIMIT_NOFILE, &limit, NULL);
	}
	fault_later(lasts, descriptors_back, pid);
}

bool
parent_full(struct dice *dice)
{
	struct server_one	*owner = fault_parent();
	int64_t			 lasts = fault_between(dice, 50, 1500);

	if (owner == NULL || !owner->served)
		return false;
	fill_descriptors(owner->pid, lasts);
	return true;
}

bool
child_full(struct dice *dice)
{
	const struct seen	*one = fault_child(dice);
	int64_t			 lasts = fault_between(dice, 50, 1500);

	if (one == NULL)
		return false;
	fill_descriptors(one->pid, lasts);
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
	fault_tell("room on the disk again");
	(void)unlink(in_state("full"));
}

bool
disk_full(struct dice *dice)
{
	static const char	zeros[4096];
	int64_t			lasts = fault_between(dice, 50, 1500);
	int			fd = open(in_state("full"), O_WRONLY | O_CREAT |
				    O_APPEND | O_CLOEXEC, 0600);

	if (fd == -1)
		return false;
	fault_disturb(lasts);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	(void)close(fd);
	fault_later(lasts, disk_free, 0);
	return true;
}

/* Who has seen it begins anew: the parent, and whoever keeps the port. */
static void
recover(pid_t pid)
{
	struct server_one	*server = server_of(pid);

	fault_tell("TERM to %d, which cannot be found any more", pid);
	permit(REFUSED | RESET | SHORT, -1, -1, "files were removed");
	if (server == NULL || !server->alive)
		return;
	fault_ends_parent(false);
	see(&fault.sight);
	server_told(server, SIGTERM);
	fault_hit(pid, SIGTERM);
}

bool
removed(struct dice *dice)
{
	static const char	*const which[] = { "board.*", "control", "lock",
				    "*" };
	struct server_one	*owner = fault_parent();
	char			 command[320];
	int64_t			 in = fault_between(dice, 50, 900);
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
	fault_detail("%s", which[what]);
	fault_later(in, recover, owner->pid);
	return true;
}

/* Heirs that nobody finds; and whether it is over. */
void
faults_look_blindly(void)
{
	struct server_one	*owner;
	int			 i;

	if (blind != INT64_MAX)
		return;
	owner = servers_owner();
	if (owner != NULL && owner->pid != blinded && owner->served) {
		blind = us() + 20 * MS;
		fault_disturb(0);
		fault_tell("%d is found", owner->pid);
		return;
	}
	if (server_of(blinded)->alive)
		return;
	see(&fault.sight);
	for (i = 0; i < fault.sight.n; i++) {
		const struct seen *one = &fault.sight.list[i];

		if (one->kind != HEIR || one->parent != 1 ||
		    judge_was_hit(one->pid, SIGKILL))
			continue;
		fault_tell("KILL to heir %d, which cannot be found", one->pid);
		fault_hit(one->pid, SIGKILL);
	}
}

static void
jump_back(pid_t pid)
{
	(void)pid;
	fault_tell("an hour back");
	(void)unlink(CLOCK_FILE);
}

bool
jump(struct dice *dice)
{
	int64_t	lasts = fault_between(dice, 50, 3000);
	int	fd;

	if (!soak.plan.jumps)
		return false;
	if ((fd = open(CLOCK_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) != -1)
		(void)close(fd);
	fault_later(lasts, jump_back, 0);
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
	fault_later(lasts, end_job, jobs[n_jobs++]);
	return true;
}

bool
drain(struct dice *dice)
{
	const char	*argv[] = { "./outlivectl", "-n", NAME, "drain",
			    roll(dice, 2) == 0 ? "--orphans" : NULL, NULL };

	fault_detail("%s", argv[4] != NULL ?
	    argv[4] : "all");
	return start_drain(argv, fault_between(dice, 50, 3000));
}

bool
drain_now(struct dice *dice)
{
	const char	*argv[] = { "./outlivectl", "-n", NAME, "drain",
			    "--deadline", roll(dice, 2) == 0 ? "0" : "1",
			    roll(dice, 4) != 0 ? "--orphans" : NULL, NULL };
	int		 i;

	fault_detail("%s s, %s", argv[5],
	    argv[6] != NULL ? argv[6] : "all");
	for (i = 0; i < fault.sight.n; i++)
		if (fault_is_child(&fault.sight.list[i]) &&
		    (argv[6] == NULL || fault.sight.list[i].parent == 1)) {
			judge_hit(&fault.sight.list[i], SIGTERM);
			judge_hit(&fault.sight.list[i], SIGKILL);
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
