/* SPDX-License-Identifier: ISC */
/*
 * What the parent tells a service manager (sd_notify(3)), datagram by datagram;
 * and a service manager who does not listen.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "harness.h"
#include "process.h"

#define PLACE	"127.0.0.1:9999"

static char	name[128];	/* of the socket, as in NOTIFY_SOCKET */

/* The service manager, at a path or at an abstract name. */
static int
manager(bool abstract)
{
	struct sockaddr_un	un = { .sun_family = AF_UNIX };
	struct timeval		patience = { .tv_sec = DEADLINE };
	int			fd;

	(void)snprintf(name, sizeof(name), "%s%s/notify",
	    abstract ? "@" : "", harness_state());
	(void)strlcpy(un.sun_path, name, sizeof(un.sun_path));
	if (abstract)
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&un, (socklen_t)(strlen(name) +
	    !abstract + offsetof(struct sockaddr_un, sun_path))) == -1)
		bail("%s: %s", name, strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	(void)setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *
datagram(int fd)
{
	static char	text[1024];
	ssize_t		n = recv(fd, text, sizeof(text) - 1, 0);

	if (n == -1)
		bail("no message: %s", strerror(errno));
	text[n] = '\0';
	return text;
}

static bool
is_told(int fd, const char *expected)
{
	const char	*is = datagram(fd);

	if (strcmp(is, expected) != 0)
		note("told: %s", is);
	return strcmp(is, expected) == 0;
}

static bool
hears_no_more(int fd)
{
	char	byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

static int64_t
now(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
reload(int fd, pid_t pid, const char *ready)
{
	char	expected[256];
	int64_t	before = now(), is = 0;

	send_signal(pid, SIGHUP);
	(void)sscanf(datagram(fd), "RELOADING=1\nMONOTONIC_USEC=%" SCNd64
	    "\n%255[^\n]", &is, expected);
	ok(is >= before && is <= now() && strcmp(expected,
	    "STATUS=HUP: replacing the children") == 0,
	    "HUP: RELOADING=1, and when");
	ok(is_told(fd, ready), "then READY=1");
}

static void
told(const struct cell *cell)
{
	int		fd = manager(cell->number != SIGQUIT), client, idle, n;
	struct server	server = server_start("-i", "2:2", PLACE, "echo",
			    NULL);
	char		ready[256];
	const char	*stopping;

	(void)snprintf(ready, sizeof(ready), "READY=1\nMAINPID=%d\nSTATUS="
	    "accepts clients, generation 1\n", server.pid);
	ok(is_told(fd, ready), "READY=1");
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");
	(void)await_server_of(server.pid, client);
	reload(fd, server.pid, ready);
	/* Two others, beside the busy one. */
	idle = cell->strategy->prefork ? 2 : 0;
	await_born(server.pid, 1 + idle);
	stopping = cell->number == SIGTERM ?
	    "STOPPING=1\nSTATUS=TERM: leaving 1 clients to their children\n" :
	    "STOPPING=1\nSTATUS=QUIT: waiting for 1 clients\n";
	send_signal(server.pid, cell->number);
	/* With INT, those whom it has not buried yet, too. */
	if (cell->number == SIGINT)
		ok(sscanf(datagram(fd), "STOPPING=1\nSTATUS=INT: ending %d "
		    "children\n", &n) == 1 && n >= 1 + idle, "INT: STOPPING=1");
	else
		ok(is_told(fd, stopping), "%.*s",
		    (int)strcspn(stopping + 11, "\n"), stopping + 11);
	(void)close(client);
	ok(await_end(server.pid) == 0 && harness_nobody_left(), "all ended");
	ok(hears_no_more(fd), "and nothing more");
}

/* The next generation knows of others. */
static void
others(const struct cell *cell)
{
	int		fd = manager(true), client;
	struct server	server = server_start("-i", "2:2", PLACE, "echo",
			    NULL);
	char		ready[256];

	(void)cell;
	(void)datagram(fd);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served");
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	await_children(0, 1, (pid_t[64]){ 0 });
	server = server_start("-i", "2:2", PLACE, "echo", NULL);
	(void)snprintf(ready, sizeof(ready), "READY=1\nMAINPID=%d\nSTATUS="
	    "accepts clients, generation 2; children of earlier ones: 1\n",
	    server.pid);
	ok(is_told(fd, ready), "READY=1, with an orphan");
	(void)close(client);
	server_end(server);
}

/* It is full, and nobody reads. */
static void
full(const struct cell *cell)
{
	int		fd = manager(true), client, us;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t	len = sizeof(un);
	struct server	server;

	(void)cell;
	us = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (getsockname(fd, (struct sockaddr *)&un, &len) == -1)
		bail("getsockname: %s", strerror(errno));
	while (sendto(us, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&un,
	    len) == 1)
		;
	ok(errno == EAGAIN, "there is no room");
	server = server_start("-i", "2:2", PLACE, "echo", NULL);
	client = dial(9999);
	ok(echoes(client, "hello\n"), "a client is served all the same");
	ok(log_has("the service manager hears nothing (NOTIFY_SOCKET): "
	    "Resource temporarily unavailable\n"), "and the log says so");
	(void)close(client);
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
}

static const struct {
	const char	*name;
	size_t		 filled;	/* with so many more bytes */
	const char	*line;
} wrong[] = {
	{ "vsock:2:1234", 0, "NOTIFY_SOCKET 'vsock:2:1234': expected a path, "
	    "or @ and a name\n" },
	{ "notify", 0, "NOTIFY_SOCKET 'notify': expected a path, or @ and a "
	    "name\n" },
	{ "/", 107, "NOTIFY_SOCKET has 108 bytes: expected 107 at most\n" },
	{ "@", 108, "NOTIFY_SOCKET has 109 bytes: expected 108 at most\n" },
	{ "@", 107, "hears nothing (NOTIFY_SOCKET): Connection refused\n" },
	{ "/nowhere", 0, "hears nothing (NOTIFY_SOCKET): No such file or "
	    "directory\n" },
	{ "", 0, NULL },
};

static void
nobody(const struct cell *cell)
{
	struct server	server;
	size_t		i, len;
	int		client;

	(void)cell;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)strlcpy(name, wrong[i].name, sizeof(name));
		len = strlen(name);
		memset(name + len, 'x', wrong[i].filled);
		name[len + wrong[i].filled] = '\0';
		(void)setenv("NOTIFY_SOCKET", name, 1);
		log_clear();
		server = server_start("-i", "1:1", PLACE, "echo", NULL);
		client = dial(9999);
		ok(echoes(client, "hello\n") && (wrong[i].line == NULL ?
		    log_lines() == 1 : log_has(wrong[i].line)),
		    "'%s' and %zu bytes: it serves, and says %s",
		    wrong[i].name, wrong[i].filled,
		    wrong[i].line == NULL ? "nothing" : "so");
		(void)close(client);
		send_signal(server.pid, SIGINT);
		(void)await_end(server.pid);
	}
}

int
main(void)
{
	static const struct cell	cells[] = {
		{ .name = "TERM", .play = told, .number = SIGTERM },
		{ .name = "QUIT", .play = told, .number = SIGQUIT },
		{ .name = "INT", .play = told, .number = SIGINT },
	};
	static struct cell		single[] = {
		{ .name = "others", .play = others },
		{ .name = "nobody reads", .play = full },
		{ .name = "nobody is there", .play = nobody },
	};
	size_t				i;

	harness_begin();
	cells_play_all(cells, sizeof(cells) / sizeof(cells[0]));
	for (i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		single[i].strategy = strategy_find("pass");
	cells_play(single, (int)i);
	return done();
}
