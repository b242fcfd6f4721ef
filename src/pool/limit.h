/* SPDX-License-Identifier: ISC */
/*
 * How long a client may keep a child (idle_timeout and session_limit in
 * outlive.h).  All of it is done in the process that serves: an orphan's
 * clients have the same limits.  Without a limit no call is made.
 */
#ifndef POOL_LIMIT_H
#define POOL_LIMIT_H

#include <stdbool.h>

struct outlive_client;
struct outlive_config;

/*
 * In a child, around a service that returns.  The idle timeout is the socket's
 * (socket(7)), and net/stream.h's to judge.  When the session has lasted too
 * long the connection is shut down, so that the service finds its end; a
 * service that has not returned LIMIT_GRACE seconds later has the child ended
 * by SIGALRM.  limit_end() is to be called before the descriptor is closed: no
 * alarm may find the next client behind its number.
 */
#define LIMIT_GRACE	5
void	limit_begin(const struct outlive_config *,
	    const struct outlive_client *);
void	limit_end(const struct outlive_config *,
	    const struct outlive_client *);

/*
 * In a process that is about to become a program, which the kernel's alarm
 * ends: exec keeps it.  The memory may be another process's (vfork).
 */
void	limit_program(const struct outlive_config *,
	    const struct outlive_client *);

/* Whether the status of a child or a program is that of a session which was
   too long. */
bool	limit_ended(const struct outlive_config *, int status);

#endif
