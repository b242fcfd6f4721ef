/* SPDX-License-Identifier: ISC */
#include <math.h>

#include "histogram.h"

static int
bucket_of(int64_t ns)
{
	/* The range: how far the value is above what the lowest one holds. */
	int	range = 64 - HISTOGRAM_BITS - __builtin_clzll((uint64_t)ns |
		    (2 * HISTOGRAM_HALF - 1));

	return range * HISTOGRAM_HALF + (int)(ns >> range);
}

/* The highest value that has the same bucket. */
static int64_t
highest_in(int bucket)
{
	int	range = bucket / HISTOGRAM_HALF - 1;
	int64_t	step;

	if (range < 0)
		range = 0;
	step = bucket - range * HISTOGRAM_HALF;
	return ((step + 1) << range) - 1;
}

void
histogram_add(struct histogram *histogram, int64_t ns)
{
	int64_t	seen;

	if (ns < 0)
		ns = 0;
	if (ns > HISTOGRAM_MOST)
		ns = HISTOGRAM_MOST;
	atomic_fetch_add_explicit(&histogram->buckets[bucket_of(ns)], 1,
	    memory_order_relaxed);
	for (seen = histogram->max; ns > seen &&
	    !atomic_compare_exchange_weak(&histogram->max, &seen, ns);)
		;
	/* One more than it is, as 0 means that there is none yet. */
	for (seen = histogram->min; (seen == 0 || ns + 1 < seen) &&
	    !atomic_compare_exchange_weak(&histogram->min, &seen, ns + 1);)
		;
	atomic_fetch_add(&histogram->n, 1);
}

int64_t
histogram_min(const struct histogram *histogram)
{
	return histogram->n == 0 ? 0 : histogram->min - 1;
}

int64_t
histogram_percentile(const struct histogram *histogram, double percent)
{
	uint64_t	all = histogram->n, sum = 0, want;
	int64_t		most = histogram->max, value;
	int		bucket;

	/* 99.9 is a little more than that, in binary: not the next one for it. */
	want = (uint64_t)ceil(percent / 100 * (double)all * (1 - 1e-12));
	if (want == 0)
		want = 1;
	for (bucket = 0; all > 0 && bucket < HISTOGRAM_BUCKETS; bucket++) {
		sum += histogram->buckets[bucket];
		if (sum < want)
			continue;
		value = highest_in(bucket);
		return value < most ? value : most;
	}
	return 0;
}
