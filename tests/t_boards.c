/* SPDX-License-Identifier: ISC */
/*
 * Boards as crashes, other machines' starts and children that run wild leave
 * them: what the next parent does with them, and whom outlivectl never
 * signals.
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "answer.h"
#include "client.h"
#include "harness.h"
#include "net/clock.h"
#include "pool/boardfile.h"
#include "pool/generation.h"
#include "process.h"
#include "why.h"

#define PORT	"127.0.0.1:9999"

/* Slots that no child has. */
#define SPARE	1000

static const char *
path_of(const char *name)
{
	static char	paths[2][160];
	static int	turn;

	turn = !turn;
	(void)snprintf(paths[turn], sizeof(paths[turn]), "%s/" PORT "/%s",
	    harness_state(), name);
	return paths[turn];
}

static bool
exists(const char *name)
{
	struct stat	st;

	return lstat(path_of(name), &st) == 0;
}

static int
open_board(const char *name, int flags)
{
	int	fd = open(path_of(name), flags | O_CLOEXEC, 0600);

	if (fd == -1)
		bail("%s: %s", name, strerror(errno));
	return fd;
}

static void
put(int fd, const void *bytes, size_t len, size_t where)
{
	if (pwrite(fd, bytes, len, (off_t)where) != (ssize_t)len)
		bail("a board cannot be written: %s", strerror(errno));
}

/* The board of a server that lives, under another name and number. */
static void
copy_board(const char *from, const char *to, uint32_t number)
{
	char	buffer[1 << 16];
	int	in = open_board(from, O_RDONLY);
	int	out = open_board(to, O_RDWR | O_CREAT | O_TRUNC);
	ssize_t	n;

	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, (size_t)n) != n)
			bail("%s: %s", to, strerror(errno));
	put(out, &number, sizeof(number),
	    offsetof(struct board_head, number));
	(void)close(in);
	(void)close(out);
}

/* Every kind of a board that is none, beside a server's that is. */
static void
leave_ruins(void)
{
	static const char	other_boot[] =
				    "00000000-0000-4000-8000-000000000000";
	static const uint64_t	other_ns = 1;
	int			fd;

	copy_board("board.1", "board.20", 20);
	fd = open_board("board.20", O_RDWR);
	put(fd, other_boot, sizeof(other_boot),
	    offsetof(struct board_head, world.boot_id));
	(void)close(fd);
	/* Made where /proc shows no boot id; by another version of us; in
	   another container. */
	copy_board("board.1", "board.5", 5);
	fd = open_board("board.5", O_RDWR);
	put(fd, "", 1, offsetof(struct board_head, world.boot_id));
	(void)close(fd);
	copy_board("board.1", "board.6", 6);
	fd = open_board("board.6", O_RDWR);
	put(fd, "outlive board 1", 16, 0);
	(void)close(fd);
	copy_board("board.1", "board.7", 7);
	fd = open_board("board.7", O_RDWR);
	put(fd, &other_ns, sizeof(other_ns),
	    offsetof(struct board_head, world.pid_ns));
	(void)close(fd);

	copy_board("board.1", "board.8", 8);
	if (truncate(path_of("board.8"), 5000) == -1)
		bail("truncate: %s", strerror(errno));
	(void)close(open_board("board.9", O_RDWR | O_CREAT));
	/* It calls itself 1. */
	copy_board("board.1", "board.10", 1);
	if (symlink("/etc/passwd", path_of("board.11")) == -1 ||
	    mkfifo(path_of("board.12"), 0600) == -1)
		bail("board.11, board.12: %s", strerror(errno));
	/* As of a parent that was killed before it was done. */
	(void)close(open_board("board.new", O_RDWR | O_CREAT));
}

static void
ruins(void)
{
	static const char *const	names[] = { "board.8", "board.9",
					    "board.10", "board.11",
					    "board.12" };
	struct server			server;
	pid_t				list[64];
	char				line[128];
	size_t				i;
	int				client;

	server = server_start("-i", "1:1", PORT, "echo", NULL);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");
	await_born(server.pid, 2);
	leave_ruins();
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	await_no_listener(9999);
	log_clear();
	server = server_start("-w", "0", "-i", "1:1", PORT, "echo", NULL);
	ok(log_has("board.20 is removed: it is from before the machine was "
	    "started") && !exists("board.20"), "another boot's");
	ok(log_has("board.5 stays: of which start of the machine it is cannot "
	    "be told") && exists("board.5"), "one without a boot id stays");
	ok(log_has("board.6 stays: it is of another version") &&
	    exists("board.6"), "so does one of another version");
	ok(log_has("board.7 stays: its processes are in another pid "
	    "namespace") && exists("board.7"), "and another container's");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(line, sizeof(line), "%s is removed: it is no "
		    "whole board of this version", names[i]);
		if (!ok(log_has(line) && !exists(names[i]), "%s", line))
			log_show();
	}
	ok(!exists("board.new"), "one that was never done has gone");
	ok(echoes(client, "on\n"), "who has a client serves on");
	(void)ctl("status", NULL);
	tells("status", "generation 7 is not known: its processes are in "
	    "another pid namespace");
	ok(ctl("drain", "--orphans", "--deadline", "0", NULL) == 71, "drain, too, says that it "
	    "does not know all");
	ok(log_has("generation 21\n") &&
	    log_has("orphans that still serve: 1 of generation 1\n"),
	    "generation 21 begins, and knows of the one that lives");
	ok(access("/etc/passwd", F_OK) == 0, "what the link led to is there");
	(void)close(client);
	await_children(0, 1, list);
	server_end(server);
}

/* A child has written over everything that it can reach. */
static void
wild(void)
{
	static char	nonsense[1 << 20];
	struct server	server;
	struct stat	st;
	char		line[128];
	int		client, other, fd, round;

	for (round = 0; round < 3; round++) {
		harness_new_state();
		server = server_start("-i", "2:4", "-m", "8", PORT, "echo",
		    NULL);
		client = dial(9999);
		ok(echoes(client, "hello\n"), "a client is served");
		await_born(server.pid, 3);
		memset(nonsense, round == 0 ? 0xff : 0, sizeof(nonsense));
		fd = open_board("board.1", O_RDWR);
		if (fstat(fd, &st) == -1)
			bail("fstat: %s", strerror(errno));
		if (round < 2)
			put(fd, nonsense, (size_t)st.st_size, 0);
		else if (ftruncate(fd, 0) == -1)
			bail("ftruncate: %s", strerror(errno));
		(void)close(fd);
		other = dial(9999);
		ok(echoes(client, "on\n") && echoes(other, "hello\n"),
		    "a board %s: clients are served", round == 0 ?
		    "full of ones" : round == 1 ? "full of zeros" :
		    "that was cut off");
		log_clear();
		ok(ctl("status", NULL) == 0 && log_has("stays: it is no whole "
		    "board, and there is a parent"), "status says that it is "
		    "none");
		(void)snprintf(line, sizeof(line), PORT ": parent %d, of whom "
		    "there is no board\n", server.pid);
		tells("status", line);
		log_clear();
		ok(ctl("drain", "--deadline", "0", NULL) == 71 &&
		    log_has("there is no board of its children") &&
		    echoes(client, "on\n"), "drain ends nobody, and says so");
		ok(ctl("stop", NULL) == 0, "stop");
		(void)await_end(server.pid);
		ok(echoes(client, "on\n") && echoes(other, "on\n"),
		    "and the orphans serve on");
		(void)close(client);
		(void)close(other);
		ok(harness_nobody_left(), "nobody is left");
	}
}

/* A child that leaves from its handler, while it stands in line for the accept
   lock, writes there, too. */
static void
leave_a_board_that_was_cut_off(void)
{
	struct server	server;
	pid_t		list[64];
	int		i;

	harness_new_state();
	log_clear();
	harness_strategy("fcntl");
	server = server_start("-i", "3:3", "-m", "6", PORT, "echo", NULL);
	harness_strategy(NULL);
	await_born(server.pid, 3);
	await_children(server.pid, 3, list);
	for (i = 0; i < 3; i++)
		await_title(list[i], "outlived: idle");
	if (truncate(path_of("board.1"), 0) == -1)
		bail("truncate: %s", strerror(errno));
	send_signal(server.pid, SIGHUP);
	for (i = 0; i < 3; i++)
		await_gone(list[i]);
	server_end(server);
	ok(!log_has("ended by signal"), "who stood in line left in order");
}

/* A child of the board's that is none: it was started between two times. */
static void
slip_in(const char *path, pid_t pid, int64_t before, int64_t after)
{
	struct board_slot	slot = { .birth = { .pid = pid,
				    .before = before, .after = after },
				    .doing = { .state = SLOT_BUSY, .taken = 1,
				    .since = after, .client = "a\033[2Jb" } };
	int			fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd == -1)
		bail("%s: %s", path, strerror(errno));
	put(fd, &slot, sizeof(slot), BOARDFILE_SLOT(SPARE));
	(void)close(fd);
}

/* Drain what a board names which lies: the victim lives, the orphan does
   not. */
static void
drain_lie(const char *what, pid_t victim, int64_t before, bool is_seen)
{
	struct server	server;
	char		line[64];
	int		client, status;

	server = server_start("-i", "1:1", PORT, "echo", NULL);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");
	await_born(server.pid, 2);
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	await_no_listener(9999);
	slip_in(path_of("board.1"), victim, before, clock_boot_ms());
	(void)ctl("status", NULL);
	(void)snprintf(line, sizeof(line), " %d  busy     a\\^[[2Jb ",
	    victim);
	ok(says(line) == is_seen, "%s: %s", what, is_seen ?
	    "it is shown, as far as it can be printed" : "it is not shown");
	log_clear();
	status = ctl("drain", "--deadline", "0", NULL);
	(void)snprintf(line, sizeof(line), "process %d is left alone",
	    victim);
	ok(status == (is_seen ? 71 : 0) && log_has(line) == is_seen,
	    "drain %s", is_seen ? "leaves it alone, and says so" :
	    "does not know it");
	ok(lives(victim), "it lives");
	ok(sees_end(client), "and the orphan does not");
	(void)close(client);
}

static void
lies(void)
{
	const char	*argv[] = { "/bin/sleep", "1000", NULL };
	int64_t		before;
	pid_t		victim;

	harness_new_state();
	victim = program_start(argv, -1);
	/* It was started in this tick of the clock, or the one before. */
	before = clock_boot_ms() + 1000;
	drain_lie("a process that is older", victim, before, false);
	send_signal(victim, SIGKILL);
	(void)await_end(victim);
	if (getuid() != 0) {
		skip("another user's process", "it takes root to make one");
		return;
	}
	harness_new_state();
	before = clock_boot_ms();
	victim = program_start_in(harness_become_nobody, argv, -1);
	drain_lie("another user's process", victim, before, true);
	send_signal(victim, SIGKILL);
	(void)await_end(victim);
}

/* An ordinary user's instance, whose board names a process of root's. */
static void
lies_to_root(void)
{
	const char	*argv[] = { "/bin/sleep", "1000", NULL };
	const char	*server[] = { "./outlived", "-i", "1:1", PORT, "echo",
			    NULL };
	char		place[128], line[64];
	int64_t		before = clock_boot_ms();
	pid_t		parent, victim;
	int		client, status;

	if (getuid() != 0) {
		skip("a user's board, and root", "it takes root");
		return;
	}
	harness_new_state();
	victim = program_start(argv, -1);
	parent = program_start_in(harness_become_nobody, server, -1);
	await_listener(9999);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "an ordinary user's server");
	await_born(parent, 2);
	send_signal(parent, SIGKILL);
	(void)await_end(parent);
	await_no_listener(9999);
	(void)snprintf(place, sizeof(place), "%s/nobody/" PORT "/board.1",
	    harness_state());
	slip_in(place, victim, before, clock_boot_ms());
	(void)snprintf(place, sizeof(place), "%s/nobody", harness_state());
	log_clear();
	status = ctl("-S", place, "drain", "--deadline", "0", NULL);
	(void)snprintf(line, sizeof(line), "process %d is left alone",
	    victim);
	ok(status == 71 && log_has(line), "root drains: %s", line);
	ok(lives(victim), "it lives");
	ok(sees_end(client), "the user's orphan does not");
	(void)close(client);
	send_signal(victim, SIGKILL);
	(void)await_end(victim);
}

/* A stopped process of root's that listens, and which a user's board calls an
   orphan: root's parent, who would take the socket from one, does not. */
static void
lies_to_next_parent(void)
{
	struct server	server;
	struct wait	wait = { "a process that stops", 0 };
	int64_t		before = clock_boot_ms();
	pid_t		victim;

	if (getuid() != 0) {
		skip("a user's board, and root's parent", "it takes root");
		return;
	}
	harness_new_state();
	server = server_start("-u", "nobody", "-i", "1:1", PORT, "echo", NULL);
	await_born(server.pid, 1);
	copy_board("board.1", "board.kept", 1);
	send_signal(server.pid, SIGINT);
	(void)await_end(server.pid);
	(void)rename(path_of("board.kept"), path_of("board.1"));
	if (chown(path_of("board.1"), 65534, 65534) == -1 ||
	    (victim = fork()) == -1)
		bail("board.1: %s", strerror(errno));
	if (victim == 0) {
		(void)listening(9999, true);
		(void)raise(SIGSTOP);
		_exit(0);
	}
	while (!is_stopped(victim))
		wait_a_moment(&wait);
	slip_in(path_of("board.1"), victim, before, clock_boot_ms());
	log_clear();
	ok(server_run("-w", "0", "-u", "nobody", PORT, "echo", NULL) ==
	    EX_UNAVAILABLE << 8 && listeners(9999) == 1,
	    "a user's board: root's parent takes no socket from a stranger");
	send_signal(victim, SIGKILL);
	(void)await_end(victim);
}

static void
become_another(void)
{
	if (setgid(1) == -1 || setuid(1) == -1)
		_exit(126);
}

/* An instance of somebody else's, who has made it for others to look at. */
static void
trap(void)
{
	const char	*sleeper[] = { "/bin/sleep", "1000", NULL };
	const char	*drain[] = { "./outlivectl", "-S", NULL, "-n", PORT,
			    "drain", "--deadline", "0", NULL };
	struct server	server;
	char		place[128];
	int64_t		before = clock_boot_ms();
	pid_t		victim;
	int		client;

	if (getuid() != 0) {
		skip("another user's instance", "it takes root");
		return;
	}
	harness_new_state();
	server = server_start("-i", "1:1", PORT, "echo", NULL);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");
	await_born(server.pid, 2);
	victim = program_start_in(become_another, sleeper, -1);
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	await_no_listener(9999);
	slip_in(path_of("board.1"), victim, before, clock_boot_ms());
	/* Not root's, who reads what others may not. */
	if (chmod(path_of("board.1"), 0644) == -1 ||
	    chmod(path_of("lock"), 0644) == -1 ||
	    chown(path_of(""), 65534, 65534) == -1 ||
	    chown(path_of("lock"), 65534, 65534) == -1 ||
	    chown(path_of("board.1"), 65534, 65534) == -1)
		bail("chown: %s", strerror(errno));
	(void)strlcpy(place, harness_state(), sizeof(place));
	drain[2] = place;
	log_clear();
	ok(answer_of(become_another, drain) == 69 && lives(victim) &&
	    log_has("belongs to user 65534: expected to be run by that user"),
	    "somebody else's instance is not believed");
	(void)close(client);
	send_signal(victim, SIGKILL);
	(void)await_end(victim);
	ok(harness_nobody_left(), "all end");
}

static void
count(void *breaths)
{
	++*(int *)breaths;
}

/* More of them than are read at a time; who has something else to do meanwhile
   does. */
static void
many(void)
{
	struct generations	generations;
	struct server		server;
	struct wait		wait = { .what = "70 children" };
	int			breaths, dir, i, wrong = 0;

	harness_new_state();
	server = server_start("-i", "70:70", PORT, "echo", NULL);
	dir = open(path_of(""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (;;) {
		breaths = 0;
		if (generations_read_gently(&generations, dir, count,
		    &breaths) == -1 || generations.n != 1)
			bail("no board can be read");
		if (generations.list[0].n >= 70)
			break;
		generations_free(&generations);
		wait_a_moment(&wait);
	}
	ok(generations.list[0].n == 70, "70 children are found");
	for (i = 0; i < generations.list[0].n; i++)
		wrong += generations.list[0].children[i].slot != i;
	ok(wrong == 0, "each of them in its slot");
	ok(breaths >= 5 && breaths < 70, "and there is time to breathe");
	generations_free(&generations);
	(void)close(dir);
	server_end(server);
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	ruins();
	wild();
	leave_a_board_that_was_cut_off();
	lies();
	lies_to_root();
	lies_to_next_parent();
	trap();
	many();
	return done();
}
