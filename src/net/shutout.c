/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>

#include "shutout.h"
#include "sockdiag.h"

/* No router has been in between: each takes one off, and 255 is the most. */
#define FROM_THIS_LINK	255

/* Where the flags are in a TCP header, and the one of a SYN (RFC 9293, 3.1). */
#define TCP_FLAGS	13
#define TCP_SYN		0x02

/* The filter of a TCP socket begins to read at the TCP header. */
static int
drop_syns(int listener)
{
	struct sock_filter	program[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TCP_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog	filter = { .filter = program,
				    .len = sizeof(program) /
				    sizeof(program[0]) };

	return setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
	    sizeof(filter));
}

/* One that serves both families needs both options. */
static int
set_minimum(int fd, int hops, const char **failed)
{
	int		domain;
	socklen_t	len = sizeof(domain);

	*failed = "SO_DOMAIN";
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1)
		return -1;
	*failed = "IP_MINTTL";
	if (setsockopt(fd, IPPROTO_IP, IP_MINTTL, &hops, sizeof(hops)) == -1)
		return -1;
	*failed = "IPV6_MINHOPCOUNT";
	return domain != AF_INET6 ? 0 : setsockopt(fd, IPPROTO_IPV6,
	    IPV6_MINHOPCOUNT, &hops, sizeof(hops));
}

int
shutout_begin(int listener)
{
	const char	*failed;

	return drop_syns(listener) == 0 ? 0 :
	    set_minimum(listener, FROM_THIS_LINK, &failed);
}

int
shutout_end(int fd, const char **failed)
{
	int	unused = 0;

	*failed = "SO_DETACH_FILTER";
	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused,
	    sizeof(unused)) == -1 && errno != ENOENT)
		return -1;
	return set_minimum(fd, 0, failed);
}

int
shutout_handshakes(int listener)
{
	struct sockdiag_table	table = { 0 };
	struct address		address = { .len = sizeof(address.in6) };
	size_t			i;
	int			many = 0, result;

	if (getsockname(listener, &address.sa, &address.len) == -1)
		return -1;
	result = sockdiag_read_state(&table, &address, TCP_SYN_RECV);
	for (i = 0; i < table.n; i++)
		many += table.sockets[i].age >= 0 &&
		    table.sockets[i].age < SHUTOUT_YOUNG;
	sockdiag_free(&table);
	return result == -1 ? -1 : many;
}
