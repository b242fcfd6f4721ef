/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "boardfile.h"
#include "net/clock.h"

/* A child that waits before its next accept() has tried again by then, in ms: it
   may have to wait for a processor. */
#define NEXT_TRY	1000

/* A word: taken << STATE_BITS | state. */
#define STATE_BITS	2
#define STATE_MASK	((1U << STATE_BITS) - 1)

/* Some change or other, while the parent walks. */
#define SOMETHING	(1 << 29)

/* What parent and children share beside the words. */
struct slot {
	_Atomic int32_t	pid;		/* 0: none, or not known yet */
	_Atomic bool	expected;	/* a fork for it, or its child */
	_Atomic bool	discounted;	/* nobody counts on it any more */
	_Atomic bool	ready;		/* it has waited for a client */
	int64_t		before;		/* the fork */
	char		client[ADDRESS_TEXT];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2,
    "a lock of the C library's would be one for each process");

struct shared {
	/* Their sum in the lower half; in the upper one how often the parent
	   has looked, and has finished looking: odd while it walks. */
	_Atomic uint64_t changes;
	_Atomic int32_t	 fewest, most;	/* to sleep for */
	_Atomic int32_t	 used;		/* no slot from here on ever was */
	_Atomic bool	 parted;	/* the parent has */
	_Atomic bool	 shut_out;	/* SYNs are */
	_Atomic int64_t	 closed_until;	/* clock_ms() */
	uint64_t	 served;	/* by those whom the parent has
					   buried */
	/* As a child that is forked for one client writes to these alone, they
	   are on one page, if there are few of them. */
	struct slot	 slots[];
};

/* Each process has its own: a wild child may write to what is shared only. */
struct board {
	int		 size;
	size_t		 bytes;		/* of the mapping */
	struct shared	*shared;
	/* Side by side behind the slots, so that the parent's walk is 4 bytes a
	   child. */
	_Atomic uint32_t *words;

	struct boardfile  file;	/* in memory alone, its map is NULL */
};

struct board *
board_open(int size)
{
	struct board	*board = calloc(1, sizeof(*board));
	size_t		 slots = sizeof(struct shared) +
			    (size_t)size * sizeof(struct slot);

	if (board == NULL)
		return NULL;
	board->size = size;
	board->bytes = slots + (size_t)size * sizeof(uint32_t);
	board->shared = mmap(NULL, board->bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board->shared == MAP_FAILED) {
		free(board);
		return NULL;
	}
	board->words = (void *)((char *)board->shared + slots);
	return board;
}

static void
save_birth(const struct board *board, int slot, int64_t after)
{
	struct slot		*child = &board->shared->slots[slot];
	struct board_birth	 birth = { .after = after,
				    .pid = atomic_load(&child->pid),
				    .before = atomic_load(&child->expected) ?
				    child->before : 0 };

	boardfile_save(&board->file, &birth, sizeof(birth), BOARDFILE_SLOT(slot) +
	    offsetof(struct board_slot, birth));
}

/* A reader may come at any time: who is busy has his client's name before. */
static void
save_doing(const struct board *board, int slot, int64_t since)
{
	struct board_word	 word = board_word(board, slot);
	struct board_doing	*doing;

	if (board->file.map == NULL)
		return;
	doing = (void *)(board->file.map + BOARDFILE_SLOT(slot) +
	    offsetof(struct board_slot, doing));
	if (word.state == SLOT_BUSY)
		(void)strlcpy(doing->client, board->shared->slots[slot].client,
		    sizeof(doing->client));
	doing->taken = word.taken;
	doing->since = since;
	atomic_store((_Atomic uint32_t *)&doing->state, word.state);
}

struct board *
board_create(int dir, const struct board_head *head, int size)
{
	struct board	*board = board_open(size);
	int		 saved;

	if (board == NULL)
		return NULL;
	if (boardfile_create(&board->file, dir, head, size) == 0)
		return board;
	saved = errno;
	board_close(board);
	errno = saved;
	return NULL;
}

void
board_close(struct board *board)
{
	(void)munmap(board->shared, board->bytes);
	boardfile_close(&board->file);
	free(board);
}

int
board_size(const struct board *board)
{
	return board->size;
}

/* Whether no child has a slot.  One that was killed still stands there: its
   number, until it is given to somebody else, names nobody. */
static bool
is_deserted(const struct board *board)
{
	int	slot;

	for (slot = 0; slot < atomic_load(&board->shared->used); slot++) {
		pid_t pid = atomic_load(&board->shared->slots[slot].pid);

		if (!atomic_load(&board->shared->slots[slot].expected))
			continue;
		/* Or forked just now, and has not said so yet. */
		if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
			return false;
	}
	return true;
}

void
board_part(struct board *board)
{
	static const int32_t	nobody = 0;

	atomic_store(&board->shared->parted, true);
	boardfile_save(&board->file, &nobody, sizeof(nobody),
	    offsetof(struct board_head, parent));
	board_stuck(board, 0);
	if (is_deserted(board))
		boardfile_remove(&board->file);
}

void
board_here(struct board *board, int slot)
{
	board_forked(board, slot, getpid());
}

void
board_ready(struct board *board, int slot)
{
	atomic_store(&board->shared->slots[slot].ready, true);
}

bool
board_is_ready(const struct board *board, int slot)
{
	return atomic_load(&board->shared->slots[slot].ready);
}

void
board_leave(struct board *board, int slot, pid_t parent)
{
	struct slot	*mine = &board->shared->slots[slot];

	/* The word stays: the parent settles its account by it. */
	atomic_store(&mine->pid, 0);
	atomic_store(&mine->expected, false);
	save_birth(board, slot, 0);
	/* Only now: either we see that the parent parts with the board, or it
	   sees that we have left. */
	if ((atomic_load(&board->shared->parted) || getppid() != parent) &&
	    is_deserted(board))
		boardfile_remove(&board->file);
}

static void
set(struct board *board, int slot, uint32_t taken, enum slot_state state)
{
	atomic_store(&board->words[slot],
	    taken << STATE_BITS | state);
}

static int32_t
sum_of(uint64_t changes)
{
	return (int32_t)(uint32_t)changes;
}

static uint32_t
looks_of(uint64_t changes)
{
	/* What is below zero has borrowed from the upper half. */
	return (uint32_t)((changes - (uint64_t)(int64_t)sum_of(changes)) >> 32);
}

/*
 * A word has changed: count it.  Is the parent to be woken?  If it has looked
 * since before that, it may have seen the new word or the old one.
 */
static bool
count(struct board *board, int slot, uint64_t before, int by)
{
	struct shared	*shared = board->shared;
	uint64_t	 now = before, next;
	int32_t		 sum;

	/* Whoever takes a client although nobody counts on him has taken it
	   from the others' account: only a walk settles that. */
	if (atomic_load(&board->shared->slots[slot].discounted))
		return by <= 0;
	if (by == 0)
		return false;
	do {
		if (looks_of(now) != looks_of(before))
			return true;
		next = looks_of(now) % 2 == 1 ?
		    (now & ~(uint64_t)UINT32_MAX) + SOMETHING :
		    now + (uint64_t)(int64_t)by;
	} while (!atomic_compare_exchange_weak(&shared->changes, &now, next));
	if (looks_of(now) % 2 == 1)
		return false;
	sum = sum_of(next);
	return sum >= atomic_load(&shared->most) ||
	    -sum >= atomic_load(&shared->fewest);
}

static void
take(struct board *board, int slot, uint32_t taken, const char *client)
{
	/* The name first: whoever sees a busy child may read it. */
	(void)strlcpy(board->shared->slots[slot].client, client, ADDRESS_TEXT);
	set(board, slot, taken, SLOT_BUSY);
	save_doing(board, slot, clock_boot_ms());
}

bool
board_busy(struct board *board, int slot, const char *client, int change)
{
	uint64_t	before = atomic_load(&board->shared->changes);

	take(board, slot, board_word(board, slot).taken + 1, client);
	return count(board, slot, before, change);
}

bool
board_idle(struct board *board, int slot, int change)
{
	uint64_t	before = atomic_load(&board->shared->changes);

	set(board, slot, board_word(board, slot).taken, SLOT_IDLE);
	save_doing(board, slot, 0);
	return count(board, slot, before, change);
}

void
board_born(struct board *board, int slot, const char *client)
{
	struct slot	*child = &board->shared->slots[slot];

	if (client != NULL)
		take(board, slot, 1, client);
	else {
		set(board, slot, 0, SLOT_IDLE);
		save_doing(board, slot, 0);
	}
	child->before = clock_boot_ms();
	/* The parent alone forks. */
	if (slot >= atomic_load(&board->shared->used))
		atomic_store(&board->shared->used, slot + 1);
	atomic_store(&child->expected, true);
	atomic_store(&child->discounted, false);
	atomic_store(&child->ready, false);
	save_birth(board, slot, 0);
}

void
board_forked(struct board *board, int slot, pid_t pid)
{
	/* Parent and child both say so: either may be killed before it does. */
	atomic_store(&board->shared->slots[slot].pid, pid);
	save_birth(board, slot, clock_boot_ms());
}

void
board_discount(struct board *board, int slot)
{
	atomic_store(&board->shared->slots[slot].discounted, true);
}

void
board_free(struct board *board, int slot)
{
	struct slot	*child = &board->shared->slots[slot];

	board->shared->served += board_word(board, slot).taken;
	set(board, slot, 0, SLOT_FREE);
	atomic_store(&child->pid, 0);
	atomic_store(&child->expected, false);
	save_birth(board, slot, 0);
	save_doing(board, slot, 0);
	boardfile_save(&board->file, &board->shared->served,
	    sizeof(board->shared->served), offsetof(struct board_head, served));
}

bool
board_cannot_accept(struct board *board, int64_t until)
{
	return atomic_exchange(&board->shared->closed_until, until) <
	    clock_ms();
}

void
board_has_accepted(struct board *board)
{
	/* Seldom written, as all children read it. */
	if (atomic_load(&board->shared->closed_until) != 0)
		atomic_store(&board->shared->closed_until, 0);
}

bool
board_accepts(const struct board *board)
{
	int64_t	until = atomic_load(&board->shared->closed_until);

	return until == 0 || until + NEXT_TRY < clock_ms();
}

void
board_shut_out(struct board *board)
{
	atomic_store(&board->shared->shut_out, true);
}

bool
board_is_shut_out(const struct board *board)
{
	return atomic_load(&board->shared->shut_out);
}

void
board_stuck(struct board *board, pid_t pid)
{
	int32_t	stuck = pid;

	boardfile_save(&board->file, &stuck, sizeof(stuck),
	    offsetof(struct board_head, stuck));
}

struct board_word
board_word(const struct board *board, int slot)
{
	uint32_t	word = atomic_load(&board->words[slot]);

	return (struct board_word){ .state = word & STATE_MASK,
		.taken = word >> STATE_BITS };
}

const char *
board_client(const struct board *board, int slot)
{
	return board->shared->slots[slot].client;
}

/* Begin a walk, or end it: no changes so far.  The sum of those that there
   were. */
static int32_t
next_look(struct board *board, bool walking)
{
	_Atomic uint64_t	*changes = &board->shared->changes;
	uint64_t		 now = atomic_load(changes);
	uint32_t		 looks;

	do {
		looks = looks_of(now) + 1;
		if (looks % 2 != walking)	/* wild children */
			looks++;
	} while (!atomic_compare_exchange_weak(changes, &now,
	    (uint64_t)looks << 32));
	return sum_of(now);
}

void
board_look(struct board *board)
{
	atomic_store(&board->shared->most, BOARD_NEVER);
	atomic_store(&board->shared->fewest, BOARD_NEVER);
	(void)next_look(board, true);
}

bool
board_looked(struct board *board)
{
	return next_look(board, false) == 0;
}

int
board_change(const struct board *board)
{
	return sum_of(atomic_load(&board->shared->changes));
}

bool
board_ask(struct board *board, int fewest, int most)
{
	int32_t	sum;

	atomic_store(&board->shared->fewest, fewest);
	atomic_store(&board->shared->most, most);
	/* Whoever has not seen these is seen by us. */
	sum = sum_of(atomic_load(&board->shared->changes));
	return sum >= most || -sum >= fewest;
}
