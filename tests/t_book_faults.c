/* SPDX-License-Identifier: ISC */
/* The faults of the servers of UNP chapter 30 (book.c), one by one. */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "book_server.h"
#include "client.h"
#include "harness.h"
#include "process.h"

static void
asks_too_much(void)
{
	int	client = dial(PORT);

	say(client, "16385\n");
	ok(sees_end(client), "who asks for 16385 bytes is ended");
	(void)close(client);
}

static void
resets(void)
{
	struct linger	at_once = { .l_onoff = 1, .l_linger = 0 };
	int		client = dial(PORT);

	ok(book_served(client), "who resets its connection was served");
	(void)setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once,
	    sizeof(at_once));
	(void)close(client);
}

static void
two_bad_clients(const char *section)
{
	struct wait	wait = { .what = "children that end" };
	int		another;

	book_begin(section, 2);
	asks_too_much();
	resets();
	while (lives(book_child[0]) || lives(book_child[1]))
		wait_a_moment(&wait);
	another = dial(PORT);
	ok(lives(book_parent) && inode_of(PORT, another) == 1 &&
	    children_of(book_parent, book_child, 64) == 0,
	    "the pool of two is empty, and the next client waits for ever");
	(void)close(another);
}

static void
one_bad_client(const char *section)
{
	int	another, next, status;

	book_begin(section, 2);
	another = dial(PORT);
	ok(book_served(another), "a client is served");
	asks_too_much();
	if (strcmp(section, "30.5") == 0) {
		next = dial(PORT);
		ok(book_served(next), "nobody else: the next one is served");
		(void)close(next);
	} else {
		status = await_end(book_parent);
		ok(WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
		    listeners(PORT) == 0, "with its child, the parent ends");
	}
	ok(book_served(another), "the other client is served on");
	(void)close(another);
}

/* From now on it can open nothing. */
static void
no_more_descriptors(pid_t pid)
{
	struct rlimit	limit;

	if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == -1)
		bail("prlimit");
	limit.rlim_cur = 3;
	if (prlimit(pid, RLIMIT_NOFILE, &limit, NULL) == -1)
		bail("prlimit");
}

/*
 * An accept() that waits may have reserved its descriptor before: then one
 * more client is served.
 */
static void
parent_without_descriptors(const char *section)
{
	int	live, another, status;

	book_begin(section, 2);
	live = dial(PORT);
	ok(book_served(live), "a client is served");
	no_more_descriptors(book_parent);
	another = dial(PORT);
	status = await_end(book_parent);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
	    log_has("accept error: Too many open files"),
	    "EMFILE: the parent ends");
	/* A newborn has it until its first act. */
	await_no_listener(PORT);
	ok(book_served(live), "the live client is served on");
	(void)close(another);
	(void)close(live);
}

/* The system call that it waits in (proc(5)); false if that is not told. */
static bool
call_of(pid_t pid, char *text, size_t size)
{
	char	path[64];
	FILE	*file;
	bool	told;

	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	if ((file = fopen(path, "re")) == NULL)
		return false;
	told = fgets(text, (int)size, file) != NULL;
	(void)fclose(file);
	return told;
}

static bool
waits_for_mutex(pid_t pid)
{
	char	text[256];

	return call_of(pid, text, sizeof(text)) &&
	    strncmp(text, "running", 7) != 0 &&
	    strtol(text, NULL, 10) == SYS_futex;
}

static bool
mutex_can_be_seen(pid_t pid)
{
	char	text[256];

	return call_of(pid, text, sizeof(text));
}

/* One child has the client, the other one is the next to accept. */
static void
child_without_descriptors(const char *section)
{
	struct wait	wait = { .what = "the end of a child" },
			lock = { .what = "a child that waits for the mutex" };
	int		live, another;
	pid_t		busy, other;

	book_begin(section, 2);
	live = dial(PORT);
	ok(book_served(live), "a client is served");
	busy = book_server_of(live, 2);
	other = book_the_other(2, busy, busy);
	no_more_descriptors(other);
	(void)close(dial(PORT));
	while (lives(other))
		wait_a_moment(&wait);
	ok(log_has("accept error: Too many open files") && lives(book_parent) &&
	    book_served(live), "EMFILE: the child ends");
	(void)close(live);
	another = dial(PORT);
	if (strcmp(section, "30.8") != 0) {
		ok(book_served(another), "its sibling serves the next client");
	} else if (!mutex_can_be_seen(busy)) {
		skip("its sibling waits for the mutex", "no /proc/PID/syscall");
	} else {
		while (!waits_for_mutex(busy))
			wait_a_moment(&lock);
		ok(inode_of(PORT, another) == 1,
		    "its sibling waits for the mutex, and nobody accepts");
	}
	(void)close(another);
}

/* Of three idle children, the one who does not wait for the mutex has it. */
static pid_t
await_holder(pid_t of)
{
	struct wait	wait = { .what = "two children that wait" };
	int		i, n;
	pid_t		holder;

	await_children(of, 3, book_child);
	for (;; wait_a_moment(&wait)) {
		for (i = 0, n = 0, holder = 0; i < 3; i++)
			if (waits_for_mutex(book_child[i]))
				n++;
			else
				holder = book_child[i];
		if (n == 2)
			return holder;
	}
}

static void
holder_is_killed(void)
{
	struct wait	wait = { .what = "the end of the holder" };
	struct server	server;
	pid_t		holder;
	int		client, i, waiting = 0;

	book_begin("30.8", 3);
	if (!mutex_can_be_seen(book_child[0])) {
		skip("the holder of the mutex", "no /proc/PID/syscall");
		return;
	}
	holder = await_holder(book_parent);
	send_signal(holder, SIGKILL);
	while (lives(holder))
		wait_a_moment(&wait);
	client = dial(PORT);
	for (i = 0; i < 3; i++)
		waiting += book_child[i] != holder &&
		    waits_for_mutex(book_child[i]);
	ok(waiting == 2 && inode_of(PORT, client) == 1,
	    "the holder of the mutex is killed: two wait, nobody accepts");
	(void)close(client);
	harness_new_state();

	server = server_start("-a", "mutex", "-i", "3:3", "127.0.0.1:9999",
	    "echo", NULL);
	await_born(server.pid, 3);
	holder = await_holder(server.pid);
	send_signal(holder, SIGKILL);
	await_gone(holder);
	client = dial(PORT);
	ok(echoes(client, "hello\n"), "ours: the next client is served");
	(void)close(client);
}

/* How many sockets it has. */
static int
sockets_in_hand(pid_t pid)
{
	char	text[1024], *at;
	int	n = 0;

	descriptors_of(pid, text, sizeof(text));
	for (at = text; (at = strstr(at, "socket")) != NULL; at++)
		n++;
	return n;
}

/* One end of its own pipe, and the parent's ends of those before. */
static void
inherited_ends(void)
{
	struct wait	wait = { .what = "the first act of the children" };
	int		n[6] = { 0 }, i;

	book_begin("30.9", 3);
	while (book_who_listen(3) > 0)
		wait_a_moment(&wait);
	for (i = 0; i < 3; i++)
		n[sockets_in_hand(book_child[i]) % 6]++;
	ok(n[1] == 1 && n[2] == 1 && n[3] == 1,
	    "the first child has one socket, the second two, the third three");
}

int
main(void)
{
	static const struct {
		const char	*section;
		void		(*bad_clients)(const char *section);
		void		(*no_descriptors)(const char *section);
	} designs[] = {
		{ "30.5", one_bad_client, parent_without_descriptors },
		{ "30.6", two_bad_clients, child_without_descriptors },
		{ "30.7", two_bad_clients, child_without_descriptors },
		{ "30.8", two_bad_clients, child_without_descriptors },
		{ "30.9", one_bad_client, parent_without_descriptors },
	};
	size_t	i;

	harness_begin();
	harness_own_network();
	for (i = 0; i < sizeof(designs) / sizeof(designs[0]); i++) {
		note("UNP %s, clients that misbehave", designs[i].section);
		designs[i].bad_clients(designs[i].section);
		harness_new_state();
		note("UNP %s, no descriptors", designs[i].section);
		designs[i].no_descriptors(designs[i].section);
		harness_new_state();
	}
	note("UNP 30.8, the mutex");
	holder_is_killed();
	harness_new_state();
	note("UNP 30.9, the pipes");
	inherited_ends();
	return done();
}
