/* SPDX-License-Identifier: ISC */
/*
 * outlived -T, with each strategy: the next parent takes the port from the one
 * that runs, and no client is refused or reset; not even if one of the two is
 * killed, at any step.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "file.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"
#define NAME	PORT

/* One takes over with these options, and an heir or none. */
static struct server
takes_over(const char *heir)
{
	return server_start("-T", "-H", heir, "-i", "1:2", PORT, "echo", NULL);
}

/* The same, and it is to stop at a step. */
static pid_t
takes_over_paused(const char *pause, const char *strategy)
{
	const char	*argv[] = { "tests/paused/outlived", "-T", "-H", "600",
			    "-w", "1", "-i", "1:2", "-a", strategy, PORT,
			    "echo", NULL };
	pid_t		 pid;

	(void)setenv("OUTLIVED_PAUSE", pause, 1);
	pid = program_start(argv, -1);
	(void)unsetenv("OUTLIVED_PAUSE");
	return pid;
}

static struct server
first_parent(const char *pause)
{
	return pause == NULL ? server_start("-w", "0", "-H", "20", "-i", "1:2",
	    PORT, "echo", NULL) : server_start_paused(pause, "-w", "0", "-H",
	    "20", "-i", "1:2", PORT, "echo", NULL);
}

/* INT ends everything but orphans, and those leave with their clients. */
static void
all_ends(pid_t parent)
{
	send_signal(parent, SIGINT);
	ok(await_end(parent) == 0 && harness_nobody_left() &&
	    listeners(9999) == 0, "nobody is left, nor a listening socket");
}

static void
plain(const struct cell *cell)
{
	struct server	old, next, last;
	char		words[128];
	pid_t		list[64];
	int		first, second;

	old = first_parent(NULL);
	first = dial(9999);
	ok(echoes(first, "one\n"), "a client");
	next = server_start("-T", "-i", "2:8", PORT, "echo", NULL);
	ok(!cell->strategy->prefork || children_of(next.pid, list, 64) == 5,
	    "-T: it comes with as many children as are idle on the average");
	ok(await_end(old.pid) == 0, "the old parent has ended");
	(void)snprintf(words, sizeof(words), "takeover: process %d is the "
	    "parent now", next.pid);
	ok(log_has(words) && log_has("the next parent has the port; clients "
	    "still served: 1"), "it says why");
	await_title(next.pid, "outlived: parent of " NAME);
	second = dial(9999);
	ok(echoes(first, "still here\n") && echoes(second, "two\n") &&
	    listeners(9999) == 1, "both clients are served");
	last = takes_over("20");
	ok(await_end(next.pid) == 0, "once more");
	(void)close(second);
	(void)close(first);
	second = dial(9999);
	ok(echoes(second, "three\n"), "a client of the third one");
	(void)close(second);
	all_ends(last.pid);
}

/* Who is to own the port when one of them has been killed. */
enum owner { OLD, NEW, NOBODY };

struct step {
	const char	*pause;
	bool		 old;		/* the old parent stops there */
	enum owner	 old_killed, new_killed;
};

static const struct step	steps[] = {
	{ "connecting 1", false, NEW, OLD },
	{ "connected 1", false, NEW, OLD },
	{ "received 1", false, NEW, OLD },
	{ "preparing 1", false, NEW, OLD },
	{ "prepared 1", false, NEW, OLD },
	{ "owner 1", false, NEW, NOBODY },
	{ "offering 1", true, NEW, OLD },
	{ "offered 1", true, NEW, OLD },
	{ "answering 1", true, NEW, OLD },
	{ "answered 1", true, NEW, NOBODY },
	{ "let go 1", true, NEW, NOBODY },
};
#define STEPS	(int)(sizeof(steps) / sizeof(steps[0]))

/* Who has locked that byte of the lock file; 0: nobody. */
static pid_t
holder(int fd, off_t byte)
{
	struct flock	lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
			    .l_start = byte, .l_len = 1 };

	if (fcntl(fd, F_GETLK, &lock) == -1)
		bail("F_GETLK: %s", strerror(errno));
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

/* Until that one (0: nobody) owns the port, and nobody is coming in. */
static void
await_owner(pid_t owner)
{
	struct wait	wait = { .what = "an owner of the port" };
	char		path[512];
	int		fd;

	(void)snprintf(path, sizeof(path), "%s/" NAME "/lock",
	    harness_state());
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		bail("%s: %s", path, strerror(errno));
	while (holder(fd, 1) != owner || holder(fd, 2) != 0)
		wait_a_moment(&wait);
	(void)close(fd);
}

static void
one_is_killed(const struct step *step, bool kill_old, const char *strategy)
{
	struct server	old, last;
	enum owner	owner = kill_old ? step->old_killed : step->new_killed;
	pid_t		new, stopped, killed;
	siginfo_t	info;
	int		served, waits;

	harness_new_state();
	old = first_parent(step->old ? step->pause : NULL);
	served = dial(9999);
	if (!echoes(served, "hello\n"))
		bail("no client is served");
	new = takes_over_paused(!step->old ? step->pause : kill_old ? "" :
	    "owner 1", strategy);
	stopped = step->old ? old.pid : new;
	await_stop(stopped);
	killed = kill_old ? old.pid : new;
	/* It must not have accepted the one who waits.  It may have ended. */
	send_signal(killed, SIGSTOP);
	(void)waitid(P_PID, (id_t)killed, &info, WSTOPPED | WEXITED | WNOWAIT);
	waits = dial(9999);
	send_signal(killed, SIGKILL);
	(void)await_end(killed);
	if (killed != stopped)
		send_signal(stopped, SIGCONT);
	await_owner(owner == OLD ? old.pid : owner == NEW ? new : 0);
	last = takes_over("20");
	ok(echoes(waits, "waited\n") && echoes(served, "still here\n"),
	    "%s, the %s parent is killed: %s, and nobody is lost", step->pause,
	    kill_old ? "old" : "new", owner == NEW ? "the new one goes on" :
	    owner == OLD ? "the old one goes on" : "the heir has the port");
	(void)close(waits);
	(void)close(served);
	if (owner != NOBODY || killed == new)
		(void)await_end(killed == new ? old.pid : new);
	send_signal(last.pid, SIGINT);
	ok(await_end(last.pid) == 0 && harness_nobody_left() &&
	    listeners(9999) == 0, "nobody is left");
}

/* Every third step, from that one on: a network for each would cost more. */
static void
killed(const struct cell *cell)
{
	int	i;

	for (i = cell->number; i < STEPS; i += 3) {
		one_is_killed(&steps[i], true, cell->strategy->name);
		one_is_killed(&steps[i], false, cell->strategy->name);
	}
}

/* It ends by itself, and why; the old one serves on. */
static void
fails(const char *what, int status, int expected, const char *words)
{
	int	client;

	if (!ok(WIFEXITED(status) && WEXITSTATUS(status) == expected &&
	    log_has(words), "%s: exit %d, '%s'", what, expected, words))
		log_show();
	client = dial(9999);
	ok(echoes(client, "old\n"), "the old parent serves on");
	(void)close(client);
	log_clear();
}

static void
failures(const struct cell *cell)
{
	struct server	old = first_parent(NULL);
	pid_t		new;
	char		words[128], pause[256];

	(void)snprintf(words, sizeof(words), "process %d is the parent of "
	    NAME ": expected it to end, -T, or -n", old.pid);
	fails("no -T", server_run("-w", "0", PORT, "echo", NULL), 69, words);
	fails("another address", server_run("-T", "-n", NAME,
	    "127.0.0.1:9998", "echo", NULL), 69,
	    "listens at " PORT ": expected 127.0.0.1:9998");
	fails("-R", server_run("-T", "-R", PORT, "echo", NULL), 69,
	    "has the option SO_REUSEADDR: expected no -R");

	fails("a missing program", server_run("-T", PORT, "exec", "/no/program",
	    NULL), 64, "/no/program");
	gate_close("stillborn", pause, sizeof(pause));
	fails("children that are not ready",
	    await_end(takes_over_paused(pause, cell->strategy->name)), 71,
	    "takeover: of 1 children 0 are ready after 1 s");
	gate_open();

	new = takes_over_paused("prepared 1", cell->strategy->name);
	await_stop(new);
	(void)snprintf(words, sizeof(words), "process %d is coming in as the "
	    "parent of " NAME, new);
	/* However long it may wait: it is not to take over from the first. */
	fails("two at once", server_run("-T", "-w", "60", PORT, "echo", NULL),
	    69, words);
	send_signal(new, SIGTERM);
	send_signal(new, SIGCONT);
	fails("TERM before it asks for the port", await_end(new), 0, "");

	stop(old.pid);
	(void)snprintf(words, sizeof(words), "process %d is the parent of "
	    NAME ": expected it to hand the port over", old.pid);
	new = takes_over_paused("", cell->strategy->name);
	ok(WEXITSTATUS(await_end(new)) == 69 && log_has(words),
	    "an old parent that is stopped is named");
	send_signal(old.pid, SIGCONT);
	new = takes_over("20").pid;
	ok(await_end(old.pid) == 0, "and goes on, and hands the port over");
	all_ends(new);
}

/* One that is stopped when it is asked for the port: the new one gives up. */
static void
no_answer(const struct cell *cell)
{
	struct server	old = first_parent("answering 1");
	pid_t		new = takes_over_paused("", cell->strategy->name);

	await_stop(old.pid);
	ok(WEXITSTATUS(await_end(new)) == 71 && log_has("does not answer: "
	    "expected it to go on"), "an answer that does not come: exit 71");
	send_signal(old.pid, SIGCONT);
	await_log("has failed, going on");
	new = takes_over("0").pid;
	ok(await_end(old.pid) == 0, "the next one takes over");
	all_ends(new);
}

/* Its own time does not end what a later one keeps. */
static void
two_heirs(const struct cell *cell)
{
	struct server	old, next;
	pid_t		new, list[64], heir;
	int		waits;

	old = server_start_paused("answered 1", "-H", "1", "-i", "1:2", PORT,
	    "echo", NULL);
	await_children(old.pid, cell->strategy->prefork ? 2 : 1, list);
	heir = title_has(list[0], "heir of") ? list[0] : list[1];
	new = takes_over_paused("owner 1", cell->strategy->name);
	await_stop(old.pid);
	send_signal(new, SIGKILL);
	(void)await_end(new);
	send_signal(old.pid, SIGCONT);
	(void)await_end(old.pid);
	(void)await_end(heir);
	ok(listeners(9999) == 1, "the first heir's time is over, the second "
	    "one keeps the port");
	waits = dial(9999);
	next = takes_over("0");
	ok(echoes(waits, "waited\n"), "for the next parent");
	(void)close(waits);
	all_ends(next.pid);
}

/* Its parent is killed before it asks for the port: nobody needs that heir. */
static void
heir_of_the_failed(const struct cell *cell)
{
	struct server	old = server_start("-i", "1:2", PORT, "echo", NULL);
	pid_t		new = takes_over_paused("prepared 1",
			    cell->strategy->name), list[64];
	int		n, client;

	await_stop(new);
	n = children_of(new, list, 64);
	while (n > 0 && !title_has(list[n - 1], "heir of"))
		n--;
	ok(n > 0, "the new one has an heir");
	send_signal(new, SIGKILL);
	(void)await_end(new);
	if (n > 0)
		(void)await_end(list[n - 1]);
	client = dial(9999);
	ok(echoes(client, "old\n"), "which leaves the port to the old one");
	(void)close(client);
	all_ends(old.pid);
}

/* The old one is told to end while the new one has the socket, too. */
static void
told_to_end(const struct cell *cell)
{
	static const int	signals[] = { SIGTERM, SIGQUIT, SIGINT };
	struct server		old;
	pid_t			new;
	int			waits;
	size_t			i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		harness_new_state();
		old = server_start("-i", "1:2", PORT, "echo", NULL);
		new = takes_over_paused("prepared 1", cell->strategy->name);
		await_stop(new);
		send_signal(old.pid, signals[i]);
		if (signals[i] == SIGINT)
			(void)await_end(old.pid);
		waits = dial(9999);
		send_signal(new, SIGCONT);
		ok(echoes(waits, "waited\n"), "signal %d to the old one: the "
		    "new one is the parent", signals[i]);
		if (signals[i] != SIGINT)
			ok(await_end(old.pid) == 0, "the old one ends in order");
		(void)close(waits);
		await_title(new, "outlived: parent of " NAME);
		all_ends(new);
	}
	harness_new_state();
	old = server_start_paused("draining 1", "-i", "1:2", PORT, "echo",
	    NULL);
	new = takes_over_paused("prepared 1", cell->strategy->name);
	await_stop(new);
	send_signal(old.pid, SIGTERM);
	send_signal(new, SIGKILL);
	(void)await_end(new);
	await_stop(old.pid);
	waits = dial(9999);
	send_signal(old.pid, SIGCONT);
	ok(echoes(waits, "waited\n") && await_end(old.pid) == 0 &&
	    log_has("the port is free"), "TERM, and the new one is killed: the "
	    "old one drains");
	(void)close(waits);
	ok(harness_nobody_left() && listeners(9999) == 0, "nobody is left");
}

static bool
has_pid(const char *path, pid_t pid)
{
	char	text[32];

	(void)snprintf(text, sizeof(text), "%d\n", pid);
	return file_has(path, text);
}

static void
pid_files(const struct cell *cell)
{
	struct server	old, next, last;
	char		one[512], other[512];
	pid_t		new;

	(void)snprintf(one, sizeof(one), "%s/one", harness_state());
	(void)snprintf(other, sizeof(other), "%s/other", harness_state());
	old = server_start("-p", one, "-i", "1:2", PORT, "echo", NULL);
	ok(has_pid(one, old.pid), "a pid file");
	(void)setenv("OUTLIVED_PAUSE", "prepared 1", 1);
	new = program_start((const char *const[]){ "tests/paused/outlived",
	    "-T", "-p", one, PORT, "echo", NULL }, -1);
	(void)unsetenv("OUTLIVED_PAUSE");
	await_stop(new);
	send_signal(new, SIGTERM);
	send_signal(new, SIGCONT);
	(void)await_end(new);
	ok(has_pid(one, old.pid), "one who fails to take over leaves it alone");
	next = server_start("-T", "-p", one, "-i", "1:2", PORT, "echo", NULL);
	(void)await_end(old.pid);
	ok(has_pid(one, next.pid), "the next parent's pid is in it");
	last = server_start("-T", "-p", other, "-i", "1:2", PORT, "echo", NULL);
	(void)await_end(next.pid);
	ok(has_pid(other, last.pid) && access(one, F_OK) == -1,
	    "another one, and the first is removed");
	(void)cell;
	all_ends(last.pid);
	ok(access(other, F_OK) == -1, "and that one, too");
}

/* From nobody, from an heir, from another strategy, in the background. */
static void
from_others(const struct cell *cell)
{
	bool		pass = strcmp(cell->strategy->name, "pass") == 0;
	struct server	server = takes_over("20"), next;
	pid_t		list[64];
	int		waits, client;

	client = dial(9999);
	ok(echoes(client, "hello\n"), "-T, and there is nobody: it binds");
	(void)close(client);
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	await_children(0, 1, list);
	waits = dial(9999);
	server = takes_over("0");
	ok(echoes(waits, "waited\n"), "-T, and there is an heir: it gives the "
	    "socket");
	next = server_start("-T", "-a", pass ? "shared" : "pass", "-i", "1:2",
	    PORT, "echo", NULL);
	ok(await_end(server.pid) == 0 && echoes(waits, "again\n"),
	    "from another strategy");
	(void)close(waits);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client");
	(void)close(client);
	server = takes_over("0");
	ok(await_end(next.pid) == 0, "and back");
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client");
	(void)close(client);
	all_ends(server.pid);
}

int
main(void)
{
	static const struct cell	all[] = {
		{ .name = "plain", .play = plain },
		{ .name = "killed", .play = killed, .number = 0 },
		{ .name = "killed", .play = killed, .number = 1 },
		{ .name = "killed", .play = killed, .number = 2 },
	};

	static const struct cell	both[] = {
		{ .name = "failures", .play = failures },
		{ .name = "no answer", .play = no_answer },
		{ .name = "told to end", .play = told_to_end },
		{ .name = "two heirs", .play = two_heirs },
		{ .name = "heir of the failed", .play = heir_of_the_failed },
		{ .name = "pid files", .play = pid_files },
		{ .name = "from others", .play = from_others },
	};

	harness_begin();
	harness_overlook_leaks();
	cells_play_all(all, 4);
	cells_play_both(both, 7);
	return done();
}
