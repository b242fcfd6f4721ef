/* SPDX-License-Identifier: ISC */
/* Clients that only ask whether somebody is served yet. */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "soak.h"

#define PROBES	32
#define EVERY	(20 * MS)

static struct probe { int fd; bool asked; } probes[PROBES];
static int	n_probes;
static int64_t	last;

void
probe_begin(void)
{
	while (n_probes > 0)
		(void)close(probes[--n_probes].fd);
	last = 0;
}

static void
probe_new(int64_t now)
{
	struct sockaddr_in	to = { .sin_family = AF_INET,
				    .sin_port = htons(PORT),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			fd;

	if (n_probes == PROBES || now < last + EVERY)
		return;
	last = now;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
	    errno != EINPROGRESS) {
		(void)close(fd);
		return;
	}
	probes[n_probes++] = (struct probe){ .fd = fd };
}

/* 1: it was answered; 0: not yet; -1: it has failed. */
static int
probe_one(struct probe *probe)
{
	char	c;
	ssize_t	n;

	if (!probe->asked) {
		if (send(probe->fd, "?", 1, MSG_NOSIGNAL) != 1)
			return errno == EAGAIN || errno == ENOTCONN ? 0 : -1;
		probe->asked = true;
	}
	n = recv(probe->fd, &c, 1, 0);
	if (n == -1)
		return errno == EAGAIN ? 0 : -1;
	return n == 1 && c == '?' ? 1 : -1;
}

int64_t
probe_look(int64_t since)
{
	int64_t	now = us();
	int	i, result;

	probe_new(now);
	for (i = 0; i < n_probes;) {
		if ((result = probe_one(&probes[i])) == 1) {
			probe_begin();
			return us() - since;
		}
		if (result == 0) {
			i++;
			continue;
		}
		(void)close(probes[i].fd);
		probes[i] = probes[--n_probes];
	}
	return -1;
}
