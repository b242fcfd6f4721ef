/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "harness.h"

const char *
file_text(const char *path)
{
	static char	text[65536];
	int		fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t		n = fd == -1 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd != -1)
		(void)close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

bool
file_has(const char *path, const char *words)
{
	return strstr(file_text(path), words) != NULL;
}

void
await_file(const char *path, const char *words)
{
	struct wait	wait = { words, 0 };

	while (!file_has(path, words))
		wait_a_moment(&wait);
}
