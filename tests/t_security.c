/* SPDX-License-Identifier: ISC */
/*
 * What an attacker who owns a child can do to everyone else, and what not
 * (doc/security.md): he is a client of tests/hostile.
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "answer.h"
#include "client.h"
#include "harness.h"
#include "process.h"

#define PORT	"127.0.0.1:9999"

static const char	*strategy;
static bool		 as_root;
static pid_t		 parent;
static int		 attacker, other;	/* clients */
static pid_t		 owned, victim;		/* who serve them */

static pid_t
start(const char *per_source)
{
	const char	*argv[] = { "tests/hostile", PORT, strategy,
			    per_source, as_root ? "nobody" : NULL, NULL };

	return program_start(argv, -1);
}

static pid_t
server_of(int client)
{
	struct wait	wait = { "a child that serves the client", 0 };
	char		title[64];
	pid_t		list[64];
	int		i, n;

	(void)snprintf(title, sizeof(title), "hostile: hostile for "
	    "127.0.0.1:%u, generation 1", local_port(client));
	for (;; wait_a_moment(&wait)) {
		n = children_of(parent, list, 64);
		for (i = 0; i < n; i++)
			if (title_is(list[i], title))
				return list[i];
	}
}

static void
begin(const char *with, const char *per_source)
{
	harness_new_state();
	log_clear();
	strategy = with;
	parent = start(per_source);
	await_listener(9999);
	attacker = dial(9999);
	other = dial(9999);
	ok(echoes(attacker, "hello\n") && echoes(other, "hello\n"),
	    "%s: two clients", strategy);
	owned = server_of(attacker);
	victim = server_of(other);
}

/* What the attacker is told. */
static bool
gets(const char *order, const char *answer)
{
	say(attacker, order);
	return hears(attacker, answer);
}

static bool
gets_of(const char *order, pid_t whom, const char *answer)
{
	char	line[64];

	(void)snprintf(line, sizeof(line), "%s %d\n", order, whom);
	return gets(line, answer);
}

/* Everyone is gone, at the latest by KILL. */
static void
end(void)
{
	(void)close(attacker);
	(void)close(other);
	harness_end_all();
}

/* The next generation starts at once and serves; the old one's victim, too. */
static bool
goes_on(void)
{
	int	client;
	bool	served;

	await_no_listener(9999);
	parent = start("0");
	await_listener(9999);
	client = dial(9999);
	served = echoes(client, "new\n") && echoes(other, "old\n");
	(void)close(client);
	return served;
}

/* Another process, its memory and what it has open: not his, with -u. */
static void
is_confined(void)
{
	struct server	orphans;
	char		line[256];
	pid_t		orphan;

	begin("pass", "0");
	ok(gets("rise\n", "EPERM\n"), "he does not become root");
	ok(gets("listens\n", "ENOENT\n"), "pass: he has no listening socket");
	if (!as_root) {
		skip("memory and descriptors of others", "without -u they are "
		    "of one user, who may do that");
		end();
		return;
	}
	(void)snprintf(line, sizeof(line), "come in %s/127.0.0.1:9999\n",
	    harness_state());
	ok(gets(line, "EPERM\n"), "he is not given the listening socket");
	ok(gets_of("look into", parent, "EPERM\n"),
	    "he does not see the parent's memory");
	ok(gets_of("look into", victim, "EPERM\n"), "nor a sibling's");
	ok(gets_of("take", parent, "EPERM\n"),
	    "he does not get the parent's descriptors");
	ok(gets_of("take", victim, "EPERM\n"), "nor a sibling's");
	orphan = victim;
	send_signal(parent, SIGKILL);
	(void)await_end(parent);
	await_no_listener(9999);
	orphans.pid = parent = start("0");
	await_listener(9999);
	(void)close(attacker);
	attacker = dial(9999);
	ok(gets_of("look into", orphan, "EPERM\n") &&
	    gets_of("take", orphan, "EPERM\n"), "nor an orphan's");
	ok(gets_of("look into", orphans.pid, "EPERM\n"),
	    "nor the next parent's");
	end();
}

/* Any bytes in all memory that he shares with others. */
static void
scribbles(const char *with, const char *per_source)
{
	static const char	*const orders[] = { "scribble 1\n",
				    "scribble 0\n", "scribble -1\n",
				    "scribble 2\n", "scribble 3\n" };
	size_t			 i;
	char			 line[64];
	int			 client, served = 0;

	begin(with, per_source);
	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		say(attacker, orders[i]);
		(void)hears(attacker, "done\n");
		client = dial(9999);
		/* It may be full now, or think so. */
		say(client, "x\n");
		served += echoes(other, "on\n");
		(void)close(client);
	}
	ok(served == 5, "%s: others are served after any bytes in the shared "
	    "memory: %d", with, served);
	ok(lives(parent) && lives(victim), "the parent lives, and a sibling");
	(void)snprintf(line, sizeof(line), "parent %d, generation 1,", parent);
	(void)ctl("status", NULL);
	ok(!says(line), "the board says nothing that is true any more");
	ok(strpbrk(answer_text(), "\033\007\177") == NULL,
	    "what outlivectl tells of it can be printed");
	send_signal(parent, SIGKILL);
	(void)await_end(parent);
	ok(goes_on(), "killed: the next one starts, and serves");
	end();
}

static void
shuts_down(const char *with)
{
	bool	accepts = strcmp(with, "pass") != 0;
	int	client;

	begin(with, "0");
	if (accepts)
		ok(gets("listens\n", "done\n"), "%s: he has the listening "
		    "socket", with);
	say(attacker, "shut down\n");
	if (accepts) {
		ok(await_end(parent) == EX_OSERR << 8 && log_has("somebody has "
		    "shut the listening socket down"),
		    "he shuts it down: the parent says so and ends");
		ok(echoes(other, "on\n"), "a sibling serves on");
	} else {
		client = dial(9999);
		ok(echoes(client, "new\n") && echoes(other, "on\n"),
		    "he shuts the queue down: the parent makes another one");
		(void)close(client);
	}
	end();
}

/* He keeps what he should let go of: who it is, and what helps, is said. */
static void
stays(void)
{
	char	line[96];

	begin("shared", "0");
	ok(gets("stay\n", "done\n"), "he blocks every signal");
	send_signal(parent, SIGKILL);
	(void)await_end(parent);
	log_clear();
	ok(await_end(start("0")) == EX_UNAVAILABLE << 8,
	    "he keeps the listening socket: the next parent cannot have it");
	(void)snprintf(line, sizeof(line), "process %d ", owned);
	ok(log_has(line) && log_has("orphan of " PORT ", generation 1") &&
	    log_has("drain --orphans --deadline"), "and says who it is, and "
	    "what helps");
	ok(ctl("drain", "--orphans", "--deadline", "0", NULL) == 0 &&
	    !lives(owned), "that ends him");
	end();
}

static void
locks(void)
{
	char	line[128];

	begin("pass", "0");
	(void)snprintf(line, sizeof(line), "lock %s/" PORT "/lock\n",
	    harness_state());
	say(attacker, line);
	send_signal(parent, SIGKILL);
	(void)await_end(parent);
	ok(hears(attacker, "done\n"), "he takes the lock of the port");
	log_clear();
	ok(await_end(start("0")) == EX_UNAVAILABLE << 8,
	    "the next parent does not start");
	(void)snprintf(line, sizeof(line), "process %d is the parent of "
	    PORT, owned);
	ok(log_has(line), "and says who has it");
	end();
}

static void
signals(void)
{
	begin("pass", "0");
	ok(gets_of("stop", parent, "done\n") && echoes(other, "on\n"),
	    "he stops the parent: siblings serve on");
	ok(gets_of("kill", parent, "done\n"), "he kills it");
	(void)await_end(parent);
	ok(goes_on(), "siblings serve on, and the next one starts");
	end();
}

/* What every child has to have. */
static void
steals_and_forges(void)
{
	int	i, client, lost = 0;

	begin("pass", "0");
	ok(gets("forge\n", "done\n") && log_has("outlived[1]: all is well"),
	    "he writes a line into the log");
	say(attacker, "steal\n");
	/* Those who have waited for longer get theirs first. */
	for (i = 0; i < 20 && lost == 0; i++) {
		client = dial(9999);
		lost += !echoes(client, "new\n");
		(void)close(client);
	}
	client = dial(9999);
	ok(lost == 1 && hears(attacker, "done\n") && echoes(client, "new\n"),
	    "he takes a client out of the queue: it sees the end, others are "
	    "served");
	(void)close(client);
	end();
}

/* Programs have executed something, and are dumpable again. */
static void
programs(void)
{
	const char	*const script = "echo $$; echo; read pid; "
			    "(exec 9</proc/$pid/mem) 2>/dev/null && "
			    "echo opened || echo refused; read pid";
	const char	*const argv[] = { "./outlived", "-u", as_root ?
			    "nobody" : getpwuid(getuid())->pw_name, PORT,
			    "exec", "sh", "-c", script, NULL };
	char		 pid[32], own[32];
	bool		 yama = access("/proc/sys/kernel/yama/ptrace_scope",
			    F_OK) == 0;

	harness_new_state();
	log_clear();
	(void)program_start(argv, -1);
	await_listener(9999);
	other = dial(9999);
	hear_paragraph(other, pid, sizeof(pid));
	attacker = dial(9999);
	hear_paragraph(attacker, own, sizeof(own));
	say(attacker, pid);
	if (yama)
		skip("another program's memory", "Yama may forbid that");
	else
		ok(hears(attacker, "opened\n"),
		    "with exec he sees another program's memory");
	end();
}

int
main(void)
{
	static const char	*const all[] = { "fork", "pass", "shared",
				    "fcntl", "mutex" };
	size_t			 i;

	harness_begin();
	harness_overlook_leaks();
	harness_own_network();
	harness_drop_capabilities();
	as_root = getuid() == 0;
	is_confined();
	programs();
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		scribbles(all[i], i % 2 == 0 ? "0" : "100");
	shuts_down("pass");
	shuts_down("shared");
	stays();
	locks();
	signals();
	steals_and_forges();
	return done();
}
