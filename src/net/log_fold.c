/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>

#include <stdatomic.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log_fold.h"

#define TEXTS		256
#define RARE_TEXTS	128		/* of them */

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

/* A place for a text: one whose time is over, or, unless that text is rare, the
   one whose time is over next; but not while there is something to tell of it,
   or somebody writes it, who may have died over it.  -1: none. */
static int
find_room(bool rare, int64_t now)
{
	/* What clients can cause takes no place from the rest. */
	int	i = rare ? 0 : RARE_TEXTS, end = rare ? RARE_TEXTS : TEXTS;
	int	best = -1;
	int64_t	until, earliest = rare ? now + 1 : INT64_MAX;

	for (; i < end; i++) {
		until = atomic_load(&memory->marks[i].until);
		if (atomic_load(&memory->marks[i].more) == 0 &&
		    atomic_load(&memory->marks[i].edition) % 2 == 0 &&
		    until < earliest) {
			earliest = until;
			best = i;
		}
	}
	return best;
}

static void
begin_window(struct mark *mark, int window, int64_t now)
{
	/* A process that runs wild may have written anything. */
	if (window <= 0 || window > LAST_WINDOW)
		window = LAST_WINDOW;
	atomic_store(&mark->window, window);
	atomic_store(&mark->until, now + window);
}

/* In a place of its own: which one; or -1, somebody else has taken it. */
static int
remember(int i, const char *text, int priority, bool rare, int64_t now)
{
	struct mark	*mark = &memory->marks[i];
	unsigned int	 edition = atomic_load(&mark->edition);

	if (edition % 2 != 0 || !atomic_compare_exchange_strong(&mark->edition,
	    &edition, edition + 1))
		return -1;
	(void)strlcpy(memory->lines[i].text, text, FOLD_TEXT);
	memory->lines[i].priority = priority;
	begin_window(mark, rare ? LAST_WINDOW : FIRST_WINDOW, now);
	atomic_store(&mark->edition, edition + 2);
	return i;
}

/* Two who come at the same time have two places: the first one counts. */
static int
only_one(const char *text, int mine)
{
	int	first = find(text);

	if (first == -1 || first >= mine)
		return mine;
	atomic_store(&memory->marks[mine].until, 0);
	memory->lines[mine].text[0] = '\0';
	return first;
}

static void
count(int i)
{
	uint64_t	one = 1;

	if (atomic_fetch_add(&memory->marks[i].more, 1) > 0)
		return;
	atomic_store(&memory->counted, true);
	if (wake != -1)
		(void)!write(wake, &one, sizeof(one));
}

bool
fold_line(const char *text, int priority, bool rare, int64_t now)
{
	int	i, mine;

	if (strlen(text) >= FOLD_TEXT)
		return false;
	while ((i = find(text)) == -1) {
		if ((mine = find_room(rare, now)) == -1) {
			if (rare)
				fold_dropped(1);
			return rare;
		}
		if (remember(mine, text, priority, rare, now) == -1)
			continue;
		if ((i = only_one(text, mine)) == mine)
			return false;
		break;
	}
	if (now >= atomic_load(&memory->marks[i].until)) {
		/* What was counted has been told (fold_next()). */
		begin_window(&memory->marks[i], rare ? LAST_WINDOW :
		    FIRST_WINDOW, now);
		return false;
	}
	count(i);
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
		memcpy(count->text, memory->lines[i].text, FOLD_TEXT);
		count->text[FOLD_TEXT - 1] = '\0';
		count->priority = memory->lines[i].priority & LOG_PRIMASK;
		/* It came again and again: what comes now is told later. */
		begin_window(mark, 2 * (atomic_load(&mark->window) %
		    (LAST_WINDOW + 1)), now);
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
	if (least > LAST_WINDOW)
		return LAST_WINDOW;
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
