/* SPDX-License-Identifier: ISC */
/*
 * RFC 864: the printing characters in lines of 72, each of which begins one
 * character later.  The client's input is thrown away meanwhile: were it left
 * until there is room for output, a client that writes before it reads would
 * wait for us for ever, and we for him.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "net/stream.h"
#include "service.h"

#define PRINTING	('~' - ' ' + 1)
#define COLUMNS		72

/* After so many lines the first one comes again. */
static char	page[PRINTING][COLUMNS + 2];

static void
fill_page(void)
{
	int	line, column;

	for (line = 0; line < PRINTING; line++) {
		for (column = 0; column < COLUMNS; column++)
			page[line][column] =
			    (char)(' ' + (line + column) % PRINTING);
		page[line][COLUMNS] = '\r';
		page[line][COLUMNS + 1] = '\n';
	}
}

/* As much of the page as there is room for, and on its next one; false: the
   connection has ended. */
static bool
send_some(int fd, size_t *at)
{
	ssize_t	n = send(fd, &page[0][0] + *at, sizeof(page) - *at,
		    MSG_DONTWAIT);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	*at = (*at + (size_t)n) % sizeof(page);
	return true;
}

void
chargen(const struct outlive_client *client, void *arg)
{
	struct pollfd	both = { .fd = client->fd,
			    .events = POLLIN | POLLOUT };
	struct stall	stall = { client->fd, POLLIN | POLLOUT, -1 };
	char		bytes[16384];
	size_t		at = 0;
	int		limit = stall_limit(client->fd), n;

	(void)arg;
	fill_page();
	for (;;) {
		n = poll(&both, 1, limit);
		/* No handler restarts it (signal(7)). */
		if (n == -1 && errno != EINTR)
			return;
		if (n == 0 && stalled(&stall))
			return;
		if (n <= 0)
			continue;
		stall.queue = -1;
		/* An end, or an error, is to be read too. */
		if ((both.revents & ~POLLOUT) != 0 &&
		    readsome(client->fd, bytes, sizeof(bytes)) <= 0)
			return;
		if ((both.revents & POLLOUT) != 0 &&
		    !send_some(client->fd, &at))
			return;
	}
}
