/* SPDX-License-Identifier: ISC */
/* The kernel's settings, as /proc/sys shows them (proc(5)). */
#ifndef NET_SYSCTL_H
#define NET_SYSCTL_H

#include <stddef.h>

/* The text of one, without the newline: "net/core/somaxconn".  Returns -1 if
   it cannot be read; then the text is empty. */
int	sysctl_text(const char *name, char *text, size_t size);

/* The first number of one; otherwise, if it cannot be read. */
int	sysctl_number(const char *name, int otherwise);

/* The ports from which the kernel chooses, first and last.  Returns -1 if that
   cannot be read. */
int	sysctl_ports(unsigned int *low, unsigned int *high);

#endif
