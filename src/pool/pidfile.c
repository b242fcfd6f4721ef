/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/path.h"
#include "pidfile.h"

/* -1 with errno. */
static int
open_plain(const char *path)
{
	struct stat	st;
	int		fd, saved;

	/* Nothing that may have the name makes us wait, or leads elsewhere. */
	fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC, 0644);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	saved = S_ISREG(st.st_mode) ? errno : EINVAL;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
pid_file_open(struct pid_file *file, const char *path)
{
	struct stat	st;
	int		saved;

	if ((file->path = path_absolute(path)) != NULL &&
	    (file->fd = open_plain(path)) != -1 &&
	    fstat(file->fd, &st) == 0) {
		/* That nobody has written to is our own, or as good. */
		file->ours = st.st_size == 0;
		return 0;
	}
	saved = errno;
	pid_file_remove(file);
	errno = saved;
	return -1;
}

int
pid_file_write(struct pid_file *file)
{
	if (file->fd == -1)
		return 0;
	file->ours = true;
	return ftruncate(file->fd, 0) == 0 &&
	    dprintf(file->fd, "%d\n", getpid()) > 0 ? 0 : -1;
}

struct pid_file_id
pid_file_identity(const struct pid_file *file)
{
	struct stat	st;

	if (file->fd == -1 || fstat(file->fd, &st) == -1)
		return (struct pid_file_id){ 0, 0 };
	return (struct pid_file_id){ st.st_dev, st.st_ino };
}

bool
pid_file_is(const struct pid_file *file, const struct pid_file_id *id)
{
	struct pid_file_id	ours = pid_file_identity(file);

	return file->fd != -1 && ours.device == id->device &&
	    ours.inode == id->inode;
}

void
pid_file_leave(struct pid_file *file)
{
	file->ours = false;
}

void
pid_file_forked(struct pid_file *file)
{
	if (file->fd != -1)
		(void)close(file->fd);
	file->fd = -1;
}

void
pid_file_remove(struct pid_file *file)
{
	struct stat	ours, there;

	if (file->fd != -1) {
		if (file->ours && fstat(file->fd, &ours) == 0 &&
		    lstat(file->path, &there) == 0 &&
		    there.st_dev == ours.st_dev &&
		    there.st_ino == ours.st_ino && unlink(file->path) == -1)
			(void)!ftruncate(file->fd, 0);
		(void)close(file->fd);
	}
	free(file->path);
	*file = (struct pid_file){ NULL, -1, false };
}
