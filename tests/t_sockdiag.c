/* SPDX-License-Identifier: ISC */
/*
 * The kernel's table: recorded datagrams and what they say, the same with
 * everything in them broken, and dumps that go wrong.
 */
#include <sys/socket.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "net/sockdiag.h"

#define SEQUENCE	1	/* of the recordings */
#define MOST		4096	/* bytes of one */

struct recording {
	unsigned char	bytes[MOST];
	size_t		n;
};

/* tests/fuzz/sockdiag has one datagram in each file. */
static bool
load(const char *name, struct recording *recording)
{
	const char	*srcdir = getenv("srcdir");
	char		 path[512];
	FILE		*file;

	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/sockdiag/%s",
	    srcdir != NULL ? srcdir : ".", name);
	if ((file = fopen(path, "re")) == NULL)
		bail("%s: %s", path, strerror(errno));
	recording->n = fread(recording->bytes, 1, MOST, file);
	(void)fclose(file);
	return recording->n > 0;
}

/*
 * In memory of just its size, so that a sanitizer sees each byte that is read
 * beyond it.
 */
static enum sockdiag_verdict
parse(const unsigned char *bytes, size_t n, struct sockdiag_table *table)
{
	unsigned char		*exact = malloc(n > 0 ? n : 1);
	enum sockdiag_verdict	 verdict;

	if (exact == NULL)
		bail("malloc");
	memcpy(exact, bytes, n);
	verdict = sockdiag_parse(exact, n, SEQUENCE, table);
	free(exact);
	return verdict;
}

static const struct {
	const char	*file;
	size_t		 n;		/* sockets in it */
	unsigned int	 state;		/* of the first one */
	const char	*local, *peer;
	bool		 owned, ends, silent, v6only;
} said[] = {
	{ "listen", 1, TCP_LISTEN, "127.0.0.1:5000", "0.0.0.0:0",
	    true, false, false, false },
	{ "bound", 1, TCP_CLOSE, "127.0.0.1:5000", "0.0.0.0:0",
	    true, false, false, false },
	{ "established", 1, TCP_ESTABLISHED, "127.0.0.1:5000", "",
	    true, false, true, false },
	{ "time-wait", 1, TCP_TIME_WAIT, "127.0.0.1:5000", "",
	    false, true, false, false },
	{ "fin-wait2", 1, TCP_FIN_WAIT2, "127.0.0.1:5000", "",
	    false, true, false, false },
	{ "v6only", 1, TCP_LISTEN, "[::]:5000", "[::]:0",
	    true, false, false, true },
	{ "mapped", 2, TCP_LISTEN, "[::]:5000", "[::]:0",
	    true, false, false, false },
	{ "empty", 0, 0, "", "", false, false, false, false },
};

static void
recordings(void)
{
	struct recording	recording;
	char			local[ADDRESS_TEXT], peer[ADDRESS_TEXT];
	size_t			i;

	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		struct sockdiag_table	 table = { 0 };
		const struct sockdiag	*socket;

		(void)load(said[i].file, &recording);
		ok(parse(recording.bytes, recording.n, &table) ==
		    (said[i].n > 0 ? SOCKDIAG_MORE : SOCKDIAG_DONE) &&
		    table.n == said[i].n, "%s: %zu sockets", said[i].file,
		    table.n);
		socket = table.sockets;
		if (said[i].n > 0 && table.n == said[i].n)
			ok(socket->state == said[i].state &&
			    strcmp(address_print(&socket->local, local),
			    said[i].local) == 0 &&
			    (said[i].peer[0] == '\0' ||
			    strcmp(address_print(&socket->peer, peer),
			    said[i].peer) == 0) &&
			    (socket->inode != 0) == said[i].owned &&
			    (socket->ends >= 0) == said[i].ends &&
			    (socket->silent >= 0) == said[i].silent &&
			    socket->v6only == said[i].v6only,
			    "%s: %s, %s", said[i].file,
			    sockdiag_state(socket->state), local);
		sockdiag_free(&table);
	}
}

/* Nothing that arrives does harm: cut anywhere, any byte anything. */
static void
broken(const char *file)
{
	struct recording	recording;
	struct sockdiag_table	table = { 0 };
	struct nlmsghdr		header;
	size_t			i, most = 0;
	uint32_t		full;
	unsigned int		value;

	(void)load(file, &recording);
	for (i = 0; i < recording.n; i++) {
		table.n = 0;
		(void)parse(recording.bytes, i, &table);
		if (table.n > most)
			most = table.n;
	}
	/* Cut, and the header says that this is all: only what is inside can
	   tell. */
	for (i = sizeof(header); i < recording.n; i++) {
		memcpy(&header, recording.bytes, sizeof(header));
		full = header.nlmsg_len;
		header.nlmsg_len = (uint32_t)i;
		memcpy(recording.bytes, &header, sizeof(header));
		table.n = 0;
		(void)parse(recording.bytes, i, &table);
		header.nlmsg_len = full;
		memcpy(recording.bytes, &header, sizeof(header));
	}
	for (i = 0; i < recording.n; i++)
		for (value = 0; value < 256; value++) {
			unsigned char	was = recording.bytes[i];

			recording.bytes[i] = (unsigned char)value;
			table.n = 0;
			(void)parse(recording.bytes, recording.n, &table);
			if (table.n > most)
				most = table.n;
			recording.bytes[i] = was;
		}
	ok(most <= recording.n / sizeof(struct nlmsghdr), "%s, broken in each "
	    "of its %zu bytes: nothing is read that is not there", file,
	    recording.n);
	sockdiag_free(&table);
}

/* Every number that a message can end a dump with. */
static void
endings(void)
{
	struct {
		struct nlmsghdr	header;
		int		error;
	} end = { .header = { .nlmsg_len = sizeof(end), .nlmsg_seq = SEQUENCE,
	    .nlmsg_type = NLMSG_ERROR }, .error = -ENOENT };
	struct sockdiag_table	table = { 0 };

	errno = 0;
	ok(sockdiag_parse(&end, sizeof(end), SEQUENCE, &table) ==
	    SOCKDIAG_ERROR && errno == ENOENT, "an error is an errno");
	end.error = 5;
	ok(sockdiag_parse(&end, sizeof(end), SEQUENCE, &table) ==
	    SOCKDIAG_ERROR && errno == EBADMSG, "nonsense is EBADMSG");
	end.error = 0;
	ok(sockdiag_parse(&end, sizeof(end), SEQUENCE, &table) ==
	    SOCKDIAG_ERROR && errno == EBADMSG, "an error of 0 is no end");
	end.header.nlmsg_type = NLMSG_DONE;
	ok(sockdiag_parse(&end, sizeof(end), SEQUENCE, &table) ==
	    SOCKDIAG_DONE, "done");
	end.header.nlmsg_flags = NLM_F_DUMP_INTR;
	ok(sockdiag_parse(&end, sizeof(end), SEQUENCE, &table) ==
	    SOCKDIAG_AGAIN, "done, but the table has changed");
	ok(sockdiag_parse(&end, sizeof(end), SEQUENCE + 1, &table) ==
	    SOCKDIAG_MORE, "another dump's end is not ours");
}

/* What the next calls of recvmsg() do to a datagram. */
static enum {
	AS_IT_IS, INTERRUPTED, AT_THE_END, CUT, LOST, SIGNALLED, TWICE, NO_IPV6
} accident;
static int	accidents, calls, ends;

ssize_t	__real_recvmsg(int, struct msghdr *, int);
ssize_t	__wrap_recvmsg(int, struct msghdr *, int);

ssize_t
__wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct nlmsghdr	*header = message->msg_iov->iov_base;
	ssize_t		 n;

	calls++;
	if (accidents == 0)
		return __real_recvmsg(fd, message, flags);
	accidents--;
	if (accident == LOST || accident == SIGNALLED) {
		errno = accident == LOST ? ENOBUFS : EINTR;
		return -1;
	}
	n = __real_recvmsg(fd, message, flags);
	if (accident == INTERRUPTED && n > 0)
		header->nlmsg_flags |= NLM_F_DUMP_INTR;
	if (accident == AT_THE_END && n > 0) {
		if (header->nlmsg_type == NLMSG_DONE)
			header->nlmsg_flags |= NLM_F_DUMP_INTR;
		else
			accidents++;
	}
	if (accident == CUT) {
		message->msg_flags |= MSG_TRUNC;
		n = NLMSG_HDRLEN;	/* of whole messages, none is left */
		header->nlmsg_len = NLMSG_HDRLEN;
		header->nlmsg_type = NLMSG_NOOP;
	}
	if (accident == NO_IPV6 && header->nlmsg_type == NLMSG_DONE &&
	    ++ends == 2) {
		header->nlmsg_type = NLMSG_ERROR;
		*(int *)NLMSG_DATA(header) = -ENOENT;
	}
	if (accident == TWICE && n > 0 &&
	    header->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
	    header->nlmsg_len <= (size_t)n && 2 * (size_t)n <=
	    message->msg_iov->iov_len) {
		memcpy((unsigned char *)header + n, header, (size_t)n);
		n *= 2;
	}
	return n;
}

/* What recvmsg() does so often, and after how many datagrams there is what. */
static void
dump(const char *what, int which, int how_often, int datagrams, bool succeeds)
{
	struct sockdiag_table	table = { 0 };
	int			result;

	accident = which;
	accidents = how_often;
	calls = ends = 0;
	result = sockdiag_read(&table, 5000);
	ok((succeeds ? result == 0 && table.n == 1 &&
	    table.sockets[0].state == TCP_LISTEN :
	    result == -1 && errno == EBUSY) && calls == datagrams,
	    "%s: %s, after %d datagrams", what,
	    succeeds ? "the table" : "given up", calls);
	accidents = 0;
	sockdiag_free(&table);
}

static void
dumps(void)
{
	struct sockaddr_in	address = { .sin_family = AF_INET,
				    .sin_port = htons(5000) };
	int			fd, before, after;

	harness_own_network();
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
	    listen(fd, 1) == -1)
		bail("a listener: %s", strerror(errno));
	before = dup(fd);
	/* Each family has its DONE, and IPv4 one socket before. */
	dump("a dump", AS_IT_IS, 0, 3, true);
	dump("interrupted twice", INTERRUPTED, 2, 5, true);
	dump("interrupted always", INTERRUPTED, 1000, 8, false);
	dump("interrupted at its end, twice", AT_THE_END, 2, 7, true);
	dump("cut short twice", CUT, 2, 5, true);
	dump("lost twice", LOST, 2, 5, true);
	dump("a signal, twice", SIGNALLED, 2, 5, true);
	dump("one socket twice, once", TWICE, 1, 5, true);
	dump("one socket twice, always", TWICE, 1000, 17, true);
	dump("no IPv6", NO_IPV6, 1000, 3, true);
	after = dup(fd);
	ok(after == before + 1, "no descriptor is left");
	(void)close(before);
	(void)close(after);
	(void)close(fd);
}

/* A client that has bound its port, and keeps its socket when both ends have
   closed: it is in TIME_WAIT, and bound. */
static void
bound_in_time_wait(void)
{
	struct sockaddr_in	own = { .sin_family = AF_INET,
				    .sin_port = htons(40000) };
	struct sockaddr_in	server = { .sin_family = AF_INET,
				    .sin_port = htons(5000) };
	struct sockdiag_table	table = { 0 };
	int			listener = socket(AF_INET, SOCK_STREAM, 0);
	int			client = socket(AF_INET, SOCK_STREAM, 0);
	int			accepted;
	char			byte;

	own.sin_addr.s_addr = server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&server, sizeof(server)) == -1 ||
	    listen(listener, 1) == -1 ||
	    bind(client, (struct sockaddr *)&own, sizeof(own)) == -1 ||
	    connect(client, (struct sockaddr *)&server,
	    sizeof(server)) == -1 ||
	    (accepted = accept(listener, NULL, NULL)) == -1)
		bail("a connection: %s", strerror(errno));
	(void)shutdown(client, SHUT_WR);
	(void)!read(accepted, &byte, 1);
	(void)close(accepted);
	ok(sockdiag_read(&table, 40000) == 0 && table.n >= 1 &&
	    table.sockets[0].state == TCP_TIME_WAIT, "in TIME_WAIT");
	/* Linux 6.8 shows what is bound. */
	ok(table.n == 1 || (table.n == 2 &&
	    table.sockets[1].state == TCP_CLOSE &&
	    table.sockets[1].inode != 0), "and bound, by one who has it still");
	sockdiag_free(&table);
	(void)close(client);
	(void)close(listener);
}

int
main(void)
{
	static const uint16_t	one = 1;
	size_t			i;

	harness_begin();
	if (*(const unsigned char *)&one != 1)
		skip("recorded datagrams", "they are of another byte order");
	else {
		recordings();
		for (i = 0; i < sizeof(said) / sizeof(said[0]); i++)
			broken(said[i].file);
	}
	endings();
	dumps();
	harness_own_network();
	bound_in_time_wait();
	return done();
}
