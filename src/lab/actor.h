/* SPDX-License-Identifier: ISC */
/* The programs that take part: where they are, and how they are started. */
#ifndef LAB_ACTOR_H
#define LAB_ACTOR_H

#include "stage.h"

/* Before /proc is another one: where we are ourselves, in the tree in which
   we were built or where that was installed. */
void	actors_begin(void);

/* 0; or -1 with errno: there is no such program, or no process. */
int	actor_start(struct actor *, const char *const argv[]);
/* The same for a function of the experiment: a process with all that we have open,
   whose standard output is kept, too.  It ends with status 0. */
int	actor_fork(struct actor *, const char *name, void (*play)(void *),
	    void *);
/* Notice if it has ended. */
void	actor_look(struct actor *);
/* What it has printed from an offset on: bytes. */
size_t	actor_text(const struct actor *, size_t from, char *text, size_t size);

#endif
