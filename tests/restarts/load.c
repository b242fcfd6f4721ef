/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define EVENTS		256
#define SPEECH		5000	/* us, from one session's line to the next's */

static const char	line_out[] = "hello\n";
#define LINE		((int)sizeof(line_out) - 1)

/* What an event is about; clients are their numbers. */
#define CLOCK		(UINT64_C(1) << 32)
#define CONTROL		(UINT64_C(2) << 32)
#define SESSION		(UINT64_C(3) << 32)

struct session {
	int	fd;		/* -1: lost */
	int	due;		/* bytes that it has not had back */
	bool	connected;
	bool	last;		/* has begun its last line */
};

static struct load	*load;
static struct session	*sessions;
static int		 epoll, clock_fd, control;
static int		 pending, oldest, opened;
static int64_t		 next_speech, over;	/* us; 0: it goes on */

int64_t
now_us(void)
{
	struct timespec	now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void
watch(int fd, uint64_t what)
{
	struct epoll_event	event = { .events = EPOLLIN, .data.u64 = what };

	if (what < CLOCK || what >= SESSION)
		event.events |= EPOLLOUT | EPOLLET;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
		err(1, "epoll");
}

/* A connection that is being made, to the server's address of that turn; -1:
   it has failed already. */
static int
begin_connect(int turn)
{
	struct sockaddr_in	server = load->server;
	int			fd = socket(AF_INET, SOCK_STREAM |
				    SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int			saved;

	if (fd == -1)
		err(1, "socket");
	server.sin_addr.s_addr = htonl(ntohl(server.sin_addr.s_addr) +
	    (uint32_t)(turn % LOAD_SERVERS));
	if (connect(fd, (const struct sockaddr *)&server,
	    sizeof(server)) == 0 || errno == EINPROGRESS)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

/* By errno; 0: end-of-file. */
static enum outcome
failure(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return REFUSED;
	case 0:
	case ECONNRESET:
	case EPIPE:
		return RESET;
	case ETIMEDOUT:
		return TIMED_OUT;
	default:
		/* Not the server's doing. */
		errc(1, error, "a client");
	}
}

static void
settle(struct client *client, enum outcome outcome)
{
	client->outcome = outcome;
	client->ended = now_us();
	if (client->fd != -1)
		(void)close(client->fd);
	client->fd = -1;
	pending--;
}

static void
new_client(void)
{
	struct client	*client = &load->clients[load->n];

	if (load->n == LOAD_MOST)
		errx(1, "more than %d clients", LOAD_MOST);
	*client = (struct client){ .began = now_us(), .outcome = CONNECTING };
	pending++;
	client->fd = begin_connect(load->n);
	if (client->fd == -1)
		settle(client, failure(errno));
	else
		watch(client->fd, (uint64_t)load->n);
	load->n++;
}

static void
client_event(struct client *client)
{
	char	answer[LINE + 1];
	ssize_t	n;

	if (client->outcome == CONNECTING) {
		n = send(client->fd, line_out, (size_t)LINE, MSG_NOSIGNAL);
		if (n == LINE)
			client->outcome = ASKING;
		else if (errno != EAGAIN)
			settle(client, failure(errno));
	} else if (client->outcome == ASKING) {
		n = read(client->fd, answer, sizeof(answer));
		if (n == LINE)
			settle(client, SERVED);
		else if (n >= 0)
			settle(client, RESET);
		else if (errno != EAGAIN)
			settle(client, failure(errno));
	}
}

/* They have come in the order in which they are. */
static void
give_up_old(void)
{
	int64_t	since = now_us() - load->patience * 1000000LL;

	for (; oldest < load->n; oldest++) {
		struct client *client = &load->clients[oldest];

		if (client->outcome > ASKING)
			continue;
		if (client->began > since)
			break;
		settle(client, TIMED_OUT);
	}
}

static void
lose(struct session *session)
{
	load->lost++;
	(void)close(session->fd);
	session->fd = -1;
}

static void
say_line(struct session *session)
{
	if (send(session->fd, line_out, (size_t)LINE, MSG_NOSIGNAL) == LINE) {
		session->connected = true;
		session->due = LINE;
	} else if (errno != EAGAIN)
		lose(session);
}

static void
session_event(struct session *session)
{
	char	answer[LINE + 1];
	ssize_t	n;

	if (session->fd == -1)
		return;
	if (!session->connected) {
		say_line(session);
		return;
	}
	if ((n = read(session->fd, answer, sizeof(answer))) == 0 ||
	    (n == -1 && errno != EAGAIN)) {
		lose(session);
		return;
	}
	if (n == -1)
		return;
	session->due -= (int)n;
	if (session->due == 0 && opened < load->sessions &&
	    ++opened == load->sessions)
		(void)!write(control, "", 1);
}

static void
open_sessions(void)
{
	int	i;

	sessions = calloc((size_t)load->sessions + 1, sizeof(*sessions));
	if (sessions == NULL)
		err(1, "malloc");
	for (i = 0; i < load->sessions; i++) {
		sessions[i].fd = begin_connect(i);
		if (sessions[i].fd == -1)
			err(1, "a session");
		watch(sessions[i].fd, SESSION + (uint64_t)i);
	}
	if (load->sessions == 0)
		(void)!write(control, "", 1);
}

/* One after the other. */
static void
speak(void)
{
	static int	turn;
	struct session	*session;

	if (load->sessions == 0 || now_us() < next_speech)
		return;
	next_speech = now_us() + SPEECH;
	session = &sessions[turn++ % load->sessions];
	if (session->fd != -1 && session->due == 0)
		say_line(session);
}

static void
start_clock(void)
{
	struct itimerspec	clock = { .it_interval.tv_nsec =
				    1000000000 / load->rate };

	clock.it_value = clock.it_interval;
	if (timerfd_settime(clock_fd, 0, &clock, NULL) == -1)
		err(1, "timerfd");
}

/* As many clients as are due, also if we are late. */
static void
tick(void)
{
	uint64_t	due;

	if (read(clock_fd, &due, sizeof(due)) != sizeof(due))
		return;
	give_up_old();
	if (over != 0)
		return;
	while (due-- > 0)
		new_client();
	speak();
}

/* Whether everyone has had the last answer, or will not have it. */
static bool
is_over(void)
{
	bool	done = true, late = now_us() >= over;
	int	i;

	for (i = 0; i < load->sessions; i++) {
		struct session *session = &sessions[i];

		if (session->fd == -1)
			continue;
		if (session->due == 0 && !session->last) {
			session->last = true;
			say_line(session);
		}
		if (session->fd != -1 && session->due > 0 && late)
			lose(session);
		done = done && (session->fd == -1 || session->due == 0);
	}
	return done && pending == 0;
}

static void
hear_control(void)
{
	char	byte;

	if (read(control, &byte, 1) == 1 && sessions == NULL) {
		open_sessions();
		return;
	}
	if (sessions == NULL || opened < load->sessions)
		errx(1, "sessions that could be opened: %d of %d", opened,
		    load->sessions);
	over = now_us() + load->patience * 1000000LL;
	(void)epoll_ctl(epoll, EPOLL_CTL_DEL, control, NULL);
}

static void
prepare(void)
{
	struct rlimit	limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	epoll = epoll_create1(EPOLL_CLOEXEC);
	clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (epoll == -1 || clock_fd == -1)
		err(1, "epoll, timerfd");
	watch(clock_fd, CLOCK);
	watch(control, CONTROL);
}

static void
on_event(uint64_t what)
{
	if (what == CLOCK)
		tick();
	else if (what == CONTROL)
		hear_control();
	else if (what >= SESSION)
		session_event(&sessions[what - SESSION]);
	else
		client_event(&load->clients[what]);
}

void
load_run(struct load *given, int line)
{
	struct epoll_event	events[EVENTS];
	struct rusage		used;
	int			i, n;
	bool			begun = false;

	load = given;
	control = line;
	prepare();
	while (over == 0 || !is_over()) {
		n = epoll_wait(epoll, events, EVENTS, -1);
		for (i = 0; i < n; i++)
			on_event(events[i].data.u64);
		if (!begun && sessions != NULL && opened == load->sessions) {
			start_clock();
			begun = true;
		}
	}
	(void)getrusage(RUSAGE_SELF, &used);
	load->cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) *
	    1e3 + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
	_exit(0);
}
