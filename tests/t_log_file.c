/* SPDX-License-Identifier: ISC */
/* A log in a file that others rename, remove, cut off, and fill. */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "net/log.h"

#define STAMP	"20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:" \
		"[0-6][0-9][+-][0-9][0-9][0-9][0-9] t_log_file\\[[0-9]*\\]: "

static char	text[1 << 22];

static const char *
contents(const char *name)
{
	int	fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t	n, have = 0;

	while ((n = read(fd, text + have,
	    sizeof(text) - 1 - (size_t)have)) > 0)
		have += n;
	if (fd != -1)
		(void)close(fd);
	text[have] = '\0';
	return text;
}

/* Lines of a file, all of which must look like that. */
static int
lines_like(const char *name, const char *pattern)
{
	char	*next, *line, whole[256];
	int	 many = 0;

	(void)snprintf(whole, sizeof(whole), STAMP "%s", pattern);
	(void)contents(name);
	for (next = text; (line = strsep(&next, "\n")) != NULL; many++)
		if (fnmatch(whole, line, 0) != 0)
			return next == NULL && *line == '\0' ? many : -1;
	return -1;
}

static void
create(const char *name)
{
	int	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1)
		bail("%s: %s", name, strerror(errno));
	(void)close(fd);
}

/* The log begins as a new file of the working directory, "log". */
static void
begin(const char *where)
{
	(void)unlink("log");
	(void)unlink("old");
	if (log_open(where, false) == -1)
		bail("%s: %s", where, strerror(errno));
	log_begun();
}

static void
opened(void)
{
	struct stat	status;
	int		stderr_was = dup(STDERR_FILENO);
	int		fd = open("stderr", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)umask(0);
	(void)dup2(fd, STDERR_FILENO);
	ok(log_open("log", false) == 0, "a file of the working directory");
	log_info("a\tb\n\033[1mc\\d\303\244");
	log_begun();
	(void)!chdir("/");
	log_info("begun");
	(void)!chdir(harness_state());
	(void)dup2(stderr_was, STDERR_FILENO);
	(void)close(stderr_was);
	(void)close(fd);
	ok(lines_like("log", "*") == 2, "lines begin with the time");
	ok(strstr(contents("log"), "]: a\\tb\\n^[[1mc\\dM-CM-$\n") != NULL,
	    "what is not printable is made so: %.*s",
	    (int)strcspn(text, "\n"), text);
	ok(strstr(contents("stderr"), ": a\\tb\\n") != NULL &&
	    strncmp(text, "t_log_file[", 11) == 0,
	    "before the log has begun, lines go to standard error too");
	ok(strstr(text, "begun") == NULL, "after that they do not");
	ok(stat("log", &status) == 0 && (status.st_mode & 0777) == 0640,
	    "the file has mode 640");
	ok(log_for_programs() > STDERR_FILENO, "programs have it, too");
}

static void
renamed(void)
{
	begin("log");
	log_info("one");
	(void)rename("log", "old");
	create("log");
	log_info("two");
	ok(lines_like("log", "two") == 1 && lines_like("old", "one") == 1,
	    "renamed: the next line is in the file that has the name");

	begin("log");
	(void)rename("log", "old");
	log_info("one");
	log_info("two");
	ok(strstr(contents("old"), "no longer") != NULL &&
	    strstr(text, "one") != NULL && strstr(text, "two") != NULL &&
	    strstr(strstr(text, "no longer") + 1, "no longer") == NULL,
	    "renamed, and there is no other: the lines stay, one says why");
	log_reopen();
	log_info("three");
	ok(lines_like("log", "three") == 1,
	    "opened anew: it is made, and has the next line");
	(void)rename("log", "old");
	log_info("four");
	log_settle();
	ok(strstr(contents("old"), "no longer") != NULL &&
	    strstr(text, "HUP makes it) (1 more)\n") != NULL &&
	    strstr(text, "four") != NULL, "the next time, one says why again");
}

static void
removed(void)
{
	begin("log");
	log_info("one");
	(void)unlink("log");
	log_info("two");
	ok(lines_like("log", "two") == 1, "removed: a new one has the line");
}

/* logrotate's copytruncate. */
static void
cut_off(void)
{
	begin("log");
	log_info("one");
	(void)!truncate("log", 0);
	log_info("two");
	ok(lines_like("log", "two") == 1, "cut off: it goes on at its end");
}

/* What has the name cannot be a log. */
static void
in_the_way(void)
{
	begin("log");
	log_info("one");
	(void)rename("log", "old");
	(void)mkdir("log", 0700);
	log_info("two");
	log_info("three");
	log_reopen();
	(void)rmdir("log");
	(void)contents("old");
	ok(strstr(text, "/log: Is a directory\n") != NULL &&
	    strstr(text, "two") != NULL && strstr(text, "three") != NULL,
	    "a directory in the way: lines stay, and one says why");
	ok(log_open("/nowhere/log", false) == -1 && errno == ENOENT,
	    "what cannot be created is an error");
	(void)mkfifo("fifo", 0600);
	ok(log_open("fifo", false) == -1 && errno == ENXIO,
	    "a pipe without a reader, too");
}

/* A disk that is full, and not full any more. */
static void
full(void)
{
	int	i;

	begin("log");
	(void)unlink("log");
	(void)!symlink("/dev/full", "log");
	log_reopen();
	for (i = 0; i < 100; i++)
		log_info("line %d", i);
	(void)unlink("log");
	create("log");
	log_info("again");
	ok(strstr(contents("log"), "]: 100 lines of the log were dropped\n") !=
	    NULL && strstr(text, "]: again\n") != NULL,
	    "a full disk: what was dropped is said when there is room");
}

/* ulimit -f: the file takes the beginning of a line. */
static void
limited(void)
{
	struct rlimit	limit;
	char		*next, *line;
	int		i;
	bool		told = false, last = false;
	pid_t		child;

	begin("log");
	if ((child = fork()) == -1)
		bail("fork");
	if (child == 0) {
		(void)signal(SIGXFSZ, SIG_IGN);
		(void)getrlimit(RLIMIT_FSIZE, &limit);
		limit.rlim_cur = 4096;
		(void)setrlimit(RLIMIT_FSIZE, &limit);
		for (i = 0; i < 100; i++)
			log_info("limited %d of more lines than there is "
			    "room for", i);
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_FSIZE, &limit);
		_exit(0);
	}
	ok(await_end(child) == 0, "a file at its limit ends nobody");
	log_info("limited, and now there is room");
	(void)contents("log");
	for (next = text; (line = strsep(&next, "\n")) != NULL;) {
		/* One that stands behind another one is no line. */
		if (fnmatch("*t_log_file[[]*t_log_file[[]*", line, 0) == 0)
			continue;
		told |= fnmatch(STAMP "[0-9]* lines of the log were dropped",
		    line, 0) == 0;
		last |= fnmatch(STAMP "limited, and now there is room", line,
		    0) == 0;
	}
	ok(told && last, "it goes on with another line, and says what was "
	    "dropped");
}

/* A pipe that nobody reads. */
static void
unread_pipe(void)
{
	int	reader, i;

	(void)mkfifo("fifo", 0600);
	reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	begin("fifo");
	for (i = 0; i < 5000; i++)
		log_info("line %d", i);
	ok(1, "a pipe that nobody reads: %d lines, and nobody waits", i);
	ok(log_for_programs() == STDERR_FILENO,
	    "a program would wait, and does not have it");
	while (read(reader, text, sizeof(text)) > 0)
		;
	log_info("last");
	(void)!read(reader, text, sizeof(text));
	ok(strstr(text, "lines of the log were dropped\n") != NULL,
	    "what was dropped is said");
	(void)close(reader);
	(void)unlink("fifo");
}

/* A vforked process has our memory, and not our descriptors. */
static void
vforked(void)
{
	pid_t	child;

	begin("log");
	(void)rename("log", "old");
	create("log");
	if ((child = vfork()) == 0) {
		log_info("child");
		_exit(0);
	}
	(void)await_end(child);
	log_info("parent");
	ok(lines_like("log", "*") == 2 && lines_like("old", "*") == 0,
	    "a vforked process takes the new file, and leaves us ours");
}

#define WRITERS		4
#define LINES		2000
#define ROTATIONS	20

/* Four write, and the file is renamed under their pens. */
static void
all_at_once(void)
{
	struct wait	wait;
	char		name[32];
	int		i, k, total = 0, each;
	pid_t		writers[WRITERS];
	_Atomic int	*written = mmap(NULL, sizeof(*written), PROT_READ |
			    PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	begin("log");
	for (i = 0; i < WRITERS; i++) {
		if ((writers[i] = fork()) == -1)
			bail("fork");
		if (writers[i] == 0) {
			for (k = 0; k < LINES; k++) {
				/* Too long to be counted (log_fold.h). */
				log_info("%d wrote %0250d", i, k);
				atomic_fetch_add(written, 1);
			}
			_exit(0);
		}
	}
	for (i = 0; i < ROTATIONS; i++) {
		(void)snprintf(name, sizeof(name), "log.%d", i);
		create("new");
		/* Once there is a line in it, so that each has its turn. */
		wait = (struct wait){ .what = "a line" };
		while (*contents("log") == '\0' && i < ROTATIONS / 2 &&
		    atomic_load(written) < WRITERS * LINES)
			wait_a_moment(&wait);
		(void)!link("log", name);
		(void)rename("new", "log");
	}
	for (i = 0; i < WRITERS; i++)
		(void)await_end(writers[i]);
	for (i = 0; i < ROTATIONS; i++) {
		(void)snprintf(name, sizeof(name), "log.%d", i);
		each = lines_like(name, "[0-9] wrote [0-9]*");
		ok(each >= 0, "%s: whole lines, %d of them", name, each);
		total += each;
	}
	each = lines_like("log", "[0-9] wrote [0-9]*");
	ok(total + each == WRITERS * LINES, "none lost, none mixed: %d lines",
	    total + each);
}

int
main(void)
{
	harness_begin();
	if (chdir(harness_state()) == -1)
		bail("chdir");
	opened();
	renamed();
	removed();
	cut_off();
	in_the_way();
	full();
	limited();
	unread_pipe();
	vforked();
	all_at_once();
	return done();
}
