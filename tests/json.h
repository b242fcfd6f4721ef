/* SPDX-License-Identifier: ISC */
/*
 * JSON, as much of it as our own programs write: no blanks between its tokens.
 * A value is where its text begins, in the text that it is part of.
 */
#ifndef TESTS_JSON_H
#define TESTS_JSON_H

#include <stddef.h>
#include <stdint.h>

/* A member of an object; "" if there is none. */
const char	*json_find(const char *object, const char *name);
/* A member of a member, "latency_us/whole/p50"; of an array its first one; ""
   if there is none. */
const char	*json_at(const char *object, const char *path);
/* A member that is an integer; -1 if it is none. */
int64_t		 json_int(const char *object, const char *name);
/* A member that is a text; "" if it is none. */
void		 json_text(const char *object, const char *name, char *text,
		    size_t size);

/* The elements of an array; NULL: there is none, or no further one. */
const char	*json_first(const char *array);
const char	*json_next(const char *element);

#endif
