/* SPDX-License-Identifier: ISC */
/* Names of files. */
#ifndef NET_PATH_H
#define NET_PATH_H

#include <stdbool.h>

/*
 * The same name from the root on, so that it means the same after a chdir(2);
 * nothing is resolved, nor need be there.  To be freed; NULL with errno.
 */
char	*path_absolute(const char *name);

/*
 * Whether an absolute name means what root wants, whoever else there is: a
 * regular file of root's, or none yet, and no directory on the way to it in
 * which somebody else can make or rename anything.  Links are not followed.
 */
bool	path_is_roots(const char *name);

#endif
