/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "user.h"

int
user_find(struct user *user, const char *name, char *why, size_t size)
{
	const struct passwd	*entry;

	*user = (struct user){ .wanted = false };
	if (name == NULL)
		return 0;
	errno = 0;
	if ((entry = getpwnam(name)) == NULL) {
		if (errno == 0 || errno == ENOENT) {
			(void)snprintf(why, size, "there is no user '%s'",
			    name);
			return EX_USAGE;
		}
		(void)snprintf(why, size, "user '%s' cannot be looked up: %s",
		    name, strerror(errno));
		return EX_OSERR;
	}
	if (entry->pw_uid == 0 || entry->pw_gid == 0) {
		(void)snprintf(why, size, "user '%s' is root, or of root's "
		    "group: expected one who has fewer rights", name);
		return EX_USAGE;
	}
	*user = (struct user){ .wanted = true, .uid = entry->pw_uid,
	    .gid = entry->pw_gid };
	user->become = user_is_another(user);
	if (user->become && geteuid() != 0) {
		(void)snprintf(why, size, "only root can become user '%s'",
		    name);
		return EX_USAGE;
	}
	return 0;
}

bool
user_is_another(const struct user *user)
{
	return user->wanted && (geteuid() != user->uid ||
	    getuid() != user->uid);
}

int
user_borrow(const struct user *user)
{
	if (!user_is_another(user))
		return 0;
	/* Root has no need of root's groups, nor is he to have them. */
	if (setgroups(1, &user->gid) == -1 || setegid(user->gid) == -1 ||
	    seteuid(user->uid) == -1)
		return -1;
	return 0;
}

int
user_return(const struct user *user)
{
	/* The saved one is root's still. */
	if (!user_is_another(user))
		return 0;
	if (seteuid(0) == -1 || setegid(getgid()) == -1)
		return -1;
	return 0;
}

/* Whether any way leads back. */
static bool
can_go_back(void)
{
	return setresuid((uid_t)-1, 0, (uid_t)-1) == 0 || setuid(0) == 0 ||
	    setresgid((gid_t)-1, 0, (gid_t)-1) == 0 || setgid(0) == 0;
}

/* Whether any right of root's is left, in use or to be taken up again: whoever
   keeps what he may (PR_SET_KEEPCAPS) does not go back by asking to. */
static bool
has_rights(void)
{
	struct __user_cap_header_struct	head = {
	    .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct	sets[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &head, sets) == -1 ||
	    (sets[0].permitted | sets[1].permitted) != 0;
}

int
user_become(const struct user *user, const char **failed)
{
	bool	changes = user_is_another(user);

	if (!user->wanted)
		return 0;
	*failed = "prctl";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	if (changes) {
		/* The user last: it is the right to do the others. */
		*failed = "setgroups";
		if (setgroups(1, &user->gid) == -1)
			return -1;
		*failed = "setresgid";
		if (setresgid(user->gid, user->gid, user->gid) == -1)
			return -1;
		*failed = "setresuid";
		if (setresuid(user->uid, user->uid, user->uid) == -1)
			return -1;
	}
	/* Nor may who has the same user look into us: so it is by default, unless
	   fs.suid_dumpable says otherwise. */
	*failed = "prctl";
	if (changes && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return -1;
	*failed = "the way back is open";
	if (can_go_back() || (changes && has_rights())) {
		errno = EPERM;
		return -1;
	}
	return 0;
}
