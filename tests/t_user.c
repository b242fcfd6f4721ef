/* SPDX-License-Identifier: ISC */
/*
 * -u: a parent that has bound its port as root, and is somebody else from then
 * on, for good; with all that is promised of any parent.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "answer.h"
#include "client.h"
#include "file.h"
#include "harness.h"
#include "pool/user.h"
#include "process.h"
#include "why.h"

#define PORT	"127.0.0.1:79"		/* root's to bind */

static struct passwd	user;
static char		directory[128], lock[160];

/* What /proc/PID/status says of one thing, blanks as one. */
static const char *
status_of(pid_t pid, const char *what)
{
	static char	text[4096];
	char		path[64], *at, *to, *from;
	FILE		*file;
	size_t		n;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if ((file = fopen(path, "re")) == NULL)
		bail("%s: %s", path, strerror(errno));
	*text = '\n';
	n = fread(text + 1, 1, sizeof(text) - 2, file);
	text[n + 1] = '\0';
	(void)fclose(file);
	if ((at = strstr(text, what)) == NULL)
		bail("no %s in %s", what, path);
	at += strlen(what) + 1;
	at[strcspn(at, "\n")] = '\0';
	for (to = from = at + strspn(at, "\t "); *from != '\0'; from++)
		if (*from != '\t' && *from != ' ')
			*to++ = *from;
		else if (from[1] > ' ')
			*to++ = ' ';
	*to = '\0';
	return at + strspn(at, "\t ");
}

static bool
is(pid_t pid, const char *what, const char *expected)
{
	const char	*found = status_of(pid, what);

	if (strcmp(found, expected) == 0)
		return true;
	note("%d: %s is %s, not %s", pid, what, found, expected);
	return false;
}

/* The user's in every way, and nothing more. */
static bool
has_dropped(pid_t pid)
{
	char	uids[64], gids[64], group[16];

	(void)snprintf(uids, sizeof(uids), "%u %u %u %u", user.pw_uid,
	    user.pw_uid, user.pw_uid, user.pw_uid);
	(void)snprintf(gids, sizeof(gids), "%u %u %u %u", user.pw_gid,
	    user.pw_gid, user.pw_gid, user.pw_gid);
	(void)snprintf(group, sizeof(group), "%u", user.pw_gid);
	return is(pid, "\nUid", uids) && is(pid, "\nGid", gids) &&
	    is(pid, "\nGroups", group) && is(pid, "\nNoNewPrivs", "1") &&
	    is(pid, "\nCapPrm", "0000000000000000") &&
	    is(pid, "\nCapEff", "0000000000000000");
}

static bool
belongs(const char *path, unsigned int mode)
{
	struct stat	st;

	return lstat(path, &st) == 0 && st.st_uid == user.pw_uid &&
	    st.st_gid == user.pw_gid && (st.st_mode & 07777) == mode;
}

static void
new_place(void)
{
	harness_new_state();
	log_clear();
	(void)snprintf(directory, sizeof(directory), "%s/%s", harness_state(),
	    PORT);
	(void)snprintf(lock, sizeof(lock), "%s/lock", directory);
}

static bool
all_have_dropped(pid_t parent)
{
	pid_t	list[64];
	int	i, n = children_of(parent, list, 64);
	bool	all = has_dropped(parent) && n > 0;

	for (i = 0; i < n; i++)
		all = has_dropped(list[i]) && all;
	return all;
}

/*
 * The parent of a dropped pool is killed.  Children that had asked for their
 * parent-death signal before the drop would not hear of it.
 */
static void
outlives(const char *strategy)
{
	bool		prefork = strcmp(strategy, "fork") != 0;
	struct server	first, next;
	int		old, new;

	new_place();
	harness_strategy(strategy);
	first = server_start("-u", user.pw_name, "-i", "3:3", PORT, "echo",
	    NULL);
	old = dial(first.port);
	ok(echoes(old, "old\n"), "%s: a client of port %u", strategy,
	    first.port);
	if (prefork)
		await_born(first.pid, 4);
	ok(all_have_dropped(first.pid), "%s: parent and children are the "
	    "user, and nothing more", strategy);
	ok(belongs(directory, 0755) && belongs(lock, 0600),
	    "the instance's directory and lock are the user's");
	send_signal(first.pid, SIGKILL);
	(void)await_end(first.pid);
	await_no_listener(first.port);
	next = server_start("-w", "0", "-u", user.pw_name, "-i", "3:3", PORT,
	    "echo", NULL);
	new = dial(next.port);
	ok(echoes(new, "new\n") && echoes(old, "still\n"),
	    "killed: it is served to the end, and the next parent serves");
	ok(log_has("orphans that still serve: 1 of generation 1"),
	    "which knows of the orphan");
	(void)close(old);
	(void)close(new);
	server_end(next);
}

/* Root's next parent is given the port, the user's own is not. */
static void
is_handed_over(void)
{
	struct server	first, next;
	int		old, new;

	new_place();
	harness_strategy(NULL);
	first = server_start("-u", user.pw_name, "-H", "20", "-n", "x",
	    "127.0.0.1:0", "echo", NULL);
	old = dial(first.port);
	ok(echoes(old, "old\n"), "a client");
	next = server_start("-u", user.pw_name, "-H", "20", "-T", "-n", "x",
	    "127.0.0.1:0", "echo", NULL);
	ok(await_end(first.pid) == 0 && next.port == first.port,
	    "-u -T: the first one hands its port over");
	send_signal(next.pid, SIGKILL);
	(void)await_end(next.pid);
	new = dial(next.port);
	first = server_start("-u", user.pw_name, "-w", "0", "-n", "x",
	    "127.0.0.1:0", "echo", NULL);
	ok(first.port == next.port && echoes(new, "new\n") &&
	    echoes(old, "still\n"), "-u -H: and the heir of the second");
	(void)close(old);
	(void)close(new);
	server_end(first);
}

static void
as_user(void)
{
	if (setgid(user.pw_gid) == -1 || setuid(user.pw_uid) == -1)
		_exit(126);
}

static void
as_another(void)
{
	if (setgid(1) == -1 || setuid(1) == -1)
		_exit(126);
}

/* Root, the user, and nobody else steer it. */
static void
is_steered(void)
{
	const char	*const status[] = { "./outlivectl", "-n", PORT,
			    "status", NULL };
	const char	*const stop[] = { "./outlivectl", "-n", PORT,
			    "stop", NULL };
	struct server	server;

	new_place();
	harness_strategy(NULL);
	server = server_start("-u", user.pw_name, "-i", "2:2", PORT, "echo",
	    NULL);
	ok(answer_of(NULL, status) == 0 && says("generation 1"),
	    "root sees it");
	ok(answer_of(as_user, status) == 0 && says("generation 1"),
	    "the user sees it");
	ok(answer_of(as_another, status) != 0 && !says("generation 1"),
	    "another user does not");
	ok(answer_of(as_another, stop) != 0 && lives(server.pid),
	    "nor can he stop it");
	ok(answer_of(as_user, stop) == 0, "the user stops it");
	ok(await_end(server.pid) == 0 && harness_nobody_left(),
	    "and it ends in order");
}

/* A program, which gains nothing by whose file it is. */
static void
serves_program(const char *strategy)
{
	struct server	server;
	char		expected[64];
	int		client;

	new_place();
	harness_strategy(strategy);
	server = server_start("-u", user.pw_name, PORT, "exec", "sh", "-c",
	    "id -u; id -G; grep NoNewPrivs: /proc/self/status", NULL);
	(void)snprintf(expected, sizeof(expected), "%u\n%u\nNoNewPrivs:\t1\n",
	    user.pw_uid, user.pw_gid);
	client = dial(server.port);
	ok(hears(client, expected) && sees_end(client), "%s: a program is the "
	    "user, and nothing more", strategy);
	server_end(server);
}

static bool
is_refused(const char *name, int status, const char *said)
{
	int	ended;

	log_clear();
	ended = server_run("-w", "0", "-u", name, PORT, "echo", NULL);
	if (WIFEXITED(ended) && WEXITSTATUS(ended) == status && log_has(said))
		return true;
	log_show();
	return false;
}

/* What another user has put in our way, or could have. */
static void
is_not_fooled(void)
{
	char	mine[160], board[160];
	struct stat	st;

	new_place();
	(void)snprintf(mine, sizeof(mine), "%s/root", harness_state());
	(void)snprintf(board, sizeof(board), "%s/board.3", directory);
	(void)close(open(mine, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	(void)mkdir(directory, 0755);
	(void)!chown(directory, user.pw_uid, user.pw_gid);
	(void)!symlink(mine, lock);
	ok(is_refused(user.pw_name, EX_OSERR, "expected a file, not a link"),
	    "a lock that is a link: refused");
	(void)unlink(lock);
	(void)!link(mine, lock);
	ok(is_refused(user.pw_name, EX_OSERR, "lock: Permission denied"),
	    "a lock that is root's: he is not let into it");
	ok(stat(mine, &st) == 0 && st.st_uid == 0 && st.st_size == 0,
	    "and it is as it was");
	(void)unlink(lock);
	(void)mkfifo(lock, 0600);
	(void)!chown(lock, user.pw_uid, user.pw_gid);
	ok(is_refused(user.pw_name, EX_OSERR, "lock: expected a file of user"),
	    "a lock that is a FIFO: refused");
	(void)unlink(lock);
	(void)!chown(directory, 1, 1);
	ok(is_refused(user.pw_name, EX_OSERR, " belongs to user 1: expected"),
	    "a directory of another one: refused");
	(void)!chown(directory, 0, 0);
	(void)close(open(board, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	ok(is_refused(user.pw_name, EX_OSERR, "has boards of user 0: expected"),
	    "root's, with boards of it: refused");
	(void)unlink(board);
}

/* What exec would take away, and a program may set for itself: none of it is
   left to be taken up again. */
static void
keeps_nothing(void)
{
	struct user	own = { .wanted = true, .uid = user.pw_uid,
			    .gid = user.pw_gid };
	const char	*failed;
	pid_t		pid = fork();

	if (pid == -1)
		bail("fork: %s", strerror(errno));
	if (pid == 0) {
		(void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
		_exit(user_become(&own, &failed) == -1 && errno == EPERM ? 0 :
		    1);
	}
	ok(await_end(pid) == 0, "rights that are kept for later: refused");
}

static void
keep_rights(void)
{
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == -1)
		_exit(126);
}

/* Who keeps every right though he is not root any more could go back. */
static void
does_not_go_half_way(void)
{
	const char	*const argv[] = { "./outlived", "-u", user.pw_name, PORT,
			    "echo", NULL };

	new_place();
	ok(await_end(program_start_in(keep_rights, argv, -1)) ==
	    EX_OSERR << 8 && log_has("the way back is open"),
	    "a drop that leaves rights: refused");
}

/* The instance was root's, and has nobody left. */
static void
is_given(void)
{
	struct server	server;

	new_place();
	harness_strategy(NULL);
	server = server_start("-i", "1:1", PORT, "echo", NULL);
	server_end(server);
	ok(!belongs(directory, 0755), "an instance of root's");
	server = server_start("-u", user.pw_name, "-i", "1:1", PORT, "echo",
	    NULL);
	ok(belongs(directory, 0755) && belongs(lock, 0600) &&
	    log_has("generation 2"), "is the user's next, and counts on");
	server_end(server);
	log_clear();
	ok(server_run("-w", "0", PORT, "echo", NULL) == EX_OSERR << 8 &&
	    log_has(" belongs to user"), "and not root's any more");
}

static void
file_in_state(char *path, size_t size, const char *name)
{
	(void)snprintf(path, size, "%s/%s", harness_state(), name);
}

/* logrotate(8) as root: the user may not make a file there, nor open one of
   root's, but one that is made for him. */
static void
log_is_rotated(void)
{
	char		path[160], old[160];
	struct server	server;
	int		client;

	new_place();
	file_in_state(path, sizeof(path), "log");
	file_in_state(old, sizeof(old), "log.1");
	server = server_start("-u", user.pw_name, "-v", "-l", path, "-i", "1:1",
	    PORT, "bytes", NULL);
	client = dial(server.port);
	say(client, "1\n");
	(void)hears(client, "x");
	(void)rename(path, old);
	send_signal(server.pid, SIGHUP);
	await_file(old, "HUP: replacing");
	ok(file_has(old, "the log stays in a file that is no longer") &&
	    file_has(old, "Permission denied") && access(path, F_OK) == -1,
	    "a log that the user may not make: the old one, and why");
	(void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
	(void)!chown(path, user.pw_uid, user.pw_gid);
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	say(client, "nonsense\n");
	await_file(path, "asks for 'nonsense'");
	ok(1, "one that was made for him has the orphan's line");
	(void)close(client);
	ok(harness_nobody_left(), "who leaves");
}

/* The user may write into the directory of the log, and has laid a link. */
static void
log_is_not_roots(void)
{
	char		place[140], path[160], mine[160];
	struct server	server;
	struct stat	st;

	new_place();
	file_in_state(place, sizeof(place), "logs");
	file_in_state(path, sizeof(path), "logs/log");
	file_in_state(mine, sizeof(mine), "root");
	(void)close(open(mine, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	(void)mkdir(place, 0755);
	(void)!chown(place, user.pw_uid, user.pw_gid);
	(void)!symlink(mine, path);
	ok(server_run("-w", "0", "-u", user.pw_name, "-l", path, PORT, "echo",
	    NULL) == EX_OSERR << 8 && log_has("/logs/log', for user '") &&
	    log_has("' to write: Permission denied") &&
	    stat(mine, &st) == 0 && st.st_size == 0,
	    "a log that is a link of the user's to root's file: refused");
	(void)unlink(path);
	server = server_start("-u", user.pw_name, "-l", path, "-i", "1:1", PORT,
	    "echo", NULL);
	ok(belongs(path, 0640), "a log in a directory of his is his");
	server_end(server);
	/* His directory leads elsewhere. */
	(void)unlink(path);
	(void)rmdir(place);
	(void)mkdir(place, 0755);
	(void)!chown(place, user.pw_uid, user.pw_gid);
	(void)!symlink(harness_state(), path);
	file_in_state(path, sizeof(path), "logs/log/made");
	ok(server_run("-w", "0", "-u", user.pw_name, "-l", path, PORT, "echo",
	    NULL) == EX_OSERR << 8 && stat(path, &st) == -1,
	    "nor is one made where his link leads: refused");
}

/* A directory that only root may look into. */
static void
log_is_unseen(void)
{
	char		place[140], path[160];
	struct server	server;

	new_place();
	file_in_state(place, sizeof(place), "logs");
	file_in_state(path, sizeof(path), "logs/log");
	(void)mkdir(place, 0700);
	server = server_start("-u", user.pw_name, "-l", path, "-i", "1:1", PORT,
	    "echo", NULL);
	ok(file_has(path, "it cannot be seen whether that is still") &&
	    file_has(path, ": Permission denied") &&
	    !file_has(path, "no longer"), "a log that the user cannot see");
	server_end(server);
}

/* A start that fails takes nothing from root. */
static void
is_not_given(void)
{
	struct server	server;
	int		taken;

	new_place();
	harness_strategy(NULL);
	server = server_start("-i", "1:1", PORT, "echo", NULL);
	server_end(server);
	taken = listening(79, true);
	ok(is_refused(user.pw_name, EX_UNAVAILABLE, "Address already in use"),
	    "-u, and the port is taken");
	(void)close(taken);
	server = server_start("-i", "1:1", PORT, "echo", NULL);
	ok(log_has("generation 2"), "the instance is root's still");
	server_end(server);
	(void)!chown(lock, user.pw_uid, user.pw_gid);
	server = server_start("-u", user.pw_name, "-i", "1:1", PORT, "echo",
	    NULL);
	ok(belongs(directory, 0755) && belongs(lock, 0600),
	    "a giving that was cut off is done to the end");
	server_end(server);
}

static void
mask_all(void)
{
	(void)umask(077);
	(void)setenv("OUTLIVE_STATE_DIR", directory, 1);
}

/* The state directory is to be made, and the caller's umask lets nobody in. */
static void
is_let_through(void)
{
	const char	*const argv[] = { "./outlived", "-u", user.pw_name,
			    PORT, "echo", NULL };
	const char	*const status[] = { "./outlivectl", "-S", directory,
			    "-n", PORT, "status", NULL };
	struct server	server;

	new_place();
	(void)snprintf(directory, sizeof(directory), "%s/new",
	    harness_state());
	server.pid = program_start_in(mask_all, argv, -1);
	await_listener(79);
	await_log("generation 1");
	ok(answer_of(as_user, status) == 0 && says("generation 1"),
	    "umask 077: the user finds it");
	send_signal(server.pid, SIGTERM);
	(void)await_end(server.pid);
	ok(harness_nobody_left(), "and it ends");
}

int
main(void)
{
	static const char	*const all[] = { "fork", "pass", "shared",
				    "fcntl", "mutex" };
	const struct passwd	*entry = getpwnam("nobody");
	size_t			 i;

	harness_begin();
	if (entry == NULL)
		skip_all("there is no user nobody");
	user = *entry;
	user.pw_name = strdup(user.pw_name);
	if (getuid() != 0) {
		struct server server = server_start("-u",
		    getpwuid(getuid())->pw_name, "127.0.0.1:0", "echo", NULL);

		ok(is(server.pid, "\nNoNewPrivs", "1"), "oneself can be named");
		server_end(server);
		ok(is_refused("daemon", EX_USAGE, "only root can become user "
		    "'daemon'"), "but nobody else");
		free(user.pw_name);
		return done();
	}
	harness_own_network();
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		outlives(all[i]);
		serves_program(all[i]);
	}
	is_steered();
	is_handed_over();
	ok(is_refused("nosuchuser", EX_USAGE, "there is no user 'nosuchuser'"),
	    "a user who is not there");
	ok(is_refused("root", EX_USAGE, "expected one who has fewer rights"),
	    "root");
	does_not_go_half_way();
	keeps_nothing();
	is_not_fooled();
	is_given();
	log_is_rotated();
	log_is_not_roots();
	log_is_unseen();
	is_not_given();
	is_let_through();
	free(user.pw_name);
	return done();
}
