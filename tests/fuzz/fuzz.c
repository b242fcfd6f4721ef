/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

unsigned long	fuzz_good;

void
claim(bool holds, const char *what)
{
	if (holds)
		return;
	(void)fprintf(stderr, "# it does not hold that %s\n", what);
	abort();
}
