/* SPDX-License-Identifier: ISC */
/*
 * JSON, as much as is needed to print it: a library would be one more thing
 * to install for fifty lines.  Who calls puts the braces and commas.
 */
#ifndef NET_JSON_H
#define NET_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A text in quotes: bytes, or ASCII that has gone through vis(3bsd). */
void		 json_string(FILE *, const char *text);

/* "name":"text"; "name":value, or null if that is below 0. */
void		 json_member(FILE *, const char *name, const char *text);
void		 json_number(FILE *, const char *name, int64_t value);

/* The word for it. */
const char	*json_bool(bool);

#endif
