/* SPDX-License-Identifier: ISC */
/* One generation, as its board and /proc tell of it. */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vis.h>

#include "boardfile.h"
#include "generation.h"
#include "net/clock.h"
#include "net/process.h"
#include "net/sysctl.h"

/* A slot that has had no pid for so long was never forked for: its parent was
   killed first.  In ms. */
#define UNNAMED		1000

/* Slots that are read at a time. */
#define PIECE		64

/* Children that are looked at before somebody may breathe: what /proc says of
   one takes some 30 us. */
#define BREATH		8

static uint64_t
namespace_of(const char *path)
{
	struct stat	st;

	return stat(path, &st) == -1 ? 0 : (uint64_t)st.st_ino;
}

void
generation_world(struct board_world *world)
{
	memset(world, 0, sizeof(*world));
	(void)sysctl_text("kernel/random/boot_id", world->boot_id,
	    sizeof(world->boot_id));
	world->pid_ns = namespace_of("/proc/self/ns/pid");
	world->time_ns = namespace_of("/proc/self/ns/time");
}

uint64_t
generation_network(void)
{
	return namespace_of("/proc/self/ns/net");
}

enum being { GONE, THERE, UNSEEN };

/* The process of that pid, if it is not a stranger: it was started between
   these two times. */
static enum being
look_at(pid_t pid, int64_t before, int64_t after, struct process *process)
{
	if (pid <= 0 || (kill(pid, 0) == -1 && errno == ESRCH))
		return GONE;
	/* proc(5) may be mounted so that it shows less than all. */
	if (process_read(pid, process) == -1)
		return kill(pid, 0) == -1 && errno == ESRCH ? GONE : UNSEEN;
	if (process_is_dead(process))
		return GONE;
	return process->start + process_tick() > before &&
	    process->start <= after ? THERE : GONE;
}

/* A child's text, which may be anything, as people may see it. */
static void
copy_text(char *to, size_t size, const char *from, size_t most)
{
	char	text[128], visible[4 * sizeof(text)];
	size_t	len = strnlen(from, most < sizeof(text) ? most :
		    sizeof(text) - 1);

	memcpy(text, from, len);
	text[len] = '\0';
	(void)strvis(visible, text, VIS_TAB | VIS_NL | VIS_CSTYLE);
	(void)strlcpy(to, visible, size);
}

/* One slot; false if nobody alive has it. */
static bool
read_slot(const struct board_slot *slot, struct generation_child *child)
{
	struct process	process;
	enum being	being;

	if (slot->birth.before <= 0)
		return false;
	child->pid = slot->birth.pid;
	being = look_at(child->pid, slot->birth.before, slot->birth.after,
	    &process);
	if (being == GONE)
		return false;
	child->start = being == THERE ? process.start : 0;
	child->stopped = being == THERE && process_is_stopped(&process);
	child->state = slot->doing.state == SLOT_BUSY ? SLOT_BUSY : SLOT_IDLE;
	child->taken = slot->doing.taken;
	child->since = slot->doing.since;
	if (child->state == SLOT_BUSY)
		copy_text(child->client, sizeof(child->client),
		    slot->doing.client, sizeof(slot->doing.client));
	return true;
}

/* All of a file, or as much as there is. */
static bool
read_whole(int fd, void *to, size_t size, off_t from)
{
	ssize_t	n;

	while (size > 0) {
		n = pread(fd, to, size, from);
		if (n <= 0)
			return false;
		to = (char *)to + n;
		from += n;
		size -= (size_t)n;
	}
	return true;
}

/* Whether it may be that a child was forked for it just now. */
static bool
is_expected(const struct board_slot *slot, int64_t now)
{
	return slot->birth.pid == 0 && slot->birth.before > 0 &&
	    slot->birth.before <= now && now - slot->birth.before < UNNAMED;
}

/* Room for one more. */
static struct generation_child *
next_child(struct generation *generation, int *room)
{
	struct generation_child	*more;

	if (generation->n == *room) {
		*room = *room == 0 ? PIECE : 2 * *room;
		more = reallocarray(generation->children, (size_t)*room,
		    sizeof(*more));
		if (more == NULL)
			return NULL;
		generation->children = more;
	}
	return memset(&generation->children[generation->n], 0,
	    sizeof(struct generation_child));
}

/* A piece at a time: most slots of a board were never used, and memory for all
   of them costs more than the reading. */
static bool
read_children(struct generation *generation, int fd, uint32_t size)
{
	struct board_slot	 slots[PIECE];
	struct generation_child	*child;
	int64_t			 now = clock_boot_ms();
	uint32_t		 i;
	int			 room = 0;

	for (i = 0; i < size; i++) {
		const struct board_slot *slot = &slots[i % PIECE];
		uint32_t n = size - i < PIECE ? size - i : PIECE;

		if (i % PIECE == 0 && !read_whole(fd, slots,
		    n * sizeof(*slots), BOARDFILE_SLOT(i)))
			return false;
		if ((child = next_child(generation, &room)) == NULL)
			return false;
		if (is_expected(slot, now))
			generation->unnamed++;
		if (read_slot(slot, child)) {
			child->slot = (int)i;
			if (++generation->n % BREATH == 0 &&
			    generation->breathe != NULL)
				generation->breathe(generation->breather);
		} else
			generation->served += slot->doing.taken;
	}
	return true;
}

/* Of a program that is older or newer, and may well run. */
static bool
is_other_version(const struct board_head *head)
{
	const size_t	len = sizeof(BOARDFILE_MAGIC) - 2;

	return memcmp(head->magic, BOARDFILE_MAGIC, len) == 0 &&
	    head->magic[len] != BOARDFILE_MAGIC[len];
}

static bool
head_is_sane(const struct board_head *head, unsigned int number)
{
	return memcmp(head->magic, BOARDFILE_MAGIC,
	    sizeof(BOARDFILE_MAGIC)) == 0 &&
	    head->head_size == sizeof(struct board_head) &&
	    head->slot_size == sizeof(struct board_slot) &&
	    head->size >= 1 && head->size <= BOARDFILE_MOST &&
	    head->number == number;
}

static enum generation_state
unknown(struct generation *generation, const char *why)
{
	generation->why = why;
	return GENERATION_UNKNOWN;
}

static enum generation_state
world_state(struct generation *generation, const struct board_world *theirs)
{
	struct board_world	ours;

	generation_world(&ours);
	/* Somewhere /proc shows less than elsewhere. */
	if (theirs->boot_id[0] == '\0' || ours.boot_id[0] == '\0')
		return unknown(generation, "of which start of the machine it "
		    "is cannot be told");
	if (strncmp(theirs->boot_id, ours.boot_id,
	    sizeof(ours.boot_id)) != 0)
		return GENERATION_OTHER_BOOT;
	if (theirs->pid_ns != ours.pid_ns)
		return unknown(generation, "its processes are in another pid "
		    "namespace");
	if (theirs->time_ns != ours.time_ns)
		return unknown(generation, "its times are of another time "
		    "namespace");
	return GENERATION_ALIVE;
}

/* That is believed only if one of the children is stopped indeed. */
static pid_t
stuck_child(const struct generation *generation, pid_t pid)
{
	int	i;

	for (i = 0; i < generation->n; i++)
		if (generation->children[i].pid == pid &&
		    generation->children[i].stopped)
			return pid;
	return 0;
}

static enum generation_state
read_open_board(struct generation *generation, int fd, uid_t owner)
{
	struct board_head	head;
	struct process		process;
	enum generation_state	state;
	struct stat		st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_uid != owner)
		return GENERATION_BROKEN;
	generation->inode = st.st_ino;
	if (!read_whole(fd, &head, sizeof(head), 0))
		return GENERATION_BROKEN;
	if (is_other_version(&head))
		return unknown(generation, "it is of another version");
	if (!head_is_sane(&head, generation->number) ||
	    (uint64_t)st.st_size != BOARDFILE_BYTES(head.size))
		return GENERATION_BROKEN;
	copy_text(generation->address, sizeof(generation->address),
	    head.address, sizeof(head.address));
	copy_text(generation->service, sizeof(generation->service),
	    head.service, sizeof(head.service));
	copy_text(generation->strategy, sizeof(generation->strategy),
	    head.strategy, sizeof(head.strategy));
	generation->max_children = head.max_children;
	generation->given = head.given != 0;
	generation->net_ns = head.net_ns;
	generation->served = head.served;
	state = world_state(generation, &head.world);
	if (state != GENERATION_ALIVE)
		return state;
	generation->parent_start = head.parent_start;
	switch (look_at(head.parent, head.parent_start,
	    head.parent_start > 0 ? head.parent_start : INT64_MAX,
	    &process)) {
	case THERE:
		generation->parent_stopped = process_is_stopped(&process);
		/* FALLTHROUGH */
	case UNSEEN:
		generation->parent = head.parent;
		break;
	case GONE:
		break;
	}
	if (!read_children(generation, fd, head.size))
		return unknown(generation, "it cannot be read now");
	generation->stuck = stuck_child(generation, head.stuck);
	return generation->parent != 0 || generation->n > 0 ||
	    generation->unnamed > 0 ? GENERATION_ALIVE : GENERATION_DEAD;
}

void
generation_read(struct generation *generation, int dir, uid_t owner)
{
	char	name[32];
	int	fd;

	(void)snprintf(name, sizeof(name), BOARDFILE_NAME,
	    generation->number);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1) {
		/* ENOENT: its last child has just left. */
		generation->state = errno == ENOENT ? GENERATION_DEAD :
		    errno == ELOOP ? GENERATION_BROKEN :
		    unknown(generation, "it cannot be read now");
		return;
	}
	generation->state = read_open_board(generation, fd, owner);
	(void)close(fd);
}
