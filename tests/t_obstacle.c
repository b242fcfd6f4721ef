/* SPDX-License-Identifier: ISC */
/* An answer that changes while it is looked for. */
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "net/obstacle.h"

/* So many calls of bind() are refused, whoever has the port. */
static int	refusals;

int	__real_bind(int, const struct sockaddr *, socklen_t);
int	__wrap_bind(int, const struct sockaddr *, socklen_t);

int
__wrap_bind(int fd, const struct sockaddr *address, socklen_t len)
{
	/* Netlink's sockets are none of this. */
	if (address->sa_family == AF_NETLINK || refusals == 0)
		return __real_bind(fd, address, len);
	refusals--;
	errno = EADDRINUSE;
	return -1;
}

static void
ask(int how_many, int error, bool restless)
{
	struct obstacles	found;
	struct address		address;
	const char		*why;

	(void)address_parse(&address, "127.0.0.1:5000", &why);
	refusals = how_many;
	ok(obstacles_find(&found, &address, false, false) == 0 &&
	    found.error == error && found.restless == restless,
	    "bind() is refused %d times: %s%s", how_many,
	    error == 0 ? "it is free" : strerror(error),
	    restless ? ", for all that one can see" : "");
	refusals = 0;
	obstacles_free(&found);
}

int
main(void)
{
	harness_begin();
	harness_own_network();
	ask(0, 0, false);
	/* It has gone when we look for it: we look again. */
	ask(1, 0, false);
	ask(2, EADDRINUSE, false);
	return done();
}
