/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "harness.h"
#include "net/address.h"
#include "net/sockdiag.h"
#include "net/stream.h"
#include "process.h"

static struct address
read_address(const char *text)
{
	struct address	address;
	const char	*why;

	if (address_parse(&address, text, &why) != 0)
		bail("%s: %s", text, why);
	return address;
}

int
dial_from(const char *source, const char *text)
{
	struct timeval	deadline = { .tv_sec = DEADLINE };
	struct address	address = read_address(text), own;
	int		fd;

	fd = socket(address.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		bail("socket: %s", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline,
	    sizeof(deadline));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline,
	    sizeof(deadline));
	if (source != NULL) {
		own = read_address(source);
		if (bind(fd, &own.sa, own.len) == -1)
			bail("bind to %s: %s", source, strerror(errno));
	}
	if (connect(fd, &address.sa, address.len) == -1)
		bail("connect to %s: %s", text, strerror(errno));
	return fd;
}

int
dial_to(const char *text)
{
	return dial_from(NULL, text);
}

int
dial(unsigned int port)
{
	char	text[ADDRESS_TEXT];

	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	return dial_to(text);
}

unsigned int
local_port(int fd)
{
	struct address	address = { .len = sizeof(address.in6) };

	if (getsockname(fd, &address.sa, &address.len) == -1)
		bail("getsockname: %s", strerror(errno));
	return address_port(&address);
}

void
say(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

bool
hears(int fd, const char *text)
{
	char	got[256];
	size_t	len = strlen(text), have = 0;
	ssize_t	n;

	while (have < len) {
		n = readsome(fd, got + have, len - have);
		if (n <= 0) {
			note("heard %zu of %zu bytes: %s", have, len,
			    n == 0 ? "end-of-file" : strerror(errno));
			return false;
		}
		have += (size_t)n;
	}
	return memcmp(got, text, len) == 0;
}

void
hear_paragraph(int fd, char *text, size_t size)
{
	size_t	len = 0;

	while (len < size - 1 && readsome(fd, text + len, 1) == 1) {
		text[++len] = '\0';
		if (len > 1 && strcmp(text + len - 2, "\n\n") == 0)
			return;
	}
	text[len] = '\0';
}

bool
echoes(int fd, const char *text)
{
	say(fd, text);
	return hears(fd, text);
}

bool
sees_end(int fd)
{
	char	byte;
	ssize_t	n = readsome(fd, &byte, 1);

	if (n == 0 || (n == -1 && errno == ECONNRESET))
		return true;
	note("instead of the end: %s", n == 1 ? "a byte" : strerror(errno));
	return false;
}

#define ANY	0		/* state or port */

/* What is of interest in a row of the kernel's table. */
struct row {
	unsigned int	port, peer, state;
	unsigned int	unread;		/* bytes */
	unsigned int	timer;		/* 2: keep-alive */
	unsigned long	inode;		/* 0: not accepted yet */
};

static FILE *
open_table(void)
{
	FILE	*tcp = fopen("/proc/self/net/tcp", "re");

	if (tcp == NULL)
		bail("/proc/self/net/tcp: %s", strerror(errno));
	return tcp;
}

/* The next row of it, without the first line; false at its end. */
static bool
next_row(FILE *tcp, struct row *row)
{
	char	text[512];

	while (fgets(text, sizeof(text), tcp) != NULL)
		if (sscanf(text, " %*d: %*x:%x %*x:%x %x %*x:%x %x:%*x %*x "
		    "%*u %*u %lu", &row->port, &row->peer, &row->state,
		    &row->unread, &row->timer, &row->inode) == 6)
			return true;
	return false;
}

/*
 * Rows of IPv4 in a state of <netinet/tcp.h>, with a port and a peer's port.
 * Returns their number, and the last one.
 */
static int
table(unsigned int port, unsigned int state, unsigned int peer,
    struct row *last)
{
	FILE		*tcp = open_table();
	struct row	 row;
	int		 n = 0;

	while (next_row(tcp, &row))
		if ((port == ANY || row.port == port) &&
		    (state == ANY || row.state == state) &&
		    (peer == ANY || row.peer == peer)) {
			n++;
			*last = row;
		}
	(void)fclose(tcp);
	return n;
}

void
show_table(void)
{
	FILE		*tcp = open_table();
	struct row	 row;

	while (next_row(tcp, &row))
		note("port %u, peer's %u: %s, inode %lu", row.port, row.peer,
		    sockdiag_state(row.state), row.inode);
	(void)fclose(tcp);
}

int
not_accepted(void)
{
	FILE		*tcp = open_table();
	struct row	 row;
	int		 n = 0;

	while (next_row(tcp, &row))
		n += row.inode == 0 && (row.state == TCP_SYN_RECV ||
		    row.state == TCP_ESTABLISHED ||
		    row.state == TCP_CLOSE_WAIT);
	(void)fclose(tcp);
	return n;
}

unsigned long
inode_of(unsigned int port, int client)
{
	struct row	row;

	if (table(port, TCP_ESTABLISHED, local_port(client), &row) == 0)
		return 0;
	return row.inode == 0 ? 1 : row.inode;
}

int
dial_into_queue(unsigned int port, pid_t parent)
{
	struct wait	wait = { .what = "a connection in the queue" };
	int		client = dial(port);
	unsigned long	inode;

	/* Accepted, and in the parent's hands no more. */
	while ((inode = inode_of(port, client)) < 2 || holds(parent, inode))
		wait_a_moment(&wait);
	return client;
}

/* Nothing waits to be sent, and then nothing waits to be read. */
void
await_read(unsigned int port, int client)
{
	struct wait	wait = { .what = "the server to read" };
	struct tcp_info	info = { .tcpi_unacked = 1 };
	socklen_t	len = sizeof(info);
	struct row	row;

	while (getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
	    info.tcpi_unacked > 0 ||
	    table(port, ANY, local_port(client), &row) == 0 || row.unread > 0)
		wait_a_moment(&wait);
}

bool
keeps_alive(unsigned int port, int client)
{
	struct wait	wait = { .what = "an acknowledgement" };
	struct row	row;

	/* 1: what was sent last is not acknowledged yet. */
	while (table(port, TCP_ESTABLISHED, local_port(client), &row) == 1 &&
	    row.timer == 1)
		wait_a_moment(&wait);
	return row.timer == 2;
}

int
sockets_in(unsigned int state, unsigned int port, unsigned int peer)
{
	struct row	row;

	return table(port, state, peer, &row);
}

int
listeners(unsigned int port)
{
	return sockets_in(TCP_LISTEN, port, ANY);
}

void
await_listener(unsigned int port)
{
	struct wait	wait = { .what = "a listener" };

	while (listeners(port) == 0)
		wait_a_moment(&wait);
}

void
await_no_listener(unsigned int port)
{
	struct wait	wait = { .what = "the listener to go" };

	while (listeners(port) != 0)
		wait_a_moment(&wait);
}

unsigned int
a_listener(void)
{
	struct row	row;

	return table(ANY, TCP_LISTEN, ANY, &row) == 0 ? 0 : row.port;
}

int
sockets_of(unsigned int port)
{
	return sockets_in(ANY, port, ANY) -
	    sockets_in(TCP_TIME_WAIT, port, ANY);
}
