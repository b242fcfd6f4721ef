/* SPDX-License-Identifier: ISC */
/* Clocks that never jump. */
#ifndef NET_CLOCK_H
#define NET_CLOCK_H

#include <stdint.h>

/* For intervals: milliseconds since some moment in the past. */
int64_t	clock_ms(void);

/* Milliseconds since the machine was started, also those that it has slept:
   what /proc says of a process's start counts so (CLOCK_BOOTTIME). */
int64_t	clock_boot_ms(void);

#endif
