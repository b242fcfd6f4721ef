/* SPDX-License-Identifier: ISC */
/* outlive-why as a program: its arguments, its JSON, --watch. */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"
#include "why.h"

static void
json(void)
{
	int	fd = listening(5001, true), client, server;
	pid_t	pid;
	char	text[128], bells[300];

	ok(why("--json", "127.0.0.1:5001", NULL) == 1 &&
	    is_json(answer_text()), "somebody listens, in JSON");
	ok(says("\"can_bind\":false,\"error\":\"EADDRINUSE\"") &&
	    says("\"state\":\"LISTEN\",\"local\":\"127.0.0.1:5001\","
	    "\"peer\":null,\"reuseaddr\":null,\"shares\":false,"
	    "\"ends_ms\":null,\"silent_ms\":null"), "with all that is known");
	(void)snprintf(text, sizeof(text), "\"processes\":[{\"pid\":%d,"
	    "\"ppid\":%d,", (int)getpid(), (int)getppid());
	ok(says(text), "and the process");
	client = dial(5001);
	server = accept(fd, NULL, NULL);
	(void)close(fd);
	/* Longer than we keep, and longer still when it is made visible. */
	memset(bells, '\a', sizeof(bells) - 1);
	bells[sizeof(bells) - 1] = '\0';
	pid = fork();
	if (pid == 0) {
		(void)execl("/bin/sh", "a \"quoted\" \\ \n\t\033[31m\xc3\xa9 "
		    "\xff title", "-c", "kill -STOP $$", bells, NULL);
		_exit(127);
	}
	/* fork() keeps both ends, accept() gave no close-on-exec. */
	(void)close(server);
	await_stop(pid);
	ok(why("--json", "127.0.0.1:5001", NULL) == 1 &&
	    is_json(answer_text()), "a title with everything in it, in JSON");
	ok(says("\"title\":\"a \\\"quoted\\\" ") && says("\"reuseaddr\":true"),
	    "and it is there");
	ok(why("127.0.0.1:5001", NULL) == 1 && !says("\033") && !says("\xff"),
	    "in words, too: nothing that a terminal would act on");
	show_answer();
	send_signal(pid, SIGKILL);
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
	ok(why("--json", "127.0.0.1:5002", NULL) == 0 &&
	    is_json(answer_text()) && says("\"can_bind\":true,\"error\":null,"
	    "\"in_the_way\":[]"), "nobody, in JSON");
	ok(why("--json", "10.1.2.3:5002", NULL) == 1 && is_json(answer_text())
	    && says("\"error\":\"EADDRNOTAVAIL\""), "not here, in JSON");
}

/* More than anybody wants to read. */
static void
many(void)
{
	int	fd = listening(5003, true), clients[20], i;
	pid_t	list[64];

	for (i = 0; i < 20; i++)
		clients[i] = dial(5003);
	for (i = 0; i < 9; i++)
		if (fork() == 0)
			for (;;)
				(void)pause();
	await_children(0, 9, list);
	ok(why("127.0.0.1:5003", NULL) == 1 &&
	    says("in the way: 13 more, 13 ESTABLISHED\n"),
	    "20 clients: the first are told, the others counted");
	ok(says("  and 6 more processes\n"), "so are ten processes");
	ok(why("--reuseaddr", "127.0.0.1:5003", NULL) == 1 &&
	    says("beside it: 20 connections"),
	    "with the option it is the listener that is in the way");
	ok(why("--json", "127.0.0.1:5003", NULL) == 1 &&
	    is_json(answer_text()), "all of them, in JSON");
	for (i = 0; i < 9; i++)
		send_signal(list[i], SIGKILL);
	ok(harness_nobody_left(), "no process is left");
	for (i = 0; i < 20; i++)
		(void)close(clients[i]);
	(void)close(fd);
}

static void
await_text(int file, const char *text)
{
	struct wait	wait = { .what = text };
	char		all[1 << 14];
	ssize_t		n;

	for (;;) {
		n = pread(file, all, sizeof(all) - 1, 0);
		all[n > 0 ? n : 0] = '\0';
		if (strstr(all, text) != NULL)
			return;
		wait_a_moment(&wait);
	}
}

/* Every change, and the end when it is free. */
static void
watch(const char *form, const char *const *texts)
{
	const char	*argv[] = { "./outlive-why", "--watch", form,
			    "127.0.0.1:5004", NULL };
	int		 file = memfd_create("answer", MFD_CLOEXEC), client;
	int		 listener = listening(5004, true), server, status;
	pid_t		 pid;
	char		 all[1 << 14], *at;
	ssize_t		 n;
	int		 more;

	client = dial(5004);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	pid = program_start(argv, file);
	await_text(file, texts[0]);
	/* Clients who come are no news as long as somebody listens. */
	more = dial(5004);
	await_sleeps(pid, 3);
	(void)close(more);
	(void)close(listener);
	await_text(file, texts[1]);
	/* The client first, so that there is no TIME_WAIT. */
	(void)close(client);
	await_text(file, "CLOSE_WAIT");
	ok(lives(pid), "%s: every change is told", form);
	(void)close(server);
	status = await_end(pid);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "%s: it ends when the port is free", form);
	n = pread(file, all, sizeof(all) - 1, 0);
	all[n > 0 ? n : 0] = '\0';
	ok(strstr(all, texts[2]) != NULL, "%s: and says so", form);
	for (at = all, n = 0; (at = strstr(at, texts[3])) != NULL; at++)
		n++;
	ok(n == 4, "%s: %zd answers", form, n);
	if (strcmp(form, "--json") == 0)
		ok(is_json(all), "each time in one line");
	(void)close(file);
}

static const struct {
	const char	*argument[3];
	int		 status;
	const char	*said;
} wrong[] = {
	{ { NULL }, 64, "expected one [host:]port" },
	{ { "1", "2" }, 64, "expected one [host:]port" },
	{ { "::1:80" }, 64, "brackets" },
	{ { "http://localhost:80" }, 64, "without any '/'" },
	{ { "127.0.0.1:99999" }, 64, "from 0 to 65535" },
	{ { "--frob" }, 64, "frob" },
	{ { "-x" }, 64, "'x'" },
	{ { "--watch=1" }, 64, "watch" },
	{ { "no.such.host.invalid:9" }, 69, "cannot be found" },
};

static void
arguments(void)
{
	const char *const	*a;
	const char		*full[] = { "./outlive-why", "5001", NULL };
	size_t			 i;
	int			 fd, status;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		a = wrong[i].argument;
		log_clear();
		status = a[0] == NULL ? why(NULL, NULL) :
		    a[1] == NULL ? why(a[0], NULL) : why(a[0], a[1], NULL);
		ok(status == wrong[i].status && log_lines() == 1 &&
		    log_has(wrong[i].said) && answer_text()[0] == '\0',
		    "%s: one line that says %s, exit %d",
		    a[0] != NULL ? a[0] : "nothing", wrong[i].said, status);
	}
	log_clear();
	ok(why("--help", NULL) == 0 && says("usage: outlive-why"), "--help");
	ok(why("--version", NULL) == 0 && says("outlive-why "), "--version");
	fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	status = await_end(program_start(full, fd));
	(void)close(fd);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 74 &&
	    log_has("standard output"), "nowhere to say it: exit 74");
	ok(why("--watch", "[fe80::1]:5001", NULL) == 1,
	    "--watch, where no waiting helps");
}

int
main(void)
{
	static const char *const	words[] = { "LISTEN", "\n\n127.0.0.1:"
	    "5004 cannot be bound with SO_REUSEPORT: Address already in use\n"
	    "in the way: ESTABLISHED",
	    "\n\n127.0.0.1:5004 can be bound with SO_REUSEPORT\n",
	    " be bound with" };
	static const char *const	lines[] = { "LISTEN",
	    "\"in_the_way\":[{\"state\":\"ESTABLISHED\"",
	    "\"can_bind\":true", "\"can_bind\":" };

	harness_begin();
	harness_own_network();
	harness_drop_capabilities();
	json();
	many();
	watch("--reuseport", words);
	watch("--json", lines);
	arguments();
	return done();
}
