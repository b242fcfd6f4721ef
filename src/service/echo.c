/* SPDX-License-Identifier: ISC */
/* RFC 862, and str_echo() of UNP 5.3. */
#include "net/stream.h"
#include "service.h"

void
echo(const struct outlive_client *client, void *arg)
{
	char	bytes[16384];
	ssize_t	n;

	(void)arg;
	while ((n = readsome(client->fd, bytes, sizeof(bytes))) > 0)
		if (writen(client->fd, bytes, (size_t)n) == -1)
			return;
}
