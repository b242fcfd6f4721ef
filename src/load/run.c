/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "run.h"
#include "worker.h"

#define LOG_BUFFER	65536

/* Between two progress lines, in ns. */
#define PROGRESS	500000000

struct run {
	const struct plan	*plan;
	struct record		*record;
	const char		*log;
	int			 ready[2], go[2], stop[2];
	pid_t			 pids[PLAN_PROCESSES];
	int			 living;
	bool			 progress;
	int64_t			 shown, shown_done;	/* the last line */
};

/* As many connections as this process may have. */
static void
raise_limit(void)
{
	struct rlimit	limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void
close_end(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

static void __attribute__((__noreturn__))
be_worker(struct run *run, int number, pid_t parent)
{
	struct worker_pipes	 pipes = { .ready = run->ready[1],
				    .go = run->go[0], .stop = run->stop[0] };
	FILE			*log = NULL;

	close_end(&run->ready[0]);
	close_end(&run->go[1]);
	close_end(&run->stop[1]);
	/* A parent that has died has closed its ends; one who is stopped has
	   not, and a signal that reaches all of us is his to hear. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_OSERR);
	/* Whole lines, at the end, whoever else writes. */
	if (run->log != NULL && ((log = fopen(run->log, "ae")) == NULL ||
	    setvbuf(log, NULL, _IOLBF, LOG_BUFFER) != 0))
		err(EX_CANTCREAT, "%s", run->log);
	worker_run(run->plan, run->record, number, log, &pipes);
	exit(0);
}

static void
start_workers(struct run *run)
{
	const pid_t	parent = getpid();
	int		i;

	if (pipe2(run->ready, O_CLOEXEC) == -1 ||
	    pipe2(run->go, O_CLOEXEC) == -1 ||
	    pipe2(run->stop, O_CLOEXEC) == -1)
		err(EX_OSERR, "pipe");
	for (i = 0; i < run->plan->processes; i++) {
		run->pids[i] = fork();
		if (run->pids[i] == -1)
			err(EX_OSERR, "fork");
		if (run->pids[i] == 0)
			be_worker(run, i, parent);
		run->living++;
	}
	close_end(&run->ready[1]);
	close_end(&run->go[0]);
	close_end(&run->stop[0]);
}

/* Who has ended, was done; or the run has failed. */
static void
reap(struct run *run)
{
	int	status;
	pid_t	pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		run->living--;
		if (WIFSIGNALED(status))
			errx(EX_SOFTWARE, "process %d was ended by signal %d "
			    "(%s)", pid, WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
		if (WEXITSTATUS(status) != 0)
			/* It has said why. */
			exit(WEXITSTATUS(status));
	}
}

static int64_t
failed(const struct record *record)
{
	int64_t	sum = 0;
	int	i;

	for (i = 0; i < FAILURES; i++)
		sum += record->failures[i].n;
	return sum;
}

static void
show(struct run *run)
{
	const struct record	*record = run->record;
	int64_t			 now = now_ns(), done;
	double			 rate;

	if (!run->progress || now < run->shown + PROGRESS)
		return;
	done = record->done + record->messages;
	rate = (double)(done - run->shown_done) * 1e9 /
	    (double)(now - run->shown);
	if (record->began == 0)
		(void)fprintf(stderr, "\r\033[Ksessions: %" PRId64 " of %d",
		    record->opened, run->plan->sessions);
	else {
		(void)fprintf(stderr, "\r\033[K%" PRId64 " s: %.0f answers per "
		    "second, %" PRId64 " failed",
		    (now - record->began) / 1000000000, rate, failed(record));
		if (run->plan->sessions > 0)
			(void)fprintf(stderr, ", sessions lost: %" PRId64
			    " of %d", record->lost, run->plan->sessions);
	}
	run->shown = now;
	run->shown_done = done;
}

static void
write_head(const struct run *run)
{
	FILE	*log;

	if (run->log == NULL)
		return;
	if ((log = fopen(run->log, "ae")) == NULL)
		err(EX_CANTCREAT, "%s", run->log);
	(void)fprintf(log, "# us since %" PRId64 " us of CLOCK_MONOTONIC\n"
	    "# due\tconnected\tfirst_byte\tended\toutcome\n",
	    run->record->began / 1000);
	if (fclose(log) == EOF)
		err(EX_IOERR, "%s", run->log);
}

/* Each process that has its sessions has said a byte. */
static bool
all_ready(struct run *run)
{
	static int	said;
	char		bytes[PLAN_PROCESSES];
	ssize_t		n;

	if ((n = read(run->ready[0], bytes, sizeof(bytes))) > 0)
		said += (int)n;
	return said == run->plan->processes;
}

static void
begin(struct run *run)
{
	if (run->go[1] == -1 || !all_ready(run))
		return;
	run->record->began = now_ns();
	write_head(run);
	close_end(&run->go[1]);
}

static void
create_log(const char *path)
{
	int	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd == -1)
		err(EX_CANTCREAT, "%s", path);
	(void)close(fd);
}

void
run(const struct plan *plan, struct record *record, const char *log,
    bool progress)
{
	struct run		 run = { .plan = plan, .record = record,
				    .log = log, .progress = progress };
	struct timespec		 moment = { .tv_nsec = 50000000 };
	sigset_t		 set;
	int			 signo;

	raise_limit();
	/* Ignored by whoever has started us, nobody's end would be seen. */
	(void)signal(SIGCHLD, SIG_DFL);
	if (log != NULL)
		create_log(log);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)fflush(NULL);
	start_workers(&run);
	(void)fcntl(run.ready[0], F_SETFL, O_NONBLOCK);
	while (run.living > 0) {
		begin(&run);
		/* Short, until it has begun. */
		moment.tv_nsec = run.go[1] == -1 ? 50000000 : 1000000;
		signo = sigtimedwait(&set, NULL, &moment);
		if (signo == SIGCHLD)
			reap(&run);
		else if (signo != -1)
			close_end(&run.stop[1]);
		show(&run);
	}
	if (progress)
		(void)fputs("\r\033[K", stderr);
	record_finish(record, plan);
}
