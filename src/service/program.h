/* SPDX-License-Identifier: ISC */
/* A program's file: which one is meant, and whether it can be executed. */
#ifndef SERVICE_PROGRAM_H
#define SERVICE_PROGRAM_H

#include <limits.h>

/*
 * A path, or the first file in PATH that may be executed.  Unlike execvp(3)
 * this goes no further if the kernel then refuses it, nor does it take what is
 * no program for a script of sh.  0, or -1 with errno.
 */
int	program_find(const char *name, char path[PATH_MAX]);

/*
 * Whether it can be executed is for the kernel to say: there may be no
 * permission, no interpreter, another machine's code.  A process that is
 * traced stops before the program's first instruction, and ends there.  Where
 * that is not allowed a program that was found is one.  0, or -1 with the
 * errno of execve(2).  SIGCHLD is at its default action then.
 */
int	program_try(const char *path, char *const argv[]);

#endif
