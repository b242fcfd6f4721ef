/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "book_server.h"
#include "client.h"
#include "harness.h"
#include "process.h"

pid_t	book_parent, book_child[64];

pid_t
book_start(const char *section, const char *children)
{
	const char	*argv[] = { "src/lab/book", section, children, NULL };

	return program_start(argv, -1);
}

/* The inode of the socket that listens. */
static unsigned long
listener_inode(void)
{
	FILE		*tcp = fopen("/proc/self/net/tcp", "re");
	unsigned long	 inode = 0;
	unsigned int	 state = 0;
	char		 row[512];

	if (tcp == NULL)
		bail("/proc/self/net/tcp");
	while (state != TCP_LISTEN && fgets(row, sizeof(row), tcp) != NULL)
		(void)sscanf(row, " %*d: %*x:%*x %*x:%*x %x %*x:%*x %*x:%*x "
		    "%*x %*u %*u %lu", &state, &inode);
	(void)fclose(tcp);
	return state == TCP_LISTEN ? inode : 0;
}

int
book_who_listen(int children)
{
	unsigned long	inode = listener_inode();
	int		i, n = 0;

	for (i = 0; i < children; i++)
		n += inode != 0 && lives(book_child[i]) &&
		    holds(book_child[i], inode);
	return n;
}

void
book_begin(const char *section, int children)
{
	char	text[8];

	log_clear();
	(void)snprintf(text, sizeof(text), "%d", children);
	book_parent = book_start(section, text);
	await_listener(PORT);
	if (strcmp(section, "30.5") != 0)
		await_children(book_parent, children, book_child);
}

bool
book_served(int client)
{
	say(client, "5\n");
	return hears(client, "xxxxx");
}

pid_t
book_server_of(int client, int children)
{
	struct wait	wait = { .what = "a child that has the client" };
	unsigned long	inode = inode_of(PORT, client);
	int		i;

	for (;; wait_a_moment(&wait))
		for (i = 0; i < children; i++)
			if (holds(book_child[i], inode))
				return book_child[i];
}

pid_t
book_the_other(int children, pid_t a, pid_t b)
{
	int	i;

	for (i = 0; i < children; i++)
		if (book_child[i] != a && book_child[i] != b)
			return book_child[i];
	bail("no other child");
}

void
book_goes(int client)
{
	struct wait	wait = { .what = "a child that closes" };
	unsigned int	port = local_port(client);

	(void)close(client);
	while (sockets_in(0, PORT, port) > sockets_in(TCP_TIME_WAIT, PORT,
	    port))
		wait_a_moment(&wait);
}
