/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"

/* A client of the closed loop whose connection has failed waits so long before
   it tries again: where nobody listens, it would fail as fast as it can. */
#define REST		10000000	/* ns */

#define LETTERS		26
#define READ_SIZE	65536

struct client {
	struct watched	watched;
	bool		connected;
	int64_t		due;		/* when the request should have begun */
	int64_t		connected_at, first_byte_at;
	int64_t		left;		/* connections, this one included; below
					   0: no end */
	int		requests;	/* of this connection, this one
					   included */
	int64_t		sent, got;	/* of this request, of its answer */
	int		letter;		/* with which an echo begins */
};

struct clients {
	struct watched_list	 resting;	/* by since */
	int			 pending;	/* connections */
	int64_t			 arrivals;	/* of the open loop, so far */
	char			 request[16];	/* of bytes */
	char			*letters;	/* what an echo is made of */
	int			 request_size;
	bool			 closed;	/* the loop is; and has begun */
};

static void	next_connection(struct worker *, struct client *, int64_t now);

static void
log_request(const struct worker *worker, const struct client *client,
    enum outcome outcome, int64_t now)
{
	int64_t	began = worker->record->began;

	(void)fprintf(worker->log, "%lld\t%lld\t%lld\t%lld\t%s\n",
	    (long long)(client->due - began) / 1000,
	    client->connected ?
	    (long long)(client->connected_at - began) / 1000 : -1,
	    client->got > 0 ?
	    (long long)(client->first_byte_at - began) / 1000 : -1,
	    (long long)(now - began) / 1000,
	    outcome == DONE ? "done" : outcome_names[outcome]);
}

/* The connection is over, in whatever way. */
static void
leave(struct worker *worker, struct client *client, bool failed, int64_t now)
{
	struct clients	*clients = worker->clients;

	worker_close(worker, &client->watched);
	clients->pending--;
	if (worker->plan->rate > 0) {
		free(client);
		return;
	}
	if (client->left > 0)
		client->left--;
	if (client->left == 0 || worker->stopped) {
		free(client);
		return;
	}
	if (failed) {
		client->watched.since = now;
		TAILQ_INSERT_TAIL(&clients->resting, &client->watched, next);
	} else
		next_connection(worker, client, now);
}

static void
fail(struct worker *worker, struct client *client, enum outcome outcome,
    int error)
{
	int64_t	now = now_ns();

	if (outcome == LOCAL)
		record_local(worker->record, error, now);
	else
		record_outcome(worker->record, outcome, now);
	if (worker->log != NULL)
		log_request(worker, client, outcome, now);
	leave(worker, client, true, now);
}

static void
fail_by(struct worker *worker, struct client *client, int error)
{
	fail(worker, client, outcome_of(error, client->connected &&
	    client->sent >= worker->clients->request_size), error);
}

static void
late(struct worker *worker, struct watched *watched)
{
	fail(worker, (struct client *)watched, TIMED_OUT, 0);
}

/* The bytes of an echo: letters, and a newline at the end, for those who read
   lines.  Each connection begins with another letter, so that another's answer
   is not taken for its own. */
static void
echo_part(const struct worker *worker, const struct client *client,
    int64_t from, struct iovec part[2])
{
	int	size = worker->plan->bytes;
	int64_t	letters = from < size - 1 ? size - 1 - from : 0;
	char	*text = worker->clients->letters;

	part[0] = (struct iovec){ .iov_base = text +
	    (client->letter + from) % LETTERS,
	    .iov_len = letters < READ_SIZE ? (size_t)letters : READ_SIZE };
	part[1] = (struct iovec){ .iov_base = text + READ_SIZE + LETTERS,
	    .iov_len = letters <= READ_SIZE && from < size };
}

static ssize_t
send_some(const struct worker *worker, const struct client *client)
{
	const struct clients	*clients = worker->clients;
	struct iovec		 part[2];
	struct msghdr		 message = { .msg_iov = part, .msg_iovlen = 2 };

	if (worker->plan->service == PLAN_ECHO)
		echo_part(worker, client, client->sent, part);
	else {
		part[0] = (struct iovec){
		    .iov_base = worker->clients->request + client->sent,
		    .iov_len = (size_t)(clients->request_size -
		    client->sent) };
		message.msg_iovlen = 1;
	}
	return sendmsg(client->watched.fd, &message, MSG_NOSIGNAL);
}

/* 0: sent, or the socket is full; or errno. */
static int
send_request(struct worker *worker, struct client *client)
{
	ssize_t	n;

	while (client->sent < worker->clients->request_size) {
		n = send_some(worker, client);
		if (n == -1)
			return errno == EAGAIN ? 0 : errno;
		client->sent += n;
	}
	return 0;
}

static bool
is_expected(const struct worker *worker, const struct client *client,
    const char *answer, size_t n)
{
	struct iovec	part[2];
	size_t		first;

	if (worker->plan->service != PLAN_ECHO)
		return true;
	echo_part(worker, client, client->got, part);
	first = n < part[0].iov_len ? n : part[0].iov_len;
	return memcmp(answer, part[0].iov_base, first) == 0 &&
	    (n == first || (n == first + part[1].iov_len &&
	    answer[first] == '\n'));
}

/* Of daytime: a line, however long it is. */
static bool
is_whole(const struct worker *worker, const struct client *client,
    const char *answer, size_t n)
{
	if (worker->plan->service == PLAN_DAYTIME)
		return n > 0 && answer[n - 1] == '\n';
	return client->got == worker->plan->bytes;
}

static void
done(struct worker *worker, struct client *client)
{
	struct record	*record = worker->record;
	int64_t		 now = now_ns();

	histogram_add(&record->whole, now - client->due);
	histogram_add(&record->first_byte, client->first_byte_at -
	    client->due);
	record_outcome(record, DONE, now);
	if (worker->log != NULL)
		log_request(worker, client, DONE, now);
	if (--client->requests == 0 || worker->stopped) {
		leave(worker, client, false, now);
		return;
	}
	/* The next one on the same connection. */
	client->due = now;
	client->sent = client->got = 0;
	record_begun(record, now);
	worker_wait(worker, &client->watched, now);
}

enum progress { READING, WHOLE, FAILED };

static enum progress
read_answer(struct worker *worker, struct client *client)
{
	static char	answer[READ_SIZE];
	ssize_t		n;

	while ((n = read(client->watched.fd, answer, sizeof(answer))) > 0) {
		if (client->got == 0)
			client->first_byte_at = now_ns();
		if ((worker->plan->service != PLAN_DAYTIME &&
		    client->got + n > worker->plan->bytes) ||
		    !is_expected(worker, client, answer, (size_t)n)) {
			fail(worker, client, CORRUPT, 0);
			return FAILED;
		}
		client->got += n;
		if (is_whole(worker, client, answer, (size_t)n))
			return WHOLE;
	}
	if (n == 0 || errno != EAGAIN) {
		fail_by(worker, client, n == 0 ? 0 : errno);
		return FAILED;
	}
	return READING;
}

static void
become_connected(struct worker *worker, struct client *client)
{
	client->connected = true;
	client->connected_at = now_ns();
	histogram_add(&worker->record->connect, client->connected_at -
	    client->due);
}

static int
error_of(int fd)
{
	socklen_t	len = sizeof(int);
	int		error = 0;

	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

static void
event(struct worker *worker, struct watched *watched, uint32_t events)
{
	struct client	*client = (struct client *)watched;
	enum progress	 progress;
	int		 error;

	if (!client->connected && events & EPOLLERR &&
	    (error = error_of(watched->fd)) != 0) {
		fail_by(worker, client, error);
		return;
	}
	if (!client->connected)
		become_connected(worker, client);
	do {
		if ((error = send_request(worker, client)) != 0) {
			fail_by(worker, client, error);
			return;
		}
		/* There is room to write, and nothing else is new. */
		if (events == EPOLLOUT)
			return;
		progress = read_answer(worker, client);
		if (progress == WHOLE) {
			/* After the last one it is nobody's. */
			bool more = client->requests > 1 && !worker->stopped;

			done(worker, client);
			if (!more)
				return;
		}
	} while (progress == WHOLE);
}

/*
 * On loopback a connection is there when connect() returns, and the request can
 * go at once.  Elsewhere the attempt costs little, beside a connection.  0, or
 * errno.
 */
static int
connect_and_send(struct worker *worker, struct client *client)
{
	uint32_t	events = EPOLLIN | EPOLLOUT;
	int		error;

	if (worker_dial(worker, &client->watched) == -1)
		return errno;
	if ((error = send_request(worker, client)) != 0)
		return error;
	if (client->sent > 0)
		become_connected(worker, client);
	/* There will be nothing to write. */
	if (client->connected && worker->plan->requests == 1 &&
	    client->sent == worker->clients->request_size)
		events = EPOLLIN;
	return worker_watch(worker, &client->watched, events,
	    client->due) == -1 ? errno : 0;
}

static void
begin(struct worker *worker, struct client *client, int64_t due)
{
	int	error;

	client->due = due;
	client->connected = false;
	client->requests = worker->plan->requests;
	client->sent = client->got = 0;
	client->letter = (int)(worker->made % LETTERS);
	worker->clients->pending++;
	worker->record->connections++;
	record_begun(worker->record, now_ns());
	if ((error = connect_and_send(worker, client)) != 0)
		fail_by(worker, client, error);
}

static void
next_connection(struct worker *worker, struct client *client, int64_t now)
{
	begin(worker, client, now);
}

static struct client *
new_client(void)
{
	struct client	*client = calloc(1, sizeof(*client));

	if (client == NULL)
		err(EX_OSERR, "a client");
	client->watched.fd = -1;
	client->watched.event = event;
	client->watched.late = late;
	return client;
}

void
clients_new(struct worker *worker)
{
	struct clients		*clients = calloc(1, sizeof(*clients));
	const struct plan	*plan = worker->plan;
	int			 i, size = READ_SIZE + LETTERS;

	if (clients == NULL ||
	    (clients->letters = malloc((size_t)size + 1)) == NULL)
		err(EX_OSERR, "clients");
	TAILQ_INIT(&clients->resting);
	for (i = 0; i < size; i++)
		clients->letters[i] = (char)('a' + i % LETTERS);
	clients->letters[size] = '\n';
	if (plan->service == PLAN_BYTES_SERVICE)
		clients->request_size = snprintf(clients->request,
		    sizeof(clients->request), "%d\n", plan->bytes);
	else if (plan->service == PLAN_ECHO)
		clients->request_size = plan->bytes;
	worker->clients = clients;
}

void
clients_begin(struct worker *worker)
{
	int	i, share = worker_share(worker, worker->plan->clients);

	worker->clients->closed = share > 0;
	for (i = 0; i < share && !worker->stopped; i++) {
		struct client *client = new_client();

		client->left = worker->plan->connections > 0 ?
		    worker->plan->connections : -1;
		begin(worker, client, now_ns());
	}
}

/* The next one's time, of those that are this process's. */
static int64_t
arrival(const struct worker *worker)
{
	double	number = (double)(worker->clients->arrivals *
		    worker->plan->processes + worker->number);

	return worker->record->began +
	    (int64_t)(number * 1e9 / worker->plan->rate);
}

void
clients_look(struct worker *worker, int64_t now)
{
	struct clients	*clients = worker->clients;
	struct watched	*first;

	while ((first = TAILQ_FIRST(&clients->resting)) != NULL &&
	    first->since + REST <= now) {
		TAILQ_REMOVE(&clients->resting, first, next);
		begin(worker, (struct client *)first, now);
	}
	/* As many as are due, also if we are late. */
	while (worker->plan->rate > 0 && arrival(worker) <= now) {
		int64_t due = arrival(worker);

		clients->arrivals++;
		begin(worker, new_client(), due);
	}
}

int64_t
clients_next(const struct worker *worker)
{
	const struct watched	*first =
				    TAILQ_FIRST(&worker->clients->resting);
	int64_t			 when = INT64_MAX;

	if (!worker->begun || worker->stopped)
		return when;
	if (worker->plan->rate > 0)
		when = arrival(worker);
	if (first != NULL && first->since + REST < when)
		when = first->since + REST;
	return when;
}

int
clients_pending(const struct worker *worker)
{
	return worker->clients->pending;
}

bool
clients_done(const struct worker *worker)
{
	return worker->clients->closed && worker->clients->pending == 0 &&
	    TAILQ_EMPTY(&worker->clients->resting);
}

void
clients_free(struct worker *worker)
{
	struct clients	*clients = worker->clients;
	struct watched	*first;

	while ((first = TAILQ_FIRST(&clients->resting)) != NULL) {
		TAILQ_REMOVE(&clients->resting, first, next);
		free(first);
	}
	free(clients->letters);
	free(clients);
}
