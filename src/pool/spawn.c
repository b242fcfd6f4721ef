/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "heir.h"
#include "limit.h"
#include "net/clock.h"
#include "net/log.h"
#include "pool.h"
#include "source.h"
#include "spawn.h"

/* The first wait after a child has died young, or could not be born, in ms; it
   grows (policy.h). */
#define YOUNG_PAUSE	1000
#define FORK_PAUSE	1000

/* How often a walk is begun again because children went on changing. */
#define WALKS		5

/* Of so many children one is asked to leave at a time, and then there is a
   pause, in ms. */
#define FEW	64
#define BREATH	2

static int
free_slot(const struct pool *pool)
{
	int	slot;

	/* The lowest one, so that a walk over the used ones is short. */
	for (slot = 0; slot < board_size(pool->board); slot++)
		if (pool->children[slot].pid == 0)
			return slot;
	return -1;
}

static void
no_birth(struct pool *pool)
{
	int	ms = policy_trouble(&pool->births.fork, FORK_PAUSE,
		    clock_ms());

	if (ms > 0)
		log_warn("fork: the next try in %d s", ms / 1000);
}

/* One try to fork: the pid, or -1. */
static pid_t
try_fork(struct pool *pool, int slot, int fd, const struct address *peer)
{
	char	name[ADDRESS_TEXT] = "";
	pid_t	pid;
	int	error;

	/* Before the fork: a child may say that it is busy at once. */
	board_born(pool->board, slot,
	    fd == -1 ? NULL : address_print(peer, name));
	if (fd == -1 || !pool->config->becomes_program)
		pid = fork();
	else if ((pid = vfork()) == 0)
		child_become(pool, slot, fd, peer, name);
	if (pid == 0)
		child_run(pool, slot, fd, peer, name);
	if (pid == -1) {
		error = errno;
		/* It has served nobody. */
		board_born(pool->board, slot, NULL);
		board_free(pool->board, slot);
		errno = error;
	}
	return pid;
}

int
spawn_birth(struct pool *pool, int fd, const struct address *peer)
{
	int	slot = free_slot(pool), living = pool->living, error;
	pid_t	pid = -1;

	/* An idle child says so itself, when it has a client.  Whom a program
	   serves is counted until that is buried. */
	if (slot != -1 && fd != -1 &&
	    !source_enter(pool, slot, peer, spawn_reap)) {
		(void)close(fd);
		return 0;
	}
	if (slot != -1 && (pid = try_fork(pool, slot, fd, peer)) == -1) {
		/* Who has ended counts as a process until he is reaped. */
		error = errno;
		spawn_reap(pool);
		errno = error;
		if (pool->living < living)
			pid = try_fork(pool, slot, fd, peer);
		if (pid == -1) {
			source_leave(pool, slot);
			no_birth(pool);
		}
	}
	if (pid == -1) {
		errno = EAGAIN;
		return -1;
	}
	if (policy_fine(&pool->births.fork, clock_ms()))
		log_info("fork: works again");
	board_forked(pool->board, slot, pid);
	pool->children[slot] = (struct child){ .pid = pid };
	if (slot >= pool->used)
		pool->used = slot + 1;
	pool->living++;
	if (fd == -1)
		pool->stock.unclaimed++;
	else {
		/* What a child takes was sent, or the sums would not agree. */
		pool->sent++;
		(void)close(fd);
	}
	return 0;
}

static int
slot_of(const struct pool *pool, pid_t pid)
{
	int	slot;

	for (slot = 0; slot < pool->used; slot++)
		if (pool->children[slot].pid == pid)
			return slot;
	return -1;
}

/* What is left to say of a child that did not leave in order. */
static void
obituary(const struct pool *pool, int slot, int status)
{
	struct board_word	word = board_word(pool->board, slot);
	pid_t			pid = pool->children[slot].pid;
	char			doing[ADDRESS_TEXT + 32];

	if (word.state == SLOT_BUSY)
		(void)snprintf(doing, sizeof(doing), "while it served %.*s",
		    ADDRESS_TEXT - 1, board_client(pool->board, slot));
	else
		(void)strlcpy(doing, word.taken > 0 ?
		    "while it was idle" : "before it served", sizeof(doing));
	if (limit_ended(pool->config, status))
		log_debug("session limit: child %d was ended %s", pid, doing);
	else if (WIFSIGNALED(status))
		log_info("child %d was ended by signal %d (%s) %s", pid,
		    WTERMSIG(status), strsignal(WTERMSIG(status)), doing);
	else if (word.state == SLOT_BUSY)
		/* A service may end its child; a program is its own with fork. */
		log_debug("child %d exited with status %d, its last client "
		    "was %.*s", pid, WEXITSTATUS(status), ADDRESS_TEXT - 1,
		    board_client(pool->board, slot));
	else
		log_info("child %d exited with status %d %s", pid,
		    WEXITSTATUS(status), doing);
}

static void
died_young(struct pool *pool)
{
	int	ms;

	/* Others may have served since the last look. */
	(void)spawn_take_stock(pool);
	ms = policy_trouble(&pool->births.young, YOUNG_PAUSE, clock_ms());
	if (ms > 0)
		log_info("children end before they serve: the next birth in "
		    "%d s", ms / 1000);
}

/*
 * It was not told to leave, and did, in order: somebody else has told it, or a
 * child that runs wild has ended what all of them wait on.
 */
static void
left_by_itself(struct pool *pool)
{
	int	others = spawn_renew(pool);

	if (others != -1)
		log_info("a child has left that was not told to: replacing "
		    "%d others", others);
}

static void
bury(struct pool *pool, int slot, int status)
{
	struct child		*child = &pool->children[slot];
	struct board_word	 word = board_word(pool->board, slot);
	bool			 young;

	if ((status != 0 || word.state == SLOT_BUSY) && !pool->ending)
		obituary(pool, slot, status);
	/* Whatever it said: one who has served nobody, and was not told to
	   go, would be followed by the next one at once. */
	young = word.taken == 0 && !child->leaving && !pool->ending &&
	    !pool->closed;
	if (young)
		died_young(pool);
	if (status != 0 && word.state == SLOT_IDLE)
		pool->silent_deaths++;
	pool->taken += word.taken;
	child->pid = 0;
	source_leave(pool, slot);
	board_free(pool->board, slot);
	pool->living--;
	while (pool->used > 0 && pool->children[pool->used - 1].pid == 0)
		pool->used--;
	if (young && status == 0 && pool->strategy->queue)
		left_by_itself(pool);
}

/* A child that has the accept lock keeps it while it is stopped, and nobody
   can take it away from there: say who it is. */
static void
look_who_is_stuck(struct pool *pool)
{
	pid_t	holder = pool->strategy->lock_holder == NULL ? 0 :
		    pool->strategy->lock_holder(pool);
	int	slot = holder == 0 ? -1 : slot_of(pool, holder);

	if (slot == -1 || !pool->children[slot].stopped)
		holder = 0;
	if (holder == pool->stuck)
		return;
	/* Who reads the log finds it on the board. */
	pool->stuck = holder;
	board_stuck(pool->board, holder);
	if (holder != 0)
		log_info("child %d is stopped and has the accept lock: nobody "
		    "accepts until it goes on, or is killed", holder);
	else
		log_info("the accept lock is free again");
}

void
spawn_reap(struct pool *pool)
{
	int	slot, status;
	bool	news = false;
	pid_t	pid;

	while ((pid = waitpid(-1, &status,
	    WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
		if (heir_reaped(pool, pid, status) ||
		    (slot = slot_of(pool, pid)) == -1)
			continue;
		news = true;
		if (WIFSTOPPED(status) || WIFCONTINUED(status))
			pool->children[slot].stopped = WIFSTOPPED(status);
		else
			bury(pool, slot, status);
	}
	if (!news)
		return;
	pool->reaped = clock_ms();
	pool->stale = true;
	look_who_is_stuck(pool);
}

/* What the words say; the account of connections is settled by them. */
static struct policy_counts
walk(struct pool *pool)
{
	struct policy_counts	counts = { .children = pool->living };
	uint32_t		taken = pool->taken;
	int			slot, idle = 0;

	for (slot = 0; slot < pool->used; slot++) {
		struct board_word	 word = board_word(pool->board, slot);
		const struct child	*child = &pool->children[slot];

		taken += word.taken;
		counts.busy += word.state == SLOT_BUSY;
		idle += word.state == SLOT_IDLE && !child->leaving &&
		    !child->stopped;
	}
	if (taken != pool->taken_before)
		policy_served(&pool->births);
	pool->taken_before = taken;
	if (pool->strategy->in_flight != NULL)
		counts.in_flight = pool->strategy->in_flight(pool, taken);
	counts.unclaimed = idle - counts.in_flight;
	return counts;
}

struct policy_counts
spawn_take_stock(struct pool *pool)
{
	int	tries;

	pool->stale = true;
	for (tries = 0; pool->stale && tries < WALKS; tries++) {
		board_look(pool->board);
		pool->stock = walk(pool);
		pool->stale = !board_looked(pool->board);
	}
	if (pool->doubtful != 0 && clock_ms() >= pool->doubtful)
		pool->doubtful = 0;
	return pool->stock;
}

struct policy_counts
spawn_count(struct pool *pool)
{
	struct policy_counts	counts;

	if (pool->stale || pool->doubtful != 0)
		return spawn_take_stock(pool);
	counts = pool->stock;
	counts.children = pool->living;
	counts.unclaimed += board_change(pool->board);
	return counts;
}

bool
spawn_ask(struct pool *pool, const struct policy_counts *counts)
{
	int	changed = counts->unclaimed - pool->stock.unclaimed;
	int	fewer, more;

	policy_news(&pool->policy, counts, pool->overload.watching, &fewer,
	    &more);
	return board_ask(pool->board, fewer - changed, more + changed) ||
	    pool->stale;
}

int
spawn_ready(const struct pool *pool)
{
	int	slot, many = 0;

	for (slot = 0; slot < pool->used; slot++)
		many += pool->children[slot].pid != 0 &&
		    !pool->children[slot].stopped &&
		    board_is_ready(pool->board, slot);
	return many;
}

/* Nobody counts on it any more. */
static void
leaves(struct pool *pool, int slot)
{
	pool->children[slot].leaving = true;
	board_discount(pool->board, slot);
	pool->stale = true;
}

void
spawn_dismiss(struct pool *pool, int how_many)
{
	int	slot;

	for (slot = pool->used - 1; slot >= 0 && how_many > 0; slot--) {
		struct child *child = &pool->children[slot];

		if (child->pid == 0 || child->leaving || child->stopped ||
		    board_word(pool->board, slot).state != SLOT_IDLE)
			continue;
		(void)kill(child->pid, SIGWINCH);
		leaves(pool, slot);
		how_many--;
	}
	/* They are not there: the count is wrong, or was true a moment ago. */
	if (how_many > 0)
		pool->stale = true;
}

int
spawn_dismiss_few(struct pool *pool)
{
	spawn_dismiss(pool, 1 + pool->living / FEW);
	return BREATH;
}

void
spawn_ask_all(struct pool *pool)
{
	int	slot;

	for (slot = 0; slot < pool->used; slot++)
		if (pool->children[slot].pid != 0)
			(void)kill(pool->children[slot].pid, SIGWINCH);
}

int
spawn_stuck(const struct pool *pool)
{
	int	slot, many = 0;

	for (slot = 0; slot < pool->used; slot++)
		many += pool->children[slot].pid != 0 &&
		    pool->children[slot].stopped &&
		    board_word(pool->board, slot).state == SLOT_IDLE;
	return many;
}

int
spawn_renew(struct pool *pool)
{
	int	slot, many = 0;

	if (pool->strategy->renew != NULL &&
	    pool->strategy->renew(pool) == -1)
		return -1;
	pool->stale = true;
	for (slot = 0; slot < pool->used; slot++) {
		struct child *child = &pool->children[slot];

		many += child->pid != 0 && !child->leaving;
		leaves(pool, slot);
	}
	return many;
}

void
spawn_signal(struct pool *pool, int signo)
{
	int	slot;

	for (slot = 0; slot < pool->used; slot++) {
		pid_t pid = pool->children[slot].pid;

		/* Not everyone is a leader, nor is a newborn. */
		if (pid != 0 && kill(-pid, signo) == -1)
			(void)kill(pid, signo);
	}
}
