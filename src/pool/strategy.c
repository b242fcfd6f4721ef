/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "strategy.h"

const struct strategy	*const strategies[] = {
	&strategy_fork,
	&strategy_shared,
	&strategy_fcntl,
	&strategy_mutex,
	&strategy_pass,
	NULL,
};

const struct strategy *
strategy_find(const char *name)
{
	const struct strategy	*const *row;

	for (row = strategies; *row != NULL; row++)
		if (strcmp((*row)->name, name) == 0)
			return *row;
	return NULL;
}
