/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#include <err.h>
#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "session.h"
#include "worker.h"

#define EVENTS	256

enum outcome
outcome_of(int error, bool sent)
{
	switch (error) {
	case 0:
		return SHORT;
	case ECONNREFUSED:
		return REFUSED;
	case ECONNRESET:
	case EPIPE:
	case ECONNABORTED:
		return sent ? RESET_AFTER : RESET_BEFORE;
	case ETIMEDOUT:
		return TIMED_OUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
	case ENONET:
		return UNREACHABLE;
	default:
		return LOCAL;
	}
}

int
worker_share(const struct worker *worker, int all)
{
	int	processes = worker->plan->processes;

	return all / processes + (worker->number < all % processes);
}

void
worker_wait_no_more(struct worker *worker, struct watched *watched)
{
	if (watched->waits)
		TAILQ_REMOVE(&worker->waiting, watched, next);
	watched->waits = false;
}

void
worker_wait(struct worker *worker, struct watched *watched, int64_t since)
{
	worker_wait_no_more(worker, watched);
	watched->since = since;
	watched->waits = true;
	TAILQ_INSERT_TAIL(&worker->waiting, watched, next);
}

void
worker_close(struct worker *worker, struct watched *watched)
{
	worker_wait_no_more(worker, watched);
	if (watched->fd != -1)
		(void)close(watched->fd);
	watched->fd = -1;
}

/* Those that have waited too long; they came in the order in which they are. */
static void
give_up(struct worker *worker, int64_t now)
{
	struct watched	*first;

	while ((first = TAILQ_FIRST(&worker->waiting)) != NULL &&
	    first->since + worker->plan->timeout <= now) {
		worker_wait_no_more(worker, first);
		first->late(worker, first);
	}
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Sleep until then at the latest.  A timer that rings too early costs less than
   one that is set anew for each connection. */
static void
set_timer(struct worker *worker, int64_t when)
{
	struct itimerspec	timer = { .it_value = {
				    .tv_sec = when / 1000000000,
				    .tv_nsec = when % 1000000000 } };

	if (when >= worker->rings)
		return;
	if (timerfd_settime(worker->timer, TFD_TIMER_ABSTIME, &timer,
	    NULL) == -1)
		err(EX_OSERR, "timerfd_settime");
	worker->rings = when;
}

static int64_t
next_deadline(const struct worker *worker)
{
	const struct watched	*first = TAILQ_FIRST(&worker->waiting);
	int64_t			 when = clients_next(worker);

	if (first != NULL)
		when = sooner(when, first->since + worker->plan->timeout);
	if (worker->begun && !worker->stopped) {
		when = sooner(when, sessions_next(worker));
		if (worker->plan->duration > 0)
			when = sooner(when, worker->record->began +
			    worker->plan->duration);
	}
	return when;
}

/* A pipe's end-of-file is all that it says. */
static void
heard_go(struct worker *worker, struct watched *watched, uint32_t events)
{
	(void)events;
	worker_close(worker, watched);
	worker->begun = true;
	clients_begin(worker);
}

static void
stop(struct worker *worker)
{
	if (worker->stopped)
		return;
	worker->stopped = true;
	sessions_end(worker);
}

static void
heard_stop(struct worker *worker, struct watched *watched, uint32_t events)
{
	(void)events;
	worker_close(worker, watched);
	stop(worker);
}

/* The time is read where it is looked at. */
static void
tick(struct worker *worker, struct watched *watched, uint32_t events)
{
	uint64_t	times;

	(void)events;
	(void)!read(watched->fd, &times, sizeof(times));
	worker->rings = INT64_MAX;
}

static void
watch(struct worker *worker, struct watched *watched, uint32_t events)
{
	struct epoll_event	event = { .events = events,
				    .data.ptr = watched };

	if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, watched->fd, &event) == -1)
		err(EX_OSERR, "epoll_ctl");
}

static void
look(struct worker *worker)
{
	int64_t	now = now_ns(), end;

	give_up(worker, now);
	if (!worker->begun)
		return;
	end = worker->record->began + worker->plan->duration;
	if (!worker->stopped && worker->plan->duration > 0 && now >= end) {
		/* Those who were due before it, also if we are late. */
		clients_look(worker, end - 1);
		stop(worker);
	}
	if (worker->stopped)
		return;
	clients_look(worker, now);
	sessions_look(worker, now);
	if (clients_done(worker))
		stop(worker);
}

static bool
is_over(const struct worker *worker)
{
	return worker->stopped && clients_pending(worker) == 0 &&
	    !sessions_pending(worker);
}

static void
loop(struct worker *worker)
{
	struct epoll_event	events[EVENTS];
	int			i, n;

	for (look(worker); !is_over(worker); look(worker)) {
		set_timer(worker, next_deadline(worker));
		n = epoll_wait(worker->epoll, events, EVENTS, -1);
		if (n == -1 && errno != EINTR)
			err(EX_OSERR, "epoll_wait");
		for (i = 0; i < n; i++) {
			struct watched	*watched = events[i].data.ptr;

			/* Closed by an event before it. */
			if (watched->fd != -1)
				watched->event(worker, watched,
				    events[i].events);
		}
	}
}

static int64_t
cpu_ns(void)
{
	struct rusage	used;

	(void)getrusage(RUSAGE_SELF, &used);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) *
	    INT64_C(1000000000) +
	    (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * INT64_C(1000);
}

void
worker_run(const struct plan *plan, struct record *record, int number,
    FILE *log, const struct worker_pipes *pipes)
{
	struct worker	worker = { .plan = plan, .record = record,
			    .number = number, .log = log,
			    .rings = INT64_MAX };
	struct watched	go = { .fd = pipes->go, .event = heard_go };
	struct watched	end = { .fd = pipes->stop, .event = heard_stop };
	struct watched	clock = { .event = tick };

	TAILQ_INIT(&worker.waiting);
	worker.epoll = epoll_create1(EPOLL_CLOEXEC);
	worker.timer = clock.fd = timerfd_create(CLOCK_MONOTONIC,
	    TFD_CLOEXEC | TFD_NONBLOCK);
	if (worker.epoll == -1 || worker.timer == -1)
		err(EX_OSERR, "epoll_create1, timerfd_create");
	watch(&worker, &go, EPOLLIN);
	watch(&worker, &end, EPOLLIN);
	watch(&worker, &clock, EPOLLIN);
	clients_new(&worker);
	sessions_new(&worker, pipes->ready);
	loop(&worker);
	clients_free(&worker);
	sessions_free(&worker);
	/* A line that was not written is not tried again. */
	if (log != NULL && (ferror(log) || fclose(log) == EOF))
		err(EX_IOERR, "the log of requests");
	record->cpu[number] = cpu_ns();
}
