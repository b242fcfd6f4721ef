/* SPDX-License-Identifier: ISC */
/*
 * A board as it stands in its file: a head, the credit, the slots' words side
 * by side, the slots.  Who only looks reads it by read(2), since a file that is
 * cut off under a mapping is a SIGBUS, and never opens it for writing.
 */
#ifndef POOL_BOARDFILE_H
#define POOL_BOARDFILE_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdint.h>

#include "board.h"

/* What a board's file is called in its instance's directory, with its number;
   and what it is called until it is whole. */
#define BOARDFILE_NAME	"board.%u"
#define BOARDFILE_NEW	"board.new"

/* The first bytes; the digit changes with the structs below. */
#define BOARDFILE_MAGIC	"outlive board 1"

/* A word: taken << BOARDFILE_STATE_BITS | state. */
#define BOARDFILE_STATE_BITS	2

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
	_Atomic int32_t	parent;			/* 0: it has ended */
	int64_t		parent_start;		/* as in process.h; 0: not
						   known */
	struct board_world world;
	uint64_t	net_ns;			/* an inode; 0: not known */
	_Atomic uint64_t served;		/* clients of children that have
						   left */
	char		address[ADDRESS_TEXT];
	char		service[32], strategy[16];
};

struct board_slot {
	/* The pid, and the times (clock_boot_ms) just before and just after
	   the fork; 0: not known yet, or nobody. */
	_Atomic int32_t	pid;
	_Atomic int64_t	before, after;
	_Atomic int64_t	since;			/* its client was accepted */
	char		client[ADDRESS_TEXT];
};

/* Where things are, with so many slots; the last is the whole. */
#define BOARDFILE_CREDIT	sizeof(struct board_head)
#define BOARDFILE_WORDS		(BOARDFILE_CREDIT + 8)
#define BOARDFILE_SLOTS(size)	((BOARDFILE_WORDS + 4 * (size_t)(size) + 7) & \
				~(size_t)7)
#define BOARDFILE_BYTES(size)	(BOARDFILE_SLOTS(size) + \
				(size_t)(size) * sizeof(struct board_slot))

/* The largest size that anyone makes. */
#define BOARDFILE_MOST	200000

#endif
