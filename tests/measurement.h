/* SPDX-License-Identifier: ISC */
/* What the programs have in common that measure. */
#ifndef TESTS_MEASUREMENT_H
#define TESTS_MEASUREMENT_H

#include <stdbool.h>
#include <stddef.h>

/* The number behind an option ("-r", "--rounds"); exits 64 where it is none. */
int	option_number(const char *option, const char *text, int least,
	    int most);

/*
 * In a process of its own, which may make networks for itself and leave children
 * behind: what measure() puts into the result, zeros at first.  False: it has
 * failed, and said why.
 */
bool	measure_apart(void (*measure)(const void *what, void *result),
	    const void *what, void *result, size_t size);

#endif
