/* SPDX-License-Identifier: ISC */
/* The store of doc/examples/kv.c is whole, whoever is killed at what moment. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"

#define LONG	199	/* bytes of a value */
#define ROUNDS	30

static char	path[512];
static int	store;

static pid_t
start(void)
{
	const char	*argv[] = { "doc/examples/kv", "127.0.0.1:9999", path,
			    NULL };
	pid_t		pid = program_start(argv, -1);

	await_listener(9999);
	return pid;
}

static void
set_lock(short type)
{
	struct flock	whole = { .l_type = type, .l_whence = SEEK_SET };

	if (fcntl(store, F_SETLKW, &whole) == -1)
		bail("cannot lock %s", path);
}

/* Whether somebody waits for our lock (proc(5)). */
static void
await_in_line(pid_t pid)
{
	struct wait	wait = { .what = "a child that waits for the lock" };
	char		line[256], mark[64];
	bool		waits = false;
	FILE		*locks;

	(void)snprintf(mark, sizeof(mark), "-> POSIX  ADVISORY  WRITE %d ",
	    (int)pid);
	while (!waits) {
		wait_a_moment(&wait);
		if ((locks = fopen("/proc/locks", "r")) == NULL)
			bail("/proc/locks");
		while (fgets(line, sizeof(line), locks) != NULL)
			if (strstr(line, mark) != NULL)
				waits = true;
		(void)fclose(locks);
	}
}

static pid_t
await_child_of(pid_t parent, int client)
{
	struct wait	wait = { .what = "a child that serves the client" };
	char		title[64];
	pid_t		list[64];
	int		n;

	(void)snprintf(title, sizeof(title), "kv: kv for 127.0.0.1:%u",
	    local_port(client));
	for (;; wait_a_moment(&wait))
		for (n = children_of(parent, list, 64); n > 0; n--)
			if (title_is(list[n - 1], title))
				return list[n - 1];
}

static void
in_line(pid_t parent)
{
	int	killed = dial(9999), other = dial(9999);
	pid_t	child;

	set_lock(F_WRLCK);
	say(killed, "SET a lost\n");
	child = await_child_of(parent, killed);
	await_in_line(child);
	say(other, "GET a\n");
	send_signal(child, SIGKILL);
	ok(sees_end(killed), "killed while it waits for the lock");
	set_lock(F_UNLCK);
	ok(hears(other, "none\n"), "the others do not");
	(void)close(killed);
	(void)close(other);
}

/* What a child leaves that was killed while it wrote a value. */
static void
half_written(void)
{
	char	bytes[4096], *value;
	int	client = dial(9999);

	say(client, "SET a before\n");
	ok(hears(client, "ok\n"), "a value");
	if (pread(store, bytes, sizeof(bytes), 0) != sizeof(bytes) ||
	    (value = memmem(bytes, sizeof(bytes), "before", 7)) == NULL)
		bail("the value is not in %s", path);
	(void)memset(value + 201, 'x', 201);
	if (pwrite(store, value + 201, 201, value + 201 - bytes) != 201)
		bail("cannot write %s", path);
	say(client, "GET a\n");
	ok(hears(client, "ok before\n"), "half of the next one is not seen");
	say(client, "SET a after\nGET a\n");
	ok(hears(client, "ok\nok after\n"), "and is in nobody's way");
	if (pread(store, bytes, sizeof(bytes), 0) != sizeof(bytes))
		bail("cannot read %s", path);
	ok(strcmp(value, "before") == 0 && strcmp(value + 201, "after") == 0,
	    "a value is not written over the one that is read");
	(void)close(client);
}

/* Values of one letter, many, and then their child is killed. */
static bool
one_of_both(pid_t parent)
{
	char	a[LONG + 8], b[LONG + 8], many[20 * sizeof(a)] = "";
	char	answer[LONG + 8];
	int	writer = dial(9999), reader = dial(9999), i;
	ssize_t	n;
	size_t	used = 0;

	(void)snprintf(a, sizeof(a), "SET a %0*d\n", LONG, 0);
	(void)snprintf(b, sizeof(b), "SET a %0*d\n", LONG, 0);
	(void)memset(a + 6, 'a', LONG);
	(void)memset(b + 6, 'b', LONG);
	for (i = 0; i < 10; i++) {
		(void)strcat(many, a);
		(void)strcat(many, b);
	}
	say(writer, a);
	(void)hears(writer, "ok\n");
	say(writer, many);
	send_signal(await_child_of(parent, writer), SIGKILL);
	say(reader, "GET a\n");
	while (used < LONG + 4 && (n = read(reader, answer + used,
	    sizeof(answer) - 1 - used)) > 0)
		used += (size_t)n;
	answer[used] = '\0';
	(void)close(writer);
	(void)close(reader);
	return strncmp(answer, "ok ", 3) == 0 &&
	    (strcmp(answer + 3, a + 6) == 0 || strcmp(answer + 3, b + 6) == 0);
}

int
main(void)
{
	pid_t	parent;
	int	i, whole = 0, old, new;

	harness_begin();
	harness_own_network();
	(void)snprintf(path, sizeof(path), "%s/store", harness_state());
	/* Where the disk was full there is a part of a store. */
	store = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store == -1 || ftruncate(store, 4096) == -1)
		bail("%s", path);
	parent = start();
	in_line(parent);
	half_written();
	for (i = 0; i < ROUNDS; i++)
		whole += one_of_both(parent);
	ok(whole == ROUNDS, "children killed while they write: %d of %d values "
	    "are whole", whole, ROUNDS);

	old = dial(9999);
	say(old, "SET b of-the-first\n");
	(void)hears(old, "ok\n");
	send_signal(parent, SIGKILL);
	(void)await_end(parent);
	await_no_listener(9999);
	parent = start();
	new = dial(9999);
	say(new, "GET b\nCOUNT\n");
	ok(hears(new, "ok of-the-first\nok 2\n"), "the next parent's child "
	    "has the store");
	say(old, "SET b of-an-orphan\n");
	(void)hears(old, "ok\n");
	say(new, "GET b\n");
	ok(hears(new, "ok of-an-orphan\n"), "and sees what an orphan writes");
	(void)close(old);
	(void)close(new);
	send_signal(parent, SIGTERM);
	ok(await_end(parent) == 0 && harness_nobody_left(), "all ended");
	return done();
}
