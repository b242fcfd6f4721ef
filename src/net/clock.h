/* SPDX-License-Identifier: ISC */
/* The clock for intervals: it never jumps (CLOCK_MONOTONIC). */
#ifndef NET_CLOCK_H
#define NET_CLOCK_H

#include <stdint.h>

/* Milliseconds since some moment in the past. */
int64_t	clock_ms(void);

#endif
