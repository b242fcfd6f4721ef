/* SPDX-License-Identifier: ISC */
/*
 * An instance: a name, and a directory of that name in the state directory,
 * which holds a lock and one board for each generation that is alive, or has
 * not been swept yet.
 *
 * The lock means "owns the port".  It is fcntl(2)'s: children do not inherit
 * it, the kernel drops it when its holder ends in whatever way, and F_GETLK
 * names the holder.  (An flock would stay with the children.)  Any close() of
 * any descriptor of that file would drop it as well: it is opened once.
 *
 * It is a byte of that file, and there are others.  The door is for whoever
 * comes in to own the port, from before he looks for it until he has it; and
 * for whoever closes it behind the last owner.  Each heir (heir.h) has a byte of
 * its own, so that the file says whether there is one.
 */
#ifndef POOL_INSTANCE_H
#define POOL_INSTANCE_H

#include <sys/types.h>

#include <limits.h>
#include <stddef.h>

struct address;
struct user;

/* The last number that a generation may have: nine digits. */
#define INSTANCE_LAST	999999999

/* The longest name, its NUL included. */
#define INSTANCE_NAME	100

/* The environment may say where the state directory is. */
#define INSTANCE_ENVIRONMENT	"OUTLIVE_STATE_DIR"

struct instance {
	int	dir;			/* -1: not open */
	int	lock;
	char	name[INSTANCE_NAME];
	char	path[PATH_MAX];		/* of its directory, to be named */
};

/*
 * The n-th place, from 0 on, where the state directory may be: only the wanted
 * one if it is not NULL, else only the one that the environment names;
 * otherwise /run/outlive, $XDG_RUNTIME_DIR/outlive, /tmp/outlive-UID.
 * Returns NULL if there are no more, or the buffer.
 */
char	*instance_place(const char *wanted, int n, char *path, size_t size);

/* The name that an address gives: 9999 for every address of the machine,
   127.0.0.1:9999 for one. */
void	 instance_name(const struct address *, char *name, size_t size);

/* NULL, or what is wrong with a name. */
const char *instance_bad_name(const char *name);

/*
 * Open an instance, and make what is missing: its directory in the first place
 * where that can be done.  Neither may belong to somebody else, or be
 * writable by others.  The instance's own is that of the user whom we are to
 * become, if we are, or root's without boards, to be given to him.  0; or -1,
 * and a line in a buffer of the caller's says what was wrong and what was
 * expected.
 */
int	 instance_open(struct instance *, const char *wanted, const char *name,
	    const struct user *, char *why, size_t size);

/*
 * For the lock's holder who owns the port: what was root's becomes the other
 * user's.  -1, and a line, if it cannot, or has become somebody else's since.
 */
int	 instance_give(struct instance *, const struct user *, char *why,
	    size_t size);
void	 instance_close(struct instance *);

/*
 * For those who only look: the same for one that is there; nothing is made,
 * and the lock can be looked at, not taken.  It is that of the first place
 * where it is ours, or where we are root.
 */
int	 instance_look(struct instance *, const char *wanted,
	    const char *name, char *why, size_t size);

/* Tell of every instance that there is: its place and its name. */
void	 instance_list(const char *wanted, void (*each)(const char *place,
	    const char *name, void *), void *arg);

enum instance_lock { INSTANCE_OWNER, INSTANCE_DOOR };

/*
 * Take a lock.  0; or -1 with errno: EAGAIN, and *holder is the process that
 * has it, 0 if that is in another pid namespace.
 */
int	 instance_lock(struct instance *, enum instance_lock, pid_t *holder);
void	 instance_unlock(struct instance *, enum instance_lock);

/* Who has it: a pid, 0 in another pid namespace, or -1: nobody. */
pid_t	 instance_holder(const struct instance *, enum instance_lock);

/* For an heir: take that of its generation, which nobody else has.  0, or -1
   with errno.  For others, and for heirs: another one, as above. */
int	 instance_lock_heir(struct instance *, unsigned int generation);
pid_t	 instance_heir(const struct instance *);

/* In a child: the locks are the parent's. */
void	 instance_forked(struct instance *);

/*
 * For the door's holder: a number for a new generation, more than any that was
 * ever given here, and at least least.  0, or -1 with errno; EOVERFLOW: there
 * are no more.
 */
int	 instance_number(struct instance *, unsigned int least,
	    unsigned int *number);

#endif
