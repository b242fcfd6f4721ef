/* SPDX-License-Identifier: ISC */
/* Clients on this machine, and what the kernel has of their connections. */
#ifndef TESTS_CLIENT_H
#define TESTS_CLIENT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

/* Connect to 127.0.0.1, or to [host]:port in numbers; it is an error if that
   fails. */
int		dial(unsigned int port);
int		dial_to(const char *address);
/* With an address of our own. */
int		dial_from(const char *source, const char *address);
/* The same, and wait until the parent has put it into the queue. */
int		dial_into_queue(unsigned int port, pid_t parent);
unsigned int	local_port(int fd);

void		say(int fd, const char *text);
bool		hears(int fd, const char *text);
/* What tests/inside tells: all that comes up to an empty line. */
void		hear_paragraph(int fd, char *text, size_t size);
/* Send the text; wait for the same to come back. */
bool		echoes(int fd, const char *text);
/* Whether the connection ends, by FIN or by RST, with nothing before. */
bool		sees_end(int fd);

/*
 * The socket of a connection at the server's end.  0: there is none; 1:
 * nobody has accepted it; otherwise the number of its inode.
 */
unsigned long	inode_of(unsigned int port, int client);
/* All rows, as notes. */
void		show_table(void);
/* Connections of any port that nobody has accepted, whose client may have left
   already. */
int		not_accepted(void);
/* Wait until all that was sent has been read at the server's end. */
void		await_read(unsigned int port, int client);
/* Whether a keep-alive timer runs for it, also at the server's end. */
bool		keeps_alive(unsigned int port, int client);
/* Sockets in a state of <netinet/tcp.h>, with this port and this port of the
   peer; 0: any. */
int		sockets_in(unsigned int state, unsigned int port,
		    unsigned int peer);
/* Sockets of the port in state LISTEN. */
int		listeners(unsigned int port);
void		await_listener(unsigned int port);
void		await_no_listener(unsigned int port);
/* The port of one that is in state LISTEN; 0: none is. */
unsigned int	a_listener(void);
/* Sockets of the port in any state but TIME_WAIT. */
int		sockets_of(unsigned int port);

#endif
