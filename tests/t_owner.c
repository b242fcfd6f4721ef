/* SPDX-License-Identifier: ISC */
/* Which processes have a socket, and what is said of them. */
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "net/owner.h"
#include "process.h"

/* The only owner of a socket besides the test itself. */
static struct owner
other_owner(int fd)
{
	struct owners		 owners = { 0 };
	struct owner		 other = { 0 };
	const struct owner	*found;
	struct stat		 st;
	unsigned long		 inode;
	size_t			 i, n;

	if (fstat(fd, &st) == -1)
		bail("fstat");
	inode = st.st_ino;
	if (owners_find(&owners, &inode, 1) == -1)
		bail("/proc");
	found = owners_of(&owners, inode, &n);
	for (i = 0; i < n; i++)
		if (found[i].pid != getpid())
			other = found[i];
	if (n != 2)
		note("%zu owners", n);
	owners_free(&owners);
	return n == 2 ? other : (struct owner){ 0 };
}

static int
new_socket(void)
{
	int	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		bail("socket");
	return fd;
}

static pid_t
a_child(void)
{
	pid_t	pid = fork();

	if (pid == 0)
		for (;;)
			(void)pause();
	return pid;
}

static void
end(pid_t pid)
{
	send_signal(pid, SIGKILL);
	(void)await_end(pid);
}

static void
states(void)
{
	int		fd = new_socket();
	struct wait	wait = { .what = "a process to go on" };
	pid_t		pid = a_child();
	struct owner	owner = other_owner(fd);

	ok(owner.pid == pid && owner.parent == getpid() &&
	    owner.uid == geteuid() && !owner.stopped && owner.age < 600,
	    "a child: its pid, its parent, its user, its age of %d s",
	    (int)owner.age);
	ok(strstr(owner.title, "t_owner") != NULL, "its title: %s",
	    owner.title);
	stop(pid);
	ok(other_owner(fd).stopped, "it is stopped");
	send_signal(pid, SIGCONT);
	while (is_stopped(pid))
		wait_a_moment(&wait);
	ok(!other_owner(fd).stopped, "it goes on");
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == -1 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == -1)
		skip("a debugger has stopped it", "ptrace() is not allowed");
	else {
		(void)waitpid(pid, NULL, 0);
		ok(other_owner(fd).stopped, "a debugger has stopped it");
	}
	end(pid);
	ok(other_owner(fd).pid == 0, "it has gone");
	(void)close(fd);
}

/* Names are a process's own business, and may be anything. */
static void
names(void)
{
	int		fd = new_socket(), endless[2];
	pid_t		pid;
	struct owner	owner;

	/* Before the fork: the child has it from its first moment. */
	(void)prctl(PR_SET_NAME, "a) S 1 1");
	pid = a_child();
	(void)prctl(PR_SET_NAME, "t_owner");
	owner = other_owner(fd);
	ok(owner.pid == pid && owner.parent == getpid(),
	    "a name with a parenthesis");
	end(pid);

	/* A command line of nothing at all: what the kernel calls it. */
	if (pipe(endless) == -1)
		bail("pipe");
	if ((pid = fork()) == 0) {
		(void)fcntl(fd, F_SETFD, 0);
		(void)dup2(endless[0], STDIN_FILENO);
		(void)execl("/bin/cat", "", NULL);
		_exit(127);
	}
	await_title(pid, "");
	owner = other_owner(fd);
	ok(owner.pid == pid && strcmp(owner.title, "cat") == 0,
	    "no command line: %s", owner.title);
	end(pid);
	(void)close(endless[0]);
	(void)close(endless[1]);
	(void)close(fd);
}

static void
user(void)
{
	int		fd = new_socket(), go[2];
	pid_t		pid;
	char		text[64];
	struct owner	owner;

	if (getuid() != 0) {
		skip("the effective user", "needs root");
		(void)close(fd);
		return;
	}
	if (pipe(go) == -1)
		bail("pipe");
	if ((pid = fork()) == 0) {
		if (setegid(65534) == -1 || seteuid(65534) == -1)
			_exit(1);
		(void)!write(go[1], "x", 1);
		for (;;)
			(void)pause();
	}
	(void)!read(go[0], text, 1);
	owner = other_owner(fd);
	ok(owner.pid == pid && owner.uid == 65534,
	    "the effective user, also of one that may not be looked into");
	ok(strcmp(owner_user(owner.uid, text, sizeof(text)), "nobody") == 0,
	    "its name: %s", text);
	end(pid);
	ok(strcmp(owner_user(4242424, text, sizeof(text)), "user 4242424") == 0,
	    "one without a name: %s", text);
	(void)close(go[0]);
	(void)close(go[1]);
	(void)close(fd);
}

/* Many at once, in no order; twice in one process; and few descriptors. */
static void
many(void)
{
	struct rlimit		 limit;
	struct owners		 owners = { 0 };
	unsigned long		 inodes[40], wanted[40];
	struct stat		 st;
	size_t			 n;
	int			 fds[40], again[40], i, found = 0;

	for (i = 0; i < 40; i++) {
		fds[i] = new_socket();
		again[i] = dup(fds[i]);
		(void)fstat(fds[i], &st);
		inodes[(i * 7) % 40] = st.st_ino;
	}
	memcpy(wanted, inodes, sizeof(wanted));
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = (rlim_t)again[39] + 8;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (owners_find(&owners, wanted, 40) == -1)
		bail("/proc");
	for (i = 0; i < 40; i++) {
		const struct owner *owner = owners_of(&owners, inodes[i], &n);

		found += n == 1 && owner->pid == getpid() &&
		    owner->inode == inodes[i];
	}
	ok(found == 40, "%d sockets of 40, each twice in this process, which "
	    "may open eight files more", found);
	/* With one for /proc, one for a process, and none for its files. */
	limit.rlim_cur = (rlim_t)again[39] + 3;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	owners_free(&owners);
	errno = 0;
	ok(owners_find(&owners, wanted, 40) == -1 && errno == EMFILE,
	    "without a descriptor left, the reason is said");
	ok(owners_of(&owners, 1, &n) == NULL && n == 0, "nobody has another");
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	owners_free(&owners);
	for (i = 0; i < 40; i++) {
		(void)close(fds[i]);
		(void)close(again[i]);
	}
}

static void *
go_on(void *unused)
{
	for (;;)
		(void)pause();
	return unused;
}

/* Its first thread has ended, which the kernel calls a zombie. */
static void
without_head(void)
{
	int		fd = new_socket();
	struct wait	wait = { .what = "a first thread to end" };
	struct owner	owner = { 0 };
	pid_t		pid = fork();
	pthread_t	thread;

	if (pid == 0) {
		if (pthread_create(&thread, NULL, go_on, NULL) != 0)
			_exit(1);
		pthread_exit(NULL);
	}
	while (lives(pid))
		wait_a_moment(&wait);
	owner = other_owner(fd);
	ok(owner.pid == pid, "a process whose first thread has ended");
	send_signal(pid, SIGKILL);
	(void)await_end(pid);
	(void)close(fd);
}

static void
units(void)
{
	static const struct {
		const char	*cgroup, *unit;
	} rows[] = {
		{ "0::/system.slice/nginx.service\n", "nginx.service" },
		{ "0::/system.slice/ssh.socket\n", "ssh.socket" },
		{ "0::/user.slice/user-1000.slice/session-3.scope\n", "" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/"
		    "web.service\n", "--user web.service" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/"
		    "init.scope\n", "" },
		{ "0::/system.slice/docker-4711.scope\n",
		    "docker-4711.scope" },
		{ "0::/system.slice/web.service/supervisor\n",
		    "web.service" },
		{ "0::/user.slice/user-1000.slice/user@1000.service\n", "" },
		{ "0::/machine.slice/libpod-12.scope/container\n",
		    "libpod-12.scope" },
		{ "0::/kubepods.slice/crio-0123456789abcdef0123456789abcdef"
		    "0123456789abcdef0123456789abcdef.scope\n",
		    "crio-0123456789abcdef0123456789abcdef"
		    "0123456789abcdef0123456789abcdef.scope" },
		{ "0::/\n", "" },
		{ "0::\n", "" },
		{ "", "" },
		{ "12:cpu:/\n1:name=systemd:/system.slice/cron.service\n"
		    "0::/\n", "cron.service" },
		{ "12:cpu:/\n0::/system.slice/cron.service\n",
		    "cron.service" },
	};
	char	unit[sizeof(((struct owner *)NULL)->unit)];
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		owner_unit(rows[i].cgroup, unit, sizeof(unit));
		ok(strcmp(unit, rows[i].unit) == 0, "unit '%s' of %.40s",
		    unit, rows[i].cgroup[0] != '\0' ?
		    strtok(strdupa(rows[i].cgroup), "\n") : "nothing");
	}
}

int
main(void)
{
	harness_begin();
	states();
	names();
	user();
	many();
	without_head();
	units();
	return done();
}
