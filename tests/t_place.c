/* SPDX-License-Identifier: ISC */
/* Which local addresses are one place: our rule against what bind() does. */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "net/place.h"

#define PORT	"5000"

static const struct {
	const char	*address;
	bool		 v6only;
} rows[] = {
	{ "0.0.0.0:" PORT, false },
	{ "127.0.0.1:" PORT, false },
	{ "127.0.0.2:" PORT, false },
	{ "[::]:" PORT, false },
	{ "[::]:" PORT, true },
	{ "[::1]:" PORT, false },
	{ "[::1]:" PORT, true },
	{ "[::ffff:127.0.0.1]:" PORT, false },
	{ "[::ffff:127.0.0.2]:" PORT, false },
	{ "[::ffff:0.0.0.0]:" PORT, false },
};

#define ROWS	(sizeof(rows) / sizeof(rows[0]))

static struct place
place(size_t i)
{
	struct place	place = { .v6only = rows[i].v6only };
	const char	*why;

	if (address_parse(&place.address, rows[i].address, &why) != 0)
		bail("%s: %s", rows[i].address, why);
	return place;
}

/* A socket that is bound there; -1: that address is in use. */
static int
bind_there(const struct place *place)
{
	int	fd = socket(place->address.sa.sa_family,
		    SOCK_STREAM | SOCK_CLOEXEC, 0);
	int	only = place->v6only;

	if (fd == -1 || (place->address.sa.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only,
	    sizeof(only)) == -1))
		bail("socket: %s", strerror(errno));
	if (bind(fd, &place->address.sa, place->address.len) == 0)
		return fd;
	if (errno != EADDRINUSE)
		bail("bind: %s", strerror(errno));
	(void)close(fd);
	return -1;
}

int
main(void)
{
	size_t	i, j;
	int	fd;

	harness_begin();
	if ((fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		skip_all("this kernel has no IPv6");
	(void)close(fd);
	harness_own_network();
	for (i = 0; i < ROWS; i++)
		for (j = 0; j < ROWS; j++) {
			struct place	old = place(i), new = place(j);
			bool		rule = places_collide(&old, &new);
			int		first = bind_there(&old), second;

			second = bind_there(&new);
			ok((second == -1) == rule, "%s%s, then %s%s: %s",
			    rows[i].address, rows[i].v6only ? " alone" : "",
			    rows[j].address, rows[j].v6only ? " alone" : "",
			    rule ? "one place" : "two places");
			(void)close(first);
			(void)close(second);
		}
	return done();
}
