/* SPDX-License-Identifier: ISC */
/*
 * How often each duration was seen, in the buckets of HdrHistogram (Gil Tene,
 * hdrhistogram.org): values of one power of two share so many buckets of the
 * same width that three significant digits are kept, from a nanosecond to an
 * hour and more.  The library of that name is a fine one; this is the part of
 * it that several processes can write at once, in memory that they share.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

/* 2 * 10^3 rounded up to a power of two: buckets of the lowest range. */
#define HISTOGRAM_BITS		11
#define HISTOGRAM_HALF		(1 << (HISTOGRAM_BITS - 1))
#define HISTOGRAM_RANGES	32
#define HISTOGRAM_BUCKETS	((HISTOGRAM_RANGES + 1) * HISTOGRAM_HALF)

/* The longest that it tells from others, in ns: 73 minutes. */
#define HISTOGRAM_MOST	\
	((INT64_C(1) << (HISTOGRAM_BITS + HISTOGRAM_RANGES - 1)) - 1)

struct histogram {
	_Atomic uint64_t	n;
	_Atomic int64_t		min, max;	/* exact; min is one more than
						   it was */
	_Atomic uint64_t	buckets[HISTOGRAM_BUCKETS];
};

/* All zero bytes are an empty one. */
void	histogram_add(struct histogram *, int64_t ns);

/* Exact; 0 if there are none. */
int64_t	histogram_min(const struct histogram *);

/* The longest of so many percent of all, the shortest ones: at most a thousandth
   above it.  0 if there are none. */
int64_t	histogram_percentile(const struct histogram *, double percent);

#endif
