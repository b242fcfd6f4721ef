/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "net/clock.h"
#include "process.h"

static pid_t	test;		/* the test's main process */
static int	server_log = -1;
static const char *strategy;	/* of our servers; NULL: they choose */
static bool	hold;		/* they are not what they are to become yet */
static bool	lead;		/* they lead a session each */
static int	passed = -1;	/* what they are passed */
static char	gate[64];	/* a file that pauses the server */
static char	state[64];	/* the state directory of our servers */

void
wait_a_moment(struct wait *wait)
{
	if (wait->since == 0)
		wait->since = clock_ms();
	if (clock_ms() - wait->since > DEADLINE * 1000)
		bail("waited %d s in vain: %s", DEADLINE, wait->what);
	(void)poll(NULL, 0, 2);
}

/* Until there is nobody left: who is killed leaves us its children. */
void
harness_end_all(void)
{
	pid_t	list[512];
	int	i, n, rounds;

	if (getpid() != test)
		return;
	(void)unlink(gate);
	for (rounds = 0; rounds < 5000; rounds++) {
		n = children_of(0, list, 512);
		for (i = 0; i < n; i++)
			send_signal(list[i], SIGKILL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD)
			return;
		(void)poll(NULL, 0, 2);
	}
	(void)fprintf(stderr, "# processes are left behind\n");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

static void
end_all_and_state(void)
{
	if (getpid() != test)
		return;
	harness_end_all();
	(void)nftw(state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void
harness_new_state(void)
{
	harness_end_all();
	(void)nftw(state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	if (mkdir(state, 0755) == -1)
		bail("%s: %s", state, strerror(errno));
}

const char *
harness_state(void)
{
	return state;
}

/*
 * The last resort, for a test that blocks where it has no deadline, or that is
 * ended from outside.
 */
static void
on_end(int signo)
{
	static const char	text[] = "Bail out! the test hangs, or is "
				    "ended\n";

	(void)signal(SIGALRM, SIG_DFL);
	(void)alarm(5);
	(void)signo;
	(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
	end_all_and_state();
	_exit(1);
}

void
harness_begin(void)
{
	sigset_t	none;
	int		signo;

	test = getpid();
	closefrom(STDERR_FILENO + 1);
	for (signo = 1; signo < NSIG; signo++)
		(void)signal(signo, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGALRM, on_end);
	(void)signal(SIGTERM, on_end);
	(void)signal(SIGINT, on_end);
	(void)signal(SIGHUP, on_end);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)alarm(5 * DEADLINE);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		bail("subreaper: %s", strerror(errno));
	server_log = memfd_create("server log", MFD_CLOEXEC);
	if (server_log == -1 || fcntl(server_log, F_SETFL, O_APPEND) == -1)
		bail("memfd: %s", strerror(errno));
	(void)strlcpy(state, "/tmp/outlive-test.XXXXXX", sizeof(state));
	if (mkdtemp(state) == NULL || chmod(state, 0755) == -1 ||
	    setenv("OUTLIVE_STATE_DIR", state, 1) == -1)
		bail("%s: %s", state, strerror(errno));
	if (atexit(end_all_and_state) != 0)
		bail("atexit");
}

static bool
write_file(const char *path, const char *text)
{
	int	fd = open(path, O_WRONLY | O_CLOEXEC);
	bool	done;

	if (fd == -1)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	(void)close(fd);
	return done;
}

void
harness_own_network(void)
{
	struct ifreq	lo = { .ifr_name = "lo" };
	char		map[64];
	uid_t		uid = getuid();
	gid_t		gid = getgid();
	int		fd;

	if (unshare(CLONE_NEWNET) == -1) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
			skip_all("no network namespace is allowed here");
		(void)write_file("/proc/self/setgroups", "deny");
		(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
		if (!write_file("/proc/self/uid_map", map))
			skip_all("no user namespace is allowed here");
		(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
		(void)write_file("/proc/self/gid_map", map);
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	lo.ifr_flags = IFF_UP;
	if (fd == -1 || ioctl(fd, SIOCSIFFLAGS, &lo) == -1)
		bail("lo: %s", strerror(errno));
	(void)close(fd);
}

void
harness_drop_capabilities(void)
{
	struct __user_cap_header_struct	header = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct	none[2] = { { 0 } };

	if (getuid() != 0 && syscall(SYS_capset, &header, none) == -1)
		bail("capset: %s", strerror(errno));
}

void
harness_overlook_leaks(void)
{
	(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
}

bool
harness_nobody_left(void)
{
	long long	began = clock_ms();

	do {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD)
			return true;
		(void)poll(NULL, 0, 2);
	} while (clock_ms() - began < DEADLINE * 1000);
	return false;
}

void
harness_become_nobody(void)
{
	char	own[96];

	if (getuid() != 0)
		return;
	/* What was started before has one that is not for others. */
	(void)snprintf(own, sizeof(own), "%s/nobody", state);
	if ((mkdir(own, 0755) == -1 && errno != EEXIST) ||
	    chown(own, 65534, 65534) == -1 ||
	    setenv("OUTLIVE_STATE_DIR", own, 1) == -1 ||
	    setgroups(0, NULL) == -1 || setgid(65534) == -1 ||
	    setuid(65534) == -1)
		_exit(126);
}

pid_t
program_start(const char *const argv[], int out)
{
	return program_start_in(NULL, argv, out);
}

void
harness_seclude(void)
{
	char	pid[16];

	(void)setsid();
	(void)snprintf(pid, sizeof(pid), "%d", getpid());
	(void)setenv("SYSTEMD_EXEC_PID", pid, 1);
}

void
harness_pass(int fd)
{
	passed = fd;
}

/* In a new process: nothing above standard error but what is passed. */
static void
pass_on(void)
{
	char	pid[16];

	if (passed == -1) {
		closefrom(STDERR_FILENO + 1);
		return;
	}
	if (dup2(passed, 3) == -1 || fcntl(3, F_SETFD, 0) == -1)
		_exit(126);
	closefrom(4);
	(void)snprintf(pid, sizeof(pid), "%d", getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "1", 1);
}

pid_t
program_start_in(void (*prepare)(void), const char *const argv[], int out)
{
	pid_t	pid = fork();
	int	null;

	if (pid == -1)
		bail("fork: %s", strerror(errno));
	if (pid != 0)
		return pid;
	null = open("/dev/null", O_RDWR);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(out == -1 ? null : out, STDOUT_FILENO);
	(void)dup2(server_log, STDERR_FILENO);
	pass_on();
	(void)signal(SIGPIPE, SIG_DFL);
	if (lead)
		harness_seclude();
	if (prepare != NULL)
		prepare();
	if (hold)
		(void)raise(SIGSTOP);
	(void)execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Whether the port is one that the kernel chooses. */
static bool
any_port(const char *argument, const char *before)
{
	size_t	len = strlen(argument);

	/* Not the value of an option. */
	if (strcmp(argument, "0") == 0)
		return *before != '-';
	return len > 2 && strcmp(argument + len - 2, ":0") == 0;
}

void
harness_strategy(const char *name)
{
	strategy = name;
}

void
harness_lead(void)
{
	lead = true;
}

void
harness_hold(bool on)
{
	hold = on;
}

/*
 * argv of a server that is given these arguments.  Where the kernel chooses the
 * port, each server is an instance of its own.
 */
static void
arguments(const char **argv, const char *first, va_list ap)
{
	static char	name[32];
	static int	names;
	bool		named = false;
	int		n;

	for (n = 1; argv[n] != NULL; n++)
		;
	if (strategy != NULL) {
		argv[n++] = "-a";
		argv[n++] = strategy;
	}
	for (; first != NULL && n < 29; first = va_arg(ap, const char *)) {
		named = named || strcmp(first, "-n") == 0;
		if (!named && any_port(first, argv[n - 1])) {
			(void)snprintf(name, sizeof(name), "test%d", ++names);
			argv[n++] = "-n";
			argv[n++] = name;
		}
		argv[n++] = first;
	}
	argv[n] = NULL;
}

/* Start it: its pid, and where its port will be said. */
static pid_t
begun(const char *const argv[], int *port)
{
	int	out[2];
	pid_t	pid;

	if (pipe2(out, O_CLOEXEC) == -1)
		bail("pipe: %s", strerror(errno));
	pid = program_start(argv, out[1]);
	(void)close(out[1]);
	*port = out[0];
	return pid;
}

unsigned int
server_await(int port)
{
	struct pollfd	ready = { .fd = port, .events = POLLIN };
	char		text[16] = "";

	if (poll(&ready, 1, DEADLINE * 1000) != 1 ||
	    read(port, text, sizeof(text) - 1) <= 0) {
		log_show();
		bail("the server did not start");
	}
	(void)close(port);
	return (unsigned int)atoi(text);
}

static struct server
announced(const char *const argv[])
{
	struct server	server;
	int		port;

	server.pid = begun(argv, &port);
	server.port = server_await(port);
	return server;
}

struct server
server_start(const char *argument, ...)
{
	const char	*argv[32] = { "./outlived", "-1" };
	va_list		 ap;

	va_start(ap, argument);
	arguments(argv, argument, ap);
	va_end(ap);
	return announced(argv);
}

pid_t
server_begin(int *port, const char *argument, ...)
{
	const char	*argv[32] = { "./outlived", "-1" };
	va_list		 ap;

	va_start(ap, argument);
	arguments(argv, argument, ap);
	va_end(ap);
	return begun(argv, port);
}

struct server
server_start_paused(const char *pause, const char *argument, ...)
{
	const char	*argv[32] = { "tests/paused/outlived", "-1" };
	struct server	 server;
	va_list		 ap;

	va_start(ap, argument);
	arguments(argv, argument, ap);
	va_end(ap);
	(void)setenv("OUTLIVED_PAUSE", pause, 1);
	server = announced(argv);
	(void)unsetenv("OUTLIVED_PAUSE");
	return server;
}

void
gate_open(void)
{
	(void)unlink(gate);
}

void
gate_close_again(void)
{
	int	fd = open(gate, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		    0644);

	if (fd == -1)
		bail("%s: %s", gate, strerror(errno));
	(void)close(fd);
}

void
gate_close(const char *name, char *pause, size_t size)
{
	(void)snprintf(gate, sizeof(gate), "/tmp/outlive-gate.%d", test);
	gate_close_again();
	(void)snprintf(pause, size, "%s %s", name, gate);
}

int
server_run(const char *argument, ...)
{
	const char	*argv[32] = { "./outlived" };
	va_list		 ap;

	va_start(ap, argument);
	arguments(argv, argument, ap);
	va_end(ap);
	return await_end(program_start(argv, -1));
}

void
server_end(struct server server)
{
	send_signal(server.pid, SIGTERM);
	ok(await_end(server.pid) == 0, "the parent ended in order");
	ok(harness_nobody_left(), "no process is left");
}

int
await_end(pid_t pid)
{
	struct wait	wait = { .what = "the end of a process" };
	int		status;
	pid_t		got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0)
		wait_a_moment(&wait);
	if (got != pid)
		bail("process %d is not ours", pid);
	return status;
}

/* The log as text, in a buffer of our own. */
const char *
log_text(void)
{
	static char	text[1 << 20];
	ssize_t		n = pread(server_log, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

bool
log_has(const char *text)
{
	return strstr(log_text(), text) != NULL;
}

void
await_log(const char *text)
{
	struct wait	wait = { .what = text };

	while (!log_has(text))
		wait_a_moment(&wait);
}

int
log_lines(void)
{
	const char	*at;
	int		 n = 0;

	for (at = log_text(); (at = strchr(at, '\n')) != NULL; at++)
		n++;
	return n;
}

void
log_clear(void)
{
	(void)!ftruncate(server_log, 0);
}

void
log_show(void)
{
	const char	*at = log_text();

	while (*at != '\0') {
		int len = (int)strcspn(at, "\n");

		note("log: %.*s", len, at);
		at += len + (at[len] == '\n');
	}
}
