/* SPDX-License-Identifier: ISC */
/*
 * How a listening socket goes from one process of an instance to the next: over
 * a UNIX domain socket in the instance's directory, "control".  Who owns the
 * port has its listening end, and so has his heir, if there is one; it goes to
 * the next owner together with the other socket, so that its name stays true,
 * and is never taken away under somebody who is just about to connect to it.
 */
#ifndef POOL_CONTROL_H
#define POOL_CONTROL_H

#include <sys/types.h>

#include <stdbool.h>

struct instance;
struct user;

/* For the owner: make it.  A close-on-exec descriptor that never blocks, to be
   closed by control_close(); or -1 with errno. */
int	control_open(const struct instance *);

/* Close it; if this is the last of all, its name goes, too. */
void	control_close(int control, const struct instance *, bool last);

/*
 * For who comes in: connect to whoever has it, as the user whom we are to
 * become.  He sees that we have the door, and nobody else is answered.  A
 * connection, or -1 with errno.
 */
int	control_connect(const struct instance *, const struct user *);

/*
 * For who has it: somebody has come.  The connection, which never blocks, and
 * his pid; or -1: nobody has, or one who is refused, which is logged.
 */
int	control_accept(int control, const struct instance *, pid_t *);

/* Send him the listening socket, and control with it; whether it was given to
   us, and is not ours to end.  0, or -1 with errno. */
int	control_offer(int connection, int listener, int control, bool given);

/* What came: 0; -1: nothing yet; -2: nothing will. */
int	control_receive(int connection, int *listener, int *control,
	    bool *given);

#endif
