/* SPDX-License-Identifier: ISC */
/* What other processes write into files. */
#ifndef TESTS_FILE_H
#define TESTS_FILE_H

#include <stdbool.h>

/* Its first 64 KiB; "" if there is no such file. */
const char	*file_text(const char *path);
bool		file_has(const char *path, const char *words);
void		await_file(const char *path, const char *words);

#endif
