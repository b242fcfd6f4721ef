/* SPDX-License-Identifier: ISC */
/*
 * Netlink is a protocol of datagrams: one request, then datagrams of several
 * messages each, until one says DONE.  The kernel walks its tables between
 * two datagrams while they change.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sockdiag.h"

/* A dump that changes under our eyes is repeated so often. */
#define TRIES		8

/* The kernel fills as much as its reader has room for, 32 KiB at most. */
#define DATAGRAM	32768

/* idiag_timer: the kernel will remove the socket (TIME_WAIT, and a FIN_WAIT2
   that no process has). */
#define TIMER_TIMEWAIT	3

/* idiag_timer: an answer will be sent again.  After a SYN that is for the first
   time a second later, in ms (RFC 6298, 2.1). */
#define TIMER_RETRANSMIT	1
#define FIRST_RETRANSMIT	1000

/* A request for all states: also those that a kernel newer than this file
   has.  One that is in SYN_RECV may be in a state of its own inside. */
#define EVERY_STATE	(~0U)
#define NEW_SYN_RECV	12

/* Where INET_DIAG_SKMEMINFO has the drops. */
#define DROPS		(SK_MEMINFO_DROPS * sizeof(uint32_t))

struct request {
	struct nlmsghdr		header;
	struct inet_diag_req_v2	diag;
};

const char *
sockdiag_state(unsigned int state)
{
	static const char	*const names[] = {
		[TCP_ESTABLISHED] = "ESTABLISHED", [TCP_SYN_SENT] = "SYN_SENT",
		[TCP_SYN_RECV] = "SYN_RECV", [TCP_FIN_WAIT1] = "FIN_WAIT1",
		[TCP_FIN_WAIT2] = "FIN_WAIT2", [TCP_TIME_WAIT] = "TIME_WAIT",
		[TCP_CLOSE] = "BOUND", [TCP_CLOSE_WAIT] = "CLOSE_WAIT",
		[TCP_LAST_ACK] = "LAST_ACK", [TCP_LISTEN] = "LISTEN",
		[TCP_CLOSING] = "CLOSING",
	};

	if (state >= sizeof(names) / sizeof(names[0]) || names[state] == NULL)
		return "a state that is new";
	return names[state];
}

static struct sockdiag *
append(struct sockdiag_table *table)
{
	if (table->n == table->room) {
		size_t		 room = table->room == 0 ? 64 : 2 * table->room;
		struct sockdiag	*sockets = reallocarray(table->sockets, room,
				    sizeof(*sockets));

		if (sockets == NULL)
			return NULL;
		table->sockets = sockets;
		table->room = room;
	}
	memset(&table->sockets[table->n], 0, sizeof(table->sockets[0]));
	return &table->sockets[table->n++];
}

static void
fill_address(struct address *address, int family, const __be32 *bytes,
    __be16 port, unsigned int interface)
{
	if (family == AF_INET) {
		address->len = sizeof(address->in);
		address->in.sin_family = AF_INET;
		address->in.sin_port = port;
		memcpy(&address->in.sin_addr, bytes,
		    sizeof(address->in.sin_addr));
		return;
	}
	address->len = sizeof(address->in6);
	address->in6.sin6_family = AF_INET6;
	address->in6.sin6_port = port;
	memcpy(&address->in6.sin6_addr, bytes,
	    sizeof(address->in6.sin6_addr));
	if (IN6_IS_ADDR_LINKLOCAL(&address->in6.sin6_addr))
		address->in6.sin6_scope_id = interface;
}

/* How long both directions have been silent. */
static int64_t
silence(const void *bytes, size_t len)
{
	struct tcp_info	info;

	if (len < offsetof(struct tcp_info, tcpi_last_ack_recv))
		return -1;
	memset(&info, 0, sizeof(info));
	memcpy(&info, bytes, len < sizeof(info) ? len : sizeof(info));
	return info.tcpi_last_data_sent < info.tcpi_last_data_recv ?
	    info.tcpi_last_data_sent : info.tcpi_last_data_recv;
}

/* Whether it is, or was, a connection: before, the kernel counts from boot. */
static bool
has_data(unsigned int state)
{
	return state != TCP_LISTEN && state != TCP_CLOSE &&
	    state != TCP_SYN_SENT && state != TCP_SYN_RECV;
}

/* The attributes behind the fixed part; each says its length, or lies. */
static int
read_attributes(const unsigned char *bytes, size_t len, struct sockdiag *socket)
{
	struct nlattr	attribute;
	size_t		size;

	while (len >= sizeof(attribute)) {
		memcpy(&attribute, bytes, sizeof(attribute));
		if (attribute.nla_len < sizeof(attribute) ||
		    attribute.nla_len > len)
			return -1;
		size = attribute.nla_len - sizeof(attribute);
		if (attribute.nla_type == INET_DIAG_SKV6ONLY && size >= 1)
			socket->v6only = bytes[sizeof(attribute)] != 0;
		else if (attribute.nla_type == INET_DIAG_INFO &&
		    has_data(socket->state))
			socket->silent = silence(bytes + sizeof(attribute),
			    size);
		else if (attribute.nla_type == INET_DIAG_SKMEMINFO &&
		    size >= DROPS + sizeof(socket->drops))
			memcpy(&socket->drops, bytes + sizeof(attribute) +
			    DROPS, sizeof(socket->drops));
		size = NLA_ALIGN(attribute.nla_len);
		if (size > len)
			size = len;
		bytes += size;
		len -= size;
	}
	return 0;
}

/* How long ago the SYN came, by when our answer will be sent again. */
static int64_t
age(const struct inet_diag_msg *message)
{
	if (message->idiag_state != TCP_SYN_RECV ||
	    message->idiag_timer != TIMER_RETRANSMIT ||
	    message->idiag_retrans > 0 ||
	    message->idiag_expires > FIRST_RETRANSMIT)
		return -1;
	return FIRST_RETRANSMIT - (int64_t)message->idiag_expires;
}

static int
read_socket(const unsigned char *bytes, size_t len,
    struct sockdiag_table *table)
{
	struct inet_diag_msg	 message;
	struct sockdiag		*socket;

	if (len < sizeof(message))
		goto nonsense;
	memcpy(&message, bytes, sizeof(message));
	if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6)
		goto nonsense;
	if ((socket = append(table)) == NULL)
		return -1;
	fill_address(&socket->local, message.idiag_family, message.id.idiag_src,
	    message.id.idiag_sport, message.id.idiag_if);
	fill_address(&socket->peer, message.idiag_family, message.id.idiag_dst,
	    message.id.idiag_dport, message.id.idiag_if);
	socket->state = message.idiag_state;
	socket->ends = message.idiag_timer == TIMER_TIMEWAIT ?
	    (int64_t)message.idiag_expires : -1;
	socket->age = age(&message);
	socket->silent = -1;
	socket->interface = message.id.idiag_if;
	if (socket->state == TCP_LISTEN) {
		socket->waiting = message.idiag_rqueue;
		socket->backlog = message.idiag_wqueue;
	}
	socket->uid = message.idiag_uid;
	socket->inode = message.idiag_inode;
	if (read_attributes(bytes + sizeof(message), len - sizeof(message),
	    socket) == 0)
		return 0;
	table->n--;
nonsense:
	errno = EBADMSG;
	return -1;
}

/* What DONE and ERROR carry: a negative errno, or 0. */
static enum sockdiag_verdict
read_end(const unsigned char *bytes, size_t len, bool done)
{
	int	error = 0;

	if (len >= sizeof(error))
		memcpy(&error, bytes, sizeof(error));
	else if (!done)
		error = -EBADMSG;
	if (error == 0 && done)
		return SOCKDIAG_DONE;
	errno = error < 0 && error > -4096 ? -error : EBADMSG;
	return SOCKDIAG_ERROR;
}

enum sockdiag_verdict
sockdiag_parse(const void *datagram, size_t len, uint32_t sequence,
    struct sockdiag_table *table)
{
	const unsigned char	*bytes = datagram;
	struct nlmsghdr		 header;
	size_t			 size;

	while (len >= sizeof(header)) {
		memcpy(&header, bytes, sizeof(header));
		if (header.nlmsg_len < sizeof(header) ||
		    header.nlmsg_len > len)
			break;
		size = header.nlmsg_len - sizeof(header);
		/* Of an earlier dump that was given up, perhaps. */
		if (header.nlmsg_seq != sequence)
			goto next;
		if (header.nlmsg_flags & NLM_F_DUMP_INTR)
			return SOCKDIAG_AGAIN;
		if (header.nlmsg_type == NLMSG_DONE ||
		    header.nlmsg_type == NLMSG_ERROR)
			return read_end(bytes + sizeof(header), size,
			    header.nlmsg_type == NLMSG_DONE);
		if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY &&
		    read_socket(bytes + sizeof(header), size, table) == -1)
			return SOCKDIAG_ERROR;
next:
		size = NLMSG_ALIGN(header.nlmsg_len);
		if (size > len)
			size = len;
		bytes += size;
		len -= size;
	}
	if (len == 0)
		return SOCKDIAG_MORE;
	errno = EBADMSG;
	return SOCKDIAG_ERROR;
}

static int
ask(int fd, int family, unsigned int port, uint32_t states, uint32_t sequence)
{
	struct request	request;

	memset(&request, 0, sizeof(request));
	request.header.nlmsg_len = sizeof(request);
	request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request.header.nlmsg_seq = sequence;
	request.diag.sdiag_family = (__u8)family;
	request.diag.sdiag_protocol = IPPROTO_TCP;
	request.diag.idiag_ext = 1 << (INET_DIAG_INFO - 1) |
	    1 << (INET_DIAG_SKMEMINFO - 1);
	request.diag.idiag_states = states;
	request.diag.id.idiag_sport = htons((uint16_t)port);
	request.diag.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
	request.diag.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return send(fd, &request, sizeof(request), 0) == -1 ? -1 : 0;
}

/* One family's table, once. */
static enum sockdiag_verdict
dump(int fd, int family, unsigned int port, uint32_t states,
    uint32_t sequence, struct sockdiag_table *table)
{
	static _Alignas(struct nlmsghdr) unsigned char	datagram[DATAGRAM];
	struct iovec		iov = { datagram, sizeof(datagram) };
	struct msghdr		message;
	enum sockdiag_verdict	verdict;
	ssize_t			n;

	if (ask(fd, family, port, states, sequence) == -1)
		return SOCKDIAG_ERROR;
	do {
		memset(&message, 0, sizeof(message));
		message.msg_iov = &iov;
		message.msg_iovlen = 1;
		do
			n = recvmsg(fd, &message, 0);
		while (n == -1 && errno == EINTR);
		if (n == -1)
			/* ENOBUFS: something was lost. */
			return errno == ENOBUFS ? SOCKDIAG_AGAIN :
			    SOCKDIAG_ERROR;
		if (n == 0 || message.msg_flags & MSG_TRUNC)
			return SOCKDIAG_AGAIN;
		verdict = sockdiag_parse(datagram, (size_t)n, sequence, table);
	} while (verdict == SOCKDIAG_MORE);
	return verdict;
}

/* By what makes a connection one, and a listener too. */
static int
compare(const void *one, const void *other)
{
	const struct sockdiag	*a = one, *b = other;
	int			 order;

	if ((order = memcmp(&a->local.in6, &b->local.in6,
	    sizeof(a->local.in6))) != 0 ||
	    (order = memcmp(&a->peer.in6, &b->peer.in6,
	    sizeof(a->peer.in6))) != 0)
		return order;
	if (a->interface != b->interface)
		return a->interface < b->interface ? -1 : 1;
	/* Several may have one address as long as they have no peer. */
	if (address_port(&a->peer) == 0 && a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	/* A process may keep the socket of a connection that is in TIME_WAIT: the
	   port is bound then, and the kernel has both. */
	if ((a->state == TCP_CLOSE) != (b->state == TCP_CLOSE))
		return a->state == TCP_CLOSE ? 1 : -1;
	return 0;
}

/* Leave one of those that are there twice; whether there were any. */
static bool
unite(struct sockdiag_table *table, size_t from)
{
	size_t	i, kept = from;

	if (table->n - from < 2)
		return false;
	qsort(table->sockets + from, table->n - from, sizeof(*table->sockets),
	    compare);
	for (i = from + 1; i < table->n; i++)
		if (compare(&table->sockets[kept], &table->sockets[i]) != 0)
			table->sockets[++kept] = table->sockets[i];
	i = table->n;
	table->n = kept + 1;
	return i != table->n;
}

/* One family's table, until it held still. */
static int
read_family(int family, unsigned int port, uint32_t states,
    struct sockdiag_table *table)
{
	enum sockdiag_verdict	verdict;
	size_t			from = table->n;
	uint32_t		i;
	int			fd, saved;

	for (i = 1; i <= TRIES; i++) {
		/* A new socket: nothing of a broken dump is left in it. */
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
		    NETLINK_SOCK_DIAG);
		if (fd == -1)
			return -1;
		table->n = from;
		verdict = dump(fd, family, port, states, i, table);
		saved = errno;
		(void)close(fd);
		errno = saved;
		if (verdict == SOCKDIAG_ERROR)
			return -1;
		/* At last, what is there twice is there once. */
		if (verdict == SOCKDIAG_DONE &&
		    (!unite(table, from) || i == TRIES))
			return 0;
	}
	table->n = from;
	errno = EBUSY;
	return -1;
}

/* Of IPv4 alone (AF_INET), or of both. */
static int
read_states(struct sockdiag_table *table, int family, unsigned int port,
    uint32_t states)
{
	if (read_family(AF_INET, port, states, table) == -1)
		return -1;
	if (family == AF_INET)
		return 0;
	/* ENOENT: this kernel has no IPv6. */
	if (read_family(AF_INET6, port, states, table) == -1 &&
	    errno != ENOENT)
		return -1;
	return 0;
}

int
sockdiag_read(struct sockdiag_table *table, unsigned int port)
{
	return read_states(table, AF_UNSPEC, port, EVERY_STATE);
}

int
sockdiag_read_state(struct sockdiag_table *table,
    const struct address *listener, unsigned int state)
{
	uint32_t	states = 1U << state;

	if (state == TCP_SYN_RECV)
		states |= 1U << NEW_SYN_RECV;
	/* One of IPv6 may have connections of IPv4, too. */
	return read_states(table, listener->sa.sa_family == AF_INET ? AF_INET :
	    AF_UNSPEC, address_port(listener), states);
}

void
sockdiag_free(struct sockdiag_table *table)
{
	free(table->sockets);
	memset(table, 0, sizeof(*table));
}
