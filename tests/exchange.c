/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "exchange.h"
#include "harness.h"
#include "net/stream.h"
#include "process.h"

const struct exchange
    echo_back = { "echo", NULL, "hello\n", "hello\n", 0 },
    cat = { "exec", "cat", "hello\n", "hello\n", 0 },
    bytes = { "bytes", NULL, "7\n", "xxxxxxx", 0 },
    chargen = { "chargen", NULL, "", " !\"#$%&'()", MANY },
    daytime = { "daytime", NULL, "", "", 26 },
    discard = { "discard", NULL, "hello\n", "", 0 };

struct server	server;
pid_t		children[64];
int		number;

void
begin(const struct exchange *exchange, int many)
{
	char	most[16], idle[32];
	int	i;

	note("%s", exchange->service);
	(void)snprintf(most, sizeof(most), "%d", many);
	(void)snprintf(idle, sizeof(idle), "%d:%d", many, many);
	server = server_start("-i", idle, "-m", most, "127.0.0.1:0",
	    exchange->service, exchange->program, NULL);
	number = many;
	await_children(server.pid, number, children);
	for (i = 0; i < number; i++)
		await_title(children[i], "outlived: idle");
	log_clear();
}

bool
all_are_idle(void)
{
	pid_t	list[64];
	int	i;

	for (i = 0; i < number; i++) {
		if (!lives(children[i]))
			return false;
		await_title(children[i], "outlived: idle");
	}
	return children_of(server.pid, list, 64) == number;
}

void
end(void)
{
	ok(all_are_idle(), "the children have lived through all that");
	if (!ok(log_lines() == 0, "the log has nothing to say"))
		log_show();
	server_end(server);
}

void
stop_all(void)
{
	int	i;

	stop(server.pid);
	for (i = 0; i < number; i++)
		stop(children[i]);
}

/* The parent last: it has not seen them stopped. */
void
continue_all(void)
{
	int	i;

	for (i = 0; i < number; i++)
		send_signal(children[i], SIGCONT);
	send_signal(server.pid, SIGCONT);
}

ssize_t
rest_of(int client)
{
	char	got[65536];
	ssize_t	n, sum = 0;

	while ((n = readsome(client, got, sizeof(got))) > 0)
		sum += n;
	if (n == -1)
		note("instead of end-of-file: %s", strerror(errno));
	return n == 0 ? sum : MANY;
}

bool
is_answered(int client, const char *expected, size_t n)
{
	static char	got[2 * MB];
	size_t		have = 0;
	ssize_t		some = 1;

	while (have < sizeof(got) && (some = readsome(client, got + have,
	    sizeof(got) - have)) > 0)
		have += (size_t)some;
	if (some != 0 || have != n)
		note("%zu bytes instead of %zu, then %s", have, n, some == 0 ?
		    "end-of-file" : strerror(errno));
	return some == 0 && have == n && memcmp(got, expected, n) == 0;
}

const char *
so_many_xs(void)
{
	static char	xs[MB];

	memset(xs, 'x', sizeof(xs));
	return xs;
}

bool
is_served(const struct exchange *exchange)
{
	int	client = dial(server.port);
	bool	good;
	ssize_t	rest;

	say(client, exchange->asks);
	good = hears(client, exchange->hears);
	(void)shutdown(client, SHUT_WR);
	rest = rest_of(client);
	(void)close(client);
	return good && rest != -1 &&
	    (exchange->rest == MANY || exchange->rest == rest);
}

bool
are_served(const struct exchange *exchange, int clients)
{
	int	i;

	for (i = 0; i < clients && is_served(exchange); i++)
		;
	return i == clients;
}
