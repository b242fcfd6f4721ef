/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instance.h"
#include "net/address.h"

/* Bytes of the lock file, by enum instance_lock; and those of heirs, from that
   of generation 0 on. */
static const off_t	bytes[] = { [INSTANCE_OWNER] = 1, [INSTANCE_DOOR] = 2 };
#define HEIR_BYTES	1000

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

/* Lock or unlock so many bytes; 0: all from there on. */
static int
set_lock(const struct instance *instance, short type, off_t start, off_t len)
{
	struct flock	lock = { .l_type = type, .l_whence = SEEK_SET,
			    .l_start = start, .l_len = len };

	return fcntl(instance->lock, F_SETLK, &lock);
}

/* Who has a lock there. */
static pid_t
holder_of(const struct instance *instance, off_t start, off_t len)
{
	struct flock	lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
			    .l_start = start, .l_len = len };

	if (fcntl(instance->lock, F_GETLK, &lock) == -1 ||
	    lock.l_type == F_UNLCK)
		return -1;
	return lock.l_pid > 0 ? lock.l_pid : 0;
}

int
instance_lock(struct instance *instance, enum instance_lock which,
    pid_t *holder)
{
	for (;;) {
		if (set_lock(instance, F_WRLCK, bytes[which], 1) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return -1;
		/* Or it was let go in between. */
		if ((*holder = instance_holder(instance, which)) != -1) {
			errno = EAGAIN;
			return -1;
		}
	}
}

void
instance_unlock(struct instance *instance, enum instance_lock which)
{
	if (instance->lock != -1)
		(void)set_lock(instance, F_UNLCK, bytes[which], 1);
}

pid_t
instance_holder(const struct instance *instance, enum instance_lock which)
{
	return holder_of(instance, bytes[which], 1);
}

int
instance_lock_heir(struct instance *instance, unsigned int generation)
{
	return set_lock(instance, F_WRLCK, HEIR_BYTES + (off_t)generation, 1);
}

pid_t
instance_heir(const struct instance *instance)
{
	return holder_of(instance, HEIR_BYTES, 0);
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
