/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sockets.h"

static int
compare(const void *a, const void *b)
{
	const struct sockdiag	*one = a, *other = b;
	bool			 listens = one->state == TCP_LISTEN;
	unsigned int		 port = address_port(&one->local);
	unsigned int		 peer = address_port(&one->peer);

	if (listens != (other->state == TCP_LISTEN))
		return listens ? -1 : 1;
	if (port != address_port(&other->local))
		return port < address_port(&other->local) ? -1 : 1;
	if (peer != address_port(&other->peer))
		return peer < address_port(&other->peer) ? -1 : 1;
	return 0;
}

int
sockets_read(struct sockets *sockets)
{
	struct sockdiag_table	*table = &sockets->table;
	unsigned long		*inodes;
	size_t			 i;
	int			 result;

	memset(sockets, 0, sizeof(*sockets));
	if (sockdiag_read(table, 0) == -1)
		return -1;
	if (table->n == 0)
		return 0;
	qsort(table->sockets, table->n, sizeof(*table->sockets), compare);
	if ((inodes = calloc(table->n, sizeof(*inodes))) == NULL)
		return -1;
	for (i = 0; i < table->n; i++)
		inodes[i] = table->sockets[i].inode;
	result = owners_find(&sockets->owners, inodes, table->n);
	free(inodes);
	return result;
}

void
sockets_free(struct sockets *sockets)
{
	sockdiag_free(&sockets->table);
	owners_free(&sockets->owners);
	memset(sockets, 0, sizeof(*sockets));
}

static bool
same(const struct address *a, const struct address *b)
{
	char	one[ADDRESS_TEXT], other[ADDRESS_TEXT];

	return address_port(a) == address_port(b) &&
	    strcmp(address_print(a, one), address_print(b, other)) == 0;
}

const struct sockdiag *
sockets_find(const struct sockets *sockets, const struct address *local,
    const struct address *peer)
{
	const struct sockdiag	*socket = sockets->table.sockets;
	size_t			 i;

	for (i = 0; i < sockets->table.n; i++, socket++)
		if (same(&socket->local, local) && (peer == NULL ?
		    address_port(&socket->peer) == 0 :
		    same(&socket->peer, peer)))
			return socket;
	return NULL;
}

const char *
sockets_state(const struct sockets *sockets, const struct address *local,
    const struct address *peer)
{
	const struct sockdiag	*socket = sockets_find(sockets, local, peer);

	if (socket == NULL)
		socket = sockets_find(sockets, local, NULL);
	return socket == NULL ? "CLOSED" : sockdiag_state(socket->state);
}

/* "server1" of "./server1 --reuseaddr", "outlived" of "outlived: parent of". */
static void
short_name(const char *title, char *name, size_t size)
{
	size_t		 len = strcspn(title, " :");
	const char	*from = title, *slash;

	for (slash = title; slash < title + len; slash++)
		if (*slash == '/')
			from = slash + 1;
	len -= (size_t)(from - title);
	(void)snprintf(name, size, "%.*s", (int)len, from);
}

const char *
sockets_owner(const struct sockets *sockets, const struct sockdiag *socket,
    char *text, size_t size)
{
	size_t			 n = 0, len;
	const struct owner	*owner = socket->inode == 0 ? NULL :
				    owners_of(&sockets->owners, socket->inode,
				    &n);
	char			 name[32];

	(void)strlcpy(text, "-", size);
	if (owner == NULL)
		return text;
	short_name(owner->title, name, sizeof(name));
	(void)snprintf(text, size, "%s (%d)", name, owner->pid);
	len = strlen(text);
	if (n > 1)
		(void)snprintf(text + len, size - len, " and %zu more", n - 1);
	return text;
}
