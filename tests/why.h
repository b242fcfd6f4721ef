/* SPDX-License-Identifier: ISC */
/* outlive-why, and sockets for it to find. */
#ifndef TESTS_WHY_H
#define TESTS_WHY_H

#include <stdbool.h>

#include "answer.h"

/* "./outlive-why ARGUMENTS...", NULL at the end: its exit status. */
int		why(const char *argument, ...) __attribute__((__sentinel__));
/* The same for one address, in a surrounding (harness.h). */
int		why_in(void (*prepare)(void), const char *address);

/* Set "ipv4/NAME" below /proc/sys/net: what the kernel does in this network. */
void		setting(const char *name, const char *value);

/*
 * A socket at [host:]port, made in one of these ways.  a_socket() gives up the
 * test if it is refused, and is -1 if the kernel has no IPv6; may_be_bound()
 * only asks.
 */
enum how { REUSEADDR = 1, REUSEPORT = 2, V6ONLY = 4, ON_LO = 8, LISTENS = 16 };
int		a_socket(const char *address, int how);
bool		may_be_bound(const char *address, int how);

/* One that is bound to a port of 127.0.0.1 (-1: refused), and one that
   listens there. */
int		bound(unsigned int port, bool reuseaddr);
int		listening(unsigned int port, bool reuseaddr);

#endif
