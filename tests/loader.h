/* SPDX-License-Identifier: ISC */
/*
 * For tests of outlive-load: runs of it, what they report, and servers that do
 * what a good one never does.
 */
#ifndef TESTS_LOADER_H
#define TESTS_LOADER_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

/* "./outlive-load ARGUMENTS...", separated by blanks; its messages go to the
   harness's log. */
pid_t		loader_start(const char *format, ...)
		    __attribute__((__format__(printf, 1, 2)));
/* In a surrounding of its own, from here on; NULL: none. */
void		loader_prepare(void (*prepare)(void));
/* Wait for it: its exit status; -1: a signal has ended it. */
int		loader_end(pid_t);
/* Both. */
int		loader(const char *format, ...)
		    __attribute__((__format__(printf, 1, 2)));

/* What the last one has reported; a number of it, as JSON, by the names that
   lead there: "failures/short/n". */
const char	*report(void);
double		reported(const char *names);
bool		reports(const char *text);

/* What a server and the test both see. */
struct seen {
	_Atomic int	accepted;
	_Atomic int	port;		/* of a client that will be wronged */
	_Atomic int	go;		/* the test says so */
};
extern struct seen	*seen;

/* A server of one process on 127.0.0.1, which takes one client after another,
   the number-th (from 1) of them; the connection is closed for it.  Returns its
   port, and is ended by the next one, or with the test. */
unsigned int	hostile(void (*serve)(int fd, int number));
/* The same, but it is given the listening socket. */
unsigned int	hostile_with(int backlog, void (*serve)(int listener));
void		hostile_end(void);

/* For these: wait for all of n bytes, or false at the end; one line. */
bool		hear_all(int fd, char *text, int n);
bool		hear_line(int fd);
void		hear_end(int fd);
void		reset(int fd);

#endif
