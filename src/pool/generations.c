/* SPDX-License-Identifier: ISC */
/* All generations of an instance, one after the other. */
#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boardfile.h"
#include "generation.h"
#include "instance.h"
#include "net/log.h"
#include "net/process.h"

/* The number in a file's name; 0: it is no board's. */
static unsigned int
number_in(const char *name)
{
	unsigned int	number;
	char		again[32];

	if (sscanf(name, BOARDFILE_NAME, &number) != 1)
		return 0;
	(void)snprintf(again, sizeof(again), BOARDFILE_NAME, number);
	return strcmp(name, again) == 0 && number <= INSTANCE_LAST ? number : 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct generation	*one = a, *other = b;

	return one->number < other->number ? -1 :
	    one->number > other->number;
}

/* The numbers of all that are there. */
static int
find_boards(struct generations *generations, DIR *stream)
{
	struct generation	*more;
	const struct dirent	*entry;
	unsigned int		 number;

	while ((entry = readdir(stream)) != NULL) {
		if ((number = number_in(entry->d_name)) == 0)
			continue;
		more = reallocarray(generations->list,
		    (size_t)generations->n + 1, sizeof(*more));
		if (more == NULL)
			return -1;
		generations->list = more;
		memset(&more[generations->n], 0, sizeof(*more));
		more[generations->n++].number = number;
	}
	if (generations->n > 1)
		qsort(generations->list, (size_t)generations->n,
		    sizeof(*generations->list), by_number);
	return 0;
}

int
generations_read_gently(struct generations *generations, int dir,
    void (*breathe)(void *), void *breather)
{
	struct stat	st;
	DIR		*stream;
	int		 i, fd, result;

	*generations = (struct generations){ .list = NULL };
	if (!process_visible()) {
		errno = ENOENT;
		return -1;
	}
	/* readdir() moves the offset of the descriptor that it is given. */
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || (stream = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return -1;
	}
	result = find_boards(generations, stream);
	(void)closedir(stream);
	for (i = 0; i < generations->n; i++) {
		generations->list[i].breathe = breathe;
		generations->list[i].breather = breather;
		generation_read(&generations->list[i], dir, st.st_uid);
	}
	return result;
}

int
generations_read(struct generations *generations, int dir)
{
	return generations_read_gently(generations, dir, NULL, NULL);
}

void
generations_free(struct generations *generations)
{
	int	i;

	for (i = 0; i < generations->n; i++)
		free(generations->list[i].children);
	free(generations->list);
}

/* What there is to say of a board that is removed; NULL: nothing. */
static const char *
epitaph(const struct generation *generation)
{
	switch (generation->state) {
	case GENERATION_OTHER_BOOT:
		return "it is from before the machine was started";
	case GENERATION_BROKEN:
		return "it is no whole board of this version";
	default:
		return NULL;
	}
}

static void
sweep(const struct generation *generation, int dir, const char *path)
{
	const char	*why = epitaph(generation);
	struct stat	 st;
	char		 name[32];

	(void)snprintf(name, sizeof(name), BOARDFILE_NAME,
	    generation->number);
	/* The same file that was read, not one that has come since. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    (generation->inode != 0 && st.st_ino != generation->inode))
		return;
	if (unlinkat(dir, name, 0) == -1)
		log_warn("%s/%s cannot be removed", path, name);
	else if (why != NULL)
		log_info("%s/%s is removed: %s", path, name, why);
}

void
generations_sweep(const struct generations *generations, int dir,
    const char *path, bool locked)
{
	const char	*why;
	int		 i;

	for (i = 0; i < generations->n; i++) {
		const struct generation *generation = &generations->list[i];

		why = generation->why;
		if (generation->state == GENERATION_ALIVE)
			continue;
		if (generation->state == GENERATION_BROKEN && locked)
			why = "it is no whole board, and there is a parent";
		if (why != NULL)
			log_info("%s/" BOARDFILE_NAME " stays: %s", path,
			    generation->number, why);
		else
			sweep(generation, dir, path);
	}
}

unsigned int
generations_last(const struct generations *generations)
{
	unsigned int	last = 0;
	int		i;

	for (i = 0; i < generations->n; i++)
		if (generations->list[i].state != GENERATION_BROKEN)
			last = generations->list[i].number;
	return last;
}

int
generation_orphans(const struct generation *generation)
{
	int	i, n = 0;

	if (generation->state != GENERATION_ALIVE || generation->parent != 0)
		return 0;
	for (i = 0; i < generation->n; i++)
		n += generation->children[i].state == SLOT_BUSY ||
		    generation->children[i].stopped;
	return n;
}

int
generations_orphans(const struct generations *generations, char *words,
    size_t size)
{
	int	i, n, sum = 0;
	size_t	len = 0;

	*words = '\0';
	for (i = 0; i < generations->n; i++) {
		n = generation_orphans(&generations->list[i]);
		sum += n;
		if (n > 0 && len < size)
			len += (size_t)snprintf(words + len, size - len,
			    "%s%d of generation %u", len == 0 ? "" : ", ", n,
			    generations->list[i].number);
	}
	return sum;
}

int
generations_children(const struct generations *generations,
    unsigned int number)
{
	int	i, n = 0;

	for (i = 0; i < generations->n; i++)
		if (generations->list[i].number != number)
			n += generations->list[i].n;
	return n;
}

int
generations_others(int dir, unsigned int number)
{
	struct generations	generations;
	int			n = 0;

	if (generations_read(&generations, dir) == 0)
		n = generations_children(&generations, number);
	generations_free(&generations);
	return n;
}
