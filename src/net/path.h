/* SPDX-License-Identifier: ISC */
/* Names of files. */
#ifndef NET_PATH_H
#define NET_PATH_H

/*
 * The same name from the root on, so that it means the same after a chdir(2);
 * nothing is resolved, nor need be there.  To be freed; NULL with errno.
 */
char	*path_absolute(const char *name);

#endif
