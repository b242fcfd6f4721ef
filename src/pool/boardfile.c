/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boardfile.h"

/* This process's file. */
static char	*guarded;
static size_t	 guarded_bytes;

/*
 * Somebody has cut the file off under the mapping.  Whoever reads it finds out;
 * what is written from now on goes nowhere.
 */
static void
on_sigbus(int signo, siginfo_t *info, void *context)
{
	const char	*where = info->si_addr;

	(void)context;
	if (info->si_code > 0 && where >= guarded &&
	    where < guarded + guarded_bytes &&
	    mmap(guarded, guarded_bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
		return;
	/* It is something else: a fault comes again by itself. */
	(void)signal(signo, SIG_DFL);
	if (info->si_code <= 0)
		(void)raise(signo);
}

/* The handler goes to children, too. */
static void
guard(const struct boardfile *file)
{
	struct sigaction	action = { .sa_sigaction = on_sigbus,
				    .sa_flags = SA_SIGINFO };

	guarded = file->map;
	guarded_bytes = file->bytes;
	(void)sigaction(SIGBUS, &action, NULL);
}

/* A file of that size which is called board.new; whoever left one there died
   over it.  -1 with errno. */
static int
create_file(int dir, size_t bytes)
{
	int	fd, error;

	(void)unlinkat(dir, BOARDFILE_NEW, 0);
	fd = openat(dir, BOARDFILE_NEW, O_RDWR | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	error = posix_fallocate(fd, 0, (off_t)bytes);
	if (error == 0)
		return fd;
	(void)close(fd);
	(void)unlinkat(dir, BOARDFILE_NEW, 0);
	errno = error;
	return -1;
}

/* From now on it is there, and whole. */
static int
publish(struct boardfile *file, int fd, const struct board_head *given,
    int size)
{
	struct board_head	head = *given;
	struct stat		st;
	char			*map;

	(void)strlcpy(head.magic, BOARDFILE_MAGIC, sizeof(head.magic));
	head.head_size = sizeof(struct board_head);
	head.slot_size = sizeof(struct board_slot);
	head.size = (uint32_t)size;
	(void)snprintf(file->name, sizeof(file->name), BOARDFILE_NAME,
	    head.number);
	map = mmap(NULL, file->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	if (map == MAP_FAILED)
		return -1;
	file->map = map;
	guard(file);
	boardfile_save(file, &head, sizeof(head), 0);
	if (fstat(fd, &st) == -1 ||
	    renameat(file->dir, BOARDFILE_NEW, file->dir, file->name) == -1)
		return -1;
	file->device = st.st_dev;
	file->inode = st.st_ino;
	return 0;
}

int
boardfile_create(struct boardfile *file, int dir, const struct board_head *head,
    int size)
{
	int	fd, saved, result;

	*file = (struct boardfile){ .dir = dir,
	    .bytes = BOARDFILE_BYTES(size) };
	if ((fd = create_file(dir, file->bytes)) == -1)
		return -1;
	result = publish(file, fd, head, size);
	saved = errno;
	if (result == -1) {
		(void)unlinkat(dir, BOARDFILE_NEW, 0);
		boardfile_close(file);
	}
	(void)close(fd);
	errno = saved;
	return result;
}

void
boardfile_save(const struct boardfile *file, const void *what, size_t len,
    size_t where)
{
	if (file->map != NULL)
		memcpy(file->map + where, what, len);
}

void
boardfile_remove(const struct boardfile *file)
{
	struct stat	st;

	if (file->map == NULL)
		return;
	/* Somebody may have emptied the directory, and begun again. */
	if (fstatat(file->dir, file->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == file->device && st.st_ino == file->inode)
		(void)unlinkat(file->dir, file->name, 0);
}

void
boardfile_close(struct boardfile *file)
{
	if (file->map == NULL)
		return;
	(void)munmap(file->map, file->bytes);
	if (guarded == file->map)
		guarded_bytes = 0;
	file->map = NULL;
}
