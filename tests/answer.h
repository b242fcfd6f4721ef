/* SPDX-License-Identifier: ISC */
/* What a program says on its standard output. */
#ifndef TESTS_ANSWER_H
#define TESTS_ANSWER_H

#include <stdbool.h>

/* Run one in a surrounding (harness.h), and keep what it says: its exit status,
   or -1 if a signal has ended it. */
int		answer_of(void (*prepare)(void), const char *const argv[]);
/* "./outlivectl ARGUMENTS...", NULL at the end. */
int		ctl(const char *argument, ...) __attribute__((__sentinel__));

/* What was said last. */
const char	*answer_text(void);
bool		says(const char *text);
void		show_answer(void);
/* Whether each line of a text, and there is one at least, is a value of
   JSON. */
bool		is_json(const char *text);
/* One check: it has this text; it has not.  Otherwise it is shown. */
void		tells(const char *what, const char *text);
void		tells_not(const char *what, const char *text);

#endif
