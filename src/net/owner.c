/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vis.h>

#include "owner.h"
#include "sysctl.h"

#define PF_KTHREAD	0x00200000	/* proc(5), flags of stat */

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

/* A small file of a process, without its end: bytes, or -1. */
static ssize_t
read_file(int process, const char *name, char *text, size_t size)
{
	int	fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	ssize_t	n;

	if (fd == -1)
		return -1;
	n = read(fd, text, size - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

/* From its start, in ticks of the clock since boot, until now. */
static int64_t
age(unsigned long long start)
{
	struct timespec	now;
	long		ticks = sysconf(_SC_CLK_TCK);

	if (clock_gettime(CLOCK_BOOTTIME, &now) == -1 || ticks <= 0)
		return 0;
	return (int64_t)now.tv_sec - (int64_t)(start / (unsigned long)ticks);
}

/* The words between the NULs, as far as they can be printed. */
static void
read_title(int process, struct owner *owner)
{
	char	text[sizeof(owner->title)], visible[4 * sizeof(text)];
	ssize_t	n = read_file(process, "cmdline", text, sizeof(text)), i;

	for (i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	while (n > 0 && text[n - 1] == ' ')
		text[--n] = '\0';
	if (n <= 0) {
		n = read_file(process, "comm", text, sizeof(text));
		text[strcspn(text, "\n")] = '\0';
	}
	if (n <= 0)
		(void)strlcpy(text, "?", sizeof(text));
	/* strnvis(3bsd) into too little room leaves no NUL behind. */
	(void)strvis(visible, text, VIS_TAB | VIS_NL | VIS_CSTYLE);
	(void)strlcpy(owner->title, visible, sizeof(owner->title));
}

/* Not the owner of /proc/PID: that is root's if it may not be looked into. */
static uid_t
effective_user(int process)
{
	char		 text[1024];
	const char	*line;
	unsigned int	 uid;

	if (read_file(process, "status", text, sizeof(text)) <= 0 ||
	    (line = strstr(text, "\nUid:")) == NULL ||
	    sscanf(line, "\nUid: %*u %u", &uid) != 1)
		return (uid_t)-1;
	return (uid_t)uid;
}

/* Returns whether it is a process with descriptors of its own. */
static bool
read_process(int process, struct owner *owner)
{
	unsigned long long	start;
	unsigned int		flags;
	char			text[1024], state;
	const char		*rest;
	int			parent;

	/* Its name, in parentheses, may have any of them inside. */
	if (read_file(process, "stat", text, sizeof(text)) <= 0 ||
	    (rest = strrchr(text, ')')) == NULL ||
	    sscanf(rest + 1, " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u "
	    "%*u %*d %*d %*d %*d %*d %*d %llu", &state, &parent, &flags,
	    &start) != 4 || state == 'Z' || state == 'X' ||
	    flags & PF_KTHREAD)
		return false;
	owner->parent = parent;
	owner->stopped = state == 'T' || state == 't';
	owner->age = age(start);
	owner->uid = effective_user(process);
	return true;
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

/* A descriptor is a link to "socket:[INODE]"; 0: to something else. */
static unsigned long
socket_at(int descriptors, const char *name)
{
	char		text[64];
	unsigned long	inode;
	ssize_t		n = readlinkat(descriptors, name, text,
			    sizeof(text) - 1);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "socket:[%lu]", &inode) == 1 ? inode : 0;
}

/* Look through the descriptors of one process. */
static int
search(int process, const struct wanted *wanted, struct owner *owner,
    struct owners *owners)
{
	int		 fd, result = 0;
	DIR		*folder;
	struct dirent	*entry;
	bool		 titled = false;

	fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (folder = fdopendir(fd)) == NULL) {
		if (errno == EACCES || errno == EPERM)
			owners->hidden++;
		if (fd != -1)
			(void)close(fd);
		return 0;
	}
	while (result == 0 && (entry = readdir(folder)) != NULL) {
		owner->inode = socket_at(fd, entry->d_name);
		if (owner->inode == 0 || bsearch(&owner->inode, wanted->inodes,
		    wanted->n, sizeof(owner->inode), compare_inodes) == NULL)
			continue;
		if (!titled)
			read_title(process, owner);
		titled = true;
		result = append(owners, owner);
	}
	(void)closedir(folder);
	return result;
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
	struct owner	 owner;
	DIR		*proc;
	int		 process, result = 0;

	qsort(inodes, n, sizeof(*inodes), compare_inodes);
	if ((proc = opendir("/proc")) == NULL)
		return -1;
	while (result == 0 && (entry = readdir(proc)) != NULL) {
		if (strspn(entry->d_name, "0123456789") !=
		    strlen(entry->d_name))
			continue;
		process = openat(dirfd(proc), entry->d_name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process == -1)
			continue;	/* it has ended */
		memset(&owner, 0, sizeof(owner));
		owner.pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (read_process(process, &owner))
			result = search(process, &wanted, &owner, owners);
		(void)close(process);
	}
	(void)closedir(proc);
	unite(owners);
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

/* What a user namespace has no number for has one number for all. */
static bool
is_outside(uid_t uid)
{
	unsigned int	inside, n;
	bool		found = false;
	FILE		*file;

	if (uid != (uid_t)sysctl_number("kernel/overflowuid", 65534) ||
	    (file = fopen("/proc/self/uid_map", "re")) == NULL)
		return false;
	while (!found && fscanf(file, "%u %*u %u", &inside, &n) == 2)
		found = uid - inside < n;
	(void)fclose(file);
	return !found;
}

const char *
owner_user(uid_t uid, char *text, size_t size)
{
	const struct passwd	*entry;

	if (is_outside(uid))
		(void)strlcpy(text, "a user outside this user namespace",
		    size);
	else if ((entry = getpwuid(uid)) != NULL)
		(void)strlcpy(text, entry->pw_name, size);
	else
		(void)snprintf(text, size, "user %u", (unsigned int)uid);
	return text;
}
