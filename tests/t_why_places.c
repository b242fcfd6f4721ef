/* SPDX-License-Identifier: ISC */
/*
 * Several sockets of one port, in different places and with different
 * options: each is judged by its own, and those that are not in the way are
 * not accused.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"
#include "why.h"

static int
accepted(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

/* With the option here, without it there. */
static void
each_its_own(void)
{
	int	one = a_socket("127.0.0.1:5001", REUSEADDR);
	int	other = a_socket("127.0.0.2:5001", 0);

	ok(why("--reuseaddr", "0.0.0.0:5001", NULL) == 1,
	    "two places, one with the option");
	tells("two places", "BOUND 127.0.0.2:5001, made without SO_REUSEADDR");
	tells_not("two places", "127.0.0.1:5001");
	ok(why("0.0.0.0:5001", NULL) == 1, "asked without it");
	tells("two places", "BOUND 127.0.0.1:5001, made with SO_REUSEADDR");
	ok(why("127.0.0.3:5001", NULL) == 0, "a third place is free");
	(void)close(one);
	(void)close(other);
}

/* In one place nobody can tell them apart. */
static void
a_crowd(void)
{
	int	listener = a_socket("127.0.0.1:5002", REUSEADDR | LISTENS);
	int	one = dial(5002), a = accepted(listener), off = 0;
	int	other = dial(5002), b = accepted(listener);

	(void)close(listener);
	(void)setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off));
	ok(why("--reuseaddr", "127.0.0.1:5002", NULL) == 1,
	    "one of two has the option");
	tells("a crowd", ", made without SO_REUSEADDR, or another one there "
	    "was");
	tells("a crowd", "SO_REUSEADDR would have helped only if");
	ok(why("--json", "127.0.0.1:5002", NULL) == 1 &&
	    says("\"reuseaddr\":\"some\""), "in JSON, too");
	(void)close(a);
	(void)close(b);
	(void)close(one);
	(void)close(other);
}

/* Who listens on one address does not hide what is on another. */
static void
beside_a_listener(void)
{
	int	listener = a_socket("127.0.0.1:5003", REUSEADDR | LISTENS);
	int	client = dial(5003), server = accepted(listener);

	(void)close(listener);
	listener = a_socket("127.0.0.2:5003", LISTENS);
	ok(why("0.0.0.0:5003", NULL) == 1 && says("LISTEN 127.0.0.2:5003") &&
	    says("ESTABLISHED 127.0.0.1:5003") &&
	    says(", made with SO_REUSEADDR"), "a connection and a listener");
	ok(why("--reuseaddr", "0.0.0.0:5003", NULL) == 1,
	    "with the option");
	tells_not("with the option", "ESTABLISHED");
	tells_not("with the option", "beside it");
	ok(why("127.0.0.1:5003", NULL) == 1, "where the connection is");
	tells_not("where the connection is", "LISTEN");
	(void)close(listener);
	(void)close(server);
	(void)close(client);
}

/* Two have bound it; the one who listens is the one to talk to. */
static void
bound_and_listening(void)
{
	int		 one = a_socket("127.0.0.1:5004", REUSEADDR);
	int		 other = a_socket("127.0.0.1:5004", REUSEADDR);
	const char	*first;

	(void)listen(other, 1);
	ok(why("127.0.0.1:5004", NULL) == 1, "one has bound, one listens");
	first = strstr(answer_text(), "in the way: ");
	ok(first != NULL && strncmp(first, "in the way: LISTEN", 18) == 0,
	    "who listens comes first");
	tells_not("one has bound, one listens", "gone no further");
	(void)close(one);
	(void)close(other);
}

static void
sharing(void)
{
	int	one = a_socket("127.0.0.1:5005", REUSEPORT | LISTENS);
	int	other = a_socket("127.0.0.2:5005", LISTENS);

	ok(why("--reuseport", "0.0.0.0:5005", NULL) == 1,
	    "one shares, one does not");
	tells("one shares", "LISTEN 127.0.0.2:5005");
	tells_not("one shares", "127.0.0.1:5005");
	tells_not("one shares", "SO_REUSEPORT, set before");
	ok(why("--json", "127.0.0.1:5005", NULL) == 1 &&
	    says("\"shares\":true") && says("\"reuseport_helps\":true"),
	    "in JSON, too");
	(void)close(one);
	(void)close(other);
}

/* An interface of its own is a place of its own. */
static void
interfaces(void)
{
	int	one = a_socket("127.0.0.1:5006", ON_LO | LISTENS);

	ok(why("127.0.0.1:5006", NULL) == 1, "bound to an interface");
	tells("an interface", "LISTEN 127.0.0.1:5006 on lo\n");
	ok(why("--json", "127.0.0.1:5006", NULL) == 1 &&
	    says("\"interface\":1,"), "in JSON, too");
	(void)close(one);
	one = a_socket("127.0.0.1:5006", ON_LO | REUSEADDR);
	ok(why("127.0.0.1:5006", NULL) == 1, "bound there with the option");
	tells("an interface", "made with SO_REUSEADDR");
	(void)close(one);
}

static void
families(void)
{
	int	four, six = a_socket("[::1]:5007", LISTENS);

	if (six == -1) {
		skip("IPv6 beside IPv4", "this kernel has no IPv6");
		return;
	}
	ok(why("5007", NULL) == 1, "[::1] listens, both families are asked");
	tells("[::1]", "Only IPv6's port is taken: 0.0.0.0 can be bound");
	tells_not("[::1]", "Only IPv4's");
	ok(why("0.0.0.0:5007", NULL) == 0, "IPv4 alone is free");
	four = a_socket("127.0.0.1:5007", LISTENS);
	ok(why("5007", NULL) == 1, "both are taken");
	tells_not("both are taken", "Only IPv");
	(void)close(four);
	(void)close(six);

	six = a_socket("[::]:5008", V6ONLY | REUSEADDR);
	four = a_socket("0.0.0.0:5008", 0);
	ok(why("5008", NULL) == 1, "two wildcards");
	tells("two wildcards", "BOUND [::]:5008, made with SO_REUSEADDR");
	tells("two wildcards", "BOUND 0.0.0.0:5008, made without");
	(void)close(four);
	(void)close(six);

	six = a_socket("[::]:5009", 0);
	ok(why("0.0.0.0:5009", NULL) == 1, "[::] is bound, IPv4 is asked");
	tells_not("[::] is bound", "serves IPv4 as well");
	(void)close(six);
	six = a_socket("[::]:5010", LISTENS);
	ok(why("[::ffff:127.0.0.1]:5010", NULL) == 1,
	    "[::] listens, and IPv4 is asked in IPv6's words");
	tells("in IPv6's words", "serves IPv4 as well");
	(void)close(six);
	ok(why("[fe80::1%lo]:5010", NULL) == 1 &&
	    says("fe80::1%lo is no address of this machine"),
	    "a link-local address that is not here");
}

/* What was asked does not change what others may do: the kernel remembers
   who came in by SO_REUSEPORT, and where. */
static void
no_traces(void)
{
	int	four, six;

	four = a_socket("0.0.0.0:5014", LISTENS);
	if ((six = a_socket("[::]:5015", REUSEPORT | V6ONLY)) == -1) {
		skip("traces", "this kernel has no IPv6");
		(void)close(four);
		return;
	}
	ok(!may_be_bound("[::]:5014", REUSEPORT),
	    "IPv4's port is not for sharing");
	ok(why("5014", NULL) == 1 && why("--reuseport", "5014", NULL) == 1 &&
	    why("--reuseport", "5014", NULL) == 1, "asked, and asked again");
	ok(!may_be_bound("[::]:5014", REUSEPORT),
	    "it is not for sharing still");
	(void)close(four);

	four = a_socket("0.0.0.0:5015", LISTENS);
	ok(!may_be_bound("[::]:5015", REUSEPORT),
	    "one shares, one does not");
	ok(why("5015", NULL) == 1, "asked without an option");
	tells_not("one does not", "would let both in");
	tells_not("one does not", "LISTEN 0.0.0.0:5015, shared");
	ok(!may_be_bound("[::]:5015", REUSEPORT),
	    "it is not for sharing still");
	(void)close(four);
	(void)close(six);

	/* Each is passed over by another option. */
	four = a_socket("127.0.0.1:5018", REUSEADDR);
	six = a_socket("127.0.0.2:5018", REUSEPORT | LISTENS);
	ok(why("--reuseaddr", "0.0.0.0:5018", NULL) == 1 &&
	    why("--reuseport", "0.0.0.0:5018", NULL) == 1 &&
	    why("--reuseaddr", "--reuseport", "0.0.0.0:5018", NULL) == 0,
	    "neither option does, both do");
	ok(!may_be_bound("127.0.0.1:5018", REUSEPORT),
	    "and it has left no trace");
	(void)close(four);
	(void)close(six);
}

/* A server that ends and is started again all the time. */
static void
restless(void)
{
	pid_t	pid = fork();
	int	i, wrong = 0, fd;

	if (pid == 0)
		for (;;) {
			/* Refused when it is asked about in this moment. */
			if ((fd = bound(5016, true)) != -1)
				(void)listen(fd, 1);
			(void)usleep(3000);
			(void)close(fd);
		}
	for (i = 0; i < 40; i++) {
		(void)why("127.0.0.1:5016", NULL);
		wrong += says("other PID namespaces");
	}
	send_signal(pid, SIGKILL);
	(void)await_end(pid);
	ok(wrong == 0, "a server that is started again and again: %d wrong "
	    "answers", wrong);
	if (wrong > 0)
		show_answer();
}

/* More than fit into a line: no pid is cut short. */
static void
many_heirs(void)
{
	int		 listener = a_socket("127.0.0.1:5017", LISTENS), i;
	pid_t		 pids[40];
	char		 list[200] = "", pid[16];

	for (i = 0; i < 40; i++)
		if ((pids[i] = fork()) == 0)
			for (;;)
				(void)pause();
	(void)close(listener);
	ok(why("127.0.0.1:5017", NULL) == 1, "forty have one socket");
	for (i = 0; i < 8; i++) {
		(void)snprintf(pid, sizeof(pid), " %d", (int)pids[i]);
		(void)strlcat(list, pid, sizeof(list));
	}
	(void)strlcat(list, " ...)", sizeof(list));
	tells("forty", "End all 40 processes that have it (kill ");
	tells("forty", list);
	for (i = 0; i < 40; i++)
		send_signal(pids[i], SIGKILL);
	ok(harness_nobody_left(), "no process is left");
}

/* More of them than one would like to read, or to look at. */
static void
a_hundred(void)
{
	int	listener = a_socket("127.0.0.1:5011", REUSEADDR | LISTENS);
	int	clients[100], servers[100], i;

	for (i = 0; i < 100; i++) {
		clients[i] = dial(5011);
		servers[i] = accepted(listener);
	}
	ok(why("--reuseaddr", "127.0.0.1:5011", NULL) == 1,
	    "a hundred connections of one who listens");
	tells("a hundred", "beside it: 100 connections, which SO_REUSEADDR");
	ok(why("127.0.0.1:5011", NULL) == 1, "and without the option");
	tells("a hundred", "in the way: 93 more, 93 ESTABLISHED\n");
	tells("a hundred", "Set SO_REUSEADDR before bind() as well");
	tells_not("a hundred", "finish, or end it");
	for (i = 0; i < 100; i++) {
		(void)close(clients[i]);
		(void)close(servers[i]);
	}
	(void)close(listener);
}

/* Two who have nothing to do with each other. */
static void
two_heirs(void)
{
	int	listener = a_socket("127.0.0.1:5012", LISTENS);
	pid_t	one = fork(), other;
	char	text[128];

	if (one == 0)
		for (;;)
			(void)pause();
	if ((other = fork()) == 0)
		for (;;)
			(void)pause();
	(void)close(listener);
	ok(why("127.0.0.1:5012", NULL) == 1, "the parent has gone, two go on");
	(void)snprintf(text, sizeof(text), "End processes %d %d (kill %d %d), "
	    "or", (int)one, (int)other, (int)one, (int)other);
	tells("two go on", text);
	send_signal(one, SIGKILL);
	send_signal(other, SIGKILL);
	ok(harness_nobody_left(), "no process is left");
}

/* SYN_SENT: a call that nobody answers, from a port that the kernel chose. */
static void
calling(void)
{
	struct sockaddr_in	address = { .sin_family = AF_INET,
				    .sin_port = htons(5013) };
	int			full = a_socket("127.0.0.1:5013", 0), fds[4], i;

	(void)listen(full, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (i = 0; i < 4; i++) {
		fds[i] = i < 3 ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC,
		    0) : a_socket("127.0.0.1:40005", 0);
		(void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
		(void)connect(fds[i], (struct sockaddr *)&address,
		    sizeof(address));
	}
	ok(why("--reuseaddr", "127.0.0.1:40005", NULL) == 1, "SYN_SENT");
	tells("SYN_SENT", "SYN_SENT 127.0.0.1:40005 with 127.0.0.1:5013, made");
	tells("SYN_SENT", "This is the near end of an outgoing connection");
	for (i = 0; i < 4; i++)
		(void)close(fds[i]);
	(void)close(full);
}

/* A server whose port is one that the kernel chooses, too. */
static void
high_ports(void)
{
	int	listener = a_socket("127.0.0.1:40006", LISTENS), client;
	int	server, unrelated = a_socket("127.0.0.5:40007", LISTENS);
	struct sockaddr_in address = { .sin_family = AF_INET,
		    .sin_port = htons(40006),
		    .sin_addr = { htonl(INADDR_LOOPBACK) } };

	client = a_socket("127.0.0.1:40007", 0);
	(void)connect(client, (struct sockaddr *)&address, sizeof(address));
	server = accepted(listener);
	ok(why("127.0.0.1:40006", NULL) == 1, "a server on a high port");
	tells_not("it listens", "outgoing");
	(void)close(listener);
	ok(why("--reuseaddr", "127.0.0.1:40006", NULL) == 1, "it has gone");
	tells_not("it has gone", "outgoing");
	tells("it has gone", "SO_REUSEADDR would have helped only if");
	(void)close(unrelated);
	(void)close(client);
	(void)close(server);
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	/* So that no client gets those that are used here. */
	setting("ip_local_port_range", "40000 60999");
	setting("ip_local_reserved_ports", "40000-40100");
	harness_drop_capabilities();
	each_its_own();
	a_crowd();
	beside_a_listener();
	bound_and_listening();
	sharing();
	interfaces();
	families();
	no_traces();
	restless();
	many_heirs();
	a_hundred();
	two_heirs();
	calling();
	high_ports();
	return done();
}
