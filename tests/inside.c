/* SPDX-License-Identifier: ISC */
/*
 * A program to be served (outlived exec), which tells its client in which
 * surroundings it is: what it has open, what it would do with signals, whose
 * session it is in, its variables, its arguments.  Then an empty line; then it
 * sends back what comes.  A line goes to its log first.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
tell_descriptors(void)
{
	struct dirent	*entry;
	DIR		*dir = opendir("/proc/self/fd");
	struct stat	 in, out;

	(void)printf("descriptors");
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' &&
		    atoi(entry->d_name) != dirfd(dir))
			(void)printf(" %s", entry->d_name);
	(void)closedir(dir);
	(void)printf("\n0 and 1 are %s\n", fstat(0, &in) == 0 &&
	    fstat(1, &out) == 0 && S_ISSOCK(in.st_mode) &&
	    in.st_ino == out.st_ino ? "one socket" : "something else");
}

static void
tell_signals(void)
{
	struct sigaction	action;
	sigset_t		mask;
	int			signo;

	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	(void)printf("not at default:");
	for (signo = 1; signo < NSIG; signo++) {
		if (sigismember(&mask, signo) == 1)
			(void)printf(" %d is blocked", signo);
		/* 32 and 33 are glibc's own: EINVAL. */
		if (sigaction(signo, NULL, &action) == 0 &&
		    action.sa_handler == SIG_IGN)
			(void)printf(" %d is ignored", signo);
	}
	(void)printf("\n");
}

static void
tell_variables(void)
{
	static const char *const	prefixes[] = { "PROTO", "TCP",
					    "LISTEN_", "NOTIFY_", "SYSTEMD_", "WATCHDOG_",
					    "SSLREMOTE" };
	size_t				i, j;

	for (j = 0; j < sizeof(prefixes) / sizeof(prefixes[0]); j++)
		for (i = 0; environ[i] != NULL; i++)
			if (strncmp(environ[i], prefixes[j],
			    strlen(prefixes[j])) == 0)
				(void)printf("%s\n", environ[i]);
}

int
main(int argc, char *argv[])
{
	struct rlimit	limit;
	char		bytes[4096];
	ssize_t		n;
	int		i, signo = 0, tty;

	(void)argc;
	(void)dprintf(STDERR_FILENO, "inside: hello\n");
	tell_descriptors();
	tell_signals();
	(void)printf("%s of a session\n",
	    getsid(0) == getpid() ? "leader" : "member");
	(void)prctl(PR_GET_PDEATHSIG, &signo);
	(void)printf("parent-death signal %d\n", signo);
	tty = open("/dev/tty", O_RDWR);
	(void)printf("%s terminal\n", tty == -1 ? "no" : "a");
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	(void)printf("descriptors up to %llu\n",
	    (unsigned long long)limit.rlim_cur);
	(void)printf("uid %u\n", getuid());
	tell_variables();
	for (i = 1; argv[i] != NULL; i++)
		(void)printf("argument %s\n", argv[i]);
	(void)printf("\n");
	(void)fflush(stdout);
	while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		if (write(STDOUT_FILENO, bytes, (size_t)n) != n)
			return 1;
	return 0;
}
