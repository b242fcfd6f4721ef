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
struct pid_file;
struct pid_file_id;
struct user;

/* For the owner: make it.  A close-on-exec descriptor that never blocks, to be
   closed by control_close(); or -1 with errno. */
int	control_open(const struct instance *);

/* Close it; if this is the last of all, its name goes, too. */
void	control_close(int control, const struct instance *, bool last);

/*
 * For who comes in: connect to whoever has it.  He sees that we have the door,
 * and who we are.  A connection, or -1 with errno.
 */
int	control_connect(const struct instance *);

/*
 * For who has it: somebody has come.  He has the door, and is root, or our own
 * user, if we were not root: children are that user, too, and one who has been
 * taken over is not to be given a port that only root could bind.  The
 * connection, which never blocks, and his pid; or -1: nobody has come, or one
 * who is refused.
 */
int	control_accept(int control, const struct instance *,
	    const struct user *, pid_t *);

/* What he is sent then. */
struct control_offer {
	int	listener, control;	/* descriptors */
	unsigned int generation; /* of whoever sends it */
	bool	owner;		/* we are that, and no heir */
	bool	given;		/* the socket was, and is not ours to end */
};
int	control_offer(int connection, const struct control_offer *);

/* What has come: 0; -1: nothing yet; -2: nothing will. */
int	control_receive(int connection, struct control_offer *);

/*
 * Words on that connection, in either direction: the port is mine; it is yours.
 * With the first goes which pid file the new parent will write, if any.  To say
 * one: 0; or -1: nobody will hear it.
 */
enum control_word { CONTROL_NOTHING, CONTROL_MINE, CONTROL_YOURS,
	CONTROL_GONE };
int	control_say(int connection, enum control_word,
	    const struct pid_file *);

/* What was said, if anything was; or he who could say something has gone.  A
   pid file that is not wanted is NULL. */
enum control_word	control_hear(int connection, struct pid_file_id *);

#endif
