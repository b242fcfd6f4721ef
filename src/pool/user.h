/* SPDX-License-Identifier: ISC */
/*
 * The user whom a parent becomes once it has the port, and who its children are
 * from their birth: so nobody arms a parent-death signal that a change of
 * credentials would take away again (prctl(2)).
 */
#ifndef POOL_USER_H
#define POOL_USER_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

struct user {
	bool	wanted;		/* else the rest means nothing */
	bool	become;		/* by us, who were root */
	uid_t	uid;
	gid_t	gid;
};

/*
 * Look one up (getpwnam(3)); NULL: nobody is wanted.  0; or an exit status, and
 * a line says what was wrong.
 */
int	user_find(struct user *, const char *name, char *why, size_t size);

/*
 * Whether we are to be somebody else, and for files in a directory of his: be
 * him, and ourselves again, but for our supplementary groups.  -1 with errno.
 */
bool	user_is_another(const struct user *);
int	user_borrow(const struct user *);
int	user_return(const struct user *);

/*
 * Become him for good: supplementary groups, group, user, in each of their
 * three forms, and no program that is executed from here on gives anything back
 * (PR_SET_NO_NEW_PRIVS).  That it cannot be undone is tried.  0, or -1 with
 * errno, and in *failed what did.
 */
int	user_become(const struct user *, const char **failed);

#endif
