/* SPDX-License-Identifier: ISC */
/*
 * play PAGE [TRANSLATION]: plays the terminal sessions of a page in Markdown,
 * and compares what the page prints with what is printed (alike.h says how).
 *
 * Sessions stand in indented lines.  "1$ COMMAND" is typed in terminal 1,
 * "1^C" presses Ctrl-C there, and the lines that follow are what is printed.
 * A command whose terminal's next step is Ctrl-C has to go on running until
 * then, any other has to end.  Each "## " section has new terminals, and a new
 * network.  ss, ps, outlive-why and outlivectl status are repeated until they
 * print what is expected, within the harness's deadline.
 *
 * "sleep" is for the patient: without OUTLIVE_PATIENT in the environment the
 * section ends there, and says so.
 *
 * The translation is not played: it must have the same sessions.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alike.h"
#include "client.h"
#include "harness.h"
#include "net/clock.h"
#include "terminal.h"

#define TERMINALS	10		/* 0 is not used */
#define STEPS		256		/* of a page, at most */
#define LINES		32		/* that one step prints, at most */

struct step {
	int	 section;
	int	 terminal;
	char	*typed;			/* NULL: Ctrl-C */
	char	*lines[LINES];
	int	 n;
};

static char *
copy(const char *text)
{
	char	*copied = strndup(text, strcspn(text, "\n"));

	if (copied == NULL)
		bail("strndup: %s", strerror(errno));
	return copied;
}

/* The steps of a page; their number. */
static int
read_page(const char *path, struct step *steps)
{
	FILE		*page = fopen(path, "re");
	struct step	*step = NULL;
	char		 text[1024];
	int		 n = 0, section = 0;

	if (page == NULL)
		bail("%s: %s", path, strerror(errno));
	while (fgets(text, sizeof(text), page) != NULL) {
		char *line = text + 4;

		if (strncmp(text, "## ", 3) == 0)
			section++;
		if (strncmp(text, "    ", 4) != 0) {
			step = NULL;
		} else if (isdigit((unsigned char)line[0]) &&
		    (strncmp(line + 1, "$ ", 2) == 0 ||
		    strncmp(line + 1, "^C", 2) == 0)) {
			if (n == STEPS)
				bail("%s: more than %d steps", path, STEPS);
			step = &steps[n++];
			step->section = section;
			step->terminal = line[0] - '0';
			step->typed = line[1] == '$' ? copy(line + 3) : NULL;
		} else if (step != NULL) {
			if (step->n == LINES)
				bail("%s: more than %d lines", path, LINES);
			step->lines[step->n++] = copy(line);
		}
	}
	(void)fclose(page);
	return n;
}

static bool
begins(const struct step *step, const char *word)
{
	return step->typed != NULL &&
	    strncmp(step->typed, word, strlen(word)) == 0;
}

/* Whether it is to run until the next Ctrl-C in its terminal. */
static bool
stays(const struct step *step, const struct step *end)
{
	const struct step	*next;

	for (next = step + 1; next < end; next++)
		if (next->terminal == step->terminal &&
		    next->section == step->section)
			return next->typed == NULL;
	return false;
}

static void
start(struct terminal *terminal, const struct step *step)
{
	struct wait	wait = { .what = "an accept()" };

	if (terminal->fd == -1)
		terminal_open(terminal);
	if (step->typed == NULL) {
		/* Nobody who reads and types is faster than that. */
		while (not_accepted() > 0)
			wait_a_moment(&wait);
		terminal_press(terminal, "\003");
	} else
		terminal_type(terminal, step->typed);
}

static bool
printed(struct terminal *terminal, const struct step *step,
    struct numbers *numbers)
{
	char	*here[2 * LINES];
	int	 i, m = terminal_lines(terminal, here, 2 * LINES);
	bool	 same = alike(numbers, step->lines, step->n, here, m);

	for (i = 0; i < m; i++)
		free(here[i]);
	return same;
}

static void
show(struct terminal *terminal, const struct step *step)
{
	char	*here[2 * LINES];
	int	 i, m = terminal_lines(terminal, here, 2 * LINES);

	for (i = 0; i < step->n; i++)
		note("page: %s", step->lines[i]);
	for (i = 0; i < m; i++) {
		note("here: %s", here[i]);
		free(here[i]);
	}
	note("here: %s", terminal->prompts ? "the prompt" : "no prompt");
	show_table();
}

/* One step; whether it went as the page says. */
static bool
play(struct terminal *terminal, const struct step *step, bool has_to_stay,
    struct numbers *numbers)
{
	long long	began = clock_ms();
	long long	patience = DEADLINE * 1000LL;

	if (begins(step, "sleep "))
		patience += atoi(step->typed + strlen("sleep ")) * 1000LL;
	start(terminal, step);
	for (;;) {
		terminal_listen(terminal, 20);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (terminal->prompts != has_to_stay &&
		    printed(terminal, step, numbers)) {
			terminal->len = 0;
			return true;
		}
		if (clock_ms() - began > patience &&
		    (terminal->prompts || clock_ms() - began > 2 * patience)) {
			show(terminal, step);
			return false;
		}
		if (terminal->prompts && (begins(step, "ss ") ||
		    begins(step, "ps ") || begins(step, "./outlive-why ") ||
		    begins(step, "./outlivectl status"))) {
			terminal->len = 0;
			start(terminal, step);
		}
	}
}

static void
new_section(struct terminal *terminals, struct numbers *numbers)
{
	int	i;

	for (i = 0; i < TERMINALS; i++)
		terminal_close(&terminals[i]);
	harness_new_state();
	harness_own_network();
	alike_begin(numbers);
}

/* Whether two pages have the same sessions. */
static bool
same_steps(const struct step *one, int n, const struct step *other, int m)
{
	int	i, j;

	for (i = 0; i < n || i < m; i++) {
		const struct step *a = &one[i], *b = &other[i];

		if (i == n || i == m || a->terminal != b->terminal ||
		    a->section != b->section || a->n != b->n ||
		    (a->typed == NULL) != (b->typed == NULL) ||
		    (a->typed != NULL && strcmp(a->typed, b->typed) != 0)) {
			note("step %d: %d$ %s", i + 1, a->terminal, a->typed);
			note("step %d: %d$ %s", i + 1, b->terminal, b->typed);
			return false;
		}
		for (j = 0; j < a->n; j++)
			if (strcmp(a->lines[j], b->lines[j]) != 0) {
				note("%s", a->lines[j]);
				note("%s", b->lines[j]);
				return false;
			}
	}
	return true;
}

/* Every section; one that went wrong is not played to its end. */
static void
play_page(const struct step *steps, int n)
{
	static struct terminal	terminals[TERMINALS];
	static struct numbers	numbers;
	int			i, section = -1, wrong = -1;

	for (i = 0; i < n; i++)
		if (steps[i].typed != NULL)
			alike_typed(&numbers, steps[i].typed);
	for (i = 0; i < TERMINALS; i++)
		terminals[i].fd = -1;
	for (i = 0; i < n; i++) {
		const struct step *step = &steps[i];

		if (step->section == wrong)
			continue;
		if (step->section != section)
			new_section(terminals, &numbers);
		section = step->section;
		if (begins(step, "sleep ") &&
		    getenv("OUTLIVE_PATIENT") == NULL) {
			skip(step->typed, "takes long: set OUTLIVE_PATIENT");
			wrong = section;
		} else if (!ok(play(&terminals[step->terminal], step,
		    stays(step, steps + n), &numbers), "%d%s%s",
		    step->terminal, step->typed != NULL ? "$ " : "^C",
		    step->typed != NULL ? step->typed : "")) {
			wrong = section;
		}
	}
}

int
main(int argc, char *argv[])
{
	static struct step	steps[STEPS], translated[STEPS];
	int			n, m;

	harness_begin();
	if (argc != 2 && argc != 3)
		bail("usage: play page [translation]");
	n = read_page(argv[1], steps);
	ok(n > 0, "%s: %d steps", argv[1], n);
	if (argc == 3) {
		m = read_page(argv[2], translated);
		ok(same_steps(steps, n, translated, m),
		    "%s has the same", argv[2]);
	}
	play_page(steps, n);
	return done();
}
