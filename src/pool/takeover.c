/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "control.h"
#include "net/clock.h"
#include "net/listener.h"
#include "net/log.h"
#include "pool.h"
#include "signals.h"
#include "spawn.h"
#include "takeover.h"

/* What the new parent may need for its children, and the old one for its
   answer, at least, in ms. */
#define READY		1000

/* Births are few at a time, with a pause of so many ms: the clients of the old
   parent have the same processors. */
#define FEW(births)	(1 + (births) / 64)
#define BREATH		2

/* How long one who is told to end waits for what is to be, in ms. */
#define SETTLE		3000

/* How long either is waited for, in ms. */
static int
patience(const struct pool *pool)
{
	int	ms = pool->config->bind_wait * 1000;

	return ms > READY ? ms : READY;
}

static int
to_go(int64_t deadline)
{
	int64_t	now = clock_ms();

	return now < deadline ? (int)(deadline - now) : 0;
}

/* The old parent has ended, or does not want us any more. */
static bool
is_left_alone(struct pool *pool)
{
	struct pollfd	line = { .fd = pool->predecessor, .events = POLLIN };

	return poll(&line, 1, 0) == 1;
}

/* As many as it has on the average: where the parent accepts, a birth is a moment
   in which it does not, and the first clients come all at once. */
static struct policy
plenty(const struct policy *ours)
{
	struct policy	policy = *ours;

	policy.idle_min = (ours->idle_min + ours->idle_max) / 2;
	return policy;
}

int
takeover_prepare(struct pool *pool)
{
	const struct policy	policy = plenty(&pool->policy);
	struct policy_counts	counts;
	int64_t			deadline = clock_ms() + patience(pool);
	int			how_many;

	for (;;) {
		spawn_reap(pool);
		counts = spawn_count(pool);
		how_many = policy_births(&policy, &counts, &pool->births,
		    clock_ms());
		/* A slot that looks idle from its birth on says nothing. */
		if (how_many == 0 &&
		    spawn_ready(pool) >= pool->policy.idle_min)
			return 0;
		if (how_many > FEW(policy.idle_min))
			how_many = FEW(policy.idle_min);
		while (how_many-- > 0 && spawn_birth(pool, -1, NULL) == 0)
			;
		(void)signals_wait(NULL, 0, BREATH, false);
		if (signals_end())
			return -1;
		if (is_left_alone(pool))
			return 0;
		if (clock_ms() >= deadline)
			break;
	}
	log_info("takeover: of %d children %d are ready after %d s: process %d "
	    "serves on", pool->policy.idle_min, spawn_ready(pool),
	    patience(pool) / 1000, pool->predecessor_pid);
	return -1;
}

/* Until he answers; he may be stopped. */
static enum control_word
await_answer(struct pool *pool)
{
	struct pollfd		line = { .fd = pool->predecessor,
				    .events = POLLIN };
	int64_t			deadline = clock_ms() + patience(pool);
	enum control_word	word;

	do
		(void)signals_wait(&line, 1, to_go(deadline), false);
	while ((word = control_hear(pool->predecessor, NULL)) ==
	    CONTROL_NOTHING && clock_ms() < deadline);
	if (word != CONTROL_NOTHING)
		return word;
	/* From now on he cannot answer any more.  Or he has; or has just ended. */
	(void)shutdown(pool->predecessor, SHUT_RDWR);
	word = control_hear(pool->predecessor, NULL);
	return word == CONTROL_YOURS || instance_holder(&pool->instance,
	    INSTANCE_OWNER) != pool->predecessor_pid ? word : CONTROL_NOTHING;
}

/* He answered, or has ended; and is about to let go of the lock.  If the port
   is ours, to be told to end is too late: we end as any parent does then. */
static int
await_owner(struct pool *pool, bool ours)
{
	struct pollfd	line = { .fd = pool->predecessor, .events = POLLIN };
	int64_t		said = clock_ms() + READY;
	pid_t		holder;

	while (instance_lock(&pool->instance, INSTANCE_OWNER, &holder) == -1) {
		if (errno != EAGAIN || (!ours && signals_end()))
			return -1;
		if (said != 0 && clock_ms() >= said) {
			log_info("takeover: waiting for process %d, which has "
			    "the lock still", holder);
			said = 0;
		}
		/* Its end of the line is closed behind the lock. */
		if (signals_wait(&line, 1, 1, false) > 0)
			line.fd = -1;
	}
	return 0;
}

int
takeover_ask(struct pool *pool)
{
	enum control_word	word = CONTROL_GONE;
	int			result = -1;

	/* The last moment to think better of it. */
	(void)signals_wait(NULL, 0, 0, false);
	if (signals_end())
		return -1;
	if (control_say(pool->predecessor, CONTROL_MINE,
	    &pool->pid_file) == 0)
		word = await_answer(pool);
	if (word != CONTROL_NOTHING)
		/* If it has ended without an answer, the port is nobody's. */
		result = await_owner(pool, word == CONTROL_YOURS);
	else
		log_info("takeover: process %d does not answer: expected it "
		    "to go on (kill -CONT %d)", pool->predecessor_pid,
		    pool->predecessor_pid);
	(void)close(pool->predecessor);
	pool->predecessor = -1;
	return result;
}

void
takeover_offer(struct pool *pool)
{
	struct control_offer	offer = { .listener = pool->listener,
				    .control = pool->control,
				    .generation = pool->generation,
				    .owner = true, .given = pool->given };
	pid_t			pid;
	int			connection = control_accept(pool->control,
				    &pool->instance, &pool->user, &pid);

	if (connection == -1)
		return;
	/* He who came before has lost the door. */
	if (pool->successor != -1)
		(void)close(pool->successor);
	pool->successor = -1;
	if (control_offer(connection, &offer) == -1) {
		log_warn("takeover: the socket cannot be sent to process %d",
		    pid);
		(void)close(connection);
		return;
	}
	log_info("takeover: process %d is sent the socket", pid);
	pool->successor = connection;
	pool->successor_pid = pid;
}

static void
go_on(struct pool *pool)
{
	log_info("takeover: process %d has failed, going on",
	    pool->successor_pid);
	(void)close(pool->successor);
	pool->successor = -1;
}

bool
takeover_hear(struct pool *pool)
{
	struct pid_file_id	his;

	switch (control_hear(pool->successor, &his)) {
	case CONTROL_NOTHING:
		return false;
	case CONTROL_MINE:
		if (control_say(pool->successor, CONTROL_YOURS, NULL) == -1)
			break;
		log_info("takeover: process %d is the parent now",
		    pool->successor_pid);
		/* It is written anew, not removed. */
		if (pid_file_is(&pool->pid_file, &his))
			pid_file_leave(&pool->pid_file);
		return true;
	default:
		break;
	}
	go_on(pool);
	return false;
}

bool
takeover_settle(struct pool *pool)
{
	struct pollfd	line = { .events = POLLIN };
	int64_t		deadline = clock_ms() + SETTLE;

	while (pool->successor != -1 && !signals_int()) {
		line.fd = pool->successor;
		(void)signals_wait(&line, 1, to_go(deadline), false);
		if (takeover_hear(pool))
			return true;
		/* Who waits would be lost if he failed after our end. */
		if (pool->successor != -1 && clock_ms() >= deadline)
			go_on(pool);
	}
	return false;
}
