/* SPDX-License-Identifier: ISC */
/* What the files of pause points have in common (pause.c). */
#ifndef TESTS_PAUSE_H
#define TESTS_PAUSE_H

#include <stdbool.h>

/* The process stops itself, if it was asked to at that time of that name, which
   ends in a blank. */
void	pause_at(const char *name, int time);

/* We are a child of the one that was started. */
bool	pause_is_child(void);

#endif
