/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/stat.h>

#include <ctype.h>
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
#include "net/address.h"
#include "net/path.h"
#include "user.h"

/* The byte of the lock file that means "owns the port". */
#define OWNER_BYTE	1

char *
instance_place(const char *wanted, int n, char *path, size_t size)
{
	const char	*runtime = getenv("XDG_RUNTIME_DIR");

	if (wanted == NULL)
		wanted = getenv(INSTANCE_ENVIRONMENT);
	if (wanted != NULL) {
		(void)strlcpy(path, wanted, size);
		return n == 0 ? path : NULL;
	}
	if (n > 0 && (runtime == NULL || *runtime != '/'))
		n++;
	if (n == 0)
		(void)strlcpy(path, "/run/outlive", size);
	else if (n == 1)
		(void)snprintf(path, size, "%s/outlive", runtime);
	else if (n == 2)
		(void)snprintf(path, size, "/tmp/outlive-%u", geteuid());
	else
		return NULL;
	return path;
}

void
instance_name(const struct address *address, char *name, size_t size)
{
	char	host[ADDRESS_TEXT], port[ADDRESS_TEXT], text[ADDRESS_TEXT];

	address_split(address, host, port);
	if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
		(void)strlcpy(name, port, size);
	else
		(void)strlcpy(name, address_print(address, text), size);
}

const char *
instance_bad_name(const char *name)
{
	const char	*at;

	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
		return "expected the name of a file, without any '/', that "
		    "does not begin with a dot";
	if (strlen(name) >= INSTANCE_NAME)
		return "expected 99 characters at most";
	for (at = name; *at != '\0'; at++)
		if (!isgraph((unsigned char)*at))
			return "expected letters, digits and other characters "
			    "that can be seen";
	return NULL;
}

/* For instance_open(): what was wrong, as far as it fits. */
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
open_state(const char *wanted, char *path, size_t path_size, char *why,
    size_t size)
{
	int	n, fd;

	for (n = 0; instance_place(wanted, n, path, path_size) != NULL; n++) {
		if (*path == '\0')
			return refuse(why, size, "the state directory has no "
			    "name: expected a path");
		if (mkdir(path, is_in_tmp(path) ? 0700 : 0755) == -1 &&
		    errno != EEXIST)
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
	int			 fd = dup(dir);
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

/*
 * What is ours becomes the other user's.  As long as the directory is ours he
 * could not have put anything into it.
 */
static int
give_to(const struct user *user, int at, const struct instance *instance,
    char *why, size_t size)
{
	struct stat	st;
	int		dir, result = 0;

	if (fstatat(at, instance->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return refuse(why, size, "%s: %s", instance->path,
		    strerror(errno));
	if (st.st_uid != geteuid())
		return 0;
	dir = open_directory(at, instance->name, instance->path, false, false,
	    why, size);
	if (dir == -1)
		return -1;
	if (has_boards(dir))
		result = refuse(why, size, "%s has boards of user %u: expected "
		    "them to be gone (outlivectl drain), or -n with another "
		    "name", instance->path, st.st_uid);
	else if ((fchownat(dir, "lock", user->uid, user->gid,
	    AT_SYMLINK_NOFOLLOW) == -1 && errno != ENOENT) ||
	    fchown(dir, user->uid, user->gid) == -1)
		result = refuse(why, size, "%s cannot be given to user %u: %s",
		    instance->path, user->uid, strerror(errno));
	(void)close(dir);
	return result;
}

/* The instance's own directory, and the lock in it. */
static int
open_own(struct instance *instance, int state, const struct user *user,
    char *why, size_t size)
{
	if (mkdirat(state, instance->name, 0755) == -1 && errno != EEXIST)
		return refuse(why, size, "%s: %s", instance->path,
		    strerror(errno));
	if (user_is_another(user) &&
	    give_to(user, state, instance, why, size) == -1)
		return -1;
	/* What is in there is his: he alone is trusted with what he finds. */
	if (user_borrow(user) == -1)
		return refuse(why, size, "cannot act as user %u: %s",
		    user->uid, strerror(errno));
	instance->dir = open_directory(state, instance->name, instance->path,
	    false, false, why, size);
	if (instance->dir != -1)
		instance->lock = open_lock(instance, why, size);
	if (user_return(user) == -1)
		return refuse(why, size, "cannot act as root again: %s",
		    strerror(errno));
	return instance->lock == -1 ? -1 : 0;
}

int
instance_open(struct instance *instance, const char *wanted, const char *name,
    const struct user *user, char *why, size_t size)
{
	char	state[PATH_MAX], *absolute;
	int	dir, result;

	instance->dir = instance->lock = -1;
	(void)strlcpy(instance->name, name, sizeof(instance->name));
	dir = open_state(wanted, state, sizeof(state), why, size);
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

static void
list_place(const char *place, void (*each)(const char *, const char *, void *),
    void *arg)
{
	struct dirent	**entries;
	struct stat	 st;
	char		 lock[PATH_MAX + NAME_MAX + 8];
	int		 n = scandir(place, &entries, NULL, alphasort), i;

	for (i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		(void)snprintf(lock, sizeof(lock), "%s/%s/lock", place, name);
		if (instance_bad_name(name) == NULL && lstat(lock, &st) == 0)
			each(place, name, arg);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

void
instance_list(const char *wanted, void (*each)(const char *, const char *,
    void *), void *arg)
{
	char	place[PATH_MAX];
	int	n;

	for (n = 0; instance_place(wanted, n, place, sizeof(place)) != NULL;
	    n++)
		list_place(place, each, arg);
}

void
instance_close(struct instance *instance)
{
	if (instance->lock != -1)
		(void)close(instance->lock);
	if (instance->dir != -1)
		(void)close(instance->dir);
	instance->lock = instance->dir = -1;
}

static int
lock_owner(const struct instance *instance, int command, struct flock *lock)
{
	*lock = (struct flock){ .l_type = command == F_SETLK &&
	    lock->l_type == F_UNLCK ? F_UNLCK : F_WRLCK,
	    .l_whence = SEEK_SET, .l_start = OWNER_BYTE, .l_len = 1 };
	return fcntl(instance->lock, command, lock);
}

int
instance_lock(struct instance *instance, pid_t *holder)
{
	struct flock	lock;

	for (;;) {
		lock.l_type = F_WRLCK;
		if (lock_owner(instance, F_SETLK, &lock) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return -1;
		if (lock_owner(instance, F_GETLK, &lock) == -1)
			return -1;
		/* Or it was let go in between. */
		if (lock.l_type != F_UNLCK) {
			*holder = lock.l_pid > 0 ? lock.l_pid : 0;
			errno = EAGAIN;
			return -1;
		}
	}
}

void
instance_unlock(struct instance *instance)
{
	struct flock	lock = { .l_type = F_UNLCK };

	if (instance->lock != -1)
		(void)lock_owner(instance, F_SETLK, &lock);
}

pid_t
instance_holder(const struct instance *instance)
{
	struct flock	lock = { .l_type = F_WRLCK };

	if (lock_owner(instance, F_GETLK, &lock) == -1 ||
	    lock.l_type == F_UNLCK)
		return -1;
	return lock.l_pid > 0 ? lock.l_pid : 0;
}

void
instance_forked(struct instance *instance)
{
	if (instance->lock != -1)
		(void)close(instance->lock);
	instance->lock = -1;
}

int
instance_number(struct instance *instance, unsigned int least,
    unsigned int *number)
{
	char		text[16];
	const char	*problem;
	ssize_t		n;
	int		len;

	/* Whatever else stands there is not a number that was given. */
	n = pread(instance->lock, text, sizeof(text) - 1, 0);
	if (n == -1)
		return -1;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	*number = (unsigned int)strtonum(text, 1, INSTANCE_LAST,
	    &problem) + 1;
	if (problem != NULL || *number < least)
		*number = least;
	if (*number > INSTANCE_LAST) {
		errno = EOVERFLOW;
		return -1;
	}
	len = snprintf(text, sizeof(text), "%u\n", *number);
	/* Longer than before, but for what was not ours; a number that is cut
	   off by a crash is still made good by the boards. */
	if (pwrite(instance->lock, text, (size_t)len, 0) != len ||
	    ftruncate(instance->lock, len) == -1)
		return -1;
	return 0;
}
