/* SPDX-License-Identifier: ISC */
/*
 * A program to be served (outlived exec), which writes 100 MB of the pattern
 * and reads a little of what comes in between, much less than its client
 * would like to send.
 */
#include <unistd.h>

#include "pattern.h"

int
main(void)
{
	struct pattern	out = { 0, 0 }, in = { 0, 0 };
	int		i;

	for (i = 0; i < 100; i++)
		if (!pattern_send(&out, STDOUT_FILENO, 1000000) ||
		    !pattern_receive(&in, STDIN_FILENO, 1000))
			return 1;
	return 0;
}
