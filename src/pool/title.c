/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/process.h"
#include "title.h"

/* Fields of /proc/self/stat, counted from its name (proc(5)). */
#define ARG_START	46
#define ARG_END		47
#define ENV_END		49

/*
 * The kernel shows the arguments, up to arguments_end, whatever is in them.  If
 * their last byte is no NUL any more it shows what there is up to the first
 * NUL, also in the environment, which is behind them.
 */
static char	*begin, *arguments_end, *end;	/* NULL: we have no place */
static char	 program[64], generation_of[32];

/* Whether somebody may still look for a variable there. */
static bool
has_environment(const char *from, const char *to)
{
	char	**variable;

	/* clearenv(3) leaves none at all. */
	for (variable = environ; variable != NULL && *variable != NULL;
	    variable++)
		if (*variable >= from && *variable < to)
			return true;
	return false;
}

/* Where the kernel has our arguments.  False: it does not say. */
static bool
find_place(void)
{
	char		 text[1024], *rest, *field;
	uintptr_t	 place[ENV_END + 1] = { 0 };
	int		 i;

	if (process_file(AT_FDCWD, "/proc/self/stat", text,
	    sizeof(text)) <= 0 || (rest = strrchr(text, ')')) == NULL)
		return false;
	for (i = 0; i <= ENV_END && (field = strsep(&rest, " ")) != NULL; i++)
		place[i] = strtoull(field, NULL, 10);
	begin = (char *)place[ARG_START];
	arguments_end = (char *)place[ARG_END];
	end = (char *)place[ENV_END];
	if (has_environment(arguments_end, end))
		end = arguments_end;
	return begin != NULL && begin < arguments_end && arguments_end <= end;
}

void
title_open(unsigned int generation)
{
	int	len = snprintf(program, sizeof(program), "%s: ", getprogname());

	(void)snprintf(generation_of, sizeof(generation_of),
	    ", generation %u", generation);
	/* A main() that has not called setproctitle_init() has no title. */
	if (len >= (int)sizeof(program) || !find_place() ||
	    end - begin <= len || strncmp(begin, program, (size_t)len) != 0)
		begin = NULL;
}

/* For the kernel to read; and where each character counts no loop becomes a
   call of memcpy(3). */
static volatile char *
put(volatile char *at, const char *text)
{
	while (*text != '\0' && at < end - 1)
		*at++ = *text++;
	return at;
}

static void
show(const char *doing, const char *of, const char *whom)
{
	volatile char	*at;

	if (begin == NULL) {
		setproctitle("%s%s%s%s", doing, of, whom, generation_of);
		return;
	}
	at = put(put(begin, program), doing);
	at = put(put(put(at, of), whom), generation_of);
	/* Behind it is what was longer before, and then nothing. */
	while (at < end && (at < arguments_end || *at != '\0'))
		*at++ = '\0';
}

void
title_idle(void)
{
	show("idle", "", "");
}

void
title_busy(const char *service, const char *client)
{
	show(service, " for ", client);
}
