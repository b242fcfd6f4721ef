/* SPDX-License-Identifier: ISC */
/* What is said of sockets that are hard to come by: they are made up here. */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "net/advice.h"
#include "net/explain.h"

static char	said[1 << 14];

static void
line(const char *text)
{
	(void)strlcat(said, text, sizeof(said));
	(void)strlcat(said, "\n", sizeof(said));
}

static void
ask(const struct obstacles *found)
{
	said[0] = '\0';
	explain(found, line);
}

static bool
says(const char *text)
{
	return strstr(said, text) != NULL;
}

static struct address
address(const char *text)
{
	struct address	parsed;
	const char	*why;

	if (address_parse(&parsed, text, &why) != 0)
		bail("%s: %s", text, why);
	return parsed;
}

/* Two sockets of nobody. */
static struct obstacles
two_sockets(struct obstacle *two, unsigned int state)
{
	struct sockdiag	socket = { .local = address("10.0.0.1:80"),
			    .peer = address("10.0.0.2:5000"),
			    .state = state, .ends = -1, .silent = -1 };

	memset(two, 0, 2 * sizeof(*two));
	two[0].socket = two[1].socket = socket;
	return (struct obstacles){ .address = address("10.0.0.1:80"),
	    .error = EADDRINUSE, .list = two, .n = 2 };
}

static void
ends(void)
{
	struct obstacle		two[2];
	struct obstacles	found = two_sockets(two, TCP_TIME_WAIT);

	two[0].socket.ends = 9000;
	two[1].socket.ends = 5000;
	ask(&found);
	ok(says("for another 9 s") && says("for another 5 s"),
	    "how long each of them will be there");
	ok(says("Wait: the last of it ends by itself in 9 s."),
	    "the last one counts");
	two[0].socket.ends = 5001;
	ask(&found);
	ok(says("ends by itself in 6 s."), "seconds are rounded up");
	two[1].socket.ends = -1;
	ask(&found);
	ok(!says("Wait"), "one of them has no end");
	found = two_sockets(two, TCP_CLOSING);
	ask(&found);
	ok(says("CLOSING") && says("The kernel still tries to tell "
	    "10.0.0.2:5000"), "CLOSING");
	found = two_sockets(two, 15);
	ask(&found);
	ok(says("a state that is new"), "a state that we do not know");
}

/* Two processes that have them. */
static void
processes(void)
{
	struct obstacle		two[2];
	struct obstacles	found = two_sockets(two, TCP_LISTEN);
	struct owner		owner[2] = { { .inode = 7, .pid = 1,
				    .title = "/sbin/init splash" },
				    { .inode = 7, .pid = 77, .parent = 1,
				    .title = "server" } };

	two[0].socket.inode = two[1].socket.inode = 7;
	two[0].socket.peer = two[1].socket.peer = address("0.0.0.0:0");
	found.owners.list = owner;
	found.owners.n = 2;
	ask(&found);
	ok(says("process 1 of root") && says("process 77 of root"), "both");
	ok(says("systemctl list-sockets") && !says("kill"),
	    "systemd's socket is systemd's");
	(void)strlcpy(owner[0].title, "/bin/systemd_exporter -v",
	    sizeof(owner[0].title));
	ask(&found);
	ok(says("End process 1 (") && says("kill 1) and whoever") && !says("systemctl"),
	    "process 1 of a container is a server");
	(void)strlcpy(owner[0].unit, "nginx.service", sizeof(owner[0].unit));
	ask(&found);
	ok(says("may start it again, so: systemctl stop nginx.service"),
	    "a unit is systemd's to stop");
	(void)strlcpy(owner[0].unit, "docker-1.scope", sizeof(owner[0].unit));
	ask(&found);
	ok(says("Stop the container that process 1 is in (docker-1.scope)"),
	    "a container is to be stopped");
	owner[0].unit[0] = '\0';
	owner[0].stopped = true;
	owner[0].tracer = 99;
	ask(&found);
	ok(says("held by a debugger, process 99") && !says("-CONT"),
	    "a debugger's process is the debugger's");
	owner[0].stopped = false;
	owner[0].pid = 5;
	owner[1].uid = owner[0].uid = geteuid() + 1;
	owner[1].parent = 5;
	ask(&found);
	ok(geteuid() == 0 ? says("(kill 5)") : says("(sudo kill 5)"),
	    "another user's process, and what it takes to end it");
	owner[0].uid = geteuid();
	ask(&found);
	ok(says("(kill 5)"), "our own");
	ok(!says("Set SO_REUSEADDR"), "nobody has a connection");
	two[1].socket.state = TCP_ESTABLISHED;
	two[1].socket.peer = address("10.0.0.2:5000");
	ask(&found);
	ok(says("Set SO_REUSEADDR before bind() as well"), "somebody has one");
	found.reuseaddr = true;
	ask(&found);
	ok(!says("Set SO_REUSEADDR"), "and we have set it");
	owner[0].age = 3 * 3600;
	owner[1].age = 180;
	ask(&found);
	ok(says("3 h old") && says("3 min old"), "ages");
}

static void
nobody(void)
{
	struct obstacle		two[2];
	struct obstacles	found = { .address = address("10.0.0.1:80"),
				    .error = EADDRINUSE };

	ask(&found);
	ok(says("the kernel's table shows nobody there"), "nobody is seen");
	found.table_error = EACCES;
	ask(&found);
	ok(says("the kernel's table cannot be read: Permission denied") &&
	    !says("nobody there"), "nobody can be seen");
	found.table_error = 0;
	found.owners_error = ENOENT;
	found.owners.hidden = 3;
	ask(&found);
	ok(says("/proc cannot be read: No such file") &&
	    !says("show us"), "no process can be seen");
	found = two_sockets(two, TCP_LISTEN);
	two[0].socket.inode = 7;
	found.restless = true;
	ask(&found);
	ok(says("It comes and goes while we look"), "one who comes and goes");
	found = (struct obstacles){ .address = address("10.0.0.1:0"),
	    .error = EADDRINUSE };
	ask(&found);
	ok(!says("shows nobody"), "port 0 is nobody's");
}

static void
others(void)
{
	static const struct {
		int		 error;
		const char	*address, *text;
	} rows[] = {
		{ EPERM, "127.0.0.1:80", "A rule of the cgroup forbids it" },
		{ EINVAL, "[fe80::1]:80", "needs its interface: "
		    "[fe80::1%eth0]:80" },
		{ EAFNOSUPPORT, "[::1]:80", "no addresses of that kind" },
		{ EMFILE, "[::1]:80", "none of the usual reasons" },
		{ EACCES, "127.0.0.1:60000", "a security module forbids it" },
		{ EADDRNOTAVAIL, "[2001:db8::1]:80",
		    "2001:db8::1 is no address of this machine now" },
		{ EADDRNOTAVAIL, "[2001:db8::1]:80",
		    "net.ipv6.ip_nonlocal_bind" },
		{ EADDRNOTAVAIL, "[::1]:80",
		    "::1 is here, but not usable yet" },
		{ EINVAL, "[ff02::1]:80", "No TCP socket can have that" },
		{ ENODEV, "[::1]:80", "There is no such interface" },
	};
	struct obstacles	found;
	size_t			i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		found = (struct obstacles){ .error = rows[i].error,
		    .address = address(rows[i].address) };
		ask(&found);
		ok(says(rows[i].text), "%s: %s", strerror(rows[i].error),
		    rows[i].text);
	}
}

static void
times(void)
{
	static const struct {
		int64_t		 seconds;
		const char	*text;
	} rows[] = {
		{ 0, "0 s" }, { 119, "119 s" }, { 120, "2 min" },
		{ 7199, "119 min" }, { 7200, "2 h" }, { 172799, "47 h" },
		{ 172800, "2 days" }, { 86400 * 400, "400 days" },
	};
	char	text[24];
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ok(strcmp(advice_time(rows[i].seconds, text),
		    rows[i].text) == 0, "%s", rows[i].text);
}

static void
lines(void)
{
	struct advice	advice = { .n = 0 };
	int		i;

	advice_say(&advice, "twice");
	advice_say(&advice, "twice");
	ok(advice.n == 1, "what was said is not said again");
	for (i = 0; i < 20; i++)
		advice_say(&advice, "%d", i);
	ok(advice.n < ADVICE_LINES && strcmp(advice.lines[1], "0") == 0,
	    "there is an end to it, after %d lines", advice.n);
}

int
main(void)
{
	harness_begin();
	ends();
	processes();
	nobody();
	others();
	times();
	lines();
	return done();
}
