/* SPDX-License-Identifier: ISC */
/* The life of a child, from its first act to its _exit(). */
#ifndef POOL_CHILD_H
#define POOL_CHILD_H

struct address;
struct pool;

/*
 * To be called right after fork(), in the child, with the slot that it was
 * given.  If fd is not -1 it is the first client, already accepted, with its name
 * in numbers: a page that the parent has used is no fault for the child.
 */
void	child_run(struct pool *, int slot, int fd, const struct address *,
	    const char *name) __attribute__((__noreturn__));

/* The same right after vfork(), with the client for whom it becomes a
   program.  All memory is the parent's. */
void	child_become(const struct pool *, int slot, int fd,
	    const struct address *, const char *name)
	    __attribute__((__noreturn__));

#endif
