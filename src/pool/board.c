/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>

#include <stdatomic.h>
#include <string.h>

#include "board.h"

#define STATE_BITS	2
#define STATE_MASK	((1U << STATE_BITS) - 1)

/* More changes than can happen while the parent walks. */
#define PLENTY		(1 << 30)

struct slot {
	char	client[ADDRESS_TEXT];
};

struct board {
	int			 size;
	size_t			 bytes;		/* of the mapping */
	struct slot		*slots;		/* behind the words */
	_Atomic int32_t		 credit;	/* changes left to sleep for */
	/* Side by side, so that the parent's walk is 4 bytes a child. */
	_Atomic uint32_t	 words[];	/* taken << 2 | state */
};

struct board *
board_open(int size)
{
	size_t		 words, bytes;
	struct board	*board;

	words = sizeof(*board) + (size_t)size * sizeof(board->words[0]);
	bytes = words + (size_t)size * sizeof(struct slot);
	board = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED)
		return NULL;
	board->size = size;
	board->bytes = bytes;
	board->slots = (void *)((char *)board + words);
	return board;
}

void
board_close(struct board *board)
{
	(void)munmap(board, board->bytes);
}

int
board_size(const struct board *board)
{
	return board->size;
}

static void
set(struct board *board, int slot, uint32_t taken, enum slot_state state)
{
	atomic_store(&board->words[slot], taken << STATE_BITS | state);
}

/* A change has happened: is the parent to be woken? */
static bool
spend(struct board *board)
{
	return atomic_fetch_sub(&board->credit, 1) <= 1;
}

bool
board_busy(struct board *board, int slot, const char *client)
{
	/* The name first: whoever sees a busy child may read it. */
	(void)strlcpy(board->slots[slot].client, client, ADDRESS_TEXT);
	set(board, slot, board_word(board, slot).taken + 1, SLOT_BUSY);
	return spend(board);
}

bool
board_idle(struct board *board, int slot)
{
	set(board, slot, board_word(board, slot).taken, SLOT_IDLE);
	return spend(board);
}

void
board_born(struct board *board, int slot)
{
	set(board, slot, 0, SLOT_IDLE);
}

void
board_free(struct board *board, int slot)
{
	set(board, slot, 0, SLOT_FREE);
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
	return board->slots[slot].client;
}

void
board_look(struct board *board)
{
	atomic_store(&board->credit, PLENTY);
}

bool
board_ask(struct board *board, int changes)
{
	int32_t	less = PLENTY - changes;

	return atomic_fetch_sub(&board->credit, less) - less <= 0;
}
