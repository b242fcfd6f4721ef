/* SPDX-License-Identifier: ISC */
/*
 * The generations of an instance: who of them is alive, by their boards and by
 * /proc.  Nobody needs a parent for that, nor to be one.
 */
#ifndef POOL_GENERATION_H
#define POOL_GENERATION_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"

struct board_world;

/* A child that is alive. */
struct generation_child {
	int		slot;
	pid_t		pid;
	int64_t		start;	/* as in process.h; 0: not to be seen */
	enum slot_state	state;
	bool		stopped;
	int64_t		since;	/* its client came, clock_boot_ms() */
	uint32_t	taken;	/* clients so far */
	char		client[ADDRESS_TEXT];	/* printable; "" if idle */
};

enum generation_state {
	GENERATION_ALIVE,
	GENERATION_DEAD,	/* nobody of it is left */
	GENERATION_OTHER_BOOT,	/* dead, too: from before the machine's start */
	GENERATION_BROKEN,	/* no whole board of this version: dead */
	GENERATION_UNKNOWN	/* its processes cannot be told from others */
};

struct generation {
	unsigned int		 number;
	enum generation_state	 state;
	const char		*why;		/* it is not known, in words */
	ino_t			 inode;		/* of the board's file */
	pid_t			 parent;	/* 0: it has ended */
	int64_t			 parent_start;
	bool			 parent_stopped;
	bool			 given;		/* its listening socket was */
	uint64_t		 net_ns;	/* an inode; 0: not known */
	uint64_t		 served;	/* clients, by those who have
						   left */
	unsigned int		 max_children;
	char			 address[ADDRESS_TEXT];
	char			 service[32], strategy[16];
	pid_t			 stuck;		/* a child that is stopped, and
						   has the accept lock; 0 */
	struct generation_child	*children;
	int			 n;
	int			 unnamed;	/* slots: forked for in this
						   second, perhaps */

	/* Called between some children and the next ones while they are read,
	   if there are many; NULL: nobody has anything else to do. */
	void			(*breathe)(void *);
	void			*breather;
};

/*
 * Read the board of one, of which all is zero but the number, and perhaps the
 * last two, in an instance's directory; owner is the user who must have written
 * it.
 */
void		 generation_read(struct generation *, int dir, uid_t owner);

struct generations {
	struct generation	*list;		/* by number */
	int			 n;
};

/*
 * Read all boards in an instance's directory.  0; or -1 with errno: ENOENT
 * where there is no /proc of ours, without which nobody can be called dead.
 * The result is to be freed in any case.
 */
int		 generations_read(struct generations *, int dir);
int		 generations_read_gently(struct generations *, int dir,
		    void (*breathe)(void *), void *breather);
void		 generations_free(struct generations *);

/*
 * Remove the boards of the dead; a line for each one whose end was not as it
 * should have been.  path names the directory there.  Where somebody else has
 * the lock, a board that is not whole may be his.
 */
void		 generations_sweep(const struct generations *, int dir,
		    const char *path, bool locked);

/* The highest number; 0: there is none. */
unsigned int	 generations_last(const struct generations *);

/* Orphans of one that serve, or cannot leave because they are stopped. */
int		 generation_orphans(const struct generation *);
/* Those of all, and in words: "1 of generation 3, 2 of generation 4". */
int		 generations_orphans(const struct generations *, char *words,
		    size_t size);

/* Children alive of all of them but this one (0: of all). */
int		 generations_children(const struct generations *,
		    unsigned int number);
/* The same, read for it; 0 where that cannot be. */
int		 generations_others(int dir, unsigned int number);

/* Where and when we are; our network namespace, its inode. */
void		 generation_world(struct board_world *);
uint64_t	 generation_network(void);

#endif
