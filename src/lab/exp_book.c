/* SPDX-License-Identifier: ISC */
/*
 * The servers of UNP chapter 30, whose parent is killed while a client is
 * served: who listens then, and is the next parent given the port?
 */
#include <sys/types.h>

#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actor.h"
#include "clients.h"
#include "experiment.h"
#include "net/clock.h"
#include "net/process.h"
#include "tcp.h"

#define SERVER	"127.0.0.1:9999"
#define REFUSED	"bind error: Address already in use"

/* Between two looks, in ms. */
#define LOOK		5

/* Its service is the book's: a number, and so many bytes come back. */
static bool
is_served(const struct client *client)
{
	return tcp_talk(client->fd, "5\n", "xxxxx");
}

static bool
served(struct stage *stage, const struct client *client)
{
	return stage_expect(stage, is_served(client), "no such answer",
	    "the client %s asks for 5 bytes, and gets them", client->address);
}

static struct client
dial(struct stage *stage, unsigned int port)
{
	struct client	client = client_connect(SERVER, port);

	(void)served(stage, &client);
	return client;
}

/* The client closes first: nothing is left of it at the server's port. */
static void
goes(struct stage *stage, const struct client *client)
{
	(void)close(client->fd);
	(void)stage_expect_state(stage, SERVER, client->address, 0);
}

/*
 * How many processes of a server live: it was the first of its process group,
 * and the numbers of its children, in a table of processes of our own, follow
 * on its own.
 */
static int
living(pid_t group)
{
	struct process	process;
	pid_t		pid;
	int		n = 0;

	for (pid = group; pid < group + 32; pid++)
		n += getpgid(pid) == group &&
		    process_read(pid, &process) == 0 &&
		    !process_is_dead(&process);
	return n;
}

static bool
lives(struct stage *stage, pid_t group, int expected, const char *who)
{
	int64_t	end = clock_ms() + STAGE_PATIENCE;
	char	seen[32];
	int	n;

	while ((n = living(group)) != expected && clock_ms() < end)
		(void)poll(NULL, 0, LOOK);
	(void)snprintf(seen, sizeof(seen), "%d", n);
	return stage_expect(stage, n == expected, seen,
	    "who lives of %s (%d)", who, expected);
}

/* How many have the socket that listens. */
static int
holders(void)
{
	struct address		 address;
	struct sockets		 sockets;
	const struct sockdiag	*socket;
	size_t			 n = 0;

	if (address_numeric(&address, SERVER) == 0 &&
	    sockets_read(&sockets) == 0) {
		socket = sockets_find(&sockets, &address, NULL);
		if (socket != NULL && socket->state == TCP_LISTEN)
			(void)owners_of(&sockets.owners, socket->inode, &n);
		sockets_free(&sockets);
	}
	return (int)n;
}

static bool
held_by(struct stage *stage, int expected, const char *who)
{
	int64_t	end = clock_ms() + STAGE_PATIENCE;
	char	seen[32];
	int	n;

	while ((n = holders()) != expected && clock_ms() < end)
		(void)poll(NULL, 0, LOOK);
	(void)snprintf(seen, sizeof(seen), "%d", n);
	return stage_expect(stage, n == expected, seen,
	    "who has the socket in LISTEN: %s (%d)", who, expected);
}

static struct actor *
start(struct stage *stage, const char *section, const char *children)
{
	struct actor	*server = stage_start(stage, "book", section, children,
			    NULL);
	pid_t		 pid = server->pid;
	bool		 held = stage_listens(stage, server, SERVER);

	(void)stage_expect(stage, held, server->pid == 0 ?
	    "it has ended" : "it does not listen",
	    "book %s (%d) listens at %s", section, pid, SERVER);
	return server;
}

static void
kill_parent(struct stage *stage, struct actor *server)
{
	stage_signal(stage, server, SIGTERM);
	(void)stage_expect_killed(stage, server, SIGTERM);
}

static void
forks(struct stage *stage)
{
	struct actor	*server;
	struct client	 client;

	stage_step(stage, "UNP 30.5: a child is forked for each client, and "
	    "closes the listening socket. A client is served.");
	server = start(stage, "30.5", "3");
	client = dial(stage, 40000);
	(void)held_by(stage, 1, "the parent");

	stage_step(stage, "The parent is killed. The child goes on serving, "
	    "and nobody listens.");
	kill_parent(stage, server);
	(void)held_by(stage, 0, "nobody");
	(void)served(stage, &client);

	stage_step(stage, "The next parent is given the port, beside the "
	    "child's connection: UNP 7.5, step 4.");
	server = start(stage, "30.5", "3");
	(void)stage_expect_state(stage, SERVER, client.address,
	    TCP_ESTABLISHED);
	(void)served(stage, &client);

	stage_step(stage, "The client closes, its child ends, and the next "
	    "parent is ended.");
	goes(stage, &client);
	kill_parent(stage, server);
}

/* Returns their process group: their parent has gone. */
static pid_t
left_to_accept(struct stage *stage, struct client *client)
{
	struct actor	*server;
	pid_t		 group;

	stage_step(stage, "UNP 30.6: three children are forked before there "
	    "are clients, and each calls accept(). For that each has to have "
	    "the listening socket. A client is served.");
	server = start(stage, "30.6", "3");
	group = server->pid;
	*client = dial(stage, 40001);
	(void)held_by(stage, 4, "the parent and its children");

	stage_step(stage, "The parent is killed. Nobody tells its children: "
	    "all stay, the busy one and those that are idle, and listen.");
	kill_parent(stage, server);
	(void)served(stage, client);
	(void)lives(stage, group, 3, "it: all its children");
	(void)held_by(stage, 3, "all its children");
	return group;
}

static void
children_accept(struct stage *stage)
{
	struct client	 client, other;
	pid_t		 group = left_to_accept(stage, &client);
	struct actor	*next;

	stage_step(stage, "A new client is served, by a child without a "
	    "parent.");
	other = dial(stage, 40002);

	stage_step(stage, "The next parent is refused. It sets SO_REUSEADDR, "
	    "as the one before it did; but that allows a port with "
	    "connections, never one where somebody listens.");
	next = stage_start(stage, "book", "30.6", "3", NULL);
	(void)stage_expect_says(stage, next, REFUSED);
	(void)stage_expect_exit(stage, next, 1);
	(void)held_by(stage, 3, "all children of the first server");

	stage_step(stage, "The clients close. The children are idle, stay for "
	    "ever, and have to be ended by hand.");
	goes(stage, &client);
	goes(stage, &other);
	(void)lives(stage, group, 3, "the first server: all its children");
	stage_note(stage, "kill -KILL -- -%d, their process group", group);
	(void)kill(-group, SIGKILL);
	(void)lives(stage, group, 0, "the first server: nobody");
	(void)held_by(stage, 0, "nobody");
}

/* The client that is served still, by the third of four children. */
static struct actor *
three_come_two_go(struct stage *stage, struct client *client)
{
	struct actor	*server;
	struct client	 clients[3];
	unsigned int	 i;

	stage_step(stage, "UNP 30.9: four children are forked before there are "
	    "clients, and close the listening socket: the parent accepts, and "
	    "passes each connection to the first that is idle. Three clients "
	    "are served.");
	server = start(stage, "30.9", "4");
	for (i = 0; i < 3; i++)
		clients[i] = dial(stage, 40003 + i);
	(void)held_by(stage, 1, "the parent");

	stage_step(stage, "The first two of them close. The third child is "
	    "busy still, and the other three are idle.");
	goes(stage, &clients[0]);
	goes(stage, &clients[1]);
	(void)lives(stage, server->pid, 5, "it: the parent and its children");
	*client = clients[2];
	return server;
}

static void
parent_passes(struct stage *stage)
{
	struct client	 client;
	struct actor	*server = three_come_two_go(stage, &client);
	pid_t		 group = server->pid;

	stage_step(stage, "The parent is killed, and nobody listens. An idle "
	    "child leaves when it reads end-of-file at its pipe; but the busy "
	    "one has inherited the parent's ends of the pipes of those that "
	    "were forked before it.");
	stage_note(stage, "'read_fd error: Success' is what a child says of "
	    "end-of-file, before it ends.");
	kill_parent(stage, server);
	(void)held_by(stage, 0, "nobody");
	(void)lives(stage, group, 3, "the first server: the busy child, and "
	    "the two idle ones before it");
	(void)served(stage, &client);

	stage_step(stage, "The next parent is given the port: who lingers does "
	    "not listen.");
	server = start(stage, "30.9", "4");
	(void)stage_expect_state(stage, SERVER, client.address,
	    TCP_ESTABLISHED);
	(void)served(stage, &client);
	(void)lives(stage, group, 3, "the first server: the same three");

	stage_step(stage, "The last client closes, and then the idle children "
	    "leave, too. The next parent is ended; none of its children is "
	    "busy, and all leave.");
	goes(stage, &client);
	(void)lives(stage, group, 0, "the first server: nobody");
	group = server->pid;
	kill_parent(stage, server);
	(void)lives(stage, group, 0, "the next one: nobody");
}

/* All that is left of a server. */
static void
end_all(struct actor *server, pid_t group)
{
	int64_t	end = clock_ms() + STAGE_PATIENCE;

	while (living(group) > 0 && clock_ms() < end) {
		(void)kill(-group, SIGKILL);
		(void)poll(NULL, 0, LOOK);
		actor_look(server);
	}
}

/* In short: what the next parent is answered, beside a client that is served
   on. */
static const char *
next_of(struct stage *stage, const char *section, int signo, unsigned int port)
{
	struct actor	*server, *next;
	struct client	 client;
	const char	*answer;
	pid_t		 group, other;

	server = stage_start(stage, "book", section, "2", NULL);
	group = server->pid;
	if (!stage_listens(stage, server, SERVER))
		return "nothing";
	client = client_connect(SERVER, port);
	answer = is_served(&client) ? NULL : "no client";
	stage_signal(stage, server, signo);
	stage_ends(stage, server);
	next = stage_start(stage, "book", section, "2", NULL);
	other = next->pid;
	if (answer == NULL)
		answer = stage_listens(stage, next, SERVER) ? "binds" :
		    "refused";
	if (!is_served(&client))
		answer = "no client";
	(void)close(client.fd);
	end_all(next, other);
	end_all(server, group);
	return answer;
}

static void
summary(struct stage *stage)
{
	static const struct {
		struct row	 row;
		const char	*section;
		int		 signo;
	} plays[] = {
#define PLAY(ID, NAME, SECTION, SIGNAL, UNP, LINUX) \
	{ { .id = ID, .what = NAME ", section " SECTION ", " #SIGNAL, \
	    .unp = UNP, .bsd = "-", .lin = LINUX }, SECTION, SIG ## SIGNAL }
		PLAY("B1", "serv01", "30.5", TERM, "binds", "binds"),
		PLAY("B2", "serv01", "30.5", KILL, "binds", "binds"),
		PLAY("B3", "serv02", "30.6", TERM, "-", "refused"),
		PLAY("B4", "serv02", "30.6", KILL, "-", "refused"),
		PLAY("B5", "serv03", "30.7", TERM, "-", "refused"),
		PLAY("B6", "serv03", "30.7", KILL, "-", "refused"),
		PLAY("B7", "serv04", "30.8", TERM, "-", "refused"),
		PLAY("B8", "serv04", "30.8", KILL, "-", "refused"),
		PLAY("B9", "serv05", "30.9", TERM, "-", "binds"),
		PLAY("B10", "serv05", "30.9", KILL, "-", "binds"),
	};
	unsigned int	i;

	stage_step(stage, "All five, each with two children, one of which has "
	    "a client, and by both signals: is the next parent given the "
	    "port?");
	for (i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
		stage_note(stage, "%s", plays[i].row.id);
		(void)stage_row(stage, &plays[i].row, next_of(stage,
		    plays[i].section, plays[i].signo, 40010 + i));
	}
}

void
exp_book(struct stage *stage)
{
	forks(stage);
	children_accept(stage);
	parent_passes(stage);
	summary(stage);
}
