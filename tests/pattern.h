/* SPDX-License-Identifier: ISC */
/* Bytes to be sent and compared: lines of text that do not repeat in step
   with any buffer. */
#ifndef TESTS_PATTERN_H
#define TESTS_PATTERN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

/* Where in the pattern: both ends begin with all zero. */
struct pattern {
	unsigned int	seed;
	unsigned int	column;
};

/* The next n bytes of it. */
void	pattern_fill(struct pattern *, char *bytes, size_t n);

/* Whether these are the next n bytes of it. */
bool	pattern_matches(struct pattern *, const char *bytes, size_t n);

/* Write n bytes of it; read n bytes, and compare them.  False: the
   connection ended, or a byte was another one. */
bool	pattern_send(struct pattern *, int fd, size_t n);
bool	pattern_receive(struct pattern *, int fd, size_t n);

/* Another process writes the first n bytes, and then, if told to, end-of-file;
   it ends with 0 if all of it was taken. */
pid_t	pattern_sender(int fd, size_t n, bool and_end);

#endif
