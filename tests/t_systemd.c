/* SPDX-License-Identifier: ISC */
/*
 * A listening socket that is passed, as systemd does it: it is adopted, and it
 * is still there when the parent has ended.  The test is the service manager,
 * and keeps its copy.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "net/address.h"
#include "process.h"

#define PLACE	"127.0.0.1:9999"

static int
option(int fd, int level, int name)
{
	int		value = -1;
	socklen_t	len = sizeof(value);

	(void)getsockopt(fd, level, name, &value, &len);
	return value;
}

static int
bound(const char *text, int type)
{
	struct address	address;
	int		fd, one = 1;

	if (address_numeric(&address, text) == -1)
		bail("'%s' is no address", text);
	fd = socket(address.sa.sa_family, type | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &address.sa, address.len) == -1)
		bail("%s: %s", text, strerror(errno));
	return fd;
}

static int
listening(const char *text)
{
	int	fd = bound(text, SOCK_STREAM);

	if (listen(fd, 5) == -1)
		bail("listen: %s", strerror(errno));
	return fd;
}

/* As a giver or an earlier owner may leave it. */
static int
left_in_disorder(void)
{
	struct linger	reset = { 1, 0 };
	struct timeval	second = { 1, 0 };
	int		fd = listening(PLACE), ttl = 255;

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second,
	    sizeof(second));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second,
	    sizeof(second));
	/* Nobody on this machine sends with so much. */
	(void)setsockopt(fd, IPPROTO_IP, IP_MINTTL, &ttl, sizeof(ttl));
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static struct server
start(void)
{
	return server_start("-w", "0", "-i", "2:2", PLACE, "echo", NULL);
}

/* The test's own copy: the kernel has one socket that listens, this one. */
static bool
is_still_there(int fd)
{
	return option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1 &&
	    listeners(9999) == 1;
}

/* It waits in its ppoll(), and is not about to accept one more. */
static void
await_asleep(pid_t pid)
{
	struct wait	wait = { .what = "a parent that sleeps" };
	char		path[32], state = 0;
	FILE		*file;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (state != 'S') {
		wait_a_moment(&wait);
		if ((file = fopen(path, "re")) == NULL ||
		    fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			bail("%s: %s", path, strerror(errno));
		(void)fclose(file);
	}
}

/* The parent and, if there are such, its idle children. */
static void
stop_all(struct server server, pid_t busy)
{
	pid_t	list[64];
	int	i, n = children_of(server.pid, list, 64);

	await_asleep(server.pid);
	stop(server.pid);
	for (i = 0; i < n; i++)
		if (list[i] != busy)
			stop(list[i]);
}

/* Ended by the signal, with who is idle stopped until then. */
static void
end(struct server server, pid_t busy, int signo)
{
	pid_t	list[64];
	int	i, n, status;

	n = children_of(server.pid, list, 64);
	send_signal(server.pid, signo);
	if (signo != SIGKILL)
		send_signal(server.pid, SIGCONT);
	if (signo == SIGQUIT)
		await_title(server.pid, "outlived: parent of " PLACE
		    ", generation 1, until its children are done");
	else {
		status = await_end(server.pid);
		ok(signo == SIGKILL ? WIFSIGNALED(status) : status == 0,
		    "the parent has ended");
	}
	for (i = 0; i < n; i++)
		if (list[i] != busy && lives(list[i]))
			send_signal(list[i], SIGCONT);
	if (signo != SIGINT)
		await_children(signo == SIGQUIT ? server.pid : 0, 1, list);
	else
		await_children(0, 0, list);
	ok(1, "who was idle has left");
}

/* It serves; it is ended; the next one serves who came in the meantime. */
static void
adopted(const struct cell *cell)
{
	int		socket = left_in_disorder(), client, early;
	struct server	server, next;
	pid_t		busy;

	harness_pass(socket);
	server = start();
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served, in spite of the "
	    "minimum TTL");
	ok(option(socket, SOL_SOCKET, SO_REUSEADDR) == 1 &&
	    option(socket, SOL_SOCKET, SO_OOBINLINE) == 1,
	    "it has the options of our own");
	ok(option(socket, SOL_SOCKET, SO_LINGER) == 0 &&
	    option(socket, SOL_SOCKET, SO_RCVTIMEO) == 0 &&
	    option(socket, SOL_SOCKET, SO_SNDTIMEO) == 0,
	    "and nothing else that clients would inherit");
	ok(all_close_on_exec(server.pid), "and is close-on-exec");
	ok(((fcntl(socket, F_GETFL) & O_NONBLOCK) != 0) ==
	    cell->strategy->parent_accepts,
	    "and O_NONBLOCK only if the parent accepts");
	busy = await_server_of(server.pid, client);
	if (cell->strategy->prefork)
		await_born(server.pid, 3);
	stop_all(server, busy);
	early = dial(9999);
	say(early, "early\n");
	end(server, busy, cell->number);
	ok(is_still_there(socket), "the socket still listens");
	ok(not_accepted() == 1, "who has come last waits");
	ok(cell->number == SIGINT ? sees_end(client) :
	    echoes(client, "still here\n"), "the client is %s",
	    cell->number == SIGINT ? "ended" : "served on");
	ok(log_has("the socket stays with whoever gave it") ==
	    (cell->number == SIGTERM || cell->number == SIGQUIT),
	    "nobody calls the port free");

	next = start();
	ok(hears(early, "early\n"), "the next one serves who waited");
	ok(cell->number == SIGINT || echoes(client, "and on\n"),
	    "beside the old one");
	(void)close(early);
	(void)close(client);
	send_signal(next.pid, SIGTERM);
	ok(await_end(next.pid) == 0, "TERM ends it");
	ok(harness_nobody_left() && is_still_there(socket),
	    "all have ended, and the socket listens");
}

/* systemd clears O_NONBLOCK for each process that it starts with the socket:
   who has it already must not sleep in accept(), deaf to signals. */
static void
cleared(const struct cell *cell)
{
	int		socket = left_in_disorder(), client;
	struct server	server;

	(void)cell;
	harness_pass(socket);
	server = start();
	(void)fcntl(socket, F_SETFL, 0);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");
	(void)close(client);
	send_signal(server.pid, SIGTERM);
	ok(await_end(server.pid) == 0, "and TERM is heard");
	ok(harness_nobody_left() && is_still_there(socket),
	    "all have ended, and the socket listens");
	(void)close(socket);
}

/* Who takes over from one who was passed the socket knows that it was. */
static void
taken_over(const struct cell *cell)
{
	int		socket = listening(PLACE), client;
	struct server	old, next;
	pid_t		list[64];

	harness_pass(socket);
	old = server_start("-i", "1:2", PLACE, "echo", NULL);
	harness_pass(-1);
	next = server_start("-T", "-H", "20", "-i", "1:2", PLACE, "echo", NULL);
	ok(await_end(old.pid) == 0 && log_has("the next parent has the port"),
	    "the parent hands it over");
	/* An idle child of the old one may yet take who comes. */
	await_children(0, 1, list);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "the next one serves");
	await_children(next.pid, cell->strategy->prefork ? 2 : 1, list);
	ok(!log_has("heir: process"), "and has no heir");
	(void)close(client);
	server_end(next);
	ok(log_has("the socket stays with whoever gave it") &&
	    listeners(9999) == 1, "it does not shut it down");
	(void)close(socket);
}

/* A child that has not done its first act has a copy, whatever becomes of its
   parent; afterwards it lets go, and takes nobody. */
static void
newborn(const struct cell *cell)
{
	const bool	prefork = cell->strategy->prefork;
	int		socket = listening(PLACE), early, client = -1;
	struct server	server;
	pid_t		child, list[64];

	harness_pass(socket);
	server = server_start_paused(prefork ? "newborn 2" : "newborn 1",
	    "-i", "2:2", PLACE, "echo", NULL);
	if (!prefork)
		client = dial(9999);
	child = await_stopped(server.pid);
	send_signal(server.pid, cell->number);
	(void)await_end(server.pid);
	/* The other one is woken by a client as well as by WINCH. */
	await_children(0, 1, list);
	early = dial(9999);
	say(early, "early\n");
	send_signal(child, SIGCONT);
	if (!prefork) {
		ok(echoes(client, "hello\n"), "a newborn serves its client");
		(void)close(client);
	}
	ok(harness_nobody_left(), "a newborn leaves");
	ok(is_still_there(socket) && not_accepted() == 1, "and takes nobody");
	server = start();
	ok(hears(early, "early\n"), "the next one serves him");
	(void)close(early);
	server_end(server);
}

/* Two parents, one socket: there is a lock for that. */
static void
locked(const struct cell *cell)
{
	int		socket = listening(PLACE), client;
	struct server	server;
	char		line[128];

	(void)cell;
	harness_pass(socket);
	server = start();
	log_clear();
	(void)snprintf(line, sizeof(line), "process %d is the parent of "
	    PLACE ": expected it to end", server.pid);
	ok(WEXITSTATUS(server_run("-w", "0", PLACE, "echo", NULL)) == 69 &&
	    log_has(line) && log_lines() == 1,
	    "a second parent is refused: 69, and a line");
	client = dial(9999);
	ok(echoes(client, "hello\n"), "the first one has not noticed");
	send_signal(server.pid, SIGHUP);
	await_log("HUP: replacing");
	(void)close(client);
	client = dial(9999);
	ok(echoes(client, "again\n"), "nor has the socket, of HUP");
	(void)close(client);
	server_end(server);
}

/* Whoever binds the port himself takes a stopped orphan's socket away, but not
   one that was given. */
static void
not_taken_away(const struct cell *cell)
{
	int		socket = listening(PLACE);
	struct server	server;
	pid_t		list[64];

	(void)cell;
	harness_pass(socket);
	server = start();
	await_born(server.pid, 2);
	await_children(server.pid, 2, list);
	stop(list[0]);
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	await_children(0, 1, list);
	harness_pass(-1);
	ok(WEXITSTATUS(server_run("-w", "0", PLACE, "echo", NULL)) == 69 &&
	    is_still_there(socket), "who binds it himself is refused");
	send_signal(list[0], SIGCONT);
	ok(harness_nobody_left(), "all ended");
}

/* What is passed and does not fit; and addresses. */

static int
a_file(void)
{
	return memfd_create("passed", MFD_CLOEXEC);
}

static int
udp(void)
{
	return bound(PLACE, SOCK_DGRAM);
}

static int
silent(void)
{
	return bound(PLACE, SOCK_STREAM);
}

static int
of_unix(void)
{
	struct sockaddr_un	un = { .sun_family = AF_UNIX };
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&un, sizeof(un.sun_family)) == -1 ||
	    listen(fd, 5) == -1)
		bail("AF_UNIX: %s", strerror(errno));
	return fd;
}

static int
connected(void)
{
	/* Nobody closes the listener: both are closed with the test. */
	(void)listening("127.0.0.1:9998");
	return dial(9998);
}

static int
elsewhere(void)
{
	return listening("127.0.0.1:9997");
}

static int
ipv4_everywhere(void)
{
	return listening("0.0.0.0:9999");
}

static int
everywhere(void)
{
	return listening("[::]:9999");
}

static int
ipv6_everywhere(void)
{
	int	fd = socket(AF_INET6, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in6	any = { .sin6_family = AF_INET6,
				    .sin6_port = htons(9999) };

	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) == -1 ||
	    listen(fd, 5) == -1)
		bail("[::]: %s", strerror(errno));
	return fd;
}

static int
here(void)
{
	return listening(PLACE);
}

#define LISTENS	": expected a TCP socket that listens\n"

static const struct {
	int		(*make)(void);
	const char	*address;
	const char	*line;		/* NULL: it serves */
} sockets[] = {
	{ a_file, PLACE, "descriptor 3 is no socket" LISTENS },
	{ udp, PLACE, "descriptor 3 is a UDP socket" LISTENS },
	{ silent, PLACE, "descriptor 3 does not listen" LISTENS },
	{ of_unix, PLACE, "descriptor 3 is a UNIX domain socket" LISTENS },
	{ connected, PLACE, "descriptor 3 is a connection" LISTENS },
	{ elsewhere, PLACE, "descriptor 3 listens at 127.0.0.1:9997: expected "
	    "127.0.0.1:9999\n" },
	{ here, "127.0.0.2:9999", "descriptor 3 listens at 127.0.0.1:9999: "
	    "expected 127.0.0.2:9999\n" },
	{ here, "127.0.0.2:0", "descriptor 3 listens at 127.0.0.1:9999: "
	    "expected 127.0.0.2:0\n" },
	{ here, "9999", "descriptor 3 listens at 127.0.0.1:9999: expected "
	    "[::]:9999\n" },
	{ everywhere, PLACE, "descriptor 3 listens at [::]:9999: expected "
	    "127.0.0.1:9999\n" },
	{ ipv6_everywhere, "0.0.0.0:9999", "descriptor 3 listens at "
	    "[::]:9999: expected 0.0.0.0:9999\n" },
	{ here, "localhost:9999", NULL },
	{ here, "127.0.0.1:0", NULL },
	{ everywhere, "9999", NULL },
	{ everywhere, "0.0.0.0:9999", NULL },
	{ everywhere, "0", NULL },
	{ ipv4_everywhere, "0.0.0.0:9999", NULL },
	{ ipv6_everywhere, "[::]:9999", NULL },	/* and says so */
};

static void
fits_or_not(void)
{
	struct server	server;
	size_t		i;
	int		client, fd;

	for (i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		harness_pass(fd = sockets[i].make());
		log_clear();
		if (sockets[i].line != NULL) {
			ok(WEXITSTATUS(server_run("-w", "0",
			    sockets[i].address, "echo", NULL)) == 69 &&
			    log_has(sockets[i].line) && log_lines() == 1,
			    "%.*s: 69", (int)strcspn(sockets[i].line, "\n"),
			    sockets[i].line);
			(void)close(fd);
			continue;
		}
		server = server_start("-w", "0", "-i", "1:1",
		    sockets[i].address, "echo", NULL);
		client = sockets[i].make == ipv6_everywhere ?
		    dial_to("[::1]:9999") : dial(9999);
		ok(server.port == 9999 && echoes(client, "hello\n"),
		    "it serves as %s", sockets[i].address);
		ok(log_has("for IPv6 alone") ==
		    (sockets[i].make == ipv6_everywhere),
		    "and says if that is for IPv6 alone");
		(void)close(client);
		send_signal(server.pid, SIGINT);
		(void)await_end(server.pid);
		(void)close(fd);
	}
}

/* The variables. */
static const struct row {
	const char	*pid, *fds, *names;	/* NULL: as they should be */
	const char	*line;			/* NULL: they are not for us */
} variables[] = {
	{ NULL, "2", NULL, "2 sockets were passed (LISTEN_FDS): expected 1\n" },
	{ NULL, "2", "a:b",
	    "2 sockets were passed (LISTEN_FDS): expected 1\n" },
	{ NULL, "0", NULL, "LISTEN_FDS '0' is too small: expected 1\n" },
	{ NULL, "-1", NULL, "LISTEN_FDS '-1' is too small: expected 1\n" },
	{ NULL, "99999999999", NULL,
	    "LISTEN_FDS '99999999999' is too large: expected 1\n" },
	{ NULL, "one", NULL, "LISTEN_FDS 'one' is invalid: expected 1\n" },
	{ NULL, NULL, "", "LISTEN_FDNAMES '' has 0 names: expected 1, as many "
	    "as sockets\n" },
	{ NULL, NULL, "a:b", "LISTEN_FDNAMES 'a:b' has 2 names: expected 1, "
	    "as many as sockets\n" },
	{ NULL, NULL, ":", "LISTEN_FDNAMES ':' has 2 names: expected 1, "
	    "as many as sockets\n" },
	{ NULL, NULL, "connection", "a connection was passed "
	    "(LISTEN_FDNAMES): expected a socket that listens, by "
	    "Accept=no\n" },
	{ "1", NULL, NULL, NULL },
	{ "1", "2", NULL, NULL },
	{ "me", NULL, NULL, NULL },
	{ "", NULL, NULL, NULL },
};
static const struct row	*row;

static void
set_variables(void)
{
	if (row->pid != NULL)
		(void)setenv("LISTEN_PID", row->pid, 1);
	if (row->fds != NULL)
		(void)setenv("LISTEN_FDS", row->fds, 1);
	if (row->names != NULL)
		(void)setenv("LISTEN_FDNAMES", row->names, 1);
}

static void
close_it(void)
{
	(void)close(3);
}

static void
wrong_variables(void)
{
	const char *const	argv[] = { "./outlived", "-i", "1:1", "-w", "0",
				    PLACE, "echo", NULL };
	char			is[256];
	int			fd;
	size_t			i;
	pid_t			pid;

	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		row = &variables[i];
		log_clear();
		harness_pass(fd = row->line != NULL ? here() : elsewhere());
		pid = program_start_in(set_variables, argv, -1);
		if (row->line != NULL)
			ok(WEXITSTATUS(await_end(pid)) == 64 &&
			    log_has(row->line) && log_lines() == 1,
			    "%.*s: 64", (int)strcspn(row->line, "\n"),
			    row->line);
		else {
			await_listener(9999);
			await_born(pid, 1);
			descriptors_of(pid, is, sizeof(is));
			ok(strcmp(is, "null null log socket directory lock "
			    "socket eventfd socket socket socket") == 0,
			    "LISTEN_PID '%s': not for us, and closed",
			    row->pid);
			send_signal(pid, SIGINT);
			(void)await_end(pid);
		}
		(void)close(fd);
	}
	harness_pass(fd = here());
	log_clear();
	ok(WEXITSTATUS(await_end(program_start_in(close_it, argv, -1))) == 64 &&
	    log_has("LISTEN_FDS is 1: expected descriptor 3 to be open\n"),
	    "3 is closed");
	log_clear();
	ok(WEXITSTATUS(server_run("-R", PLACE, "echo", NULL)) == 64 &&
	    log_has("a socket that was passed has SO_REUSEADDR: expected one, "
	    "or to leave it off, not both\n"), "-R: 64");
	ok(WEXITSTATUS(server_run("-H", "1", PLACE, "echo", NULL)) == 64 &&
	    log_has("whoever passed the socket keeps it: expected one, or an "
	    "heir, not both\n"), "-H: 64");
	(void)close(fd);
}

int
main(void)
{
	static const struct cell	cells[] = {
		{ .name = "TERM", .play = adopted, .number = SIGTERM },
		{ .name = "KILL", .play = adopted, .number = SIGKILL },
		{ .name = "QUIT", .play = adopted, .number = SIGQUIT },
		{ .name = "INT", .play = adopted, .number = SIGINT },
		{ .name = "TERM, a newborn", .play = newborn,
		    .number = SIGTERM },
		{ .name = "KILL, a newborn", .play = newborn,
		    .number = SIGKILL },
		{ .name = "O_NONBLOCK is cleared", .play = cleared },
		{ .name = "two parents", .play = locked },
		{ .name = "-T", .play = taken_over },
	};
	static const struct cell	theirs[] = {
		{ &strategy_shared, "a stopped orphan", not_taken_away, 0 },
		{ &strategy_fcntl, "a stopped orphan", not_taken_away, 0 },
		{ &strategy_mutex, "a stopped orphan", not_taken_away, 0 },
	};

	harness_begin();
	harness_overlook_leaks();
	harness_own_network();
	cells_play_all(cells, sizeof(cells) / sizeof(cells[0]));
	cells_play(theirs, sizeof(theirs) / sizeof(theirs[0]));
	fits_or_not();
	wrong_variables();
	return done();
}
