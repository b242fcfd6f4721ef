/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "session.h"

/* Opened at a time, by one process: a server's accept queue is not endless. */
#define OPENING		64

/* A message's bytes: two numbers, letters, the checksum and a newline. */
#define SIZE		96
#define CHECKSUM	9		/* eight digits and the newline */

struct session {
	struct watched		 watched;
	struct session_record	*record;
	int			 number;
	bool			 connected, opened, ending;
	int			 sent, got;	/* of the message, of its echo;
						   SIZE: all of it */
	char			 message[SIZE + 1], answer[SIZE + 1];
};

struct sessions {
	struct session	*list;
	int		 n;
	int		 begun, opened;		/* lost ones included */
	int		 open;
	int64_t		 turns;
	int		 ready;			/* -1: has been said */
};

/* CRC-32, as in ISO 3309 and gzip. */
static uint32_t
checksum(const char *text, int size)
{
	uint32_t	sum = UINT32_MAX;
	int		i, bit;

	for (i = 0; i < size; i++) {
		sum ^= (unsigned char)text[i];
		for (bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320 : 0);
	}
	return ~sum;
}

static void
write_message(struct session *session)
{
	char		*text = session->message;
	uint32_t	 number = session->record->messages;
	int		 i, n;

	n = snprintf(text, sizeof(session->message), "session %d message %u ",
	    session->number, number);
	for (i = n; i < SIZE - CHECKSUM; i++)
		text[i] = (char)('a' + (session->number + (int)number + i) %
		    26);
	(void)snprintf(text + SIZE - CHECKSUM, CHECKSUM + 1, "%08x\n",
	    checksum(text, SIZE - CHECKSUM));
}

/* Ours, the one that was sent, and whole. */
static bool
is_echo(const struct session *session)
{
	const char	*text = session->answer;
	char		 sum[CHECKSUM + 1];

	(void)snprintf(sum, sizeof(sum), "%08x\n",
	    checksum(text, SIZE - CHECKSUM));
	return memcmp(text + SIZE - CHECKSUM, sum, CHECKSUM) == 0 &&
	    memcmp(text, session->message, SIZE) == 0;
}

static void	open_some(struct worker *);

/* It has had its first answer, or will not have it. */
static void
opened(struct worker *worker, struct session *session)
{
	struct sessions	*sessions = worker->sessions;

	if (session->opened)
		return;
	session->opened = true;
	sessions->opened++;
	worker->record->opened++;
}

static void
lose(struct worker *worker, struct session *session, enum outcome why,
    int error)
{
	struct record	*record = worker->record;
	int64_t		 now = now_ns();

	if (why == LOCAL && record->local_errno == 0)
		record->local_errno = error;
	if (why == LOCAL && error == EADDRNOTAVAIL)
		record->no_port++;
	session->record->lost = true;
	session->record->open = false;
	session->record->why = why;
	session->record->at = record->began == 0 ? 0 : now - record->began;
	record->lost++;
	worker_close(worker, &session->watched);
	worker->sessions->open--;
	opened(worker, session);
}

static void
lose_by(struct worker *worker, struct session *session, int error)
{
	lose(worker, session, outcome_of(error, session->sent == SIZE), error);
}

static void
late(struct worker *worker, struct watched *watched)
{
	lose(worker, (struct session *)watched, TIMED_OUT, 0);
	open_some(worker);
}

/* False: it is lost. */
static bool
send_some(struct worker *worker, struct session *session)
{
	ssize_t	n;

	while (session->sent < SIZE) {
		n = send(session->watched.fd, session->message + session->sent,
		    (size_t)(SIZE - session->sent), MSG_NOSIGNAL);
		if (n == -1 && errno == EAGAIN)
			return true;
		if (n == -1) {
			lose_by(worker, session, errno);
			return false;
		}
		session->sent += (int)n;
	}
	return true;
}

static void
speak(struct worker *worker, struct session *session)
{
	session->sent = session->got = 0;
	write_message(session);
	worker_wait(worker, &session->watched, now_ns());
	(void)send_some(worker, session);
}

static void
answered(struct worker *worker, struct session *session)
{
	int64_t	now = now_ns();

	worker_wait_no_more(worker, &session->watched);
	session->record->messages++;
	record_message(worker->record, now, worker->plan->clients == 0 &&
	    worker->plan->rate <= 0);
	/* The first one may have waited for the server to have a child. */
	if (session->opened)
		histogram_add(&worker->record->message, now -
		    session->watched.since);
	opened(worker, session);
	if (!worker->stopped)
		return;
	if (!session->ending) {
		session->ending = true;
		speak(worker, session);
	}
}

/* What has come.  The buffer has room for a byte too many. */
static void
hear(struct worker *worker, struct session *session)
{
	ssize_t	n;

	while ((n = read(session->watched.fd, session->answer + session->got,
	    sizeof(session->answer) - (size_t)session->got)) > 0) {
		session->got += (int)n;
		if (!session->watched.waits || session->got > SIZE ||
		    (session->got == SIZE && !is_echo(session))) {
			lose(worker, session, CORRUPT, 0);
			return;
		}
		if (session->got == SIZE) {
			session->got = 0;
			answered(worker, session);
			if (session->watched.fd == -1)
				return;
		}
	}
	if (n == 0 || errno != EAGAIN)
		lose_by(worker, session, n == 0 ? 0 : errno);
}

static void
become_connected(struct session *session)
{
	struct address	*local = &session->record->local;

	local->len = sizeof(local->in6);
	if (getsockname(session->watched.fd, &local->sa, &local->len) == -1)
		local->len = 0;
	session->connected = true;
	session->record->open = true;
}

static void
event(struct worker *worker, struct watched *watched, uint32_t events)
{
	struct session	*session = (struct session *)watched;
	socklen_t	 len = sizeof(int);
	int		 error = 0;

	if (events & EPOLLERR)
		(void)getsockopt(watched->fd, SOL_SOCKET, SO_ERROR, &error,
		    &len);
	if (error != 0)
		lose_by(worker, session, error);
	else {
		if (!session->connected)
			become_connected(session);
		if (send_some(worker, session))
			hear(worker, session);
	}
	open_some(worker);
}

static void
open_one(struct worker *worker, struct session *session)
{
	session->watched.event = event;
	session->watched.late = late;
	worker->sessions->open++;
	write_message(session);
	if (worker_dial(worker, &session->watched) == -1 ||
	    worker_watch(worker, &session->watched, EPOLLIN | EPOLLOUT,
	    now_ns()) == -1)
		lose_by(worker, session, errno);
}

/* As many as may be on their way; and that all are there. */
static void
open_some(struct worker *worker)
{
	struct sessions	*sessions = worker->sessions;

	while (sessions->begun < sessions->n && !worker->stopped &&
	    sessions->begun - sessions->opened < OPENING)
		open_one(worker, &sessions->list[sessions->begun++]);
	if (sessions->opened == sessions->n && sessions->ready != -1) {
		(void)!write(sessions->ready, "", 1);
		sessions->ready = -1;
	}
}

void
sessions_new(struct worker *worker, int ready)
{
	int		 i, n = worker_share(worker, worker->plan->sessions);
	struct sessions	*sessions = calloc(1, sizeof(*sessions));

	if (sessions == NULL || (sessions->list = calloc((size_t)n + 1,
	    sizeof(*sessions->list))) == NULL)
		err(EX_OSERR, "sessions");
	for (i = 0; i < n; i++) {
		struct session *session = &sessions->list[i];

		session->watched.fd = -1;
		session->number = i * worker->plan->processes + worker->number;
		session->record = &worker->record->sessions[session->number];
	}
	sessions->n = n;
	sessions->ready = ready;
	worker->sessions = sessions;
	open_some(worker);
}

static int64_t
turn(const struct worker *worker)
{
	const struct sessions	*sessions = worker->sessions;

	return worker->record->began + (sessions->turns + 1) *
	    (worker->plan->every / sessions->n);
}

void
sessions_look(struct worker *worker, int64_t now)
{
	struct sessions	*sessions = worker->sessions;
	struct session	*session;
	int		 some;

	for (some = 0; some < sessions->n && turn(worker) <= now; some++) {
		session = &sessions->list[sessions->turns++ % sessions->n];
		if (session->watched.fd != -1 && !session->watched.waits)
			speak(worker, session);
	}
}

int64_t
sessions_next(const struct worker *worker)
{
	return worker->sessions->open > 0 ? turn(worker) : INT64_MAX;
}

void
sessions_end(struct worker *worker)
{
	struct sessions	*sessions = worker->sessions;
	int		 i;

	/* One that has not had an answer yet, says its last word after it. */
	for (i = 0; i < sessions->n; i++) {
		struct session *session = &sessions->list[i];

		if (session->watched.fd == -1 || session->watched.waits)
			continue;
		session->ending = true;
		speak(worker, session);
	}
}

bool
sessions_pending(const struct worker *worker)
{
	const struct sessions	*sessions = worker->sessions;
	int			 i;

	for (i = 0; i < sessions->n; i++)
		if (sessions->list[i].watched.waits)
			return true;
	return false;
}

void
sessions_free(struct worker *worker)
{
	free(worker->sessions->list);
	free(worker->sessions);
}
