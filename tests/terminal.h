/* SPDX-License-Identifier: ISC */
/* A bash on a pseudo-terminal, which a test types in and reads from. */
#ifndef TESTS_TERMINAL_H
#define TESTS_TERMINAL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

struct terminal {
	pid_t	shell;
	int	fd;			/* the master's end; -1: not open */
	bool	prompts;		/* the shell waits for a command */
	char	text[32768];		/* printed since it was last cleared */
	size_t	len;
};

/* Start a bash, and wait for its prompt.  The harness ends it. */
void	terminal_open(struct terminal *);
void	terminal_close(struct terminal *);
/* A command; nothing of it is echoed. */
void	terminal_type(struct terminal *, const char *command);
/* Press keys: "\003" is Ctrl-C. */
void	terminal_press(struct terminal *, const char *keys);
/* Wait for the shell's prompt, throwing away what is printed. */
void	terminal_await_prompt(struct terminal *);
/* Take what is printed within so many milliseconds. */
void	terminal_listen(struct terminal *, int ms);
/*
 * The lines of it, without blank ones and without what the shell says of its
 * jobs; each is allocated.  Returns their number, max at most.
 */
int	terminal_lines(const struct terminal *, char **lines, int max);

#endif
