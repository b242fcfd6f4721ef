/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actor.h"

/* Beside us; and, where we were built or installed, not far away. */
static const struct {
	bool		from_here;
	const char	*folder;
} places[] = {
	{ true, "" }, { true, "/.." }, { true, "/doc/examples" }, { true, "/src/lab" },
	{ true, "/../sbin" }, { false, LIBEXECDIR },
};
static char	here[PATH_MAX];

void
actors_begin(void)
{
	ssize_t	n = readlink("/proc/self/exe", here, sizeof(here) - 1);

	here[n > 0 ? n : 0] = '\0';
	if (strrchr(here, '/') != NULL)
		*strrchr(here, '/') = '\0';
}

static int
find(const char *program, char *path, size_t size)
{
	size_t	i;
	int	n;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		n = snprintf(path, size, "%s%s/%s", places[i].from_here ?
		    here : "", places[i].folder, program);
		if (n < (int)size && access(path, X_OK) == 0)
			return 0;
	}
	errno = ENOENT;
	return -1;
}

/* In the new process: nothing of ours but its output. */
static void __attribute__((__noreturn__))
become(const char *path, const char *const argv[], int output)
{
	int	null = open("/dev/null", O_RDWR), signo;

	for (signo = 1; signo < NSIG; signo++)
		(void)signal(signo, SIG_DFL);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(output, STDOUT_FILENO);
	(void)dup2(output, STDERR_FILENO);
	closefrom(STDERR_FILENO + 1);
	/* As on a terminal: Ctrl-C is for it, and for its children. */
	(void)setpgid(0, 0);
	(void)execv(path, (char *const *)(uintptr_t)argv);
	(void)dprintf(STDERR_FILENO, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

static int
prepare(struct actor *actor, const char *name)
{
	*actor = (struct actor){ .output = -1 };
	(void)strlcpy(actor->name, name, sizeof(actor->name));
	actor->output = memfd_create(name, MFD_CLOEXEC);
	return actor->output == -1 ? -1 :
	    fcntl(actor->output, F_SETFL, O_APPEND);
}

int
actor_fork(struct actor *actor, const char *name, void (*play)(void *),
    void *what)
{
	if (prepare(actor, name) == -1)
		return -1;
	if ((actor->pid = fork()) != 0)
		return actor->pid == -1 ? -1 : 0;
	(void)dup2(actor->output, STDOUT_FILENO);
	setproctitle("-%s", name);
	play(what);
	_exit(0);
}

int
actor_start(struct actor *actor, const char *const argv[])
{
	char	path[PATH_MAX];

	if (prepare(actor, argv[0]) == -1 ||
	    find(argv[0], path, sizeof(path)) == -1)
		return -1;
	if ((actor->pid = fork()) == 0)
		become(path, argv, actor->output);
	return actor->pid == -1 ? -1 : 0;
}

void
actor_look(struct actor *actor)
{
	if (actor->pid > 0 && waitpid(actor->pid, &actor->status,
	    WNOHANG) == actor->pid)
		actor->pid = 0;
}

size_t
actor_text(const struct actor *actor, size_t from, char *text, size_t size)
{
	ssize_t	n = pread(actor->output, text, size - 1, (off_t)from);

	if (n < 0)
		n = 0;
	text[n] = '\0';
	return (size_t)n;
}
