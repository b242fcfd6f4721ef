/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "boardfile.h"
#include "net/clock.h"

#define STATE_MASK	((1U << BOARDFILE_STATE_BITS) - 1)

/* More changes than can happen while the parent walks. */
#define PLENTY		(1 << 30)

/* Each process has its own: a wild child may write to the mapping only. */
struct board {
	int			 size, dir;
	unsigned int		 number;
	dev_t			 device;
	ino_t			 inode;
	struct board_head	*head;		/* the mapping */
	_Atomic int32_t		*credit;	/* changes left to sleep for */
	/* Side by side, so that the parent's walk is 4 bytes a child. */
	_Atomic uint32_t	*words;
	struct board_slot	*slots;
};

static struct board *
map(int fd, int size)
{
	struct board	*board = calloc(1, sizeof(*board));
	char		*base;

	if (board == NULL)
		return NULL;
	base = mmap(NULL, BOARDFILE_BYTES(size), PROT_READ | PROT_WRITE,
	    MAP_SHARED | (fd == -1 ? MAP_ANONYMOUS : 0), fd, 0);
	if (base == MAP_FAILED) {
		free(board);
		return NULL;
	}
	board->size = size;
	board->dir = -1;
	board->head = (void *)base;
	board->credit = (void *)(base + BOARDFILE_CREDIT);
	board->words = (void *)(base + BOARDFILE_WORDS);
	board->slots = (void *)(base + BOARDFILE_SLOTS(size));
	return board;
}

struct board *
board_open(int size)
{
	return map(-1, size);
}

static void
name_of(unsigned int number, char *name, size_t size)
{
	(void)snprintf(name, size, BOARDFILE_NAME, number);
}

/* A file of that size which is called board.new; whoever left one there died
   over it.  -1 with errno. */
static int
create_file(int dir, size_t bytes)
{
	int	fd, error;

	(void)unlinkat(dir, BOARDFILE_NEW, 0);
	fd = openat(dir, BOARDFILE_NEW, O_RDWR | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	error = posix_fallocate(fd, 0, (off_t)bytes);
	if (error == 0)
		return fd;
	(void)close(fd);
	(void)unlinkat(dir, BOARDFILE_NEW, 0);
	errno = error;
	return -1;
}

/* From now on it is there, and whole. */
static int
publish(struct board *board, int fd, const struct board_head *head)
{
	struct stat	st;
	char		name[32];

	*board->head = *head;
	(void)strlcpy(board->head->magic, BOARDFILE_MAGIC,
	    sizeof(board->head->magic));
	board->head->head_size = sizeof(struct board_head);
	board->head->slot_size = sizeof(struct board_slot);
	board->head->size = (uint32_t)board->size;
	name_of(head->number, name, sizeof(name));
	if (fstat(fd, &st) == -1 ||
	    renameat(board->dir, BOARDFILE_NEW, board->dir, name) == -1)
		return -1;
	board->number = head->number;
	board->device = st.st_dev;
	board->inode = st.st_ino;
	return 0;
}

struct board *
board_create(int dir, const struct board_head *head, int size)
{
	struct board	*board;
	int		 fd = create_file(dir, BOARDFILE_BYTES(size)), saved;

	if (fd == -1)
		return NULL;
	board = map(fd, size);
	if (board != NULL) {
		board->dir = dir;
		if (publish(board, fd, head) == -1) {
			saved = errno;
			board_close(board);
			board = NULL;
			errno = saved;
		}
	}
	saved = errno;
	if (board == NULL)
		(void)unlinkat(dir, BOARDFILE_NEW, 0);
	(void)close(fd);
	errno = saved;
	return board;
}

void
board_close(struct board *board)
{
	(void)munmap(board->head, BOARDFILE_BYTES(board->size));
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

	for (slot = 0; slot < board->size; slot++) {
		pid_t pid = atomic_load(&board->slots[slot].pid);

		if (pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH))
			return false;
		/* Or forked just now, and has not said so yet. */
		if (pid == 0 && atomic_load(&board->slots[slot].before) != 0)
			return false;
	}
	return true;
}

static void
remove_file(struct board *board)
{
	struct stat	st;
	char		name[32];

	if (board->dir == -1)
		return;
	name_of(board->number, name, sizeof(name));
	/* Somebody may have emptied the directory, and begun again. */
	if (fstatat(board->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == board->device && st.st_ino == board->inode)
		(void)unlinkat(board->dir, name, 0);
}

void
board_part(struct board *board)
{
	atomic_store(&board->head->parent, 0);
	if (is_deserted(board))
		remove_file(board);
}

void
board_here(struct board *board, int slot)
{
	board_forked(board, slot, getpid());
}

void
board_leave(struct board *board, int slot, pid_t parent)
{
	struct board_slot	*mine = &board->slots[slot];

	/* The word stays: the parent settles its account by it. */
	atomic_store(&mine->before, 0);
	atomic_store(&mine->pid, 0);
	if (atomic_load(&board->head->parent) == 0 || getppid() != parent)
		atomic_fetch_add(&board->head->served,
		    board_word(board, slot).taken);
	/* Only now: either we see that the parent parts with the board, or it
	   sees that we have left. */
	if ((atomic_load(&board->head->parent) == 0 || getppid() != parent) &&
	    is_deserted(board))
		remove_file(board);
}

static void
set(struct board *board, int slot, uint32_t taken, enum slot_state state)
{
	atomic_store(&board->words[slot],
	    taken << BOARDFILE_STATE_BITS | state);
}

/* A change has happened: is the parent to be woken? */
static bool
spend(struct board *board)
{
	return atomic_fetch_sub(board->credit, 1) <= 1;
}

bool
board_busy(struct board *board, int slot, const char *client)
{
	/* The name first: whoever sees a busy child may read it. */
	(void)strlcpy(board->slots[slot].client, client, ADDRESS_TEXT);
	atomic_store(&board->slots[slot].since, clock_boot_ms());
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
	struct board_slot	*child = &board->slots[slot];

	atomic_store(&child->after, 0);
	atomic_store(&child->before, clock_boot_ms());
	set(board, slot, 0, SLOT_IDLE);
}

void
board_forked(struct board *board, int slot, pid_t pid)
{
	struct board_slot	*child = &board->slots[slot];

	/* Parent and child both say so: either may be killed before it does. */
	atomic_store(&child->after, clock_boot_ms());
	atomic_store(&child->pid, pid);
}

void
board_free(struct board *board, int slot)
{
	struct board_slot	*child = &board->slots[slot];

	atomic_fetch_add(&board->head->served, board_word(board, slot).taken);
	set(board, slot, 0, SLOT_FREE);
	atomic_store(&child->before, 0);
	atomic_store(&child->pid, 0);
}

struct board_word
board_word(const struct board *board, int slot)
{
	uint32_t	word = atomic_load(&board->words[slot]);

	return (struct board_word){ .state = word & STATE_MASK,
		.taken = word >> BOARDFILE_STATE_BITS };
}

const char *
board_client(const struct board *board, int slot)
{
	return board->slots[slot].client;
}

void
board_look(struct board *board)
{
	atomic_store(board->credit, PLENTY);
}

bool
board_ask(struct board *board, int changes)
{
	int32_t	less = PLENTY - changes;

	return atomic_fetch_sub(board->credit, less) - less <= 0;
}
