/* SPDX-License-Identifier: ISC */
/* The book's servers (book.c), as tests play them: one at a time. */
#ifndef TESTS_BOOK_SERVER_H
#define TESTS_BOOK_SERVER_H

#include <sys/types.h>

#include <stdbool.h>

#define PORT	9999

/* Of the one that is played; children in no order. */
extern pid_t	book_parent, book_child[64];

/* Play the one of this section of UNP; it listens and has all its children
   when this returns. */
void	book_begin(const char *section, int children);
/* Start one, and do not wait for anything. */
pid_t	book_start(const char *section, const char *children);

/* Ask for its service. */
bool	book_served(int client);
/* The client goes, and the child that has served it is done with it. */
void	book_goes(int client);

/* Of the first so many children, how many have the listening socket. */
int	book_who_listen(int children);
/* The one that has this client; the one that is neither of these. */
pid_t	book_server_of(int client, int children);
pid_t	book_the_other(int children, pid_t a, pid_t b);

#endif
