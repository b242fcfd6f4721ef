/* SPDX-License-Identifier: ISC */
/* Bytes on a stream socket, whole (UNP 3.9). */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <sys/types.h>

/* All n bytes, however often write(2) is interrupted or stops short: n, or
   -1 with errno. */
ssize_t	writen(int fd, const void *bytes, size_t n);

/* What is there, up to n bytes; interrupted calls go on: as read(2). */
ssize_t	readsome(int fd, void *bytes, size_t n);

#endif
