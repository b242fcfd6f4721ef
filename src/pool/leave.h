/* SPDX-License-Identifier: ISC */
/*
 * When a child goes: one signal, one handler.  WINCH means "leave when done",
 * as it does for Apache and nginx.  It comes from the parent, from outlivectl,
 * and from the kernel when the parent has ended (prctl(2), PR_SET_PDEATHSIG).
 * WINCH, because its default action is to do nothing: a program that a child
 * has become in the meantime does not die of it.  A terminal that is resized
 * sends it, too, to newborns who are still in the parent's process group; the
 * kernel tells whose it is.
 */
#ifndef POOL_LEAVE_H
#define POOL_LEAVE_H

#include <sys/types.h>

#include <stdbool.h>

struct leave {
	pid_t	parent;
	int	door;		/* where the child waits for clients, by a
				   call that blocks; -1: it does not wait */
	int	spare;		/* a socket at end-of-file */
	bool	queue;		/* the door is a queue that outlives the
				   parent; else it is the listening socket */

	/* Leave, now: called by the handler, so it may do only what is safe
	   there (signal-safety(7)); and its argument. */
	void	(*go)(void *);
	void	*arg;
};

/*
 * Arm it, in a child, with WINCH blocked; the parent must have had it blocked
 * since before the fork.  Afterwards, once WINCH is let in:
 *
 * - the door's number becomes a copy of the spare: the child finishes its
 *   client, and finds the end when it waits for the next one.  A listening
 *   socket that was behind that number is closed at once, so that the port is
 *   free even while the child is busy;
 * - but if the parent has gone, a queue stays, and gives what is in it, then
 *   end-of-file, for every child at once.
 *
 * The handler restarts what it interrupts, so that no service sees EINTR: a
 * blocked call looks the number up again and finds what it stands for now.
 * That also closes the gap between looking and blocking.  0, or -1 with
 * errno.
 */
int	leave_arm(const struct leave *);

/*
 * Its parent's end is no news to a child that has a client, if its door is a
 * queue; and ten thousand of them that hear of it at once have the processors
 * for themselves for seconds, while the next parent wants to begin.  It is told
 * when it is done.  Does nothing where nothing is armed, or where a listening
 * socket has to go at once.
 */
void	leave_later(void);
void	leave_as_before(void);

/* Whether WINCH has come. */
bool	leave_asked(void);

/*
 * Stand in line for a lock that somebody may keep for ever.  False: WINCH has
 * come.  From then on, until leave_line_left(), the child has nothing that
 * anybody would miss, and WINCH makes it go.
 */
bool	leave_line_up(void);
void	leave_line_left(void);

#endif
