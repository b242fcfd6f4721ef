/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <unistd.h>

#include "stream.h"

ssize_t
writen(int fd, const void *bytes, size_t n)
{
	const char	*next = bytes;
	size_t		 left = n;
	ssize_t		 done;

	while (left > 0) {
		done = write(fd, next, left);
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return -1;
		next += done;
		left -= (size_t)done;
	}
	return (ssize_t)n;
}

ssize_t
readsome(int fd, void *bytes, size_t n)
{
	ssize_t	done;

	do {
		done = read(fd, bytes, n);
	} while (done == -1 && errno == EINTR);
	return done;
}
