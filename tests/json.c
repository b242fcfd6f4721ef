/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

static const char *
skip_string(const char *at)
{
	for (at++; *at != '\0' && *at != '"'; at++)
		if (*at == '\\' && at[1] != '\0')
			at++;
	return *at == '"' ? at + 1 : at;
}

/* To what is behind a value. */
static const char *
skip_value(const char *at)
{
	int	depth = 0;

	for (; *at != '\0'; at++) {
		if (*at == '"') {
			at = skip_string(at);
			if (depth == 0)
				return at;
			at--;
		} else if (*at == '{' || *at == '[')
			depth++;
		else if ((*at == '}' || *at == ']') && depth-- <= 1)
			return depth < 0 ? at : at + 1;
		else if (*at == ',' && depth == 0)
			return at;
	}
	return at;
}

const char *
json_find(const char *object, const char *name)
{
	size_t		len = strlen(name);
	const char	*key;

	if (*object != '{')
		return "";
	for (key = object + 1; *key == '"' || *key == ',';) {
		const char *value;

		key += *key == ',';
		value = skip_string(key) + 1;
		if (strncmp(key + 1, name, len) == 0 && key[len + 1] == '"')
			return value;
		key = skip_value(value);
	}
	return "";
}

const char *
json_at(const char *object, const char *path)
{
	const char	*at = object;
	char		 name[64];
	size_t		 len;

	for (; *path != '\0'; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
		at = json_find(*at == '[' ? at + 1 : at, name);
	}
	return at;
}

int64_t
json_int(const char *object, const char *name)
{
	const char	*value = json_find(object, name);

	return isdigit((unsigned char)*value) || *value == '-' ?
	    strtoll(value, NULL, 10) : -1;
}

const char *
json_first(const char *array)
{
	return *array == '[' && array[1] != ']' ? array + 1 : NULL;
}

const char *
json_next(const char *element)
{
	const char	*end = skip_value(element);

	return *end == ',' ? end + 1 : NULL;
}

void
json_text(const char *object, const char *name, char *text, size_t size)
{
	const char	*value = json_find(object, name);

	text[0] = '\0';
	if (*value == '"')
		(void)snprintf(text, size, "%.*s",
		    (int)(skip_string(value) - value) - 2, value + 1);
}
