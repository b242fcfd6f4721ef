/* SPDX-License-Identifier: ISC */
/*
 * An instance's lock, its directory and what may be wrong with it, by the
 * server that is to have it.
 */
#include <sys/types.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "client.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

/* A path below the state directory, in one of four buffers. */
static const char *
in_state(const char *name)
{
	static char	paths[4][128];
	static int	turn;

	turn = (turn + 1) % 4;
	(void)snprintf(paths[turn], sizeof(paths[turn]), "%s/%s",
	    harness_state(), name);
	return paths[turn];
}

static bool
exists(const char *name)
{
	struct stat	st;

	return lstat(in_state(name), &st) == 0;
}

static void
write_to(const char *name, const char *text)
{
	int	fd = open(in_state(name), O_WRONLY | O_CREAT | O_TRUNC |
		    O_CLOEXEC, 0600);

	if (fd == -1 || write(fd, text, strlen(text)) !=
	    (ssize_t)strlen(text))
		bail("%s: %s", name, strerror(errno));
	(void)close(fd);
}

/* What has to work if the test is to mean something. */
static void
made(int result)
{
	if (result == -1)
		bail("cannot prepare: %s", strerror(errno));
}

/* The process that has the lock; 0: nobody. */
static pid_t
lock_holder(void)
{
	struct flock	lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int		fd = open(in_state(PORT "/lock"), O_RDWR | O_CLOEXEC);

	if (fd == -1 || fcntl(fd, F_GETLK, &lock) == -1)
		bail("lock: %s", strerror(errno));
	(void)close(fd);
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

/* Still held after whatever might drop it. */
static void
stays_locked(void)
{
	struct server	server = server_start("-i", "2:2", PORT, "echo", NULL);
	pid_t		list[64];
	int		i, client;

	ok(lock_holder() == server.pid, "the parent has the lock");
	for (i = 0; i < 200; i++) {
		client = dial(9999);
		if (!echoes(client, "hello\n"))
			bail("client %d is not served", i);
		(void)close(client);
	}
	ok(lock_holder() == server.pid, "after 200 clients");
	await_children(server.pid, 2, list);
	send_signal(server.pid, SIGHUP);
	await_gone(list[0]);
	await_gone(list[1]);
	await_children(server.pid, 2, list);
	ok(lock_holder() == server.pid, "after HUP");
	server_end(server);
	ok(lock_holder() == 0, "nobody has it then");
}

/* The second waits, says who the first is, and gives up. */
static void
second_parent(void)
{
	struct server	server = server_start("-i", "1:1", PORT, "echo", NULL);
	struct server	next;
	char		text[128];
	int		status, client;

	log_clear();
	status = server_run("-w", "1", PORT, "echo", NULL);
	(void)snprintf(text, sizeof(text), "process %d is the parent of " PORT
	    ", trying for 1 s", server.pid);
	ok(log_has(text), "the second says: %s", text);
	(void)snprintf(text, sizeof(text), "process %d is the parent of " PORT
	    ": expected it to end", server.pid);
	ok(WEXITSTATUS(status) == 69 && log_has(text), "exit 69, %s", text);

	log_clear();
	status = server_run("-w", "0", "-n", PORT, "127.0.0.1:9998", "echo",
	    NULL);
	ok(WEXITSTATUS(status) == 69 && log_has(text) &&
	    !log_has("in the way") && !log_has("it can be bound"),
	    "another address by the same name: the lock alone refuses it");

	/* Who waits for busy children is in nobody's way. */
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");
	send_signal(server.pid, SIGQUIT);
	await_log("the port is free");
	next = server_start("-w", "0", "-i", "1:1", PORT, "echo", NULL);
	ok(lock_holder() == next.pid && lives(server.pid),
	    "one that waits after QUIT does not have the lock");
	send_signal(next.pid, SIGTERM);
	(void)await_end(next.pid);
	ok(echoes(client, "still here\n"), "and its client is served");
	(void)close(client);
	ok(await_end(server.pid) == 0 && harness_nobody_left(), "all end");
}

/* What is wrong with it, and words that say so; exit 71. */
static void
refused(const char *what, const char *words)
{
	int	status;

	log_clear();
	status = server_run("-w", "0", PORT, "echo", NULL);
	if (!ok(WIFEXITED(status) && WEXITSTATUS(status) == 71 &&
	    log_has(words) && log_lines() == 1, "%s: exit 71, one line: %s",
	    what, words))
		log_show();
}

static void
hostile_directory(void)
{
	harness_new_state();
	made(chmod(harness_state(), 0777));
	refused("a state directory that all may write to",
	    "others may write to");
	made(chmod(harness_state(), 01777));
	server_end(server_start("-i", "1:1", PORT, "echo", NULL));
	made(chmod(harness_state(), 0755));

	made(chmod(in_state(PORT), 0775));
	refused("an instance that a group may write to", "its mode is 0775");
	made(chmod(in_state(PORT), 0755));
	if (getuid() == 0) {
		made(chown(in_state(PORT), 65534, 65534));
		refused("an instance of somebody else",
		    "belongs to user 65534: expected user 0");
		made(chown(in_state(PORT), 0, 0));
		made(chown(harness_state(), 65534, 65534));
		refused("a state directory of somebody else",
		    "belongs to user 65534: expected user 0");
		made(chown(harness_state(), 0, 0));
	} else
		skip("somebody else's", "it takes root to make them");

	made(rename(in_state(PORT), in_state("other")));
	made(symlink("other", in_state(PORT)));
	refused("an instance that is a link", "expected a directory, not a "
	    "link or a file");
	(void)unlink(in_state(PORT));
	write_to(PORT, "");
	refused("an instance that is a file", "expected a directory, not a "
	    "link or a file");
	(void)unlink(in_state(PORT));
}

static void
hostile_lock(void)
{
	struct server	server;
	char		text[16];

	harness_new_state();
	made(mkdir(in_state(PORT), 0755));
	write_to("victim", "precious\n");
	made(symlink("../victim", in_state(PORT "/lock")));
	refused("a lock that is a link", "expected a file, not a link");
	(void)unlink(in_state(PORT "/lock"));
	made(link(in_state("victim"), in_state(PORT "/lock")));
	refused("a lock that has another name", "without other names");
	(void)unlink(in_state(PORT "/lock"));
	made(mkfifo(in_state(PORT "/lock"), 0600));
	refused("a lock that is a FIFO", "expected a file of user");
	(void)unlink(in_state(PORT "/lock"));
	write_to(PORT "/lock", "");
	made(chmod(in_state(PORT "/lock"), 0644));
	refused("a lock that others can open", "of mode 0600");
	made(chmod(in_state(PORT "/lock"), 0600));

	/* What stands in it is nobody's pid: the lock decides. */
	(void)snprintf(text, sizeof(text), "%d\n", getpid());
	write_to(PORT "/lock", text);
	server = server_start("-w", "0", "-i", "1:1", PORT, "echo", NULL);
	ok(lock_holder() == server.pid, "the pid of somebody who lives, in "
	    "the lock's file: the server starts");
	server_end(server);
	write_to(PORT "/lock", "999999999999999999999 and more\n");
	server_end(server_start("-w", "0", "-i", "1:1", PORT, "echo", NULL));
}

/* The directory is removed while the server runs. */
static void
removed(void)
{
	struct server	server;
	pid_t		list[64];
	int		client, other, status;

	harness_new_state();
	server = server_start("-i", "1:1", PORT, "echo", NULL);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");
	(void)unlink(in_state(PORT "/board.1"));
	(void)unlink(in_state(PORT "/lock"));
	(void)unlink(in_state(PORT "/control"));
	ok(rmdir(in_state(PORT)) == 0, "the instance's directory is removed");
	other = dial(9999);
	ok(echoes(client, "on\n") && echoes(other, "hello\n"),
	    "service goes on");
	log_clear();
	ok(ctl("-n", PORT, "status", NULL) == 69 && log_has("its directory "
	    "has been removed"), "outlivectl says that it is gone");
	log_clear();
	status = server_run("-w", "0", PORT, "echo", NULL);
	ok(WEXITSTATUS(status) == 69 && log_has("Address already in use"),
	    "a second start is refused by the port");
	send_signal(server.pid, SIGTERM);
	(void)await_end(server.pid);
	ok(echoes(client, "on\n") && echoes(other, "on\n"),
	    "its orphans serve");
	server = server_start("-i", "1:1", PORT, "echo", NULL);
	ok(exists(PORT "/board.1"), "the next one begins again at 1");
	(void)close(client);
	(void)close(other);
	await_children(0, 1, list);
	ok(exists(PORT "/board.1"), "and the orphans have left it its board");
	server_end(server);
}

/* It is emptied, and the next one begins again in it: what orphans remove is
   their own. */
static void
emptied(void)
{
	struct server	server;
	pid_t		list[64];
	int		client;

	harness_new_state();
	server = server_start("-i", "1:1", PORT, "echo", NULL);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");
	await_born(server.pid, 2);
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	await_no_listener(9999);
	(void)unlink(in_state(PORT "/board.1"));
	(void)unlink(in_state(PORT "/lock"));
	server = server_start("-w", "0", "-i", "1:1", PORT, "echo", NULL);
	ok(exists(PORT "/board.1"), "a directory that was emptied: generation "
	    "1 again");
	(void)close(client);
	await_children(0, 1, list);
	ok(exists(PORT "/board.1"), "the other generation 1 leaves it alone");
	server_end(server);
}

/* umask 0: nothing that others can write. */
static void
modes(void)
{
	struct server	server;
	struct stat	dir, lock, board;

	harness_new_state();
	(void)rmdir(harness_state());
	(void)umask(0);
	server = server_start("-i", "1:1", PORT, "echo", NULL);
	(void)umask(022);
	if (stat(in_state(PORT), &dir) == -1 ||
	    stat(in_state(PORT "/lock"), &lock) == -1 ||
	    stat(in_state(PORT "/board.1"), &board) == -1)
		bail("a file is missing: %s", strerror(errno));
	ok((dir.st_mode & 07777) == 0755 && (lock.st_mode & 07777) == 0600 &&
	    (board.st_mode & 07777) == 0600,
	    "umask 0: modes %o, %o, %o", dir.st_mode, lock.st_mode,
	    board.st_mode);
	ok(stat(harness_state(), &dir) == 0 && (dir.st_mode & 07777) == 0755,
	    "and %o", dir.st_mode);
	server_end(server);
}

static void
bad_names(void)
{
	static const char *const	names[] = { "", ".", "..", ".x", "a/b",
	    "a b", "a\tb", ("0123456789012345678901234567890123456789"
	    "012345678901234567890123456789012345678901234567890123456789") };
	const char			*any_port[] = { "./outlived", "0",
					    "echo", NULL };
	size_t				i;
	int				status;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		log_clear();
		status = server_run("-n", names[i], PORT, "echo", NULL);
		ok(WEXITSTATUS(status) == 64 && log_has("is no name: "
		    "expected") && log_lines() == 1, "the name '%s': exit 64",
		    names[i]);
	}
	log_clear();
	status = await_end(program_start(any_port, -1));
	ok(WEXITSTATUS(status) == 64 && log_has("port 0 is another one each "
	    "time: expected a name") && log_lines() == 1,
	    "port 0 without a name: exit 64");
}

/* A file system of their own, which is full. */
static void
full(void)
{
	static const char	zeros[4096];
	int			status, fd;

	harness_new_state();
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("full", harness_state(), "tmpfs", 0, "size=64k") == -1) {
		skip("a full file system", "no mount is allowed here");
		return;
	}
	made(chmod(harness_state(), 0755));
	log_clear();
	status = server_run("-w", "0", PORT, "echo", NULL);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 71 &&
	    log_has("No space left on device") && log_lines() == 1,
	    "the file system is full: exit 71, one line");
	ok(!exists(PORT "/board.new"), "nothing is left of the board");
	(void)unlink(in_state(PORT "/lock"));
	fd = open(in_state("full"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	(void)close(fd);
	log_clear();
	status = server_run("-w", "0", PORT, "echo", NULL);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 71 && log_has("lock: "
	    "No space left on device") && log_lines() == 1,
	    "not even the number can be written: exit 71, one line");
	(void)umount(harness_state());
}

int
main(void)
{
	harness_begin();
	harness_overlook_leaks();
	harness_own_network();
	stays_locked();
	second_parent();
	hostile_directory();
	hostile_lock();
	removed();
	emptied();
	modes();
	bad_names();
	full();
	return done();
}
