/* SPDX-License-Identifier: ISC */
/* RFC 863: what comes is thrown away. */
#include "net/stream.h"
#include "service.h"

void
discard(const struct outlive_client *client, void *arg)
{
	char	bytes[16384];

	(void)arg;
	while (readsome(client->fd, bytes, sizeof(bytes)) > 0)
		;
}
