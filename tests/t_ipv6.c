/* SPDX-License-Identifier: ISC */
/*
 * Addresses of both families: which one is taken, who gets in, and how clients
 * are called in the log, in titles, and to programs.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "process.h"

/* A program that is served at an address, asked from another one, finds this
   peer. */
static void
told(struct server server, const char *from, const char *ip, const char *local)
{
	char	address[128], is[4096], should[256];
	int	client;

	(void)snprintf(address, sizeof(address), "%s:%u", from, server.port);
	client = dial_to(address);
	hear_paragraph(client, is, sizeof(is));
	(void)snprintf(should, sizeof(should), "PROTO=TCP\nTCPLOCALIP=%s\n"
	    "TCPLOCALPORT=%u\nTCPREMOTEIP=%s\nTCPREMOTEPORT=%u\n\n", local,
	    server.port, ip, local_port(client));
	if (!ok(strstr(is, should) != NULL, "a client of %s is %s", from, ip))
		note("%s", is);
	(void)close(client);
}

/* In our own network. */
static bool
set_sysctl(const char *name, const char *value)
{
	char	path[128];
	int	fd;
	bool	done;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return false;
	done = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	(void)close(fd);
	return done;
}

/* Without a host: both families, whatever the sysctl says. */
static void
dual(void)
{
	struct server	server;
	char		text[128];
	int		client;

	if (!set_sysctl("ipv6/bindv6only", "1"))
		skip("bindv6only", "it cannot be set here");
	server = server_start("-i", "1:2", "0", "exec", "tests/inside", NULL);
	(void)snprintf(text, sizeof(text), "parent of [::]:%u: ",
	    server.port);
	ok(log_has(text), "%s", text);
	told(server, "127.0.0.1", "127.0.0.1", "127.0.0.1");
	told(server, "[::1]", "::1", "::1");
	server_end(server);
	server = server_start("-i", "1:2", "[::ffff:127.0.0.1]:0", "exec",
	    "tests/inside", NULL);
	told(server, "127.0.0.1", "127.0.0.1", "127.0.0.1");
	server_end(server);

	log_clear();
	server = server_start("-v", "-i", "1:2", "0", "echo", NULL);
	client = dial(server.port);
	ok(echoes(client, "hello\n"), "an IPv4 client of both families");
	(void)await_server_of(server.pid, client);
	(void)snprintf(text, sizeof(text), "echo for 127.0.0.1:%u",
	    local_port(client));
	ok(log_has(text) && !log_has("ffff"),
	    "is no ::ffff: in title and log: %s", text);
	(void)close(client);
	server_end(server);
}

/* UNP 7.5 over IPv6. */
static void
restarted(void)
{
	struct server	server = server_start("-i", "1:2", "[::1]:9999",
			    "echo", NULL);
	struct wait	wait = { .what = "idle children to leave" };
	int		old = dial_to("[::1]:9999"), client;
	pid_t		list[64];

	ok(echoes(old, "hello\n"), "[::1]:9999 is served");
	send_signal(server.pid, SIGKILL);
	(void)await_end(server.pid);
	while (children_of(0, list, 64) != 1)
		wait_a_moment(&wait);
	server = server_start("-w", "0", "-i", "1:2", "[::1]:9999", "echo",
	    NULL);
	client = dial_to("[::1]:9999");
	ok(echoes(client, "hello\n"), "and is again after KILL");
	ok(echoes(old, "still here\n"), "beside the old client");
	(void)close(old);
	(void)close(client);
	server_end(server);
}

/* An address that is one only together with its interface. */
static void
link_local(void)
{
	struct in6_ifreq	request = { .ifr6_prefixlen = 64 };
	struct sockaddr_in6	address = { .sin6_family = AF_INET6 };
	struct wait		wait = { .what = "fe80::1" };
	int			fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC,
				    0);
	struct server		server;

	request.ifr6_ifindex = (int)if_nametoindex("lo");
	if (inet_pton(AF_INET6, "fe80::1", &request.ifr6_addr) != 1 ||
	    ioctl(fd, SIOCSIFADDR, &request) == -1)
		bail("fe80::1: %s", strerror(errno));
	/* The kernel lets it be used a moment later. */
	address.sin6_addr = request.ifr6_addr;
	address.sin6_scope_id = (uint32_t)request.ifr6_ifindex;
	while (bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		wait_a_moment(&wait);
	(void)close(fd);
	server = server_start("-i", "1:2", "[fe80::1%lo]:0", "exec",
	    "tests/inside", NULL);
	ok(log_has("parent of [fe80::1%lo]:"), "[fe80::1%%lo] is served");
	told(server, "[fe80::1%lo]", "fe80::1%lo", "fe80::1%lo");
	server_end(server);
}

/* Words instead of numbers: the first line says which they are. */
static void
names(void)
{
	struct server	server;
	char		address[64];
	int		client;
	struct addrinfo	*found;

	if (getaddrinfo("localhost", "1", NULL, &found) != 0) {
		skip("names", "localhost has no address here (/etc/hosts)");
		return;
	}
	freeaddrinfo(found);
	log_clear();
	server = server_start("-i", "1:2", "localhost:0", "echo", NULL);
	ok(log_has("parent of 127.0.0.1:") || log_has("parent of [::1]:"),
	    "localhost is one of its addresses, in numbers");
	(void)snprintf(address, sizeof(address), "%s:%u",
	    log_has("[::1]") ? "[::1]" : "127.0.0.1", server.port);
	client = dial_to(address);
	ok(echoes(client, "hello\n"), "and is served there: %s", address);
	(void)close(client);
	server_end(server);

	if (getservbyname("chargen", "tcp") == NULL) {
		skip("the name of a service", "there is no /etc/services");
		return;
	}
	if (!set_sysctl("ipv4/ip_unprivileged_port_start", "0")) {
		skip("the name of a service", "its port is not for users");
		return;
	}
	log_clear();
	server = server_start("-i", "1:2", "127.0.0.1:chargen", "echo", NULL);
	ok(server.port == 19 && log_has("parent of 127.0.0.1:19: "),
	    "chargen is port 19");
	server_end(server);
}

int
main(void)
{
	int	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	harness_begin();
	if (fd == -1)
		skip_all("this kernel has no IPv6");
	harness_own_network();
	restarted();
	dual();
	link_local();
	names();
	return done();
}
