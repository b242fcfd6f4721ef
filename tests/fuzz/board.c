/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a board's file, and what outlivectl prints of it.  A board is
 * large and mostly empty: what stands in the corpus is its head and the first
 * slots, and is made as long as the head says, of 64 slots at most.  The
 * machine's start, the pids and the times of a recording are ours then, or all
 * would be dead; where a mutation has made one of them what none has, it stays.
 */
#include <sys/types.h>
#include <sys/mman.h>

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "fuzz.h"
#include "net/clock.h"
#include "net/process.h"
#include "pool/boardfile.h"

#define MOST_SLOTS	64
#define MOST_PID	(1 << 22)
#define MOST_TIME	(INT64_C(1) << 48)
#define MOST_INODE	(UINT64_C(1) << 32)

int	__real_openat(int, const char *, int, ...);
int	__wrap_openat(int, const char *, int, ...);

static int	board = -1;		/* an open file that has no name */

/* Boards are looked for in a directory that there is not. */
int
__wrap_openat(int dir, const char *path, int flags, ...)
{
	mode_t	mode;
	va_list	ap;

	if (board != -1 && dir == -1)
		return fcntl(board, F_DUPFD_CLOEXEC, 0);
	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return __real_openat(dir, path, flags, mode);
}

static void
make_ours(struct board_head *head, int64_t start)
{
	struct board_world	ours;

	generation_world(&ours);
	if (strchr("0123456789abcdef", head->world.boot_id[0]) != NULL)
		memcpy(head->world.boot_id, ours.boot_id,
		    sizeof(ours.boot_id));
	if (head->world.pid_ns < MOST_INODE)
		head->world.pid_ns = ours.pid_ns;
	if (head->world.time_ns < MOST_INODE)
		head->world.time_ns = ours.time_ns;
	if (head->parent > 0 && head->parent < MOST_PID)
		head->parent = getpid();
	if (head->stuck > 0 && head->stuck < MOST_PID)
		head->stuck = getpid();
	if (head->parent_start > 0 && head->parent_start < MOST_TIME)
		head->parent_start = start;
}

static void
make_child_ours(struct board_slot *slot, int64_t start)
{
	if (slot->birth.pid > 0 && slot->birth.pid < MOST_PID)
		slot->birth.pid = getpid();
	if (slot->birth.before > 0 && slot->birth.before < MOST_TIME)
		slot->birth.before = start > 0 ? start : 1;
	if (slot->birth.after > 0 && slot->birth.after < MOST_TIME)
		slot->birth.after = start;
}

/* Into the file; how many slots its head tells of. */
static uint32_t
write_board(const uint8_t *bytes, size_t n, unsigned int *number)
{
	uint8_t			*copy = calloc(1, n +
				    BOARDFILE_BYTES(MOST_SLOTS));
	struct board_head	*head = (void *)copy;
	struct process		 self;
	size_t			 size = n, i;
	uint32_t		 slots;

	claim(copy != NULL && process_read(getpid(), &self) == 0, "we live");
	memcpy(copy, bytes, n);
	slots = head->size;
	*number = head->number & 0xff;
	if (n >= sizeof(*head)) {
		make_ours(head, self.start);
		for (i = 0; BOARDFILE_SLOT(i + 1) <= n; i++)
			make_child_ours((void *)(copy + BOARDFILE_SLOT(i)),
			    self.start);
		if (slots > MOST_SLOTS && slots <= BOARDFILE_MOST)
			head->size = slots = MOST_SLOTS;
		if (slots <= MOST_SLOTS && size < BOARDFILE_BYTES(slots))
			size = BOARDFILE_BYTES(slots);
	}
	claim(ftruncate(board, 0) == 0 && pwrite(board, copy, size, 0) ==
	    (ssize_t)size, "the board is written");
	free(copy);
	return n < sizeof(*head) || size != BOARDFILE_BYTES(slots) ? 0 : slots;
}

static void
look_at(const struct generation *generation, uint32_t slots)
{
	bool	stuck = generation->stuck == 0;
	int	i;

	claim(is_visible(generation->address, sizeof(generation->address)) &&
	    is_visible(generation->service, sizeof(generation->service)) &&
	    is_visible(generation->strategy, sizeof(generation->strategy)),
	    "the head's texts are printable");
	claim((generation->state == GENERATION_UNKNOWN) ==
	    (generation->why != NULL), "what is not known has a reason");
	claim(slots > 0 || generation->state == GENERATION_BROKEN ||
	    generation->state == GENERATION_UNKNOWN,
	    "a board that is not whole is broken");
	claim(generation->n >= 0 && generation->unnamed >= 0 &&
	    (uint32_t)(generation->n + generation->unnamed) <= slots,
	    "there are no more children than slots");
	claim(generation->n == 0 || generation->state == GENERATION_ALIVE,
	    "a generation with children is alive");
	for (i = 0; i < generation->n; i++) {
		const struct generation_child *child =
		    &generation->children[i];

		claim(child->slot >= 0 && (uint32_t)child->slot < slots &&
		    (i == 0 || child[-1].slot < child->slot) && child->pid > 0,
		    "each child has a slot and a pid");
		claim(child->state == SLOT_IDLE || child->state == SLOT_BUSY,
		    "it is idle or busy");
		claim(is_visible(child->client, sizeof(child->client)) &&
		    (child->client[0] == '\0' || child->state == SLOT_BUSY),
		    "its client is printable, if it has one");
		claim(ctl_age(child) >= -1 && ctl_age(child) <= clock_boot_ms(),
		    "it serves since the machine's start at most");
		stuck |= child->stopped && child->pid == generation->stuck;
	}
	claim(stuck, "who has the accept lock is a child that is stopped");
}

/* What outlivectl prints: lines, and nothing that moves a cursor. */
static void
print(struct generation *generation, void (*how)(const struct instance *,
    const struct ctl_status *))
{
	static const struct instance	instance = { .name = "9999",
					    .path = "/run/outlive/9999" };
	struct ctl_status	status = { .holder = generation->parent,
				    .generations = { generation, 1 } };
	FILE			*usual = stdout;
	char			*text = NULL;
	size_t			 len, i;

	if (generation->state == GENERATION_ALIVE)
		status.last = generation;
	if (status.last != NULL && generation->parent != 0)
		status.owner = generation;
	stdout = open_memstream(&text, &len);
	claim(stdout != NULL, "there is memory");
	how(&instance, &status);
	(void)fclose(stdout);
	stdout = usual;
	claim(len > 0 && text[len - 1] == '\n', "lines are printed");
	for (i = 0; i < len; i++)
		claim(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'),
		    "what is printed is printable");
	free(text);
}

int
fuzz_board(const uint8_t *bytes, size_t n)
{
	struct generation	generation = { .number = 0 };
	uint32_t		slots;

	if (board == -1)
		board = memfd_create("board", MFD_CLOEXEC);
	slots = write_board(bytes, n, &generation.number);
	generation_read(&generation, -1, geteuid());
	look_at(&generation, slots);
	fuzz_good += generation.n > 0;
	print(&generation, ctl_print);
	print(&generation, ctl_print_json);
	free(generation.children);
	return 0;
}
