/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "log_fold.h"

#define TEXTS		256

/* How long a text is only counted, in ms: at first, and at most. */
#define FIRST_WINDOW	1000
#define LAST_WINDOW	60000

/* What was written; the times apart from the texts: most walks are over them
   alone. */
struct mark {
	_Atomic int64_t		until;	/* clock_ms() */
	_Atomic int		window;
	_Atomic unsigned int	more;
	/* Odd while somebody writes the text; another one after that. */
	_Atomic unsigned int	edition;
};

static struct memory {
	_Atomic unsigned long	dropped;
	_Atomic bool		torn;
	/* Something was counted, perhaps, since somebody has looked: a parent
	   asks each time before it sleeps. */
	_Atomic bool		counted;
	struct mark		marks[TEXTS];
	struct {
		char	text[FOLD_TEXT];
		int	priority;
	}			lines[TEXTS];
}		 own_memory, *memory = &own_memory;
static int	 wake = -1;

void
fold_open(void)
{
	void	*shared = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memory = shared == MAP_FAILED ? &own_memory : shared;
	wake = -1;
}

void
fold_wake(int eventfd)
{
	wake = eventfd;
}

static int
find(const char *text)
{
	unsigned int	edition;
	int		i;

	for (i = 0; i < TEXTS; i++) {
		edition = atomic_load(&memory->marks[i].edition);
		if (edition % 2 == 0 &&
		    strncmp(memory->lines[i].text, text, FOLD_TEXT) == 0 &&
		    atomic_load(&memory->marks[i].edition) == edition)
			return i;
	}
	return -1;
}

/* A place for a text: one whose time is over, or the one whose time is over
   next; but not while there is something to tell of it.  -1: none. */
static int
find_room(void)
{
	int	i, best = -1;
	int64_t	until, earliest = INT64_MAX;

	for (i = 0; i < TEXTS; i++) {
		until = atomic_load(&memory->marks[i].until);
		if (atomic_load(&memory->marks[i].more) == 0 &&
		    until < earliest) {
			earliest = until;
			best = i;
		}
	}
	return best;
}

static void
first_window(struct mark *mark, bool rare, int64_t now)
{
	int	window = rare ? LAST_WINDOW : FIRST_WINDOW;

	atomic_store(&mark->window, window);
	atomic_store(&mark->until, now + window);
}

/* In a place that is free, or, unless that text is rare, of another text.
   False: there is none. */
static bool
remember(const char *text, int priority, bool rare, int64_t now)
{
	int		 i = find_room();
	struct mark	*mark;
	unsigned int	 edition;

	if (i == -1)
		return false;
	mark = &memory->marks[i];
	if (rare && now < atomic_load(&mark->until))
		return false;
	edition = atomic_load(&mark->edition);
	if (edition % 2 != 0 || !atomic_compare_exchange_strong(&mark->edition,
	    &edition, edition + 1))
		return false;
	(void)strlcpy(memory->lines[i].text, text, FOLD_TEXT);
	memory->lines[i].priority = priority;
	first_window(mark, rare, now);
	atomic_store(&mark->edition, edition + 2);
	return true;
}

/* It came again and again: what comes now is told later than the last time. */
static void
next_window(struct mark *mark, int64_t now)
{
	int	window = 2 * atomic_load(&mark->window);

	if (window > LAST_WINDOW)
		window = LAST_WINDOW;
	atomic_store(&mark->window, window);
	atomic_store(&mark->until, now + window);
}

bool
fold_line(const char *text, int priority, bool rare, int64_t now)
{
	int		 i = find(text);
	struct mark	*mark;
	uint64_t	 one = 1;

	if (i == -1) {
		if (strlen(text) >= FOLD_TEXT ||
		    remember(text, priority, rare, now) || !rare)
			return false;
		fold_dropped(1);
		return true;
	}
	mark = &memory->marks[i];
	if (now >= atomic_load(&mark->until)) {
		/* What was counted has been told (fold_next()). */
		first_window(mark, rare, now);
		return false;
	}
	if (atomic_fetch_add(&mark->more, 1) == 0) {
		atomic_store(&memory->counted, true);
		if (wake != -1)
			(void)!write(wake, &one, sizeof(one));
	}
	return true;
}

bool
fold_next(int64_t now, bool all, struct fold_count *count)
{
	struct mark	*mark;
	int		 i;

	for (i = 0; i < TEXTS; i++) {
		mark = &memory->marks[i];
		if (atomic_load(&mark->more) == 0 ||
		    (!all && now < atomic_load(&mark->until)))
			continue;
		count->more = atomic_exchange(&mark->more, 0);
		if (count->more == 0)
			continue;	/* another process was faster */
		(void)strlcpy(count->text, memory->lines[i].text, FOLD_TEXT);
		count->priority = memory->lines[i].priority;
		next_window(mark, now);
		return true;
	}
	return false;
}

int
fold_sleep(int64_t now)
{
	int64_t	left, least = INT64_MAX;
	int	i;

	if (!atomic_load(&memory->counted))
		return -1;
	/* First: what is counted from here on says so again. */
	atomic_store(&memory->counted, false);
	for (i = 0; i < TEXTS; i++)
		if (atomic_load(&memory->marks[i].more) > 0) {
			left = atomic_load(&memory->marks[i].until) - now;
			least = left < least ? left : least;
		}
	if (least == INT64_MAX)
		return -1;
	atomic_store(&memory->counted, true);
	return least < 0 ? 0 : (int)least;
}

unsigned long
fold_take_dropped(void)
{
	/* Not to write to a page that all share without need. */
	return atomic_load(&memory->dropped) == 0 ? 0 :
	    atomic_exchange(&memory->dropped, 0);
}

void
fold_dropped(unsigned long lines)
{
	atomic_fetch_add(&memory->dropped, lines);
}

bool
fold_torn(bool torn)
{
	return atomic_load(&memory->torn) == torn ? torn :
	    atomic_exchange(&memory->torn, torn);
}
