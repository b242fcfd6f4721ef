/* SPDX-License-Identifier: ISC */
/* When does close() send FIN, after fork()? */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "experiment.h"
#include "tcp.h"

#define SERVER	"127.0.0.1:9999"
#define ONE	"127.0.0.1:40000"
#define OTHER	"127.0.0.1:40001"

/* Both ends of a connection are ours; the server's is what is forked with. */
struct connection {
	int	client, server;
};

/* A child, and the pair on which it is told what to do: it answers with an
   errno. */
struct child {
	pid_t	pid;
	int	pair;
};

enum order { ORDER_WRITE = 'w', ORDER_END = 'e' };

static void __attribute__((__noreturn__))
serve(int pair, int connfd)
{
	char	order;
	int	answer = 0;

	while (read(pair, &order, 1) == 1 && order != ORDER_END) {
		answer = send(connfd, "hello\n", 6, MSG_NOSIGNAL) == 6 ? 0 :
		    errno;
		if (write(pair, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	_exit(0);
}

/* It has the connected socket too, and none of the others. */
static void
start(struct stage *stage, struct child *child, int listener,
    const struct connection *connection)
{
	int	pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1 ||
	    (child->pid = fork()) == -1)
		stage_skip(stage, "no child: %s", strerror(errno));
	if (child->pid == 0) {
		(void)close(pair[0]);
		(void)close(listener);
		(void)close(connection->client);
		serve(pair[1], connection->server);
	}
	(void)close(pair[1]);
	child->pair = pair[0];
}

static void
tell(const struct child *child, enum order order)
{
	char	byte = (char)order;

	(void)send(child->pair, &byte, sizeof(byte), MSG_NOSIGNAL);
}

/* errno of the child's write(), 0 for success. */
static int
let_write(const struct child *child)
{
	int	answer;

	tell(child, ORDER_WRITE);
	if (read(child->pair, &answer, sizeof(answer)) != sizeof(answer))
		return ECHILD;
	return answer;
}

/* When this returns the child has closed what it had. */
static void
let_end(const struct child *child)
{
	tell(child, ORDER_END);
	(void)waitpid(child->pid, NULL, 0);
	(void)close(child->pair);
}

static bool
expect_holders(struct stage *stage, const char *peer, size_t n)
{
	struct sockets		 sockets;
	struct address		 local, remote;
	const struct sockdiag	*socket;
	char			 seen[32] = "0";
	size_t			 are = 0;

	(void)address_numeric(&local, SERVER);
	(void)address_numeric(&remote, peer);
	if (sockets_read(&sockets) == 0 && (socket = sockets_find(&sockets,
	    &local, &remote)) != NULL && owners_of(&sockets.owners,
	    socket->inode, &are) != NULL)
		(void)snprintf(seen, sizeof(seen), "%zu", are);
	sockets_free(&sockets);
	return stage_expect(stage, are == n, seen,
	    "processes that have the connected socket: %zu", n);
}

/* What the client reads, without waiting: bytes, or -1 with EAGAIN. */
static bool
expect_read(struct stage *stage, int client, ssize_t n, const char *what)
{
	char	bytes[32], seen[32];
	ssize_t	is = recv(client, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)snprintf(seen, sizeof(seen), "%zd", is);
	return stage_expect(stage, is == n && (is != -1 || errno == EAGAIN),
	    seen, "read() by the client %s", what);
}

static void
join(struct stage *stage, struct connection *connection, int listener,
    const char *from)
{
	connection->client = tcp_connect(SERVER, from, TCP_PLAIN);
	connection->server = tcp_accept(listener);
	(void)stage_expect_state(stage, SERVER, from, TCP_ESTABLISHED);
}

/* As UNP 4.8 has it: the parent closes, and the child serves. */
static void
parent_closes(struct stage *stage, int listener, struct connection *one)
{
	struct child	child;

	stage_step(stage, "A server accepts a client, and forks. The child has "
	    "all that its parent has open, the connected socket among it.");
	join(stage, one, listener, ONE);
	start(stage, &child, listener, one);
	(void)expect_holders(stage, ONE, 2);

	stage_step(stage, "The parent closes the connected socket. The child "
	    "has it still: no FIN is sent, and the child serves.");
	(void)close(one->server);
	(void)expect_holders(stage, ONE, 1);
	(void)stage_expect_segments(stage, SERVER, TH_FIN, 0);
	(void)stage_expect_errno(stage, "write() by the child",
	    let_write(&child), 0);
	(void)expect_read(stage, one->client, 6, "gives 6 bytes");
	(void)stage_expect_state(stage, SERVER, ONE, TCP_ESTABLISHED);

	stage_step(stage, "The child ends, and with it the last who had it: "
	    "now FIN is sent.");
	let_end(&child);
	(void)stage_expect_segments(stage, SERVER, TH_FIN, 1);
	(void)stage_expect_state(stage, SERVER, ONE, TCP_FIN_WAIT2);
	(void)stage_expect_state(stage, ONE, SERVER, TCP_CLOSE_WAIT);
	(void)expect_read(stage, one->client, 0, "says end of file");
}

static void
parent_forgets(struct stage *stage, int listener, struct connection *other)
{
	struct child	child;

	stage_step(stage, "Another client, and another child, which ends when "
	    "it has served. The parent forgets to close: no FIN is sent, and "
	    "the client waits for the end of the answer.");
	join(stage, other, listener, OTHER);
	start(stage, &child, listener, other);
	(void)stage_expect_errno(stage, "write() by the child",
	    let_write(&child), 0);
	let_end(&child);
	(void)expect_read(stage, other->client, 6, "gives 6 bytes");
	(void)stage_expect_segments(stage, SERVER, TH_FIN, 0);
	(void)expect_holders(stage, OTHER, 1);
	(void)expect_read(stage, other->client, -1, "would wait");
	(void)stage_expect_state(stage, SERVER, OTHER, TCP_ESTABLISHED);

	stage_step(stage, "It forks once more, and calls shutdown() with "
	    "SHUT_WR. That is done to the connection, not to a descriptor: FIN "
	    "is sent at once, and no child can write to it any more.");
	start(stage, &child, listener, other);
	(void)expect_holders(stage, OTHER, 2);
	(void)shutdown(other->server, SHUT_WR);
	(void)stage_expect_segments(stage, SERVER, TH_FIN, 1);
	(void)stage_expect_state(stage, SERVER, OTHER, TCP_FIN_WAIT2);
	(void)expect_holders(stage, OTHER, 2);
	(void)expect_read(stage, other->client, 0, "says end of file");
	(void)stage_expect_errno(stage, "write() by the child",
	    let_write(&child), EPIPE);
	let_end(&child);
}

void
exp_fork_close(struct stage *stage)
{
	int			listener;
	struct connection	one, other;

	listener = tcp_listen(SERVER, TCP_RA, 8);
	parent_closes(stage, listener, &one);
	parent_forgets(stage, listener, &other);
	stage_step(stage, "Everybody closes. TIME_WAIT is where FIN was sent "
	    "first.");
	(void)close(one.client);
	(void)close(other.client);
	(void)close(other.server);
	(void)close(listener);
	(void)stage_expect_state(stage, SERVER, ONE, TCP_TIME_WAIT);
	(void)stage_expect_state(stage, SERVER, OTHER, TCP_TIME_WAIT);
}
