/* SPDX-License-Identifier: ISC */
/*
 * outlive-load --hold: every message of every session is looked at, and a
 * session that is lost is named, with what it was lost by.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "harness.h"
#include "loader.h"
#include "process.h"

#define SIZE	96		/* of a message */
#define OPENING	64		/* on their way at a time */

/* Servers of two sessions; the first messages come back as they are. */

static void
first_of(int listener, int fds[2], char messages[2][SIZE])
{
	struct sockaddr_in	client;
	socklen_t		len = sizeof(client);
	int			i;

	for (i = 0; i < 2; i++) {
		fds[i] = accept(listener, (struct sockaddr *)&client, &len);
		seen->port = ntohs(client.sin_port);
		seen->accepted++;
	}
	for (i = 0; i < 2; i++)
		if (!hear_all(fds[i], messages[i], SIZE) ||
		    send(fds[i], messages[i], SIZE, MSG_NOSIGNAL) != SIZE)
			_exit(1);
}

/* Echo, for the rest of the run; -1: not to that one. */
static void __attribute__((__noreturn__))
go_on(int first, int second)
{
	struct pollfd	fds[2] = { { .fd = first, .events = POLLIN },
			    { .fd = second, .events = POLLIN } };
	char		message[SIZE];
	int		i;

	for (;;) {
		if (poll(fds, 2, -1) == -1)
			_exit(1);
		for (i = 0; i < 2; i++)
			if (fds[i].revents != 0 &&
			    (!hear_all(fds[i].fd, message, SIZE) ||
			    send(fds[i].fd, message, SIZE, MSG_NOSIGNAL) == -1))
				fds[i].fd = -1;
	}
}

/* The second session, whose port is in seen, is wronged by its second answer;
   the first one is not. */
static void __attribute__((__noreturn__))
wrong(int listener, void (*change)(char *answer, const char *old))
{
	char	messages[2][SIZE], old[SIZE];
	int	fds[2];

	first_of(listener, fds, messages);
	memcpy(old, messages[1], SIZE);
	if (!hear_all(fds[1], messages[1], SIZE))
		_exit(1);
	change(messages[1], old);
	(void)send(fds[1], messages[1], SIZE, MSG_NOSIGNAL);
	go_on(fds[0], -1);
}

static void
flip(char *answer, const char *old)
{
	(void)old;
	answer[SIZE / 2] ^= 4;
}

static void
flips_a_bit(int listener)
{
	wrong(listener, flip);
}

static void
repeat(char *answer, const char *old)
{
	memcpy(answer, old, SIZE);
}

static void
answers_again(int listener)
{
	wrong(listener, repeat);
}

static void
cut(char *answer, const char *old)
{
	(void)old;
	answer[SIZE - 1] = ' ';
}

static void
ends_no_line(int listener)
{
	wrong(listener, cut);
}

/* A moment after the answer, when nothing is due; or with it, on a machine that
   is slow: that is no better. */
static void
says_more(int listener)
{
	char	messages[2][SIZE];
	int	fds[2];

	first_of(listener, fds, messages);
	(void)poll(NULL, 0, 20);
	(void)send(fds[1], "!", 1, MSG_NOSIGNAL);
	go_on(fds[0], fds[1]);
}

static void
swaps(int listener)
{
	char	messages[2][SIZE];
	int	fds[2];

	first_of(listener, fds, messages);
	if (!hear_all(fds[0], messages[0], SIZE) ||
	    !hear_all(fds[1], messages[1], SIZE))
		_exit(1);
	(void)send(fds[0], messages[1], SIZE, MSG_NOSIGNAL);
	(void)send(fds[1], messages[0], SIZE, MSG_NOSIGNAL);
	for (;;)
		(void)pause();
}

static void
falls_silent(int listener)
{
	char	messages[2][SIZE];
	int	fds[2];

	first_of(listener, fds, messages);
	go_on(fds[0], -1);
}

static const struct part {
	const char	*name, *why;
	void		(*serve)(int listener);
	int		 lost;
} parts[] = {
	{ "a bit is wrong", "corrupt", flips_a_bit, 1 },
	{ "an old answer again", "corrupt", answers_again, 1 },
	{ "no newline", "corrupt", ends_no_line, 1 },
	{ "what nobody asked for", "corrupt", says_more, 1 },
	{ "each other's answers", "corrupt", swaps, 2 },
	{ "no second answer", "timeout", falls_silent, 1 },
};

static void
wrongs(void)
{
	const struct part	*part;
	unsigned int		 port;
	char			 text[64], address[48];
	int			 status;

	for (part = parts; part < parts + sizeof(parts) / sizeof(parts[0]);
	    part++) {
		port = hostile_with(8, part->serve);
		status = loader("--json --hold 2 --every 0.05 --for 0.6%s "
		    "127.0.0.1:%u", strcmp(part->why, "timeout") == 0 ?
		    " -t 1" : "", port);
		ok(status == 1 &&
		    (int)reported("sessions/lost") == part->lost,
		    "%s: %d lost, exit status 1", part->name, part->lost);
		(void)snprintf(address, sizeof(address),
		    "\"address\":\"127.0.0.1:%d\"", seen->port);
		(void)snprintf(text, sizeof(text), "\"why\":\"%s\"",
		    part->why);
		if (!ok(reports(address) && reports(text) &&
		    reports(part->lost == 2 ? "\"number\":0," :
		    "[{\"number\":"), "%s: it is named, with why",
		    part->name))
			note("%s", report());
		/* The one that nobody asked for may come before the run has
		   begun, and that is at 0. */
		ok((reported("sessions/lost_ones/at") > 0 ||
		    part->serve == says_more) &&
		    reported("sessions/lost_ones/messages") < 2,
		    "%s: when, and after what", part->name);
	}
	(void)loader("--hold 2 --every 0.05 --for 0.6 127.0.0.1:%u",
	    hostile_with(8, flips_a_bit));
	(void)snprintf(text, sizeof(text), ", 127.0.0.1:%d: not the answer "
	    "that was expected, at ", seen->port);
	ok(reports("sessions       2, of which 1 were lost; ") &&
	    reports(text), "in words");
	hostile_end();
}

static struct server
echo_server(void)
{
	return server_start("-i", "4:4", "-m", "4", "127.0.0.1:0", "echo",
	    NULL);
}

/* A child of the server that has a client; number: how many have, at least. */
static pid_t
await_busy(struct server server, int number)
{
	struct wait	wait = { .what = "sessions that are served" };
	pid_t		list[64], busy = -1;
	int		i, n, many;

	for (;;) {
		n = children_of(server.pid, list, 64);
		for (many = 0, i = 0; i < n; i++)
			if (title_has(list[i], "127.0.0.1:")) {
				busy = list[i];
				many++;
			}
		if (many >= number)
			return busy;
		wait_a_moment(&wait);
	}
}

/* All is well, also by many processes, and beside others. */
static void
held(void)
{
	struct server	server = echo_server();
	int		status;

	status = loader("--json --hold 3 --every 0.1 --for 0.5 127.0.0.1:%u",
	    server.port);
	ok(status == 0 && (int)reported("sessions/lost") == 0 &&
	    (int)reported("sessions/messages") >= 6 &&
	    (int)reported("latency_us/message/n") ==
	    (int)reported("sessions/messages") - 3,
	    "sessions are held: %d messages",
	    (int)reported("sessions/messages"));
	ok((int)reported("connections") == 0 && (int)reported("requests") == 0,
	    "and nobody else comes");
	ok(loader("--json -p 2 --hold 3 --every 0.1 --rate 50 --for 0.5 -b 10 "
	    "127.0.0.1:%u", server.port) == 0 &&
	    (int)reported("requests") == 25 && (int)reported("done") == 25 &&
	    (int)reported("connections") == 25 &&
	    (int)reported("sessions/messages") >= 6,
	    "beside an open loop, by two processes");
	ok(loader("--json --hold 2 -c 2 -n 10 127.0.0.1:%u", server.port) == 0 &&
	    (int)reported("done") == 20 &&
	    (int)reported("sessions/messages") >= 4,
	    "beside a closed loop: it ends with it");
	server_end(server);
}

/* It has begun: the sessions are there. */
static pid_t
start_with(const char *options, struct server server)
{
	char	path[64];
	pid_t	pid;

	(void)snprintf(path, sizeof(path), "%s/requests", harness_state());
	(void)unlink(path);
	pid = loader_start("--json --log %s %s 127.0.0.1:%u", path, options,
	    server.port);
	await_file(path, "# us since ");
	return pid;
}

static void
killed(void)
{
	struct server	server = echo_server();
	pid_t		pid = start_with("--hold 3 --every 0.05", server);
	const char	*ones;

	send_signal(await_busy(server, 3), SIGKILL);
	/* The new child has nobody; whoever waits would be lost by then. */
	await_born(server.pid, 4);
	send_signal(pid, SIGINT);
	ok(loader_end(pid) == 1 && (int)reported("sessions/lost") == 1,
	    "a child is killed: its session is lost");
	ones = strstr(report(), "\"lost_ones\":");
	ok(ones != NULL && (strstr(ones, "\"why\":\"short\"") != NULL ||
	    strstr(ones, "\"why\":\"reset_") != NULL),
	    "by a FIN or an RST");
	ok((int)reported("sessions/messages") >= 5,
	    "the others have had their last answers");
	server_end(server);
}

static void
interrupted(void)
{
	struct server	server = echo_server();
	pid_t		pid = start_with("--hold 2", server);
	int		status;

	send_signal(pid, SIGINT);
	status = loader_end(pid);
	ok(status == 0 && (int)reported("sessions/lost") == 0 &&
	    (int)reported("sessions/messages") >= 4, "INT ends it in order");
	server_end(server);
}

/* Takes all of them, and has nothing to say. */
static void
takes_all(int listener)
{
	while (accept(listener, NULL, NULL) != -1)
		seen->accepted++;
}

static void
await_accepted(int n)
{
	struct wait	wait = { .what = "clients of a hostile server" };

	while (seen->accepted < n)
		wait_a_moment(&wait);
}

static void
opening(void)
{
	static const char *const	forms[] = { "--json", "-q" };
	pid_t				pid;
	int				i, status;

	for (i = 0; i < 2; i++) {
		pid = loader_start("%s -t 1 --hold 100 127.0.0.1:%u", forms[i],
		    hostile_with(4096, takes_all));
		await_accepted(OPENING);
		send_signal(pid, SIGINT);
		status = loader_end(pid);
		if (i == 0)
			ok(status == 1 && (int)reported("connections") == 0 &&
			    (int)reported("sessions/lost") >= OPENING,
			    "INT while they are opened: exit status 1");
		else
			ok(status == 1 && reports("stopped before it began: "
			    "0 of 100 sessions were open\n"),
			    "and it says so");
	}
	hostile_end();
}

static void
refused(void)
{
	unsigned int	port = hostile_with(1, takes_all);

	hostile_end();
	ok(loader("--json --hold 2 --for 0.1 127.0.0.1:%u", port) == 1 &&
	    (int)reported("sessions/lost") == 2 &&
	    reports("\"address\":\"\",\"why\":\"refused\""),
	    "nobody listens: both are lost");
}

/* Workers that wait for an answer, and would not end in order before they have
   it: all that they see of a parent's end is that they are to stop. */
static pid_t
start_two(pid_t workers[64])
{
	pid_t	pid = loader_start("-t 1000 -p 2 --hold 2 127.0.0.1:%u",
		    hostile_with(8, takes_all));

	await_children(pid, 2, workers);
	await_accepted(2);
	return pid;
}

static void
ends_together(void)
{
	pid_t	workers[64], pid = start_two(workers);
	int	i;

	send_signal(pid, SIGKILL);
	ok(loader_end(pid) == -1, "the parent is killed");
	for (i = 0; i < 2; i++)
		ok(await_end(workers[i]) == SIGKILL, "a worker ends");
	log_clear();
	pid = start_two(workers);
	send_signal(workers[0], SIGKILL);
	ok(loader_end(pid) == 70 && log_has("outlive-load: process ") &&
	    log_has(" was ended by signal 9 (Killed)"),
	    "a worker is killed: the parent has failed");
	ok(await_end(workers[1]) == SIGKILL, "and the other one ends");
	hostile_end();
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	harness_drop_capabilities();
	wrongs();
	held();
	killed();
	interrupted();
	opening();
	refused();
	ends_together();
	ok(harness_nobody_left(), "no process is left");
	return done();
}
