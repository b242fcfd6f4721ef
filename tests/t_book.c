/* SPDX-License-Identifier: ISC */
/*
 * The servers of UNP chapter 30, as the book has them (book.c), and ours:
 * what becomes of clients, children and port when the parent is killed.  The
 * rows that this test asserts are the rows of the table in doc/unp.md.
 */
#include <sys/types.h>
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
end_parent(int signo)
{
	send_signal(book_parent, signo);
	ok(WTERMSIG(await_end(book_parent)) == signo, "the parent is killed");
}

static bool
refused(const char *section)
{
	int	status;

	log_clear();
	status = await_end(book_start(section, "1"));
	return WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
	    log_has("bind error: Address already in use");
}

/* Started again, it serves; it is left there. */
static bool
has_the_port(const char *section)
{
	struct wait	wait = { .what = "the next parent" };
	pid_t		next = book_start(section, "1");
	int		client;
	bool		is;

	while (listeners(PORT) == 0) {
		if (!lives(next))
			return false;
		wait_a_moment(&wait);
	}
	client = dial(PORT);
	is = book_served(client);
	(void)close(client);
	return is;
}

/* A row of the page's table: what has just been seen. */
static void
is_in_the_page(const char *who, const char *idle, const char *listens,
    const char *next)
{
	const char	*srcdir = getenv("srcdir");
	char		 path[1024], row[256], line[1024];
	FILE		*page;
	bool		 found = false;

	(void)snprintf(path, sizeof(path), "%s/doc/unp.md",
	    srcdir != NULL ? srcdir : ".");
	(void)snprintf(row, sizeof(row), "| %s | served on | %s | %s | %s |\n",
	    who, idle, listens, next);
	if ((page = fopen(path, "re")) == NULL)
		bail("%s", path);
	while (!found && fgets(line, sizeof(line), page) != NULL)
		found = strcmp(line, row) == 0;
	(void)fclose(page);
	row[strlen(row) - 1] = '\0';
	ok(found, "the page has it: %s", row);
}

/* UNP 30.5. */
static void
forks(const char *section, int signo)
{
	int	live;

	book_begin(section, 1);
	live = dial(PORT);
	ok(book_served(live), "a client is served");
	await_children(book_parent, 1, book_child);
	end_parent(signo);
	ok(book_served(live), "it is served on");
	ok(listeners(PORT) == 0, "nobody listens");
	ok(has_the_port(section), "the next parent has the port");
	ok(book_served(live), "beside the old child");
	(void)close(live);
	is_in_the_page("UNP 30.5", "there are none", "nobody", "has the port");
}

/* UNP 30.6 to 30.8. */
static void
children_accept(const char *section, int signo)
{
	int	live, another, i;
	pid_t	busy;
	char	who[16];

	book_begin(section, 3);
	live = dial(PORT);
	ok(book_served(live), "a client is served");
	busy = book_server_of(live, 3);
	end_parent(signo);
	ok(book_served(live), "it is served on");
	another = dial(PORT);
	ok(book_served(another) && book_server_of(another, 3) != busy,
	    "so is one who comes now, by a child that was idle");
	book_goes(another);
	ok(book_who_listen(3) == 3,
	    "all three children have stayed, and listen");
	ok(refused(section), "the next parent is refused");
	for (i = 0; i < 3; i++)
		if (book_child[i] != busy) {
			send_signal(book_child[i], SIGKILL);
			(void)await_end(book_child[i]);
		}
	ok(book_served(live) && refused(section), "by the busy child alone");
	book_goes(live);
	ok(book_who_listen(3) == 1 && refused(section),
	    "and by that one when it is idle");
	send_signal(busy, SIGKILL);
	(void)await_end(busy);
	ok(has_the_port(section), "when it is ended, the port is free");
	(void)snprintf(who, sizeof(who), "UNP %s", section);
	is_in_the_page(who, "stay, and accept", "every child", "is refused");
}

/*
 * UNP 30.9.  The parent picks the first child that is idle: the first client's
 * child is the first one, the second client's the second one.
 */
static void
passes(const char *section, int signo)
{
	struct wait	wait = { .what = "the first act of the children" };
	pid_t		first, second, third;
	int		gone, live;

	book_begin(section, 3);
	while (book_who_listen(3) > 0)
		wait_a_moment(&wait);
	gone = dial(PORT);
	live = dial(PORT);
	ok(book_served(gone) && book_served(live), "two clients are served");
	first = book_server_of(gone, 3);
	second = book_server_of(live, 3);
	third = book_the_other(3, first, second);
	book_goes(gone);
	end_parent(signo);
	ok(await_end(third) != 0, "the idle child that was forked last leaves");
	ok(book_served(live), "the live client is served on");
	ok(listeners(PORT) == 0, "nobody listens");
	ok(has_the_port(section), "the next parent has the port");
	ok(book_served(live) && lives(first),
	    "the idle child that was forked first is still there");
	(void)close(live);
	ok(await_end(second) != 0 && await_end(first) != 0,
	    "until the busy one that was forked after it has gone");
	is_in_the_page("UNP 30.9", "leave, but for those forked before a busy "
	    "one", "nobody", "has the port");
}

/* Ours. */
static void
ours(const char *strategy, int signo)
{
	bool		 prefork = strcmp(strategy, "fork") != 0;
	struct server	 server = server_start("-a", strategy, "-w", "0",
			    "-i", "2:4", "127.0.0.1:9999", "echo", NULL);
	int		 live = dial(PORT), another;
	char		 who[16];

	ok(echoes(live, "hello\n"), "a client is served");
	await_born(server.pid, prefork ? 3 : 1);
	send_signal(server.pid, signo);
	(void)await_end(server.pid);
	ok(echoes(live, "hello\n"), "it is served on");
	await_children(0, 1, book_child);
	ok(1, "no other child is left");
	/* After KILL, once the child that is busy has been told. */
	if (signo == SIGKILL)
		await_no_listener(PORT);
	ok(listeners(PORT) == 0, "nobody listens");
	server = server_start("-a", strategy, "-w", "0", "-i", "2:4",
	    "127.0.0.1:9999", "echo", NULL);
	another = dial(PORT);
	ok(echoes(another, "hello\n"), "the next parent has the port");
	ok(echoes(live, "hello\n"), "beside the old child");
	(void)close(another);
	(void)close(live);
	(void)snprintf(who, sizeof(who), "`%s`", strategy);
	is_in_the_page(who, prefork ? "leave" : "there are none", "nobody",
	    "has the port");
}

static const struct {
	const char	*section;
	const char	*strategy;
	void		(*play)(const char *section, int signo);
} designs[] = {
	{ "30.5", "fork", forks },
	{ "30.6", "shared", children_accept },
	{ "30.7", "fcntl", children_accept },
	{ "30.8", "mutex", children_accept },
	{ "30.9", "pass", passes },
};

int
main(void)
{
	static const int	signals[] = { SIGTERM, SIGKILL };
	size_t			i, s;

	harness_begin();
	harness_own_network();
	for (i = 0; i < sizeof(designs) / sizeof(designs[0]); i++)
		for (s = 0; s < sizeof(signals) / sizeof(signals[0]); s++) {
			note("UNP %s, %s", designs[i].section,
			    strsignal(signals[s]));
			designs[i].play(designs[i].section, signals[s]);
			harness_new_state();
			note("%s, %s", designs[i].strategy,
			    strsignal(signals[s]));
			ours(designs[i].strategy, signals[s]);
			harness_new_state();
		}
	return done();
}
