/* SPDX-License-Identifier: ISC */
/*
 * Whether what a page prints is what was printed.  Neither blanks count nor
 * the order of lines.  A number stands for itself if it is below 3, follows
 * "fd=", has a point beside it, or is typed somewhere on the page; another one
 * (a pid, a port that the kernel chose) stands for one and the same number all
 * the time; one that counts seconds ("12 s") for any.
 */
#ifndef TESTS_ALIKE_H
#define TESTS_ALIKE_H

#include <stdbool.h>

#define NUMBERS	256

struct numbers {
	unsigned long	typed[NUMBERS];
	int		typed_count;
	struct {
		unsigned long	page, here;
	}		pair[NUMBERS];
	int		pairs;
};

/* The numbers in a text stand for themselves. */
void	alike_typed(struct numbers *, const char *text);
/* Forget what the others stand for. */
void	alike_begin(struct numbers *);
/* Compare, and remember what numbers stand for if the answer is yes. */
bool	alike(struct numbers *, char *const *page, int n, char *const *here,
	    int m);

#endif
