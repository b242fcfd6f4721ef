/* SPDX-License-Identifier: ISC */
/*
 * Each slot has a source, and a ticket.  Whoever takes a client writes the
 * source down, draws a ticket, and counts the others of that source who have
 * earlier ones (Lamport's bakery, but that nobody waits for his turn).  So there
 * are never too many, of those who come at the same time the first ones stay,
 * and no process can be stopped or killed with a lock.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generation.h"
#include "net/address.h"
#include "net/clock.h"
#include "net/log.h"
#include "net/process.h"
#include "pool.h"
#include "source.h"

#define NOBODY	0		/* no source */
#define NOT_YET	0		/* no ticket */

/* How often another process may have the processor before it draws. */
#define YIELDS		10000

/* A moment, in ms; how many are worth waiting, to a child and to the parent, who
   keeps everyone; and how long after the first one nobody else waits. */
#define MOMENT		2
#define MOMENTS		25
#define MOMENTS_PARENT	5
#define PAUSE		60

struct source_slot {
	_Atomic uint64_t	source;
	_Atomic uint64_t	ticket;
};

/* In memory that all share. */
struct sources {
	_Atomic uint64_t	last_ticket;
	_Atomic int64_t		impatient;	/* until then, clock_ms() */
	_Atomic int		used;		/* slots below this */
	struct source_slot	slots[];
};

/* A client of another generation; in memory that each process has a copy of. */
struct source_other {
	uint64_t	source;
	pid_t		pid;
	int64_t		start;		/* as in process.h; 0: not known */
};

/* A number for it, and never NOBODY: multicast addresses, as an IPv4 one looks
   here, are no client's; nor is 0:0:0:1::/64. */
static uint64_t
source_of(const struct address *address)
{
	struct address	plain = address_plain(address);
	uint64_t	upper = 0;
	int		i;

	if (plain.sa.sa_family == AF_INET)
		return UINT64_C(0xffffffff00000000) |
		    ntohl(plain.in.sin_addr.s_addr);
	for (i = 0; i < 8; i++)
		upper = upper << 8 | plain.in6.sin6_addr.s6_addr[i];
	return upper == 0 ? 1 : upper;
}

static const char *
source_print(const struct address *address, char text[ADDRESS_TEXT])
{
	struct address	plain = address_plain(address);
	char		port[ADDRESS_TEXT];

	if (plain.sa.sa_family == AF_INET6)
		memset(&plain.in6.sin6_addr.s6_addr[8], 0, 8);
	address_split(&plain, text, port);
	if (plain.sa.sa_family == AF_INET6)
		(void)strlcat(text, "/64", ADDRESS_TEXT);
	return text;
}

static size_t
bytes_of(const struct pool *pool)
{
	return sizeof(struct sources) +
	    (size_t)board_size(pool->board) * sizeof(struct source_slot);
}

int
source_open(struct pool *pool)
{
	struct sources	*sources;

	if (pool->config->per_source == 0)
		return 0;
	sources = mmap(NULL, bytes_of(pool), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sources == MAP_FAILED)
		return -1;
	pool->sources = sources;
	return 0;
}

int
source_others(struct pool *pool, const struct generations *generations)
{
	const struct generation_child	*child;
	struct source_other		*more;
	struct address			 client;
	int				 i, k;

	if (pool->config->per_source == 0)
		return 0;
	for (i = 0; i < generations->n; i++)
		for (k = 0; k < generations->list[i].n; k++) {
			child = &generations->list[i].children[k];
			if (child->state != SLOT_BUSY ||
			    address_numeric(&client, child->client) == -1)
				continue;
			more = reallocarray(pool->source_others,
			    (size_t)pool->n_source_others + 1, sizeof(*more));
			if (more == NULL)
				return -1;
			pool->source_others = more;
			more[pool->n_source_others++] = (struct source_other){
			    .source = source_of(&client), .pid = child->pid,
			    .start = child->start };
		}
	return 0;
}

void
source_close(struct pool *pool)
{
	if (pool->sources != NULL)
		(void)munmap(pool->sources, bytes_of(pool));
	free(pool->source_others);
}

/* What cannot be read now is no reason to believe that it has ended. */
static bool
is_alive(const struct source_other *other)
{
	struct process	process;

	if (kill(other->pid, 0) == -1 && errno == ESRCH)
		return false;
	return process_read(other->pid, &process) == -1 ||
	    (!process_is_dead(&process) &&
	    (other->start == 0 || process.start == other->start));
}

/* An orphan that is done with its client leaves.  Its number may be somebody
   else's some day: so it is forgotten. */
static int
count_others(struct pool *pool, uint64_t source)
{
	struct source_other	*other = pool->source_others;
	int			 i, many = 0;

	for (i = 0; i < pool->n_source_others; i++) {
		if (other[i].source != source)
			continue;
		if (is_alive(&other[i]))
			many++;
		else
			other[i].source = NOBODY;
	}
	return many;
}

/* Who has written a source down draws at once; if he does not, he is stopped or
   dead, and counts as the earlier one. */
static uint64_t
ticket_of(struct source_slot *slot)
{
	uint64_t	ticket;
	int		tries = 0;

	while ((ticket = atomic_load(&slot->ticket)) == NOT_YET &&
	    ++tries < YIELDS)
		(void)sched_yield();
	return ticket;
}

static int
count_earlier(const struct pool *pool, int slot, uint64_t source,
    uint64_t ticket)
{
	struct sources		*sources = pool->sources;
	struct source_slot	*other;
	int			 i, many = 0, used = atomic_load(&sources->used);

	/* A child that runs wild may have said anything. */
	if (used > board_size(pool->board))
		used = board_size(pool->board);
	for (i = 0; i < used; i++) {
		other = &sources->slots[i];
		many += i != slot && atomic_load(&other->source) == source &&
		    ticket_of(other) < ticket;
	}
	return many;
}

static void
use_slot(struct sources *sources, int slot)
{
	int	used = atomic_load(&sources->used);

	while (used <= slot && !atomic_compare_exchange_weak(&sources->used,
	    &used, slot + 1))
		;
}

static bool
has_room(struct pool *pool, int slot, uint64_t source)
{
	struct source_slot	*mine = &pool->sources->slots[slot];
	uint64_t		 ticket;

	atomic_store(&mine->ticket, NOT_YET);
	atomic_store(&mine->source, source);
	ticket = atomic_fetch_add(&pool->sources->last_ticket, 1) + 1;
	atomic_store(&mine->ticket, ticket);
	if (count_earlier(pool, slot, source, ticket) +
	    count_others(pool, source) < pool->config->per_source)
		return true;
	source_leave(pool, slot);
	return false;
}

/* One process at a time waits, and after it did in vain nobody for a while. */
static bool
gets_room(struct pool *pool, int slot, uint64_t source,
    void (*meanwhile)(struct pool *))
{
	_Atomic int64_t	*impatient = &pool->sources->impatient;
	int64_t		 now = clock_ms(), until = atomic_load(impatient);
	int		 tries = meanwhile != NULL ? MOMENTS_PARENT : MOMENTS;

	/* A process that runs wild may have written any time. */
	if ((now < until && until <= now + PAUSE) ||
	    !atomic_compare_exchange_strong(impatient, &until, now + PAUSE))
		return false;
	for (; tries > 0; tries--) {
		(void)poll(NULL, 0, MOMENT);
		if (meanwhile != NULL)
			meanwhile(pool);
		if (has_room(pool, slot, source)) {
			atomic_store(impatient, 0);
			return true;
		}
	}
	return false;
}

bool
source_enter(struct pool *pool, int slot, const struct address *client,
    void (*meanwhile)(struct pool *))
{
	const uint64_t	source = source_of(client);
	char		text[ADDRESS_TEXT];

	if (pool->sources == NULL)
		return true;
	use_slot(pool->sources, slot);
	if (has_room(pool, slot, source) ||
	    gets_room(pool, slot, source, meanwhile))
		return true;
	log_rarely("%s has %d clients, and may have no more: refusing others",
	    source_print(client, text), pool->config->per_source);
	return false;
}

void
source_leave(struct pool *pool, int slot)
{
	if (pool->sources != NULL)
		atomic_store(&pool->sources->slots[slot].source, NOBODY);
}
