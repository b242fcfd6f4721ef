/* SPDX-License-Identifier: ISC */
/* What is the same over and over is counted, told, and told ever more rarely,
   by all processes together. */
#include <sys/eventfd.h>
#include <syslog.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "net/log_fold.h"

static struct fold_count	count;

/* A process may be killed anywhere, also while it writes a text down. */
static bool	dies;

size_t	__real_strlcpy(char *, const char *, size_t);
size_t	__wrap_strlcpy(char *, const char *, size_t);

size_t
__wrap_strlcpy(char *to, const char *from, size_t size)
{
	if (dies)
		_exit(0);
	return __real_strlcpy(to, from, size);
}

static bool
same(const char *text, int64_t now)
{
	return fold_line(text, LOG_INFO, false, now);
}

static void
windows(void)
{
	int64_t	now = 5000;
	int	i, window;

	fold_open();
	ok(!same("a", now) && !same("b", now), "two texts are written");
	ok(fold_sleep(now) == -1, "there is nothing to tell");
	ok(same("a", now + 1) && same("a", now + 999),
	    "within a second one is counted");
	ok(!same("b", now + 1000), "after a second the other is written again");
	ok(fold_sleep(now + 900) == 100, "the count is due after the second");
	ok(!fold_next(now + 999, false, &count), "not before");
	ok(fold_next(now + 1000, false, &count) && count.more == 2 &&
	    strcmp(count.text, "a") == 0 && count.priority == LOG_INFO,
	    "then it is told: 'a', %u more", count.more);
	ok(!fold_next(now + 1000, true, &count), "once");
	now += 1000;
	for (i = 0, window = 2000; i < 8; i++, window = 2 * window > 60000 ?
	    60000 : 2 * window) {
		ok(same("a", now) && same("a", now + window - 1),
		    "it is counted for %d s more", window / 1000);
		ok(fold_sleep(now) == window && fold_next(now + window, false,
		    &count) && count.more == 2, "then its count is told");
		now += window;
	}
	ok(!same("a", now + 60000), "having stayed away it is written");
	ok(same("a", now + 60999) && !fold_next(now + 60999, false, &count) &&
	    fold_next(now + 61000, false, &count),
	    "and counted for a second again");
}

/* More texts than there is room for: none is lost. */
static void
many_texts(void)
{
	char	text[FOLD_TEXT + 2];
	int	i, written = 0, counted = 0;

	fold_open();
	for (i = 0; i < 1000; i++) {
		(void)snprintf(text, sizeof(text), "text %d", i);
		written += !same(text, 1000);
		counted += same(text, 1001);
	}
	ok(written == 1000, "a thousand texts: all are written");
	for (i = 0; fold_next(1001, true, &count); i++)
		counted -= (int)count.more;
	ok(i > 1 && counted == 0, "what was counted is told, of %d texts", i);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ok(!same(text, 2000) && !same(text, 2000),
	    "a text that is too long to be told whole is never counted");
	text[FOLD_TEXT - 1] = '\0';
	ok(!same(text, 2000) && same(text, 2000), "the longest one is");
}

/* What is to be rare, of more sources than there is room for. */
static void
rare(void)
{
	char	text[FOLD_TEXT];
	int	i, written = 0;

	fold_open();
	ok(!fold_line("r", LOG_INFO, true, 1000) &&
	    fold_line("r", LOG_INFO, true, 60999) &&
	    fold_next(61000, false, &count) && count.more == 1,
	    "what is rare is counted for a minute");
	for (i = 0; i < 10000; i++) {
		(void)snprintf(text, sizeof(text), "r %d", i);
		written += !fold_line(text, LOG_INFO, true, 62000);
	}
	ok(written > 100 && written < 1000, "of %d rare texts in one moment "
	    "%d are written", i, written);
	ok(fold_take_dropped() == (unsigned long)(i - written),
	    "the others are dropped, and counted");
	for (i = 0; i < 10000; i++) {
		(void)snprintf(text, sizeof(text), "r %d", i);
		(void)fold_line(text, LOG_INFO, true, 62001);
	}
	ok(!same("s", 62002) && same("s", 62002),
	    "an ordinary text has room, although all of these are counted");
}

static void
killed(bool rarely)
{
	pid_t	child;

	fold_open();
	if ((child = fork()) == -1)
		bail("fork");
	if (child == 0) {
		dies = true;
		(void)fold_line("last", LOG_INFO, rarely, 1000);
		_exit(1);
	}
	ok(await_end(child) == 0, "a process dies while it writes a text");
	ok(!fold_line("next", LOG_INFO, rarely, 1001) &&
	    fold_line("next", LOG_INFO, rarely, 1001),
	    "the next text is written, and then counted");
	ok(!fold_line("last", LOG_INFO, rarely, 1002) &&
	    fold_line("last", LOG_INFO, rarely, 1002), "and so is that one");
}

static void
many_processes(void)
{
	int		wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), i, k;
	unsigned int	more = 0;
	uint64_t	woken = 0;
	pid_t		children[4];

	fold_open();
	fold_wake(wake);
	(void)same("storm", 1000);
	for (i = 0; i < 4; i++) {
		if ((children[i] = fork()) == -1)
			bail("fork");
		if (children[i] == 0) {
			for (k = 0; k < 10000; k++)
				if (!same("storm", 1500))
					_exit(1);
			fold_dropped(3);
			_exit(0);
		}
	}
	for (i = 0; i < 4; i++)
		ok(await_end(children[i]) == 0,
		    "a child's line is counted 10000 times");
	ok(read(wake, &woken, sizeof(woken)) == sizeof(woken) && woken == 1,
	    "who tells of it was woken once");
	while (fold_next(2000, false, &count))
		more += count.more;
	ok(more == 40000, "all of them are told: %u", more);
	ok(fold_take_dropped() == 12 && fold_take_dropped() == 0,
	    "what children have dropped is told once");
	ok(!fold_torn(true) && fold_torn(false) && !fold_torn(false),
	    "a torn line is ended once");
	(void)close(wake);
}

int
main(void)
{
	harness_begin();
	windows();
	many_texts();
	rare();
	killed(false);
	killed(true);
	many_processes();
	return done();
}
