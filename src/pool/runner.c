/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "limit.h"
#include "net/log.h"
#include "outlive.h"
#include "pool.h"
#include "runner.h"
#include "signals.h"

/* Those that end a child; with them and CHLD, what it takes while it waits for
   its program. */
static const int	ending[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
static const int	others[] = { SIGCHLD, SIGALRM, SIGUSR1, SIGUSR2 };

static void
wanted_signals(sigset_t *wanted)
{
	size_t	i;

	(void)sigemptyset(wanted);
	for (i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		(void)sigaddset(wanted, ending[i]);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		(void)sigaddset(wanted, others[i]);
}

static bool
is_ending(int signo)
{
	size_t	i;

	for (i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (ending[i] == signo)
			return true;
	return false;
}

/*
 * Who signals us means the program: it hears of it, and then we do as we were
 * told.  The signal, or 0.
 */
static int
await_program(const struct pool *pool, pid_t pid, const sigset_t *wanted,
    int *status)
{
	const struct timespec	now = { 0, 0 };
	siginfo_t		info;
	int			signo, told = 0;

	while (waitpid(pid, status, WNOHANG) == 0) {
		signo = sigwaitinfo(wanted, &info);
		if (signo == -1 || signo == SIGCHLD)
			continue;
		if (is_ending(signo))
			told = signo;
		/* Our parent has told all of our group. */
		if (info.si_pid != pool->parent)
			(void)kill(pid, signo);
	}
	/* It may have heard first. */
	while ((signo = sigtimedwait(wanted, NULL, &now)) != -1)
		if (is_ending(signo))
			told = signo;
	return told;
}

static void
tell_of_program(const struct pool *pool, pid_t pid, int status,
    const char *client)
{
	if (limit_ended(pool->config, status))
		log_debug("session limit: program %d was ended while it "
		    "served %s", pid, client);
	else if (WIFSIGNALED(status))
		log_info("program %d was ended by signal %d (%s) while it "
		    "served %s", pid, WTERMSIG(status),
		    strsignal(WTERMSIG(status)), client);
	else
		log_debug("program %d exited with status %d, its client was "
		    "%s", pid, WEXITSTATUS(status), client);
}

static void __attribute__((__noreturn__))
become_program(const struct pool *pool, const struct outlive_client *client)
{
	signals_unblock();
	limit_program(pool->config, client);
	pool->config->service(client, pool->config->arg);
	_exit(1);
}

/*
 * In the memory of the child, whose end is the program's, too: nobody would
 * know of it any more.
 */
static void __attribute__((__noreturn__))
become_its_program(const struct pool *pool,
    const struct outlive_client *client, pid_t child)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != child)
		_exit(1);
	become_program(pool, client);
}

/* A system without room for one more process: it is in our place. */
static void __attribute__((__noreturn__))
become_program_ourselves(const struct pool *pool,
    const struct outlive_client *client)
{
	log_warn("vfork: a child becomes the program of its client");
	(void)prctl(PR_SET_PDEATHSIG, 0);
	become_program(pool, client);
}

void
runner_serve(const struct pool *pool, const struct outlive_client *client)
{
	sigset_t	wanted;
	pid_t		child = getpid(), pid;
	int		status = 0, signo;

	wanted_signals(&wanted);
	(void)sigprocmask(SIG_BLOCK, &wanted, NULL);
	if ((pid = vfork()) == 0)
		become_its_program(pool, client, child);
	if (pid == -1)
		become_program_ourselves(pool, client);
	(void)close(client->fd);
	signo = await_program(pool, pid, &wanted, &status);
	signals_unblock();
	if (signo != 0)
		(void)raise(signo);
	tell_of_program(pool, pid, status, client->name);
}
