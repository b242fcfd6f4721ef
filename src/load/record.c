/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>

#include <err.h>
#include <errno.h>
#include <sysexits.h>
#include <time.h>

#include "record.h"

const char *const	outcome_names[FAILURES] = {
	[REFUSED] = "refused", [RESET_BEFORE] = "reset_before",
	[RESET_AFTER] = "reset_after", [TIMED_OUT] = "timeout",
	[SHORT] = "short", [CORRUPT] = "corrupt",
	[UNREACHABLE] = "unreachable", [LOCAL] = "local",
};

const char *const	outcome_words[FAILURES] = {
	[REFUSED] = "refused",
	[RESET_BEFORE] = "reset before the request",
	[RESET_AFTER] = "reset after the request",
	[TIMED_OUT] = "no answer in time",
	[SHORT] = "closed before the answer was whole",
	[CORRUPT] = "not the answer that was expected",
	[UNREACHABLE] = "cannot be reached",
	[LOCAL] = "failed on this side",
};

int64_t
now_ns(void)
{
	struct timespec	now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Pages that nobody touches cost nothing. */
static void *
shared(size_t size)
{
	void	*memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		err(EX_OSERR, "memory for what is seen");
	return memory;
}

struct record *
record_new(const struct plan *plan)
{
	struct record	*record = shared(sizeof(*record));

	record->sessions = shared(((size_t)plan->sessions + 1) *
	    sizeof(*record->sessions));
	return record;
}

static struct bin *
bin_of(struct record *record, int64_t now)
{
	int64_t	i = (now - record->began) / RECORD_BIN;

	return record->began == 0 || i < 0 || i >= RECORD_BINS ? NULL :
	    &record->bins[i];
}

static void
raise_to(_Atomic int64_t *most, int64_t value)
{
	int64_t	seen = *most;

	while (value > seen &&
	    !atomic_compare_exchange_weak(most, &seen, value))
		;
}

void
record_begun(struct record *record, int64_t now)
{
	struct bin	*bin = bin_of(record, now);

	record->begun++;
	raise_to(&record->last_begun, now);
	if (bin != NULL)
		bin->begun++;
}

/* Whoever makes it longer writes it down; two at once may leave the time of the
   other one, which was as good. */
static void
end_gap(struct record *record, int64_t from, int64_t to)
{
	int64_t	seen = record->gap;

	while (to - from > seen)
		if (atomic_compare_exchange_weak(&record->gap, &seen,
		    to - from)) {
			record->gap_at = from - record->began;
			return;
		}
}

static void
success(struct record *record, int64_t now)
{
	int64_t	before = record->last_success;

	while (now > before)
		if (atomic_compare_exchange_weak(&record->last_success,
		    &before, now)) {
			end_gap(record, before == 0 ? record->began : before,
			    now);
			return;
		}
}

void
failure_add(struct failure *failure, int64_t at)
{
	int64_t	none = 0;

	/* One more than it is, as 0 means that there was none. */
	(void)atomic_compare_exchange_strong(&failure->first, &none, at + 1);
	raise_to(&failure->last, at);
	failure->n++;
}

void
record_outcome(struct record *record, enum outcome outcome, int64_t now)
{
	struct bin	*bin = bin_of(record, now);

	raise_to(&record->last_outcome, now);
	if (bin != NULL)
		bin->outcomes[outcome]++;
	if (outcome == DONE) {
		record->done++;
		success(record, now);
	} else
		failure_add(&record->failures[outcome], now - record->began);
}

void
record_local(struct record *record, int error, int64_t now)
{
	int	none = 0;

	(void)atomic_compare_exchange_strong(&record->local_errno, &none,
	    error);
	if (error == EADDRNOTAVAIL)
		record->no_port++;
	record_outcome(record, LOCAL, now);
}

void
record_message(struct record *record, int64_t now, bool alone)
{
	struct bin	*bin = bin_of(record, now);

	record->messages++;
	if (bin != NULL)
		bin->messages++;
	raise_to(&record->last_message, now);
	if (alone && record->began != 0) {
		raise_to(&record->last_outcome, now);
		success(record, now);
	}
}

void
record_finish(struct record *record, const struct plan *plan)
{
	/* In an open loop the last clients may be waited for long after there
	   were any others. */
	int64_t	end = plan->rate > 0 ? record->last_begun :
		    record->last_outcome;

	if (end > record->last_success && record->began != 0)
		end_gap(record, record->last_success == 0 ? record->began :
		    record->last_success, end);
}
