/* SPDX-License-Identifier: ISC */
/* UNP 7.5's four steps: with the book's server, and with ours. */
#include <sys/types.h>

#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "actor.h"
#include "clients.h"
#include "experiment.h"
#include "tcp.h"

#define SERVER	"127.0.0.1:9999"

/* Said, and heard: the client is served. */
static bool
served(struct stage *stage, const struct client *client, const char *line)
{
	char	text[64];

	(void)snprintf(text, sizeof(text), "%s\n", line);
	return stage_expect(stage, tcp_talk(client->fd, text, text),
	    "no such answer", "the client %s says '%s', and hears it back",
	    client->address, line);
}

static struct client
dial(struct stage *stage, unsigned int port)
{
	struct client	client = client_connect(SERVER, port);

	(void)served(stage, &client, "hello");
	return client;
}

/* So that nothing is left at the port, not even TIME_WAIT at the client's. */
static void
reset(struct stage *stage, struct client *client)
{
	(void)tcp_abort(client->fd);
	(void)close(client->fd);
	(void)stage_expect_state(stage, SERVER, client->address, 0);
}

static bool
listens(struct stage *stage, struct actor *server)
{
	pid_t	pid = server->pid;
	bool	held = stage_listens(stage, server, SERVER);

	return stage_expect(stage, held, server->pid == 0 ?
	    "it has ended" : "it does not listen",
	    "%s (%d) listens at %s", server->name, pid, SERVER);
}

/* Steps 1 to 3: a client and its child, whose parent has gone. */
static struct client
left_with_a_child(struct stage *stage, const char *option, unsigned int port)
{
	struct actor	*server;
	struct client	 client;

	stage_step(stage, "Steps 1 and 2, %s. A server listens, a client "
	    "comes, and a child is spawned for it.", option == NULL ?
	    "without SO_REUSEADDR" : "with SO_REUSEADDR from the first start "
	    "on");
	server = stage_start(stage, "unp75", option, NULL);
	(void)listens(stage, server);
	client = dial(stage, port);
	(void)stage_expect_state(stage, SERVER, client.address,
	    TCP_ESTABLISHED);

	stage_step(stage, "Step 3. The listening server is ended. Its child "
	    "goes on serving the client: LISTEN has gone, the connection has "
	    "not.");
	stage_signal(stage, server, SIGTERM);
	(void)stage_expect_killed(stage, server, SIGTERM);
	(void)stage_expect_state(stage, SERVER, NULL, 0);
	(void)stage_expect_state(stage, SERVER, client.address,
	    TCP_ESTABLISHED);
	(void)served(stage, &client, "still here");
	return client;
}

static bool
refused(struct stage *stage, const char *option)
{
	struct actor	*server = stage_start(stage, "unp75", option, NULL);

	return stage_expect_says(stage, server,
	    "bind error: Address already in use") &&
	    stage_expect_exit(stage, server, 1);
}

/* What has become of the restarts of unp75, for the table at the end. */
struct fates {
	bool	plain, late, forgotten;		/* refused */
	bool	with;				/* binds, and all are served */
};

static void
book_without(struct stage *stage, struct fates *fates)
{
	struct client	client = left_with_a_child(stage, NULL, 40000);

	stage_step(stage, "Step 4. The server is started again, and is refused "
	    "its port: the child's connection has it.");
	fates->plain = refused(stage, NULL);

	stage_step(stage, "SO_REUSEADDR now is too late. Linux wants it on the "
	    "old socket, too: the child's, which has it from the one that "
	    "listened.");
	fates->late = refused(stage, "-r");
	(void)served(stage, &client, "not disturbed");

	stage_step(stage, "The client resets its connection, and nothing is "
	    "left at the port.");
	reset(stage, &client);
}

static void
book_with(struct stage *stage, struct fates *fates)
{
	struct client	 client = left_with_a_child(stage, "-r", 40001), other;
	struct actor	*next;

	stage_step(stage, "A restart that does not set SO_REUSEADDR is "
	    "refused, although the old socket has it.");
	fates->forgotten = refused(stage, NULL);

	stage_step(stage, "Step 4. The server is started again with "
	    "SO_REUSEADDR, and has its port: LISTEN, and beside it the child's "
	    "connection, ESTABLISHED.");
	next = stage_start(stage, "unp75", "-r", NULL);
	fates->with = listens(stage, next);
	other = dial(stage, 40002);
	fates->with = stage_expect_state(stage, SERVER, client.address,
	    TCP_ESTABLISHED) && served(stage, &client, "not disturbed") &&
	    fates->with;

	stage_step(stage, "Both clients reset their connections, and the "
	    "server is ended.");
	reset(stage, &client);
	reset(stage, &other);
	stage_signal(stage, next, SIGTERM);
	(void)stage_expect_killed(stage, next, SIGTERM);
}

/* Ours: with so long a patience of bind(), in s. */
static struct actor *
start(struct stage *stage, const char *strategy, const char *patience)
{
	return stage_start(stage, "outlived", "-a", strategy, "-i", "2:4",
	    "-w", patience, SERVER, "echo", NULL);
}

static void
by_term(struct stage *stage, struct actor **parent, struct client *client)
{
	stage_step(stage, "outlived forks its children before there are "
	    "clients. Its parent is ended by TERM; a child serves on, and the "
	    "idle ones leave.");
	*parent = start(stage, "pass", "0");
	(void)listens(stage, *parent);
	*client = dial(stage, 40003);
	stage_signal(stage, *parent, SIGTERM);
	(void)stage_expect_exit(stage, *parent, 0);
	(void)stage_expect_state(stage, SERVER, NULL, 0);
	(void)served(stage, client, "still here");

	stage_step(stage, "The next parent binds at its first try: LISTEN "
	    "beside ESTABLISHED.");
	*parent = start(stage, "pass", "0");
	(void)listens(stage, *parent);
	(void)stage_expect_state(stage, SERVER, client->address,
	    TCP_ESTABLISHED);
	(void)served(stage, client, "not disturbed");
}

static void
by_kill(struct stage *stage, struct actor *parent, struct client *client)
{
	struct client	other;

	stage_step(stage, "Its parent is ended by KILL, and can say nothing to "
	    "its children. The next one, with three seconds of patience, binds "
	    "as soon as the idle ones have noticed.");
	other = dial(stage, 40004);
	stage_signal(stage, parent, SIGKILL);
	(void)stage_expect_killed(stage, parent, SIGKILL);
	parent = start(stage, "pass", "3");
	(void)listens(stage, parent);
	(void)stage_expect_state(stage, SERVER, client->address,
	    TCP_ESTABLISHED);
	(void)stage_expect_state(stage, SERVER, other.address,
	    TCP_ESTABLISHED);
	(void)served(stage, client, "not disturbed");
	(void)served(stage, &other, "not disturbed");

	stage_step(stage, "Both clients reset their connections, and the "
	    "parent is ended.");
	reset(stage, client);
	reset(stage, &other);
	stage_signal(stage, parent, SIGTERM);
	(void)stage_expect_exit(stage, parent, 0);
}

/* What it has said is not shown: the table says it. */
static void
hush(struct actor *actor)
{
	off_t	end = lseek(actor->output, 0, SEEK_END);

	if (end > 0)
		actor->told = (size_t)end;
}

/* In short: what the next parent is answered, beside a client that is served
   on. */
static const char *
next_of(struct stage *stage, const char *strategy, int signo, unsigned int port)
{
	struct client	 client;
	struct actor	*parent = start(stage, strategy, "3"), *next;
	const char	*answer;

	if (!stage_listens(stage, parent, SERVER))
		return "nothing";
	client = client_connect(SERVER, port);
	answer = tcp_talk(client.fd, "a\n", "a\n") ? "binds" : "no client";
	stage_signal(stage, parent, signo);
	stage_ends(stage, parent);
	next = start(stage, strategy, signo == SIGTERM ? "0" : "3");
	if (!stage_listens(stage, next, SERVER))
		answer = "refused";
	if (!tcp_talk(client.fd, "b\n", "b\n"))
		answer = "no client";
	(void)close(client.fd);
	if (next->pid != 0)
		(void)kill(next->pid, SIGTERM);
	stage_ends(stage, next);
	hush(parent);
	hush(next);
	return answer;
}

static void
row(struct stage *stage, const char *id, const char *what, const char *unp,
    const char *bsd, const char *lin, bool binds)
{
	const struct row	row = { .id = id, .what = what, .unp = unp,
				    .bsd = bsd, .lin = lin };

	(void)stage_row(stage, &row, binds ? "binds" : "refused");
}

static void
summary(struct stage *stage, const struct fates *fates)
{
	static const struct {
		struct row	 row;
		const char	*strategy;
		int		 signo;
	} plays[] = {
#define PLAY(ID, STRATEGY, SIGNAL) \
	{ { .id = ID, .what = "outlived -a " STRATEGY ", " #SIGNAL, \
	    .unp = "-", .bsd = "-", .lin = "binds" }, STRATEGY, SIG ## SIGNAL }
		PLAY("U5", "fork", TERM), PLAY("U6", "fork", KILL),
		PLAY("U7", "shared", TERM), PLAY("U8", "shared", KILL),
		PLAY("U9", "fcntl", TERM), PLAY("U10", "fcntl", KILL),
		PLAY("U11", "mutex", TERM), PLAY("U12", "mutex", KILL),
		PLAY("U13", "pass", TERM), PLAY("U14", "pass", KILL),
	};
	unsigned int	i;

	stage_step(stage, "All restarts beside a child that serves its client, "
	    "also with each strategy of outlived, by TERM and by KILL: is the "
	    "next parent given the port?");
	row(stage, "U1", "unp75, then unp75", "refused", "refused", "refused",
	    !fates->plain);
	row(stage, "U2", "unp75, then unp75 -r", "-", "binds", "refused",
	    !fates->late);
	row(stage, "U3", "unp75 -r, then unp75", "-", "refused", "refused",
	    !fates->forgotten);
	row(stage, "U4", "unp75 -r, then unp75 -r", "binds", "binds", "binds",
	    fates->with);
	for (i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
		stage_note(stage, "%s", plays[i].row.id);
		(void)stage_row(stage, &plays[i].row, next_of(stage,
		    plays[i].strategy, plays[i].signo, 40010 + i));
	}
}

void
exp_unp(struct stage *stage)
{
	struct fates	 fates;
	struct actor	*parent;
	struct client	 client;

	book_without(stage, &fates);
	book_with(stage, &fates);
	by_term(stage, &parent, &client);
	by_kill(stage, parent, &client);
	summary(stage, &fates);
}
