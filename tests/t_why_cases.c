/* SPDX-License-Identifier: ISC */
/*
 * What people run into: each has its own words, from outlive-why and from
 * outlived.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"
#include "why.h"

/* outlived cannot have that address, and says why. */
static void
refused(const char *address, const char *what, const char *text)
{
	int	status;

	log_clear();
	status = server_run("-w", "0", address, "echo", NULL);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 69 && log_has(text),
	    "%s: outlived says so, exit 69", what);
	if (!log_has(text))
		log_show();
}

/* A process that has a listening socket, and its child has it, too. */
static pid_t
a_family(unsigned int port)
{
	int	listener = listening(port, false);
	pid_t	pid = fork();

	if (pid == 0) {
		(void)fork();
		for (;;)
			(void)pause();
	}
	(void)close(listener);
	return pid;
}

static void
end_family(pid_t pid)
{
	pid_t	list[64];

	await_children(pid, 1, list);
	send_signal(pid, SIGKILL);
	send_signal(list[0], SIGKILL);
	ok(harness_nobody_left(), "no process is left");
}

static void
stopped(void)
{
	pid_t	pid = a_family(5001), list[64];
	char	text[128];

	await_children(pid, 1, list);
	(void)snprintf(text, sizeof(text), "End process %d (kill %d) and "
	    "whoever has inherited the socket", (int)pid, (int)pid);
	ok(why("127.0.0.1:5001", NULL) == 1, "two processes listen");
	tells("the one who handed it down is to be ended", text);
	(void)snprintf(text, sizeof(text), "process %d of ", (int)list[0]);
	tells("its child is named, too", text);

	stop(pid);
	ok(why("--reuseaddr", "127.0.0.1:5001", NULL) == 1,
	    "the holder is stopped");
	(void)snprintf(text, sizeof(text), "Process %d is stopped: let it go "
	    "on (fg in its terminal, or kill -CONT %d), or end it (kill %d; "
	    "kill -CONT %d)", (int)pid, (int)pid, (int)pid, (int)pid);
	tells("stopped", text);
	refused("127.0.0.1:5001", "a stopped holder", text);
	end_family(pid);
}

/* From this port of 127.0.0.1 to that one. */
static int
call(unsigned int from, unsigned int to)
{
	struct sockaddr_in	address = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)to),
				    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int			fd = bound(from, false);

	if (fd == -1 || connect(fd, (struct sockaddr *)&address,
	    sizeof(address)) == -1)
		bail("from %u to %u: %s", from, to, strerror(errno));
	return fd;
}

static void
outgoing(void)
{
	static const struct {
		unsigned int	 from, to;
		const char	*address;
	} calls[] = {
		{ 40000, 5002, "127.0.0.1:40000" },
		{ 40001, 40002, "127.0.0.1:40001" },
	};
	size_t	i;
	int	listener, client;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		listener = listening(calls[i].to, false);
		client = call(calls[i].from, calls[i].to);
		ok(why("--reuseaddr", calls[i].address, NULL) == 1,
		    "a port that calls %u", calls[i].to);
		tells("outgoing", "This is the near end of an outgoing "
		    "connection, for which the kernel chooses a port. For the "
		    "next time, choose a port below 32768 (");
		tells("outgoing", "ip_local_reserved_ports=1234,"
		    "40000-40100,41002-41003,4000");
		ok(!says("SO_REUSEADDR would"), "and nothing of the option");
		refused(calls[i].address, "outgoing", "an outgoing connection");
		(void)close(client);
		(void)close(listener);
	}
	/* The other end is one that comes in. */
	listener = listening(5003, true);
	client = call(40003, 5003);
	(void)close(listener);
	(void)why("--reuseaddr", "127.0.0.1:5003", NULL);
	ok(!says("outgoing"), "a connection that came in");
	(void)close(client);
}

static void
itself(void)
{
	int	fd = call(40004, 40004);

	ok(why("--reuseaddr", "127.0.0.1:40004", NULL) == 1,
	    "a client that has connected to itself");
	tells("itself", "A client has connected to itself");
	ok(!says("outgoing"), "not outgoing, nor coming in");
	refused("127.0.0.1:40004", "itself", "connected to itself");
	(void)close(fd);
}

static void
no_port_left(void)
{
	int	one, other;

	setting("ip_local_port_range", "41000 41003");
	setting("ip_local_reserved_ports", "1234,40000-40100,41002-41003");
	ok(why("127.0.0.1:0", NULL) == 0, "port 0: some are left");
	one = bound(41000, false);
	other = bound(41001, false);
	ok(why("127.0.0.1:0", NULL) == 1, "port 0: none is left");
	tells("port 0", "The kernel chooses from 41000 to 41003 "
	    "(net.ipv4.ip_local_port_range): of these 4 ports 2 are taken, and "
	    "2 reserved");
	ok(!says("in the way"), "port 0: nobody in particular is in the way");
	refused("127.0.0.1:0", "port 0", "of these 4 ports 2 are taken");
	setting("ip_local_port_range", "32768 60999");
	(void)close(one);
	(void)close(other);
}

static void
leave_user_namespace(void)
{
	if (unshare(CLONE_NEWUSER) == -1)
		_exit(126);
}

/* Who has it is hidden: by another user, or by a namespace. */
static void
hidden(void)
{
	static const char *const	as_root[] = { "/usr/bin/unshare",
	    "--pid", "--fork", "--mount-proc", "--kill-child",
	    "./outlive-why", "127.0.0.1:5004", NULL };
	static const char *const	as_user[] = { "/usr/bin/unshare",
	    "--user", "--map-root-user", "--pid", "--fork", "--mount-proc",
	    "--kill-child", "./outlive-why", "127.0.0.1:5004", NULL };
	int	fd = listening(5004, false), status;

	ok(why_in(harness_become_nobody, "127.0.0.1:5004") == 1, "another user's");
	tells("another user's", "that we cannot see");
	tells("another user's", "Run this as root to see which process it is");
	tells("another user's", "not show us what");
	ok(!says("no process:"), "it is never said to be nobody's");
	if (getuid() == 0)
		tells("another user's", "  a process of root that");

	status = why_in(leave_user_namespace, "127.0.0.1:5004");
	if (status == 126)
		skip("another user namespace", "none is allowed here");
	else {
		ok(status == 1, "from another user namespace");
		tells("another user namespace", "a process of a user outside "
		    "this user namespace");
	}
	status = answer_of(NULL, getuid() == 0 ? as_root :
	    as_user);
	if (!says("cannot be bound"))
		skip("another PID namespace", "none is allowed here");
	else {
		ok(status == 1, "from another PID namespace");
		tells("another PID namespace", "No process that we may "
		    "look into has it");
	}
	(void)close(fd);
}

static void
shared(void)
{
	int		 one = a_socket("127.0.0.1:5005", REUSEPORT | LISTENS);
	int		 other = a_socket("127.0.0.1:5005", REUSEPORT |
			    LISTENS), n = 0;
	const char	*at;

	ok(why("127.0.0.1:5005", NULL) == 1, "two share a port");
	for (at = answer_text(); (at = strstr(at, "in the way: LISTEN "
	    "127.0.0.1:5005, shared by SO_REUSEPORT")) != NULL; at++)
		n++;
	ok(n == 2, "both are named");
	tells("shared", "SO_REUSEPORT, set before bind(), would let both in");
	ok(why("--reuseport", "127.0.0.1:5005", NULL) == 0,
	    "with the option a third one may");
	refused("127.0.0.1:5005", "a port that others share",
	    "shared by SO_REUSEPORT");
	ok(!log_has("would let both in"), "which is nothing for outlived");
	(void)close(one);
	(void)close(other);
}

/* The program has ended; what it left behind keeps the connection. */
static void
left_behind(void)
{
	struct server	server = server_start("-i", "1:1", "127.0.0.1:5006",
			    "exec", "/bin/sh", "-c",
			    "sleep 1000 & echo started", NULL);
	struct wait	wait = { .what = "the one who sleeps" };
	int		client = dial(5006), status;
	char		text[80];
	pid_t		left[64], sleeper;

	ok(hears(client, "started\n"), "a program leaves another one behind");
	send_signal(server.pid, SIGTERM);
	(void)await_end(server.pid);
	await_no_listener(5006);
	/* The shell, or an idle child, may be the last but one to end. */
	for (;;) {
		await_children(0, 1, left);
		sleeper = left[0];
		if (title_is(sleeper, "sleep"))
			break;
		wait_a_moment(&wait);
	}
	log_clear();
	status = server_run("-R", "-w", "0", "127.0.0.1:5006", "echo", NULL);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 69,
	    "which keeps a connection, and so the port");
	(void)snprintf(text, sizeof(text), "in the way: ESTABLISHED "
	    "127.0.0.1:5006 with 127.0.0.1:%u", local_port(client));
	ok(log_has(text) && log_has(": sleep 1000"),
	    "it is named, and the connection");
	log_show();
	send_signal(sleeper, SIGKILL);
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
}

/* 35091 is 5001 with its bytes swapped. */
static void
htons_forgotten(void)
{
	int	fd = listening(35091, false);
	char	text[128];

	ok(why("127.0.0.1:5001", NULL) == 0, "nobody is there");
	(void)snprintf(text, sizeof(text), "process %d listens on 35091, "
	    "which is 5001 with its bytes swapped: htons() forgotten?",
	    (int)getpid());
	tells("htons()", text);
	ok(why("127.0.0.1:35091", NULL) == 1 && !says("htons"),
	    "the port where somebody listens: nothing of it");
	(void)close(fd);
	fd = listening(5001, false);
	ok(why("127.0.0.1:35091", NULL) == 0 && !says("htons"),
	    "a port that the kernel chooses: no alarm");
	(void)close(fd);
}

/* 20480 is 80: that one is meant to be there. */
static void
well_known(void)
{
	int	fd, client;

	setting("ip_unprivileged_port_start", "0");
	fd = listening(80, false);
	setting("ip_unprivileged_port_start", "1024");
	client = dial(80);
	ok(why_in(harness_become_nobody, "127.0.0.1:80") == 1, "a low port, in use");
	tells("a low port, in use", "in the way: LISTEN 127.0.0.1:80");
	tells("a low port, in use", "CAP_NET_BIND_SERVICE");
	tells_not("a low port, in use", "ESTABLISHED");
	(void)close(client);
	ok(why("127.0.0.1:20480", NULL) == 0 && !says("htons"),
	    "a well-known port on the other side: no alarm");
	(void)close(fd);
}

static void
add_address(const char *address)
{
	struct ifreq		 request = { .ifr_name = "lo:1" };
	struct sockaddr_in	*in = (void *)&request.ifr_addr;
	int			 fd = socket(AF_INET, SOCK_DGRAM |
				    SOCK_CLOEXEC, 0);

	in->sin_family = AF_INET;
	(void)inet_pton(AF_INET, address, &in->sin_addr);
	if (ioctl(fd, SIOCSIFADDR, &request) == -1)
		bail("%s: %s", address, strerror(errno));
	(void)close(fd);
}

static void
not_here(void)
{
	const char	*argv[] = { "./outlived", "-w", "25", "-i", "1:1",
			    "10.1.2.3:5007", "echo", NULL };
	const char	*watch[] = { "./outlive-why", "--watch",
			    "10.1.2.3:5012", NULL };
	pid_t		 pid, watcher;
	int		 client;

	ok(why("10.1.2.3:5007", NULL) == 1, "an address of somebody else");
	tells("not here", "10.1.2.3 is no address of this machine now; these "
	    "are: 127.0.0.1.");
	tells("not here", "outlived -w");
	log_clear();
	watcher = program_start(watch, -1);
	pid = program_start(argv, -1);
	await_log("not an address of this machine yet, trying for 25 s");
	add_address("10.1.2.3");
	await_listener(5007);
	ok(await_end(watcher) == 0, "it comes: --watch ends");
	client = dial_to("10.1.2.3:5007");
	ok(echoes(client, "hello\n"), "outlived -w has waited");
	/* It goes, and a connection stays behind. */
	add_address("0.0.0.0");
	send_signal(pid, SIGKILL);
	(void)await_end(pid);
	await_no_listener(5007);
	ok(why("0.0.0.0:5007", NULL) == 1, "the address goes again");
	tells("the address has gone", "made with SO_REUSEADDR");
	(void)close(client);
	harness_end_all();
}

static void
low_port(void)
{
	const char	*argv[] = { "./outlived", "-w", "25", "127.0.0.1:80",
			    "echo", NULL };
	int		 status;

	ok(why_in(harness_become_nobody, "127.0.0.1:80") == 1, "a low port");
	tells("a low port", "Ports below 1024 need CAP_NET_BIND_SERVICE");
	tells("a low port", "sysctl net.ipv4.ip_unprivileged_port_start=80");
	tells_not("a low port", "in the way");
	log_clear();
	status = await_end(program_start_in(harness_become_nobody, argv, -1));
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 69 &&
	    log_has("CAP_NET_BIND_SERVICE") && !log_has("trying"),
	    "outlived says so at once, exit 69");
}

static void
both_families(void)
{
	int	fd = a_socket("[::]:5008", LISTENS);

	if (fd == -1) {
		skip("IPv6 against IPv4", "this kernel has no IPv6");
		return;
	}
	ok(why("0.0.0.0:5008", NULL) == 1, "[::], then 0.0.0.0");
	tells("two families", "in the way: LISTEN [::]:5008");
	tells("two families", "[::]:5008 serves IPv4 as well");
	refused("127.0.0.1:5008", "two families", "serves IPv4 as well");
	(void)close(fd);
	fd = a_socket("[::]:5008", V6ONLY | LISTENS);
	ok(why("0.0.0.0:5008", NULL) == 0, "[::] for IPv6 alone, then 0.0.0.0");
	(void)close(fd);
	fd = listening(5008, false);
	ok(why("5008", NULL) == 1, "127.0.0.1, then both families");
	tells("two families", "Only IPv4's port is taken: [::] can be");
	refused("5008", "two families", "in the way: LISTEN 127.0.0.1:5008");
	(void)close(fd);
}

/* The last parent has been killed; its child serves. */
static void
an_orphan(void)
{
	struct server	server = server_start("-i", "1:1", "127.0.0.1:5009",
			    "echo", NULL);
	int		client = dial(5009);
	char		text[160];

	ok(echoes(client, "hello\n"), "a client is served");
	ok(why("127.0.0.1:5009", NULL) == 1, "by a server that listens");
	tells("a server with a client", "Set SO_REUSEADDR before bind() as "
	    "well");
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	await_no_listener(5009);
	ok(why("127.0.0.1:5009", NULL) == 1, "its parent is killed");
	(void)snprintf(text, sizeof(text), ": outlived: echo for "
	    "127.0.0.1:%u, generation 1\n", local_port(client));
	tells("an orphan", text);
	tells("an orphan", ", orphan of 127.0.0.1:5009, generation 1: ");
	tells("an orphan", "Let the orphans finish, or end them (outlivectl "
	    "-n 127.0.0.1:5009 drain --orphans --deadline 5).");
	ok(why("--json", "127.0.0.1:5009", NULL) == 1 &&
	    is_json(answer_text()) &&
	    says("\"role\":\"orphan of 127.0.0.1:5009, generation 1\""),
	    "an orphan, in JSON");
	(void)why("127.0.0.1:5009", NULL);
	tells("an orphan", "made with SO_REUSEADDR");
	ok(why("--reuseaddr", "127.0.0.1:5009", NULL) == 0,
	    "with the option the next parent may come");
	(void)close(client);
	ok(harness_nobody_left(), "no process is left");
}

/* Complete, and nobody has called accept(). */
static void
not_accepted_yet(void)
{
	int	listener = listening(5010, true), client = dial(5010);

	ok(why("127.0.0.1:5010", NULL) == 1, "nobody has accepted a client");
	tells("not accepted", "  no process: nobody has accepted it");
	(void)close(client);
	(void)close(listener);
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	/* What needs privilege in this network comes first. */
	setting("ip_local_reserved_ports", "1234,40000-40100");
	no_port_left();
	well_known();
	not_here();
	/* Nor may anybody look into us. */
	hidden();
	harness_drop_capabilities();
	htons_forgotten();
	low_port();
	stopped();
	outgoing();
	itself();
	shared();
	left_behind();
	both_families();
	an_orphan();
	not_accepted_yet();
	return done();
}
