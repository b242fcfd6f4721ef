/* SPDX-License-Identifier: ISC */
/*
 * What the targets of `make fuzz` have in common.  Each takes any bytes, and
 * aborts if something does not hold; libFuzzer calls one of them, t_corpus
 * all, with what stands in the folder of that name and much like it.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* make fuzz gives one of them the name that libFuzzer looks for. */
int	fuzz_address(const uint8_t *, size_t);
int	fuzz_board(const uint8_t *, size_t);
int	fuzz_bytes(const uint8_t *, size_t);
int	fuzz_sockdiag(const uint8_t *, size_t);

/* Inputs that were sound: without any, the others show little. */
extern unsigned long	fuzz_good;

/* The end, if it does not hold. */
void	claim(bool holds, const char *what);

/* A text that ends within its room, and does nothing to a terminal. */
static inline bool
is_visible(const char *text, size_t room)
{
	size_t	i, len = strnlen(text, room);

	for (i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len < room;
}

#endif
