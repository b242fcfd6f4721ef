/* SPDX-License-Identifier: ISC */
/*
 * A board as it stands in its file: a head and the slots.  Parent and children
 * have it mapped, so that a client costs them no system call; who looks reads
 * it, and never opens it for writing (generation.h).
 */
#ifndef POOL_BOARDFILE_H
#define POOL_BOARDFILE_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "board.h"

/* What a board's file is called in its instance's directory, with its number;
   and what it is called until it is whole. */
#define BOARDFILE_NAME	"board.%u"
#define BOARDFILE_NEW	"board.new"

/* The first bytes; the digit changes with the structs below. */
#define BOARDFILE_MAGIC	"outlive board 2"

/* The machine's start and the namespaces in which its pids and times mean
   something. */
struct board_world {
	char		boot_id[40];
	uint64_t	pid_ns, time_ns;	/* inodes; 0: not known */
};

struct board_head {
	char		magic[16];
	uint32_t	head_size, slot_size;
	uint32_t	size;			/* slots */
	uint32_t	number;			/* the generation's */
	uint32_t	max_children;
	int32_t		parent;			/* 0: it has ended */
	int32_t		stuck;			/* a child that is stopped, and
						   keeps the others from
						   accepting; 0: none */
	uint32_t	given;			/* the listening socket was,
						   and others may have it */
	int64_t		parent_start;		/* as in process.h; 0: not
						   known */
	struct board_world world;
	uint64_t	net_ns;			/* an inode; 0: not known */
	uint64_t	served;			/* clients of children that the
						   parent has buried */
	char		address[ADDRESS_TEXT];
	char		service[32], strategy[16];
};

struct board_slot {
	/* The pid, and the times (clock_boot_ms) just before and just after
	   the fork; 0: not known yet, or nobody.  Parent and child write it. */
	struct board_birth {
		int64_t		before, after;
		int32_t		pid;
	} birth;

	/* What the child does, and its clients so far; when its client was
	   accepted (0: none is), and whom it serves.  The child writes it,
	   and it stays until the parent buries the child. */
	struct board_doing {
		uint32_t	state;		/* enum slot_state */
		uint32_t	taken;
		int64_t		since;
		char		client[ADDRESS_TEXT];
	} doing;
};

/* Where a slot is; and the whole, with so many. */
#define BOARDFILE_SLOT(i)	(sizeof(struct board_head) + \
				(size_t)(i) * sizeof(struct board_slot))
#define BOARDFILE_BYTES(size)	BOARDFILE_SLOT(size)

/* The file as its own parent and children have it, mapped. */
struct boardfile {
	char	*map;		/* NULL: there is none */
	size_t	 bytes;
	int	 dir;
	char	 name[32];
	dev_t	 device;
	ino_t	 inode;
};

/*
 * Make it in the directory dir, which stays the caller's and open, with its name
 * from the head's number and room for so many slots; it is seen when it is
 * whole.  All of its space is taken at once.  What is the same in each head is
 * filled in.  -1 with errno, and then there is none.
 */
int	boardfile_create(struct boardfile *, int dir,
	    const struct board_head *, int size);
/* Write len bytes at that place; to nowhere if somebody has cut the file off
   (SIGBUS is handled), or there is none. */
void	boardfile_save(const struct boardfile *, const void *what, size_t len,
	    size_t where);
/* Unlink it, if it is still there by its name. */
void	boardfile_remove(const struct boardfile *);
void	boardfile_close(struct boardfile *);

/* The largest size that anyone makes. */
#define BOARDFILE_MOST	200000

#endif
