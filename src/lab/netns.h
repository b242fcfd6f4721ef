/* SPDX-License-Identifier: ISC */
/*
 * A network of one's own: network_namespaces(7), and with it a pid namespace,
 * so that nobody is left behind.  The host is not touched.
 */
#ifndef LAB_NETNS_H
#define LAB_NETNS_H

#include <stddef.h>

/*
 * In a process that is there for it: leave the host's network, and its
 * processes, mounts and, without the privilege for that, users.  What is forked
 * from here on is in there: first a process 1, with whose end all others end.
 * 0, or -1 and in why what was refused.
 */
int	netns_leave(char *why, size_t size);

/* In process 1: /proc is of these processes, /run is empty, lo is up.  0, or -1
   and in why what was refused. */
int	netns_settle(char *why, size_t size);

/* Set what is of this network alone: "net/ipv4/tcp_fin_timeout".  0, or -1 with
   errno. */
int	netns_set(const char *name, const char *value);

#endif
