/* SPDX-License-Identifier: ISC */
/*
 * Clients of an experiment, and the queue that they wait in: all on 127.0.0.1,
 * known by their ports.  An error is a value of errno, 0: there is none; what
 * is awaited is awaited for 5 s at most.
 */
#ifndef LAB_CLIENTS_H
#define LAB_CLIENTS_H

#include <stdbool.h>

#define CLIENTS_PATIENCE	5000	/* ms */

/* One that has connected to a server from a port of its own (fd -1: it could
   not), and its address. */
struct client {
	char	address[32];
	int	fd;
};
struct client	 client_connect(const char *server, unsigned int port);

/* "127.0.0.1:40000"; the text is good until two more were made. */
const char	*at(int port);

/* What a call that returns a descriptor has met; it is closed. */
int		 tried(int fd);
void		 close_all(const int *fds, int n);

/* Something can be read: a byte, end-of-file, an error. */
bool		 readable(int fd, int ms);
/* Send a byte; receive one, ENODATA: it is end-of-file. */
int		 say(int fd);
int		 hear(int fd);
/* A byte from a client to who serves it, and one back. */
int		 exchange(int client, int served);

/* How many wait to be accepted (tcp(7), TCP_INFO), and, if most is not NULL,
   how many may; -1: it does not listen. */
int		 queued(int listener, int *most);
/* Wait until so many do: the last segment of a handshake may still be on its
   way.  Returns how many do. */
int		 await_queued(int listener, int many);

/* A connect() that nobody waits for: its descriptor, or -1; and its end. */
int		 begin_connect(int to, int from);
int		 end_connect(int fd);

#endif
