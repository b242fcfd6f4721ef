/* SPDX-License-Identifier: ISC */
/* RFC 867, in the words of UNP figure 1.9. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net/stream.h"
#include "service.h"

void
daytime(const struct outlive_client *client, void *arg)
{
	time_t	now = time(NULL);
	char	date[26], line[32];

	(void)arg;
	/* A clock may be set to what has no date of 24 characters. */
	if (ctime_r(&now, date) == NULL)
		return;
	(void)snprintf(line, sizeof(line), "%.24s\r\n", date);
	farewell(client->fd, line, strlen(line));
}
