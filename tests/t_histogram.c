/* SPDX-License-Identifier: ISC */
/* Durations, against the same ones in a sorted array. */
#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/histogram.h"
#include "tap.h"

#define MANY	20000

/* What is asked for, in thousandths of a percent. */
static const int	asked[] = { 0, 1, 1000, 10000, 25000, 50000, 75000,
			    90000, 95000, 99000, 99900, 99990, 99999, 100000 };
#define ASKED	(sizeof(asked) / sizeof(asked[0]))

static struct histogram *
empty(void)
{
	struct histogram	*histogram = mmap(NULL, sizeof(*histogram),
				    PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (histogram == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	return histogram;
}

static void
dispose(struct histogram *histogram)
{
	(void)munmap(histogram, sizeof(*histogram));
}

static int
compare(const void *a, const void *b)
{
	const int64_t	x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The longest of so many percent of n, the shortest ones. */
static int64_t
exact(const int64_t *sorted, int n, int percent)
{
	int64_t	want = ((int64_t)n * percent + 99999) / 100000;

	return sorted[want == 0 ? 0 : want - 1];
}

static void
percentiles(int64_t *values, int n, const char *what)
{
	struct histogram	*histogram = empty();
	int64_t			 is, should;
	int			 i, wrong = 0;

	for (i = 0; i < n; i++)
		histogram_add(histogram, values[i]);
	qsort(values, (size_t)n, sizeof(*values), compare);
	for (i = 0; i < (int)ASKED; i++) {
		is = histogram_percentile(histogram, asked[i] / 1000.0);
		should = exact(values, n, asked[i]);
		if (is >= should && (is - should) * 1000 <= should)
			continue;
		wrong++;
		note("%g %%: %lld, not %lld", asked[i] / 1000.0,
		    (long long)is, (long long)should);
	}
	ok(wrong == 0, "%s: percentiles are a thousandth too high at most",
	    what);
	ok(histogram_min(histogram) == values[0] &&
	    histogram->max == values[n - 1] &&
	    histogram->n == (uint64_t)n, "%s: number and ends are exact", what);
	dispose(histogram);
}

/* As many of each number of bits. */
static void
random_ones(void)
{
	static int64_t	values[MANY];
	int		i, j, bits;

	srandom(1);
	for (i = 0; i < MANY; i++) {
		bits = 1 + i % 42;
		for (values[i] = 0, j = 0; j < bits; j++)
			values[i] = values[i] * 2 + (random() >> 7 & 1);
	}
	percentiles(values, MANY, "of all magnitudes");
	for (i = 0; i < MANY; i++)
		values[i] = random() % 3000;
	percentiles(values, MANY, "short ones");
	for (i = 0; i < 1000; i++)
		values[i] = 1000 + i;
	percentiles(values, 1000, "a thousand in a row");
	for (i = 0; i < 10; i++)
		values[i] = INT64_C(1) << (4 * i);
	percentiles(values, 10, "ten");
}

static void
alone(int64_t value, int64_t kept)
{
	struct histogram	*histogram = empty();

	histogram_add(histogram, value);
	ok(histogram_min(histogram) == kept && histogram->max == kept &&
	    histogram_percentile(histogram, 50) == kept &&
	    histogram_percentile(histogram, 100) == kept,
	    "%lld alone is kept as %lld", (long long)value, (long long)kept);
	dispose(histogram);
}

/* Each value where the width of buckets changes, its neighbours, too: no two
   that are further apart than a thousandth share a bucket, and none is beyond
   the last. */
static void
edges(void)
{
	struct histogram	*histogram = empty();
	int64_t			 value, below, at;
	int			 bits, wrong = 0;

	for (bits = 11; bits < 42; bits++) {
		value = INT64_C(1) << bits;
		memset(histogram, 0, sizeof(*histogram));
		histogram_add(histogram, value - 1);
		histogram_add(histogram, value);
		histogram_add(histogram, HISTOGRAM_MOST);
		below = histogram_percentile(histogram, 33);
		at = histogram_percentile(histogram, 66);
		wrong += below != value - 1 || at < value ||
		    at - value > value / 1000 || at == below;
	}
	ok(wrong == 0, "what is below a power of two is not taken for it");
	dispose(histogram);
}

static void
none(void)
{
	struct histogram	*histogram = empty();

	ok(histogram_min(histogram) == 0 &&
	    histogram_percentile(histogram, 50) == 0 && histogram->max == 0,
	    "an empty one has nothing but zeros");
	dispose(histogram);
}

static void
add_some(struct histogram *histogram, int from)
{
	int	i;

	for (i = 0; i < MANY * 10; i++)
		histogram_add(histogram, from + i % 7);
}

/* The same buckets, and longer and shorter ones again and again. */
static void
at_once(void)
{
	struct histogram	*histogram = empty();
	uint64_t		 sum = 0;
	int			 i, status;
	pid_t			 pid = fork();

	if (pid == -1)
		bail("fork: %s", strerror(errno));
	add_some(histogram, pid == 0 ? 100 : 101);
	if (pid == 0)
		_exit(0);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		bail("the other process has failed");
	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		sum += histogram->buckets[i];
	ok(histogram->n == MANY * 20 && sum == MANY * 20,
	    "two processes at once: none of theirs is lost");
	ok(histogram_min(histogram) == 100 && histogram->max == 107,
	    "nor are the ends");
	dispose(histogram);
}

int
main(void)
{
	none();
	random_ones();
	alone(0, 0);
	alone(2047, 2047);
	alone(2048, 2048);
	alone(123456789, 123456789);
	alone(HISTOGRAM_MOST, HISTOGRAM_MOST);
	alone(HISTOGRAM_MOST + 1, HISTOGRAM_MOST);
	alone(INT64_MAX, HISTOGRAM_MOST);
	alone(-1, 0);
	alone(INT64_MIN, 0);
	edges();
	at_once();
	return done();
}
