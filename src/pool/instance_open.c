/* SPDX-License-Identifier: ISC */
/* To open an instance: to make it, to give it to another user, to look at it. */
#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instance.h"
#include "net/path.h"
#include "user.h"

/* What was wrong, as far as it fits. */
static int __attribute__((__format__(printf, 3, 4)))
refuse(char *why, size_t size, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return -1;
}

/*
 * A directory that nobody else can change: its descriptor, or -1.  One that
 * anybody may write to, but not remove from, as /tmp, does if its contents
 * are checked.
 */
static int
open_directory(int at, const char *name, const char *path, bool of_root,
    bool sticky, char *why, size_t size)
{
	struct stat	st;
	int		fd;

	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return refuse(why, size, "%s: %s", path, errno == ELOOP ||
		    errno == ENOTDIR ? "expected a directory, not a link or "
		    "a file" : strerror(errno));
	if (fstat(fd, &st) == -1)
		(void)refuse(why, size, "%s: %s", path, strerror(errno));
	else if (st.st_uid != geteuid() && !(of_root && st.st_uid == 0))
		(void)refuse(why, size, "%s belongs to user %u: expected user "
		    "%u", path, st.st_uid, geteuid());
	else if ((st.st_mode & 022) != 0 && !(sticky && st.st_mode & S_ISVTX))
		(void)refuse(why, size, "others may write to %s (its mode is "
		    "%04o): expected 0755", path, st.st_mode & 07777U);
	else
		return fd;
	(void)close(fd);
	return -1;
}

/* The place in /tmp is for nobody else's eyes. */
static bool
is_in_tmp(const char *path)
{
	char	tmp[32];

	(void)snprintf(tmp, sizeof(tmp), "/tmp/outlive-%u", geteuid());
	return strcmp(path, tmp) == 0;
}

/* The state directory: the first place where we may make something. */
static int
open_state(const char *wanted, const struct user *user, char *path,
    size_t path_size, char *why, size_t size)
{
	bool	shared = user_is_another(user), made;
	int	n, fd;

	for (n = 0; instance_place(wanted, n, path, path_size) != NULL; n++) {
		if (*path == '\0')
			return refuse(why, size, "the state directory has no "
			    "name: expected a path");
		made = mkdir(path, is_in_tmp(path) && !shared ? 0700 :
		    0755) == 0;
		if (!made && errno != EEXIST)
			(void)refuse(why, size, "%s: %s", path,
			    strerror(errno));
		else if (faccessat(AT_FDCWD, path, W_OK | X_OK,
		    AT_EACCESS) == -1)
			(void)refuse(why, size, "%s: %s", path,
			    strerror(errno));
		else {
			/* A place that is wrong is not a reason to look
			   elsewhere: somebody wants us to. */
			fd = open_directory(AT_FDCWD, path, path, true, true,
			    why, size);
			/* The user is to come through, whatever the umask. */
			if (fd != -1 && made && shared)
				(void)fchmod(fd, 0755);
			return fd;
		}
	}
	return -1;
}

/* Regular, ours alone, and called nothing else. */
static int
open_lock(const struct instance *instance, char *why, size_t size)
{
	struct stat	st;
	int		fd;

	/* Who can open it can put a lock on it: nobody else may. */
	fd = openat(instance->dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd == -1)
		return refuse(why, size, "%s/lock: %s", instance->path,
		    errno == ELOOP ? "expected a file, not a link" :
		    strerror(errno));
	if (fstat(fd, &st) == -1)
		(void)refuse(why, size, "%s/lock: %s", instance->path,
		    strerror(errno));
	else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_nlink > 1 || (st.st_mode & 077) != 0)
		(void)refuse(why, size, "%s/lock: expected a file of user %u, "
		    "of mode 0600, without other names", instance->path,
		    geteuid());
	else
		return fd;
	(void)close(fd);
	return -1;
}

/* Boards of a user's who may still have children are his. */
static bool
has_boards(int dir)
{
	const struct dirent	*entry;
	bool			 found = false;
	int			 fd = openat(dir, ".", O_RDONLY | O_DIRECTORY |
				    O_CLOEXEC);
	DIR			*stream = fd == -1 ? NULL : fdopendir(fd);

	if (stream == NULL) {
		if (fd != -1)
			(void)close(fd);
		return true;
	}
	while (!found && (entry = readdir(stream)) != NULL)
		found = strncmp(entry->d_name, "board.", 6) == 0;
	(void)closedir(stream);
	return found;
}

/* Root's own, in which a user cannot have put anything. */
static bool
is_roots(int state, const char *name)
{
	struct stat	st;

	return fstatat(state, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_uid == 0;
}

/* Whether what is in there may become the other user's. */
static int
may_be_given(const struct instance *instance, char *why, size_t size)
{
	if (!has_boards(instance->dir))
		return 0;
	return refuse(why, size, "%s has boards of user 0: expected them to be "
	    "gone (outlivectl drain), or -n with another name",
	    instance->path);
}

/* The instance's own directory, and the lock in it. */
static int
open_own(struct instance *instance, int state, const struct user *user,
    char *why, size_t size)
{
	bool	roots;

	if (mkdirat(state, instance->name, 0755) == -1 && errno != EEXIST)
		return refuse(why, size, "%s: %s", instance->path,
		    strerror(errno));
	roots = user_is_another(user) && is_roots(state, instance->name);
	/* What is in there is his: he alone is trusted with what he finds. */
	if (!roots && user_borrow(user) == -1)
		return refuse(why, size, "cannot act as user %u: %s",
		    user->uid, strerror(errno));
	instance->dir = open_directory(state, instance->name, instance->path,
	    false, false, why, size);
	/* Of a giving that was cut off, the lock first. */
	if (instance->dir != -1 && roots)
		(void)!fchownat(instance->dir, "lock", 0, (gid_t)-1,
		    AT_SYMLINK_NOFOLLOW);
	if (instance->dir != -1)
		instance->lock = open_lock(instance, why, size);
	if (!roots && user_return(user) == -1)
		return refuse(why, size, "cannot act as root again: %s",
		    strerror(errno));
	if (instance->lock == -1)
		return -1;
	return roots ? may_be_given(instance, why, size) : 0;
}

int
instance_give(struct instance *instance, const struct user *user, char *why,
    size_t size)
{
	struct stat	st;

	if (fstat(instance->dir, &st) == -1)
		return refuse(why, size, "%s: %s", instance->path,
		    strerror(errno));
	if (st.st_uid == (user_is_another(user) ? user->uid : geteuid()))
		return 0;
	/* While we waited for the port it has become somebody else's. */
	if (!user_is_another(user) || st.st_uid != 0)
		return refuse(why, size, "%s belongs to user %u",
		    instance->path, st.st_uid);
	if (may_be_given(instance, why, size) == -1)
		return -1;
	if (fchown(instance->lock, user->uid, user->gid) == -1 ||
	    fchown(instance->dir, user->uid, user->gid) == -1)
		return refuse(why, size, "%s cannot be given to user %u: %s",
		    instance->path, user->uid, strerror(errno));
	return 0;
}

int
instance_open(struct instance *instance, const char *wanted, const char *name,
    const struct user *user, char *why, size_t size)
{
	char	state[PATH_MAX], *absolute;
	int	dir, result;

	instance->dir = instance->lock = -1;
	(void)strlcpy(instance->name, name, sizeof(instance->name));
	dir = open_state(wanted, user, state, sizeof(state), why, size);
	if (dir == -1)
		return -1;
	absolute = path_absolute(state);
	(void)snprintf(instance->path, sizeof(instance->path), "%.*s/%s",
	    (int)(sizeof(instance->path) - INSTANCE_NAME - 1),
	    absolute == NULL ? state : absolute, name);
	free(absolute);
	result = open_own(instance, dir, user, why, size);
	(void)close(dir);
	if (result == -1)
		instance_close(instance);
	return result;
}

/*
 * One that is there, in one place: 0; 1 if there is none; -1 as
 * instance_look().  Root may look at anybody's; others believe nothing that
 * somebody else could have written.
 */
static int
look_in(struct instance *instance, const char *place, char *why, size_t size)
{
	struct stat	dir, lock;

	(void)snprintf(instance->path, sizeof(instance->path), "%s/%s", place,
	    instance->name);
	instance->dir = open(instance->path, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);
	if (instance->dir == -1 && errno == ENOENT)
		return 1;
	if (instance->dir == -1 || fstat(instance->dir, &dir) == -1)
		return refuse(why, size, "%s: %s", instance->path,
		    strerror(errno));
	if (dir.st_uid != geteuid() && geteuid() != 0)
		return refuse(why, size, "%s belongs to user %u: expected to "
		    "be run by that user, or by root", instance->path,
		    dir.st_uid);
	instance->lock = openat(instance->dir, "lock", O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC);
	if (instance->lock == -1 && errno == ENOENT)
		return 1;
	if (instance->lock == -1 || fstat(instance->lock, &lock) == -1)
		return refuse(why, size, "%s/lock: %s", instance->path,
		    strerror(errno));
	if ((dir.st_mode & 022) != 0 || !S_ISREG(lock.st_mode) ||
	    lock.st_uid != dir.st_uid || (lock.st_mode & 077) != 0)
		return refuse(why, size, "others may write to %s: expected "
		    "mode 0755, and a lock of mode 0600 of the same user",
		    instance->path);
	return 0;
}

int
instance_look(struct instance *instance, const char *wanted, const char *name,
    char *why, size_t size)
{
	char	place[PATH_MAX - INSTANCE_NAME - 1], later[PATH_MAX + 128];
	bool	refused = false;
	int	n, result;

	instance->dir = instance->lock = -1;
	(void)strlcpy(instance->name, name, sizeof(instance->name));
	for (n = 0; instance_place(wanted, n, place, sizeof(place)) != NULL;
	    n++) {
		/* What was wrong with the first one is told. */
		result = refused ? look_in(instance, place, later,
		    sizeof(later)) : look_in(instance, place, why, size);
		if (result == 0)
			return 0;
		refused = refused || result == -1;
		instance_close(instance);
	}
	return refused ? -1 : refuse(why, size, "there is no instance '%s', "
	    "or its directory has been removed", name);
}
