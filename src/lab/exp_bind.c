/* SPDX-License-Identifier: ISC */
/*
 * What bind() says to a server that is started again, by what the earlier one
 * has left at its port.  Old is the option of what is there, new that of the
 * socket that binds now.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "experiment.h"
#include "net/address.h"
#include "tcp.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* By TCP_PLAIN, TCP_RA, TCP_RP. */
#define KINDS	3
static const char *const	kinds[KINDS] = { "none", "RA", "RP" };

/* A connection, whose server end is left over. */
struct left {
	const char	*server, *client;
	int		 fd, client_fd;
};

/* A claim about the options of old and new. */
struct mix {
	int		old, new;
	const char	*unp, *bsd, *lin;
};

static const struct mix	mixes[] = {
	{ TCP_PLAIN, TCP_PLAIN, "in use", "in use", "in use" },
	{ TCP_PLAIN, TCP_RA, "-", "binds", "in use" },
	{ TCP_RA, TCP_PLAIN, "-", "in use", "in use" },
	{ TCP_RA, TCP_RA, "binds", "binds", "binds" },
};

static const struct mix	port_mixes[] = {
	{ TCP_PLAIN, TCP_RP, "-", "-", "in use" },
	{ TCP_RP, TCP_PLAIN, "-", "in use", "in use" },
	{ TCP_RA, TCP_RP, "-", "-", "in use" },
	{ TCP_RP, TCP_RA, "-", "binds", "in use" },
	{ TCP_RP, TCP_RP, "-", "binds", "binds" },
};

static const struct mix	listen_mixes[] = {
	{ TCP_PLAIN, TCP_PLAIN, "in use", "in use", "in use" },
	{ TCP_PLAIN, TCP_RA, "in use", "in use", "in use" },
	{ TCP_RA, TCP_PLAIN, "in use", "in use", "in use" },
	{ TCP_RA, TCP_RA, "in use", "in use", "in use" },
	{ TCP_RP, TCP_RP, "binds", "binds", "binds" },
};

static bool
option(int fd, int name, int value)
{
	return setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)) == 0;
}

/* bind() for a socket that exists. */
static int
bind_again(int fd, const char *text)
{
	struct address	address;

	return address_numeric(&address, text) == -1 ? -1 :
	    bind(fd, &address.sa, address.len);
}

static void
try(struct stage *stage, const struct row *row, const char *address,
    int options)
{
	int	fd = tcp_bind(address, options);

	(void)stage_row(stage, row, tcp_answer(fd != -1, "binds"));
	if (fd != -1)
		(void)close(fd);
}

/* A row of each, against what is at the addresses of the three kinds. */
static void
try_all(struct stage *stage, const char *id, const char *state, bool unp,
    const struct mix *claims, size_t n, const char *const *addresses)
{
	char	what[64];
	size_t	i;

	for (i = 0; i < n; i++) {
		const struct mix	*mix = &claims[i];
		struct row		 row = { .id = id, .what = what,
					    .unp = unp ? mix->unp : "-",
					    .bsd = mix->bsd, .lin = mix->lin };

		/* The claim that the old one does not count. */
		if (mix->old == TCP_PLAIN && mix->new == TCP_RA &&
		    strcmp(id, "K4") != 0)
			row.id = "K3";
		(void)snprintf(what, sizeof(what), "%s: old %s, new %s",
		    state, kinds[mix->old], kinds[mix->new]);
		try(stage, &row, addresses[mix->old], mix->new);
	}
}

/* A client is served, and nobody listens any more. */
static void
leave(struct stage *stage, struct left *left, int options)
{
	int	listener = tcp_listen(left->server, options, 1);

	if (listener == -1)
		stage_skip(stage, "%s: %s", left->server, strerror(errno));
	left->client_fd = tcp_connect(left->server, left->client, TCP_PLAIN);
	left->fd = left->client_fd == -1 ? -1 : tcp_accept(listener);
	if (left->fd == -1)
		stage_skip(stage, "%s cannot be connected to: %s",
		    left->server, strerror(errno));
	(void)close(listener);
}

static void
leave_three(struct stage *stage, struct left *lefts)
{
	int	i;

	for (i = 0; i < KINDS; i++)
		leave(stage, &lefts[i], i);
}

/* The server closes its end of each, or else the client. */
static void
close_three(struct left *lefts, bool server)
{
	int	i;

	for (i = 0; i < KINDS; i++)
		(void)close(server ? lefts[i].fd : lefts[i].client_fd);
}

/* What each of them is in, and whether one can bind beside it. */
static void
try_three(struct stage *stage, const struct left *lefts, const char *id,
    unsigned int state)
{
	const char	*addresses[KINDS];
	const char	*name = sockdiag_state(state);
	int		 i;

	for (i = 0; i < KINDS; i++) {
		(void)stage_expect_state(stage, lefts[i].server,
		    lefts[i].client, state);
		addresses[i] = lefts[i].server;
	}
	try_all(stage, id, name, state != TCP_TIME_WAIT, mixes, COUNT(mixes),
	    addresses);
	if (state != TCP_TIME_WAIT)
		try_all(stage, "K8", name, false,
		    &port_mixes[COUNT(port_mixes) - 1], 1, addresses);
}

/* K5: what the options of an accepted socket are. */
static void
inherited(struct stage *stage, const struct left *lefts)
{
	static const struct row	rows[] = {
		{ .id = "K5", .what = "listener none: RA of the accepted",
		    .unp = "-", .bsd = "off", .lin = "off" },
		{ .id = "K5", .what = "listener RA: RA of the accepted",
		    .unp = "-", .bsd = "on", .lin = "on" },
		{ .id = "K5", .what = "listener RP: RP of the accepted",
		    .unp = "-", .bsd = "on", .lin = "on" },
	};
	int			i;

	for (i = 0; i < KINDS; i++) {
		int		on = 0;
		socklen_t	len = sizeof(on);

		(void)getsockopt(lefts[i].fd, SOL_SOCKET,
		    i == TCP_RP ? SO_REUSEPORT : SO_REUSEADDR, &on, &len);
		(void)stage_row(stage, &rows[i], on ? "on" : "off");
	}
}

static void
established(struct stage *stage, struct left *lefts)
{
	int	again;

	stage_step(stage, "Three servers take a client each and go, only "
	    "their children stay, ESTABLISHED. Old is the option of what is "
	    "left: none on port 8000, RA (SO_REUSEADDR) on 8001, RP "
	    "(SO_REUSEPORT) on 8002. New is that of a server that binds now.");
	stage_note(stage, "In the table: what UNP, BSD (FreeBSD) and Linux are "
	    "expected to answer, and what is answered here; '-': nothing is "
	    "said, or not for sure.");
	stage_set(stage, "net/ipv4/tcp_tw_reuse", "2");
	stage_set(stage, "net/ipv4/tcp_fin_timeout", "60");
	leave_three(stage, lefts);
	inherited(stage, lefts);
	try_three(stage, lefts, "K1", TCP_ESTABLISHED);

	stage_step(stage, "With the option on both, the new server listens "
	    "beside the old one's connection.");
	again = tcp_listen(lefts[TCP_RA].server, TCP_RA, 1);
	(void)stage_expect_errno(stage, "the second listen() on port 8001",
	    again == -1 ? errno : 0, 0);
	(void)stage_expect_state(stage, lefts[TCP_RA].server, NULL,
	    TCP_LISTEN);
	(void)stage_expect_state(stage, lefts[TCP_RA].server,
	    lefts[TCP_RA].client, TCP_ESTABLISHED);
	stage_step(stage, "That server ends, and the old one's children close "
	    "first: FIN_WAIT2.");
	if (again != -1)
		(void)close(again);
	close_three(lefts, true);
	try_three(stage, lefts, "K2", TCP_FIN_WAIT2);
}

static void
time_wait(struct stage *stage, struct left *lefts)
{
	const char	*addresses[KINDS];
	int		 i;

	stage_step(stage, "Their clients close, too: TIME_WAIT, which is "
	    "nobody's socket any more.");
	close_three(lefts, false);
	try_three(stage, lefts, "K2", TCP_TIME_WAIT);
	stage_step(stage, "SO_REUSEPORT counts against TIME_WAIT only if both "
	    "have it: SO_REUSEADDR on the other side is no substitute.");
	for (i = 0; i < KINDS; i++)
		addresses[i] = lefts[i].server;
	try_all(stage, "K8", "TIME_WAIT", false, port_mixes,
	    COUNT(port_mixes), addresses);
}

/* K9, beside a TIME_WAIT with the option. */
static void
second_try(struct stage *stage, const char *address)
{
	static const struct row	first = { .id = "K9", .what = "TIME_WAIT: old "
				    "RA, new none", .unp = "-", .bsd = "in use",
				    .lin = "in use" };
	static const struct row	second = { .id = "K9", .what = "RA set, the "
				    "same socket again", .unp = "-",
				    .bsd = "binds", .lin = "binds" };
	int			fd = socket(AF_INET,
				    SOCK_STREAM | SOCK_CLOEXEC, 0);

	stage_step(stage, "A socket whose bind() has failed is good for "
	    "another one: setting the option is not too late.");
	(void)stage_row(stage, &first, tcp_answer(bind_again(fd,
	    address) == 0, "binds"));
	(void)option(fd, SO_REUSEADDR, 1);
	(void)stage_row(stage, &second, tcp_answer(bind_again(fd,
	    address) == 0, "binds"));
	(void)close(fd);
}

/* K13, beside a TIME_WAIT without the option. */
static void
tw_reuse(struct stage *stage, const char *address)
{
	static const char *const	values[] = { "0", "1", "2" };
	size_t				i;

	stage_step(stage, "tcp_tw_reuse is about connect(): it does not help a "
	    "server that binds.");
	for (i = 0; i < COUNT(values); i++) {
		char		what[64];
		struct row	row = { .id = "K13", .what = what, .unp = "-",
				    .bsd = "-", .lin = "in use" };

		(void)snprintf(what, sizeof(what), "tcp_tw_reuse %s: old none, "
		    "new none", values[i]);
		stage_set(stage, "net/ipv4/tcp_tw_reuse", values[i]);
		try(stage, &row, address, TCP_PLAIN);
	}
}

static struct inet_diag_sockid
identity(const struct left *left)
{
	struct inet_diag_sockid	id = { .idiag_cookie = { INET_DIAG_NOCOOKIE,
				    INET_DIAG_NOCOOKIE } };
	struct address		server, client;

	if (address_numeric(&server, left->server) == -1 ||
	    address_numeric(&client, left->client) == -1)
		return id;
	id.idiag_sport = server.in.sin_port;
	id.idiag_dport = client.in.sin_port;
	id.idiag_src[0] = server.in.sin_addr.s_addr;
	id.idiag_dst[0] = client.in.sin_addr.s_addr;
	return id;
}

/* As ss -K does: 0, or the errno with which it is refused. */
static int
destroy(const struct left *left)
{
	struct {
		struct nlmsghdr		header;
		struct inet_diag_req_v2	diag;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
		    .nlmsg_type = SOCK_DESTROY,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.diag = { .sdiag_family = AF_INET,
		    .sdiag_protocol = IPPROTO_TCP,
		    .idiag_states = 1U << TCP_TIME_WAIT,
		    .id = identity(left) },
	};
	struct {
		struct nlmsghdr		header;
		struct nlmsgerr		error;
	} answer = { .header = { .nlmsg_len = 0 } };
	int	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
		    NETLINK_SOCK_DIAG);
	int	result = EPROTO;

	/* The kernel has answered before send() returns. */
	if (fd == -1 || send(fd, &request, sizeof(request), 0) == -1 ||
	    recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) == -1)
		result = errno;
	else if (answer.header.nlmsg_type == NLMSG_ERROR)
		result = -answer.error.error;
	if (fd != -1)
		(void)close(fd);
	return result;
}

/* K7 */
static void
removed(struct stage *stage, const struct left *left)
{
	static const struct row	before = { .id = "K7", .what = "TIME_WAIT: old "
				    "none, new RA", .unp = "-", .bsd = "binds",
				    .lin = "in use" };
	static const struct row	after = { .id = "K7", .what = "removed: old "
				    "gone, new none", .unp = "-", .bsd = "-",
				    .lin = "binds" };
	int			error;

	stage_step(stage, "Too late for the option: but a TIME_WAIT can be "
	    "removed (sock_diag(7), SOCK_DESTROY; ss -K does it), and its "
	    "port is free at once.");
	try(stage, &before, left->server, TCP_RA);
	if ((error = destroy(left)) == EOPNOTSUPP) {
		stage_note(stage, "This kernel cannot do it "
		    "(CONFIG_INET_DIAG_DESTROY).");
		return;
	}
	(void)stage_expect_errno(stage, "SOCK_DESTROY", error, 0);
	(void)stage_expect_state(stage, left->server, left->client, 0);
	try(stage, &after, left->server, TCP_PLAIN);
}

static void
close_wait(struct stage *stage)
{
	struct left	lefts[KINDS] = {
		{ "127.0.0.1:8010", "127.0.0.1:40010", -1, -1 },
		{ "127.0.0.1:8011", "127.0.0.1:40011", -1, -1 },
		{ "127.0.0.1:8012", "127.0.0.1:40012", -1, -1 },
	};
	static const struct row	clean = { .id = "K2", .what = "nothing left: "
				    "new none", .unp = "-", .bsd = "binds",
				    .lin = "binds" };

	stage_step(stage, "The same three again, on ports 8010 to 8012, but "
	    "the clients close first, and the children do not notice: "
	    "CLOSE_WAIT.");
	leave_three(stage, lefts);
	close_three(lefts, false);
	try_three(stage, lefts, "K2", TCP_CLOSE_WAIT);

	stage_step(stage, "The children close, too. They were not the first: "
	    "TIME_WAIT is at the clients' ends, and a restart needs no "
	    "option.");
	close_three(lefts, true);
	(void)stage_expect_state(stage, lefts[0].server, lefts[0].client, 0);
	(void)stage_expect_state(stage, lefts[0].client, lefts[0].server,
	    TCP_TIME_WAIT);
	try(stage, &clean, lefts[0].server, TCP_PLAIN);
}

/* K4 */
static void
listening(struct stage *stage)
{
	static const char *const	addresses[KINDS] = { "127.0.0.1:8020",
					    "127.0.0.1:8021",
					    "127.0.0.1:8022" };
	int				fds[KINDS], i;

	stage_step(stage, "The old server listens still, on ports 8020 to "
	    "8022: SO_REUSEADDR helps nobody against LISTEN; SO_REUSEPORT on "
	    "both, of one user, does.");
	for (i = 0; i < KINDS; i++) {
		fds[i] = tcp_listen(addresses[i], i, 1);
		(void)stage_expect_state(stage, addresses[i], NULL,
		    TCP_LISTEN);
	}
	try_all(stage, "K4", "LISTEN", true, listen_mixes,
	    COUNT(listen_mixes), addresses);
	for (i = 0; i < KINDS; i++)
		(void)close(fds[i]);
}

/* In a process that holds the socket, until it is ended. */
static pid_t
hold(void)
{
	pid_t	pid = fork();

	if (pid == 0) {
		for (;;)
			(void)pause();
	}
	return pid;
}

/* Set an option on a socket of another process. */
static int
option_of(pid_t pid, int number, int name, int value)
{
	int	process = (int)syscall(SYS_pidfd_open, pid, 0);
	int	fd = process == -1 ? -1 :
		    (int)syscall(SYS_pidfd_getfd, process, number, 0);
	int	error = fd != -1 && option(fd, name, value) ? 0 : errno;

	if (fd != -1)
		(void)close(fd);
	if (process != -1)
		(void)close(process);
	return error;
}

/* K6 */
static void
late(struct stage *stage, struct left *left)
{
	static const struct row	rows[] = {
		{ .id = "K6", .what = "old none, new RA", .unp = "-",
		    .bsd = "binds", .lin = "in use" },
		{ .id = "K6", .what = "old RA set late, new RA", .unp = "-",
		    .bsd = "binds", .lin = "binds" },
		{ .id = "K6", .what = "old RA cleared, new RA", .unp = "-",
		    .bsd = "binds", .lin = "in use" },
	};

	stage_step(stage, "Linux reads the old option when the new socket "
	    "binds. So it can be set late, on the connection that is left.");
	leave(stage, left, TCP_PLAIN);
	try(stage, &rows[0], left->server, TCP_RA);
	(void)option(left->fd, SO_REUSEADDR, 1);
	try(stage, &rows[1], left->server, TCP_RA);
	(void)option(left->fd, SO_REUSEADDR, 0);
	try(stage, &rows[2], left->server, TCP_RA);
}

/* The rest of K6: the socket is that of another process alone. */
static void
late_from_outside(struct stage *stage, struct left *left)
{
	static const struct row	row = { .id = "K6", .what = "old RA set from "
				    "outside, new RA", .unp = "-",
				    .bsd = "binds", .lin = "binds" };
	pid_t			pid;
	int			error;

	stage_step(stage, "It can be set even from another process than the "
	    "one that has the connection (pidfd_getfd(2)); which is then "
	    "ended.");
	pid = hold();
	(void)close(left->fd);
	error = pid == -1 ? errno : option_of(pid, left->fd, SO_REUSEADDR, 1);
	if (error == ENOSYS || error == EPERM)
		stage_note(stage, "Not from outside here, pidfd_getfd(2): %s.",
		    strerror(error));
	else {
		(void)stage_expect_errno(stage, "pidfd_getfd(2) and "
		    "setsockopt()", error, 0);
		try(stage, &row, left->server, TCP_RA);
	}
	if (pid != -1) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	(void)stage_expect_state(stage, left->server, left->client,
	    TCP_FIN_WAIT2);
	(void)close(left->client_fd);
}

/* K10 */
static void
two_bound(struct stage *stage)
{
	static const struct row	rows[] = {
		{ .id = "K10", .what = "only bound: old RA, new RA",
		    .unp = "in use", .bsd = "in use", .lin = "binds" },
		{ .id = "K10", .what = "then listen() on the first",
		    .unp = "-", .bsd = "-", .lin = "listens" },
		{ .id = "K10", .what = "then listen() on the second",
		    .unp = "-", .bsd = "-", .lin = "in use" },
	};
	const char		*address = "127.0.0.1:8040";
	int			 one, two;

	stage_step(stage, "Two servers with SO_REUSEADDR start at once: both "
	    "bind the same address, and then one of them cannot listen. "
	    "Whoever looks at the result of bind() alone misses it.");
	one = tcp_bind(address, TCP_RA);
	two = tcp_bind(address, TCP_RA);
	(void)stage_row(stage, &rows[0], tcp_answer(two != -1, "binds"));
	(void)stage_row(stage, &rows[1], tcp_answer(listen(one, 1) == 0,
	    "listens"));
	(void)stage_row(stage, &rows[2], tcp_answer(listen(two, 1) == 0,
	    "listens"));
	(void)close(one);
	(void)close(two);
}

/* K11 */
static void
unbound(struct stage *stage)
{
	static const struct row	row = { .id = "K11", .what = "listen() without "
				    "bind()", .unp = "listens",
				    .bsd = "listens", .lin = "listens" };
	int			fd;

	stage_step(stage, "A server whose bind() has failed, and that does not "
	    "notice, listens nevertheless: listen() binds it to a port that "
	    "the kernel chooses.");
	stage_set(stage, "net/ipv4/ip_local_port_range", "50000 50001");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)stage_row(stage, &row, tcp_answer(listen(fd, 1) == 0,
	    "listens"));
	(void)stage_expect_state(stage, "0.0.0.0:50001", NULL, TCP_LISTEN);
	(void)close(fd);
}

/* K12, of a client that goes at once. */
static void
new_client(struct stage *stage, const struct row *row, const char *server,
    const char *client, int listener)
{
	int	fd = tcp_connect(server, client, TCP_PLAIN), served;

	(void)stage_row(stage, row, tcp_answer(fd != -1, "accepts"));
	if (fd == -1)
		return;
	served = tcp_accept(listener);
	(void)close(fd);
	if (served != -1)
		(void)close(served);
}

static void
gap(struct stage *stage)
{
	static const struct row	rows[] = {
		{ .id = "K12", .what = "nobody listens: a new client",
		    .unp = "refused", .bsd = "refused", .lin = "refused" },
		{ .id = "K12", .what = "a new server: a new client",
		    .unp = "accepts", .bsd = "accepts", .lin = "accepts" },
	};
	struct left		left = { "127.0.0.1:8050", "127.0.0.1:40050",
				    -1, -1 };
	int			listener;

	stage_step(stage, "What is left of a server serves its own client "
	    "only: a new one is refused. This is the gap between two servers.");
	leave(stage, &left, TCP_RA);
	new_client(stage, &rows[0], left.server, "127.0.0.1:40051", -1);

	stage_step(stage, "It ends when somebody listens again. Then all of "
	    "them go.");
	listener = tcp_listen(left.server, TCP_RA, 1);
	new_client(stage, &rows[1], left.server, "127.0.0.1:40052", listener);
	if (listener != -1)
		(void)close(listener);
	(void)close(left.client_fd);
	(void)close(left.fd);
}

void
exp_bind(struct stage *stage)
{
	struct left	lefts[KINDS] = {
		{ "127.0.0.1:8000", "127.0.0.1:40000", -1, -1 },
		{ "127.0.0.1:8001", "127.0.0.1:40001", -1, -1 },
		{ "127.0.0.1:8002", "127.0.0.1:40002", -1, -1 },
	};
	struct left	alone = { "127.0.0.1:8030", "127.0.0.1:40030", -1, -1 };

	established(stage, lefts);
	time_wait(stage, lefts);
	second_try(stage, lefts[TCP_RA].server);
	tw_reuse(stage, lefts[TCP_PLAIN].server);
	removed(stage, &lefts[TCP_PLAIN]);
	close_wait(stage);
	listening(stage);
	late(stage, &alone);
	late_from_outside(stage, &alone);
	two_bound(stage);
	unbound(stage);
	gap(stage);
}
