/* SPDX-License-Identifier: ISC */
/*
 * Which addresses collide at one port: 0.0.0.0 with one of the host's, IPv6
 * with IPv4; and who gets the client where several listen.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "experiment.h"
#include "tcp.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

#define NOBODY		65534	/* another user */
#define NOT_NOBODY	255	/* no errno */

/* The second bind(), while the first socket is bound, or listens. */
struct pair {
	struct row	 row;
	const char	*first, *second;
	int		 old, new;	/* options */
	bool		 listens;
};

/* What the second one is told. */
static const char *
collide(const struct pair *pair)
{
	int		 first = pair->listens ?
			    tcp_listen(pair->first, pair->old, 1) :
			    tcp_bind(pair->first, pair->old);
	int		 second;
	const char	*answer;

	if (first == -1)
		return "no 1st";
	second = tcp_bind(pair->second, pair->new);
	answer = tcp_answer(second != -1, "binds");
	if (second != -1)
		(void)close(second);
	(void)close(first);
	return answer;
}

static void
collide_all(struct stage *stage, const struct pair *pairs, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		(void)stage_row(stage, &pairs[i].row, collide(&pairs[i]));
}

/*
 * The popular answer's table of BSD, retold with the addresses of lo; where it
 * says "on or off", there are two rows.  What Linux says depends on more.
 */
enum how { BOUND, LISTENS, SECOND_ONLY, HOWS };

static const struct said {
	const char	*id, *first, *second;
	bool		 on;
	const char	*bsd, *lin[HOWS];
} table[] = {
	{ "SO1", "127.0.0.1", "127.0.0.1", false,
	    "in use", { "in use", "in use", "in use" } },
	{ "SO1", "127.0.0.1", "127.0.0.1", true,
	    "in use", { "binds", "in use", "in use" } },
	{ "SO2", "127.0.0.1", "127.0.0.2", false,
	    "binds", { "binds", "binds", "binds" } },
	{ "SO2", "127.0.0.1", "127.0.0.2", true,
	    "binds", { "binds", "binds", "binds" } },
	{ "SO3", "127.0.0.2", "127.0.0.1", false,
	    "binds", { "binds", "binds", "binds" } },
	{ "SO3", "127.0.0.2", "127.0.0.1", true,
	    "binds", { "binds", "binds", "binds" } },
	{ "SO4", "0.0.0.0", "127.0.0.1", false,
	    "in use", { "in use", "in use", "in use" } },
	{ "SO5", "127.0.0.1", "0.0.0.0", false,
	    "in use", { "in use", "in use", "in use" } },
	{ "SO6", "0.0.0.0", "127.0.0.1", true,
	    "binds", { "binds", "in use", "in use" } },
	{ "SO7", "127.0.0.1", "0.0.0.0", true,
	    "binds", { "binds", "in use", "in use" } },
	{ "SO8", "0.0.0.0", "0.0.0.0", false,
	    "in use", { "in use", "in use", "in use" } },
	{ "SO8", "0.0.0.0", "0.0.0.0", true,
	    "in use", { "binds", "in use", "in use" } },
};

/* One row of it.  Returns whether BSD is said to answer otherwise. */
static bool
ask(struct stage *stage, const struct said *said, enum how how)
{
	char		what[64], first[64], second[64];
	struct pair	pair = { .row = { .id = said->id, .what = what,
			    .unp = "-", .bsd = said->bsd,
			    .lin = said->lin[how] },
			    .first = first, .second = second,
			    .listens = how == LISTENS };
	const char	*answer;

	(void)snprintf(what, sizeof(what), "%s, then %s: %s", said->first,
	    said->second, said->on ? "on" : "off");
	(void)snprintf(first, sizeof(first), "%s:8000", said->first);
	(void)snprintf(second, sizeof(second), "%s:8000", said->second);
	if (said->on) {
		pair.old = how == SECOND_ONLY ? TCP_PLAIN : TCP_RA;
		pair.new = TCP_RA;
	}
	answer = collide(&pair);
	(void)stage_row(stage, &pair.row, answer);
	return strcmp(answer, said->bsd) != 0;
}

/* All of it, and in a note where Linux and BSD differ. */
static void
ask_all(struct stage *stage, enum how how)
{
	char	differs[128] = "";
	size_t	i;

	for (i = 0; i < COUNT(table); i++) {
		const struct said	*said = &table[i];

		if ((how == SECOND_ONLY && !said->on) ||
		    !ask(stage, said, how))
			continue;
		(void)strlcat(differs, " ", sizeof(differs));
		(void)strlcat(differs, said->id, sizeof(differs));
	}
	if (*differs == '\0')
		stage_note(stage, "As BSD is said to answer.");
	else
		stage_note(stage, "Not as BSD is said to answer:%s.", differs);
}

static void
popular_table(struct stage *stage)
{
	stage_step(stage, "The table of a popular answer, which is about BSD: "
	    "two sockets bind one port, SO_REUSEADDR off or on. 'On' is on for "
	    "both of them here, and the first one is bound, no more.");
	ask_all(stage, BOUND);
	stage_step(stage, "The same, but the first one listens, as a server "
	    "does. On Linux SO_REUSEADDR is then of no use to the second.");
	ask_all(stage, LISTENS);
	stage_step(stage, "BSD looks at the second socket only. Linux looks at "
	    "both: the first one is bound without SO_REUSEADDR, and the second "
	    "one has it.");
	ask_all(stage, SECOND_ONLY);
}

/* K14 */
static void
specific(struct stage *stage)
{
	static const struct pair	pairs[] = {
		{ { .id = "K14", .what = "127.0.0.1 bound, 127.0.0.2",
		    .unp = "binds", .bsd = "binds", .lin = "binds" },
		    "127.0.0.1:8000", "127.0.0.2:8000", TCP_PLAIN, TCP_PLAIN,
		    false },
		{ { .id = "K14", .what = "127.0.0.1 listens, 127.0.0.2",
		    .unp = "binds", .bsd = "binds", .lin = "binds" },
		    "127.0.0.1:8000", "127.0.0.2:8000", TCP_PLAIN, TCP_PLAIN,
		    true },
	};

	stage_step(stage, "A port of two addresses of the host is two ports: "
	    "no option is needed.");
	stage_note(stage, "In the table: what UNP, BSD (FreeBSD) and Linux are "
	    "expected to answer, and what is answered here; '-': nothing is "
	    "said, or not for sure.");
	collide_all(stage, pairs, COUNT(pairs));
}

/* K15 */
static void
wildcard(struct stage *stage)
{
	static const struct pair	pairs[] = {
		{ { .id = "K15", .what = "RA: 0.0.0.0 bound, 127.0.0.1",
		    .unp = "binds", .bsd = "binds", .lin = "binds" },
		    "0.0.0.0:8000", "127.0.0.1:8000", TCP_RA, TCP_RA, false },
		{ { .id = "K15", .what = "RA: 127.0.0.1 bound, 0.0.0.0",
		    .unp = "binds", .bsd = "binds", .lin = "binds" },
		    "127.0.0.1:8000", "0.0.0.0:8000", TCP_RA, TCP_RA, false },
		{ { .id = "K15", .what = "RA: 0.0.0.0 listens, 127.0.0.1",
		    .unp = "binds", .bsd = "binds", .lin = "in use" },
		    "0.0.0.0:8000", "127.0.0.1:8000", TCP_RA, TCP_RA, true },
		{ { .id = "K15", .what = "RA: 127.0.0.1 listens, 0.0.0.0",
		    .unp = "binds", .bsd = "binds", .lin = "in use" },
		    "127.0.0.1:8000", "0.0.0.0:8000", TCP_RA, TCP_RA, true },
		{ { .id = "K15", .what = "RP: 0.0.0.0 listens, 127.0.0.1",
		    .unp = "-", .bsd = "binds", .lin = "binds" },
		    "0.0.0.0:8000", "127.0.0.1:8000", TCP_RP, TCP_RP, true },
		{ { .id = "K15", .what = "RP: 127.0.0.1 listens, 0.0.0.0",
		    .unp = "-", .bsd = "binds", .lin = "binds" },
		    "127.0.0.1:8000", "0.0.0.0:8000", TCP_RP, TCP_RP, true },
	};

	stage_step(stage, "One server for 0.0.0.0 and one for 127.0.0.1, as "
	    "UNP does it with SO_REUSEADDR (RA) on both: on Linux it is "
	    "SO_REUSEPORT (RP) that allows it.");
	collide_all(stage, pairs, COUNT(pairs));
}

/* K16 */
#define V6	TCP_V6ONLY
static const struct pair	family_pairs[] = {
	{ { .id = "K16", .what = "0.0.0.0 listens, [::]",
	    .unp = "-", .bsd = "-", .lin = "in use" },
	    "0.0.0.0:8000", "[::]:8000", TCP_PLAIN, TCP_PLAIN, true },
	{ { .id = "K16", .what = "RA: 0.0.0.0 listens, [::]",
	    .unp = "-", .bsd = "-", .lin = "in use" },
	    "0.0.0.0:8000", "[::]:8000", TCP_RA, TCP_RA, true },
	{ { .id = "K16", .what = "[::] listens, 0.0.0.0",
	    .unp = "-", .bsd = "-", .lin = "in use" },
	    "[::]:8000", "0.0.0.0:8000", TCP_PLAIN, TCP_PLAIN, true },
	{ { .id = "K16", .what = "RA: [::] listens, 0.0.0.0",
	    .unp = "-", .bsd = "-", .lin = "in use" },
	    "[::]:8000", "0.0.0.0:8000", TCP_RA, TCP_RA, true },
	{ { .id = "K16", .what = "RA: [::] bound, 0.0.0.0",
	    .unp = "-", .bsd = "-", .lin = "binds" },
	    "[::]:8000", "0.0.0.0:8000", TCP_RA, TCP_RA, false },
	{ { .id = "K16", .what = "[::] listens, 127.0.0.1",
	    .unp = "-", .bsd = "-", .lin = "in use" },
	    "[::]:8000", "127.0.0.1:8000", TCP_PLAIN, TCP_PLAIN, true },
	{ { .id = "K16", .what = "0.0.0.0 listens, V6ONLY [::]",
	    .unp = "-", .bsd = "binds", .lin = "binds" },
	    "0.0.0.0:8000", "[::]:8000", TCP_PLAIN, V6, true },
	{ { .id = "K16", .what = "V6ONLY [::] listens, 0.0.0.0",
	    .unp = "-", .bsd = "binds", .lin = "binds" },
	    "[::]:8000", "0.0.0.0:8000", V6, TCP_PLAIN, true },
	{ { .id = "K16", .what = "0.0.0.0 listens, [::1]",
	    .unp = "-", .bsd = "binds", .lin = "binds" },
	    "0.0.0.0:8000", "[::1]:8000", TCP_PLAIN, TCP_PLAIN, true },
};
#undef V6

static void
families(struct stage *stage)
{
	int	fd;

	stage_step(stage, "A socket of [::] is one of 0.0.0.0, too, unless it "
	    "has IPV6_V6ONLY: then the families do not collide.");
	if ((fd = tcp_bind("[::1]:8000", TCP_PLAIN)) == -1) {
		stage_note(stage, "There is no IPv6 here, and nothing to see: "
		    "[::1]: %s.", strerror(errno));
		return;
	}
	(void)close(fd);
	stage_set(stage, "net/ipv6/bindv6only", "0");
	collide_all(stage, family_pairs, COUNT(family_pairs));
}

/* Which of two listening sockets has a client: no longer than 5 s. */
static const char *
who_gets_it(int exact, int any, const char *to, const char *from)
{
	struct pollfd	fds[] = { { .fd = exact, .events = POLLIN },
			    { .fd = any, .events = POLLIN } };
	int		client = tcp_connect(to, from, TCP_PLAIN), who, served;

	if (client == -1)
		return tcp_answer(false, "");
	if (poll(fds, COUNT(fds), 5000) < 1) {
		(void)close(client);
		return "nobody";
	}
	who = fds[0].revents & POLLIN ? 0 : 1;
	served = tcp_accept(fds[who].fd);
	/* In this order: TIME_WAIT is not at the server's port. */
	(void)close(client);
	if (served != -1)
		(void)close(served);
	return who == 0 ? "exact" : "any";
}

/* K17 */
static void
more_specific(struct stage *stage, bool any_first)
{
	struct row	row = { .id = "K17", .what = any_first ?
			    "0.0.0.0 first: client of 127.0.0.1" :
			    "127.0.0.1 first: client of 127.0.0.1",
			    .unp = "exact", .bsd = "exact", .lin = "exact" };
	int		exact, any;

	any = any_first ? tcp_listen("0.0.0.0:8000", TCP_RP, 1) : -1;
	exact = tcp_listen("127.0.0.1:8000", TCP_RP, 1);
	if (!any_first)
		any = tcp_listen("0.0.0.0:8000", TCP_RP, 1);
	if (any == -1 || exact == -1) {
		(void)stage_row(stage, &row, tcp_answer(false, ""));
		return;
	}
	(void)stage_row(stage, &row, who_gets_it(exact, any, "127.0.0.1:8000",
	    any_first ? "127.0.0.1:40000" : "127.0.0.1:40002"));
	if (any_first) {
		row.what = "0.0.0.0 first: client of 127.0.0.2";
		row.unp = row.bsd = row.lin = "any";
		(void)stage_row(stage, &row, who_gets_it(exact, any,
		    "127.0.0.2:8000", "127.0.0.1:40001"));
	}
	(void)close(exact);
	(void)close(any);
}

/* As another user: an errno, 0, or NOT_NOBODY. */
static int
as_nobody(const char *address, int options)
{
	pid_t	pid = fork();
	int	status;

	if (pid == 0) {
		if (setresuid(NOBODY, NOBODY, NOBODY) == -1)
			_exit(NOT_NOBODY);
		_exit(tcp_bind(address, options) == -1 ? errno : 0);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1 || !WIFEXITED(status))
		return NOT_NOBODY;
	return WEXITSTATUS(status);
}

/* The rest of K18. */
static void
another_user(struct stage *stage)
{
	static const struct row	row = { .id = "K18", .what = "RP on both, of "
				    "another user", .unp = "-", .bsd = "-",
				    .lin = "in use" };
	const char		*address = "127.0.0.1:8000";
	int			 first = tcp_listen(address, TCP_RP, 1);
	int			 error = as_nobody(address, TCP_RP);

	if (error == NOT_NOBODY)
		stage_note(stage, "Not shown, that takes root: with another "
		    "user's socket it does not help.");
	else {
		errno = error;
		(void)stage_row(stage, &row, error == 0 ? "binds" :
		    tcp_answer(false, ""));
	}
	if (first != -1)
		(void)close(first);
}

/* K18 */
static void
reuseport(struct stage *stage)
{
	static const struct pair	pairs[] = {
		{ { .id = "K18", .what = "old none listens, new RP",
		    .unp = "in use", .bsd = "in use", .lin = "in use" },
		    "127.0.0.1:8000", "127.0.0.1:8000", TCP_PLAIN, TCP_RP,
		    true },
		{ { .id = "K18", .what = "old RP listens, new none",
		    .unp = "in use", .bsd = "in use", .lin = "in use" },
		    "127.0.0.1:8000", "127.0.0.1:8000", TCP_RP, TCP_PLAIN,
		    true },
		{ { .id = "K18", .what = "old RP listens, new RP",
		    .unp = "binds", .bsd = "binds", .lin = "binds" },
		    "127.0.0.1:8000", "127.0.0.1:8000", TCP_RP, TCP_RP, true },
	};

	stage_step(stage, "SO_REUSEPORT (RP) for one address: all sockets need "
	    "it, and one effective user.");
	collide_all(stage, pairs, COUNT(pairs));
	another_user(stage);
}

void
exp_addresses(struct stage *stage)
{
	specific(stage);
	popular_table(stage);
	wildcard(stage);
	families(stage);
	stage_step(stage, "Several listen, with SO_REUSEPORT: the more "
	    "specific address gets the client ('exact'), and 0.0.0.0 the rest "
	    "('any'), whichever is there first.");
	more_specific(stage, true);
	more_specific(stage, false);
	reuseport(stage);
}
