/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "owner.h"

/* What we look for, sorted. */
struct wanted {
	const unsigned long	*inodes;
	size_t			 n;
};

static int
compare_inodes(const void *one, const void *other)
{
	const unsigned long	*a = one, *b = other;

	return *a < *b ? -1 : *a > *b;
}

static int
compare_owners(const void *one, const void *other)
{
	const struct owner	*a = one, *b = other;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static int
append(struct owners *owners, const struct owner *owner)
{
	if (owners->n == owners->room) {
		size_t		 room = owners->room == 0 ? 16 :
				    2 * owners->room;
		struct owner	*list = reallocarray(owners->list, room,
				    sizeof(*list));

		if (list == NULL)
			return -1;
		owners->list = list;
		owners->room = room;
	}
	owners->list[owners->n++] = *owner;
	return 0;
}

/* A descriptor is a link to "socket:[INODE]"; 0: to something else, -1 (and
   errno): it is hidden from us. */
static int
socket_at(int descriptors, const char *name, unsigned long *inode)
{
	char	text[64];
	ssize_t	n = readlinkat(descriptors, name, text, sizeof(text) - 1);

	if (n == -1)
		return errno == EACCES || errno == EPERM ? -1 : 0;
	text[n] = '\0';
	return sscanf(text, "socket:[%lu]", inode) == 1;
}

/* Not the process's doing, but ours. */
static bool
is_our_trouble(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* Look through the descriptors of one process, or of one thread of it. */
static int
search(int process, int thread, const struct wanted *wanted,
    struct owner *owner, struct owners *owners)
{
	int		 fd, result = 0, kind;
	DIR		*folder;
	struct dirent	*entry;

	fd = openat(thread, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (folder = fdopendir(fd)) == NULL) {
		if (errno == EACCES || errno == EPERM)
			owners->hidden++;
		result = is_our_trouble(errno) ? -1 : 0;
		if (fd != -1)
			(void)close(fd);
		return result;
	}
	while (result == 0 && (entry = readdir(folder)) != NULL) {
		kind = socket_at(fd, entry->d_name, &owner->inode);
		if (kind == -1) {
			owners->hidden++;
			break;
		}
		if (kind == 0 || bsearch(&owner->inode, wanted->inodes,
		    wanted->n, sizeof(owner->inode), compare_inodes) == NULL)
			continue;
		if (owner->title[0] == '\0')
			owner_read(process, owner);
		result = append(owners, owner);
	}
	(void)closedir(folder);
	return result;
}

/* The main thread has ended: its /proc/PID/fd is empty, others' are not. */
static int
search_threads(int process, const struct wanted *wanted, struct owner *owner,
    struct owners *owners)
{
	int		 fd, thread, result = 0;
	DIR		*tasks;
	struct dirent	*entry;

	fd = openat(process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (tasks = fdopendir(fd)) == NULL) {
		result = is_our_trouble(errno) ? -1 : 0;
		if (fd != -1)
			(void)close(fd);
		return result;
	}
	while (result == 0 && (entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    strtol(entry->d_name, NULL, 10) == owner->pid)
			continue;
		thread = openat(fd, entry->d_name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (thread == -1)
			continue;
		result = search(process, thread, wanted, owner, owners);
		(void)close(thread);
	}
	(void)closedir(tasks);
	return result;
}

static int
look_into(int process, pid_t pid, const struct wanted *wanted,
    struct owners *owners)
{
	struct owner	owner = { .pid = pid };

	errno = 0;
	switch (owner_kind(process, &owner)) {
	case OWNER_LIVING:
		return search(process, process, wanted, &owner, owners);
	case OWNER_HEADLESS:
		return search_threads(process, wanted, &owner, owners);
	case OWNER_GONE:
		return is_our_trouble(errno) ? -1 : 0;
	case OWNER_KERNEL:
		break;
	}
	return 0;
}

/* In order; a process that has a socket twice is there once. */
static void
unite(struct owners *owners)
{
	size_t	i, kept = 0;

	if (owners->n == 0)
		return;
	qsort(owners->list, owners->n, sizeof(*owners->list), compare_owners);
	for (i = 1; i < owners->n; i++)
		if (compare_owners(&owners->list[kept], &owners->list[i]) != 0)
			owners->list[++kept] = owners->list[i];
	owners->n = kept + 1;
}

int
owners_find(struct owners *owners, unsigned long *inodes, size_t n)
{
	struct wanted	 wanted = { inodes, n };
	struct dirent	*entry;
	DIR		*proc;
	int		 process, result = 0, seen = 0;

	qsort(inodes, n, sizeof(*inodes), compare_inodes);
	if ((proc = opendir("/proc")) == NULL)
		return -1;
	while (result == 0 && (entry = readdir(proc)) != NULL) {
		if (strspn(entry->d_name, "0123456789") !=
		    strlen(entry->d_name))
			continue;
		process = openat(dirfd(proc), entry->d_name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process == -1) {
			/* It has ended, as processes do. */
			result = is_our_trouble(errno) ? -1 : 0;
			continue;
		}
		seen++;
		result = look_into(process,
		    (pid_t)strtol(entry->d_name, NULL, 10), &wanted, owners);
		(void)close(process);
	}
	(void)closedir(proc);
	unite(owners);
	if (result == 0 && seen == 0) {
		errno = ENOENT;		/* nothing is mounted there */
		return -1;
	}
	return result;
}

void
owners_free(struct owners *owners)
{
	free(owners->list);
	memset(owners, 0, sizeof(*owners));
}

const struct owner *
owners_of(const struct owners *owners, unsigned long inode, size_t *n)
{
	size_t	low = 0, high = owners->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (owners->list[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	for (*n = 0; low + *n < owners->n &&
	    owners->list[low + *n].inode == inode; ++*n)
		;
	return *n > 0 ? &owners->list[low] : NULL;
}
