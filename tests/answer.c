/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>
#include <sys/wait.h>

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "harness.h"

static char	answer[1 << 16];

int
answer_of(void (*prepare)(void), const char *const argv[])
{
	int	file = memfd_create("answer", MFD_CLOEXEC), status;
	ssize_t	size;

	status = await_end(program_start_in(prepare, argv, file));
	size = pread(file, answer, sizeof(answer) - 1, 0);
	answer[size > 0 ? size : 0] = '\0';
	(void)close(file);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
ctl(const char *argument, ...)
{
	const char	*argv[10] = { "./outlivectl", argument };
	int		 n = 1;
	va_list		 ap;

	va_start(ap, argument);
	while (argv[n] != NULL && n < 9)
		argv[++n] = va_arg(ap, const char *);
	va_end(ap);
	return answer_of(NULL, argv);
}

const char *
answer_text(void)
{
	return answer;
}

bool
says(const char *text)
{
	return strstr(answer, text) != NULL;
}

void
show_answer(void)
{
	const char	*at = answer;

	while (*at != '\0') {
		int len = (int)strcspn(at, "\n");

		note("%.*s", len, at);
		at += len + (at[len] == '\n');
	}
}

void
tells(const char *what, const char *text)
{
	ok(says(text), "%s: %.*s", what, (int)strcspn(text, "\n"), text);
	if (!says(text))
		show_answer();
}

void
tells_not(const char *what, const char *text)
{
	ok(!says(text), "%s: nothing of %s", what, text);
	if (says(text))
		show_answer();
}

/* A value of JSON (RFC 8259), as far as we print any: what follows it, or
   NULL. */
static const char *
skip_string(const char *at)
{
	if (*at++ != '"')
		return NULL;
	for (; *at != '"'; at++) {
		if ((unsigned char)*at < ' ' || (unsigned char)*at > 0x7e)
			return NULL;
		if (*at != '\\')
			continue;
		if (*++at == 'u') {
			if (strspn(at + 1, "0123456789abcdef") < 4)
				return NULL;
			at += 4;
		} else if (*at != '"' && *at != '\\')
			return NULL;
	}
	return at + 1;
}

static const char *
skip_value(const char *at)
{
	static const char *const words[] = { "null", "true", "false" };
	const char		*end = *at == '{' ? "}" : "]";
	bool			 object = *at == '{';
	size_t			 i;

	if (*at == '"')
		return skip_string(at);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(at, words[i], strlen(words[i])) == 0)
			return at + strlen(words[i]);
	if (*at >= '0' && *at <= '9')
		return at + strspn(at, "0123456789");
	if (*at != '{' && *at != '[')
		return NULL;
	if (*++at == *end)
		return at + 1;
	for (;;) {
		if (object && ((at = skip_string(at)) == NULL ||
		    *at++ != ':'))
			return NULL;
		if ((at = skip_value(at)) == NULL)
			return NULL;
		if (*at == *end)
			return at + 1;
		if (*at++ != ',')
			return NULL;
	}
}

/* Each line is one value, and there is one at least. */
bool
is_json(const char *text)
{
	if (*text == '\0')
		return false;
	while (*text != '\0')
		if ((text = skip_value(text)) == NULL || *text++ != '\n')
			return false;
	return true;
}
