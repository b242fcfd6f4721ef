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

/* A word: taken << STATE_BITS | state. */
#define STATE_BITS	2
#define STATE_MASK	((1U << STATE_BITS) - 1)

/* More changes than can happen while the parent walks. */
#define PLENTY		(1 << 30)

/* What parent and children share beside the words. */
struct slot {
	_Atomic int32_t	pid;		/* 0: none, or not known yet */
	_Atomic bool	expected;	/* a fork for it, or its child */
	int64_t		before;		/* the fork */
	char		client[ADDRESS_TEXT];
};

struct shared {
	_Atomic int32_t	 credit;	/* changes left to sleep for */
	_Atomic bool	 parted;	/* the parent has */
	/* Side by side, so that the parent's walk is 4 bytes a child. */
	_Atomic uint32_t words[];
};

/* Each process has its own: a wild child may write to what is shared only. */
struct board {
	int		 size;
	size_t		 bytes;		/* of the mapping */
	struct shared	*shared;
	struct slot	*slots;		/* behind the words */

	/* The file; -1: there is none. */
	int		 fd, dir;
	char		 name[32];
	dev_t		 device;
	ino_t		 inode;
	uint64_t	 served;	/* by those whom the parent has buried */
};

struct board *
board_open(int size)
{
	struct board	*board = calloc(1, sizeof(*board));
	size_t		 words = sizeof(struct shared) +
			    ((size_t)size + 1) / 2 * 2 * sizeof(uint32_t);

	if (board == NULL)
		return NULL;
	board->size = size;
	board->fd = -1;
	board->bytes = words + (size_t)size * sizeof(struct slot);
	board->shared = mmap(NULL, board->bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board->shared == MAP_FAILED) {
		free(board);
		return NULL;
	}
	board->slots = (void *)((char *)board->shared + words);
	return board;
}

/* Say it in the file, if there is one.  Its space was taken in advance. */
static void
save(const struct board *board, const void *what, size_t len, size_t where)
{
	if (board->fd != -1)
		(void)!pwrite(board->fd, what, len, (off_t)where);
}

static void
save_birth(const struct board *board, int slot, int64_t after)
{
	struct slot		*child = &board->slots[slot];
	struct board_birth	 birth = { .after = after,
				    .pid = atomic_load(&child->pid),
				    .before = atomic_load(&child->expected) ?
				    child->before : 0 };

	save(board, &birth, sizeof(birth), BOARDFILE_SLOT(slot) +
	    offsetof(struct board_slot, birth));
}

static void
save_doing(const struct board *board, int slot, int64_t since)
{
	struct board_word	word = board_word(board, slot);
	struct board_doing	doing = { .state = word.state,
				    .taken = word.taken, .since = since };

	if (word.state == SLOT_BUSY)
		(void)strlcpy(doing.client, board->slots[slot].client,
		    sizeof(doing.client));
	save(board, &doing, sizeof(doing), BOARDFILE_SLOT(slot) +
	    offsetof(struct board_slot, doing));
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
publish(struct board *board, const struct board_head *given)
{
	struct board_head	head = *given;
	struct stat		st;

	(void)strlcpy(head.magic, BOARDFILE_MAGIC, sizeof(head.magic));
	head.head_size = sizeof(struct board_head);
	head.slot_size = sizeof(struct board_slot);
	head.size = (uint32_t)board->size;
	(void)snprintf(board->name, sizeof(board->name), BOARDFILE_NAME,
	    head.number);
	if (pwrite(board->fd, &head, sizeof(head), 0) != sizeof(head) ||
	    fstat(board->fd, &st) == -1 ||
	    renameat(board->dir, BOARDFILE_NEW, board->dir, board->name) == -1)
		return -1;
	board->device = st.st_dev;
	board->inode = st.st_ino;
	return 0;
}

struct board *
board_create(int dir, const struct board_head *head, int size)
{
	struct board	*board = board_open(size);
	int		 saved;

	if (board == NULL)
		return NULL;
	board->dir = dir;
	board->fd = create_file(dir, BOARDFILE_BYTES(size));
	if (board->fd != -1 && publish(board, head) == 0)
		return board;
	saved = errno;
	if (board->fd != -1)
		(void)unlinkat(dir, BOARDFILE_NEW, 0);
	board_close(board);
	errno = saved;
	return NULL;
}

void
board_close(struct board *board)
{
	(void)munmap(board->shared, board->bytes);
	if (board->fd != -1)
		(void)close(board->fd);
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

		if (!atomic_load(&board->slots[slot].expected))
			continue;
		/* Or forked just now, and has not said so yet. */
		if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
			return false;
	}
	return true;
}

static void
remove_file(struct board *board)
{
	struct stat	st;

	if (board->fd == -1)
		return;
	/* Somebody may have emptied the directory, and begun again. */
	if (fstatat(board->dir, board->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == board->device && st.st_ino == board->inode)
		(void)unlinkat(board->dir, board->name, 0);
}

void
board_part(struct board *board)
{
	static const int32_t	nobody = 0;

	atomic_store(&board->shared->parted, true);
	save(board, &nobody, sizeof(nobody),
	    offsetof(struct board_head, parent));
	board_stuck(board, 0);
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
	struct slot	*mine = &board->slots[slot];

	/* The word stays: the parent settles its account by it. */
	atomic_store(&mine->pid, 0);
	atomic_store(&mine->expected, false);
	save_birth(board, slot, 0);
	/* Only now: either we see that the parent parts with the board, or it
	   sees that we have left. */
	if ((atomic_load(&board->shared->parted) || getppid() != parent) &&
	    is_deserted(board))
		remove_file(board);
}

static void
set(struct board *board, int slot, uint32_t taken, enum slot_state state)
{
	atomic_store(&board->shared->words[slot],
	    taken << STATE_BITS | state);
}

/* A change has happened: is the parent to be woken? */
static bool
spend(struct board *board)
{
	return atomic_fetch_sub(&board->shared->credit, 1) <= 1;
}

static void
take(struct board *board, int slot, uint32_t taken, const char *client)
{
	/* The name first: whoever sees a busy child may read it. */
	(void)strlcpy(board->slots[slot].client, client, ADDRESS_TEXT);
	set(board, slot, taken, SLOT_BUSY);
	save_doing(board, slot, clock_boot_ms());
}

bool
board_busy(struct board *board, int slot, const char *client)
{
	take(board, slot, board_word(board, slot).taken + 1, client);
	return spend(board);
}

bool
board_idle(struct board *board, int slot)
{
	set(board, slot, board_word(board, slot).taken, SLOT_IDLE);
	save_doing(board, slot, 0);
	return spend(board);
}

void
board_born(struct board *board, int slot, const char *client)
{
	struct slot	*child = &board->slots[slot];

	if (client != NULL)
		take(board, slot, 1, client);
	else {
		set(board, slot, 0, SLOT_IDLE);
		save_doing(board, slot, 0);
	}
	child->before = clock_boot_ms();
	atomic_store(&child->expected, true);
	save_birth(board, slot, 0);
}

void
board_forked(struct board *board, int slot, pid_t pid)
{
	/* Parent and child both say so: either may be killed before it does. */
	atomic_store(&board->slots[slot].pid, pid);
	save_birth(board, slot, clock_boot_ms());
}

void
board_free(struct board *board, int slot)
{
	struct slot	*child = &board->slots[slot];

	board->served += board_word(board, slot).taken;
	set(board, slot, 0, SLOT_FREE);
	atomic_store(&child->pid, 0);
	atomic_store(&child->expected, false);
	save_birth(board, slot, 0);
	save_doing(board, slot, 0);
	save(board, &board->served, sizeof(board->served),
	    offsetof(struct board_head, served));
}

void
board_stuck(struct board *board, pid_t pid)
{
	int32_t	stuck = pid;

	save(board, &stuck, sizeof(stuck),
	    offsetof(struct board_head, stuck));
}

struct board_word
board_word(const struct board *board, int slot)
{
	uint32_t	word = atomic_load(&board->shared->words[slot]);

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
	atomic_store(&board->shared->credit, PLENTY);
}

bool
board_ask(struct board *board, int changes)
{
	int32_t	less = PLENTY - changes;

	return atomic_fetch_sub(&board->shared->credit, less) - less <= 0;
}
