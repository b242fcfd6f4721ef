/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a datagram of the kernel's.  The corpus are recordings of Linux
 * 6.18: one datagram of the dump of port 5000, sequence number 1, with
 * INET_DIAG_INFO.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "fuzz.h"
#include "net/sockdiag.h"

/* What is appended can be printed, and compared by its bytes. */
static void
look_at(const struct sockdiag *socket)
{
	struct address	again;
	char		text[ADDRESS_TEXT];

	claim(socket->peer.sa.sa_family == socket->local.sa.sa_family &&
	    socket->peer.len == socket->local.len, "a socket has one family");
	claim(sockdiag_state(socket->state) != NULL, "a state has a name");
	claim(socket->ends >= -1 && socket->silent >= -1,
	    "a time is -1 or one");
	claim(is_visible(address_print(&socket->local, text), sizeof(text)) &&
	    address_numeric(&again, text) == 0,
	    "an address is printed so that it can be read");
}

/* Whether it begins with a whole message of a socket that has no family. */
static bool
is_nonsense(const uint8_t *bytes, size_t n)
{
	struct nlmsghdr		header;
	struct inet_diag_msg	message;

	if (n < sizeof(header) + sizeof(message))
		return false;
	memcpy(&header, bytes, sizeof(header));
	memcpy(&message, bytes + sizeof(header), sizeof(message));
	return header.nlmsg_len >= sizeof(header) + sizeof(message) &&
	    header.nlmsg_len <= n && header.nlmsg_seq == 1 &&
	    (header.nlmsg_flags & NLM_F_DUMP_INTR) == 0 &&
	    header.nlmsg_type == SOCK_DIAG_BY_FAMILY &&
	    message.idiag_family != AF_INET &&
	    message.idiag_family != AF_INET6;
}

int
fuzz_sockdiag(const uint8_t *bytes, size_t n)
{
	struct sockdiag_table	table = { 0 };
	enum sockdiag_verdict	verdict;
	size_t			i;

	errno = 0;
	verdict = sockdiag_parse(bytes, n, 1, &table);
	claim((verdict == SOCKDIAG_ERROR) <= (errno != 0),
	    "an error has an errno");
	claim(verdict == SOCKDIAG_ERROR || !is_nonsense(bytes, n),
	    "a family is known");
	claim(table.n <= table.room && table.n <= n /
	    (sizeof(struct nlmsghdr) + sizeof(struct inet_diag_msg)),
	    "each socket has a message of its own");
	for (i = 0; i < table.n; i++)
		look_at(&table.sockets[i]);
	fuzz_good += table.n > 0 && verdict != SOCKDIAG_ERROR;
	sockdiag_free(&table);
	return 0;
}
