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

/*
 * Arm it, in a child, with WINCH blocked; the parent must have had it blocked
 * since before the fork.  The child waits for clients by a call that blocks
 * on the queue.  Afterwards, once WINCH is let in:
 *
 * - if the parent lives, the queue's number becomes a copy of the spare, a
 *   socket at end-of-file: the child finishes its client, then leaves;
 * - if the parent has gone, the queue gives what is in it, then end-of-file,
 *   for every child at once.
 *
 * The handler restarts what it interrupts, so that no service sees EINTR: a
 * blocked call looks the number up again and finds what it stands for now.
 * That also closes the gap between looking and blocking.  0, or -1 with
 * errno.
 */
int	leave_arm(pid_t parent, int queue, int spare);

#endif
