/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "clients.h"
#include "net/address.h"
#include "net/clock.h"
#include "tcp.h"

struct client
client_connect(const char *server, unsigned int port)
{
	struct client	client;

	(void)snprintf(client.address, sizeof(client.address), "127.0.0.1:%u",
	    port);
	client.fd = tcp_connect(server, client.address, TCP_PLAIN);
	return client;
}

const char *
at(int port)
{
	static char	 texts[2][32];
	static int	 which;
	char		*text = texts[which ^= 1];

	(void)snprintf(text, sizeof(texts[0]), "127.0.0.1:%d", port);
	return text;
}

int
tried(int fd)
{
	int	saved = fd == -1 ? errno : 0;

	if (fd != -1)
		(void)close(fd);
	return saved;
}

bool
readable(int fd, int ms)
{
	struct pollfd	wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, ms) == 1;
}

int
say(int fd)
{
	return send(fd, "x", 1, MSG_NOSIGNAL) == 1 ? 0 : errno;
}

int
hear(int fd)
{
	char	byte;
	ssize_t	n = recv(fd, &byte, 1, 0);

	return n == 1 ? 0 : n == 0 ? ENODATA : errno;
}

int
exchange(int client, int served)
{
	int	error;

	if ((error = say(client)) == 0 && (error = hear(served)) == 0 &&
	    (error = say(served)) == 0)
		error = hear(client);
	return error;
}

int
queued(int listener, int *most)
{
	struct tcp_info	info = { .tcpi_unacked = 0 };
	socklen_t	len = sizeof(info);

	if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
	    info.tcpi_state != TCP_LISTEN)
		return -1;
	if (most != NULL)
		*most = (int)info.tcpi_sacked;
	return (int)info.tcpi_unacked;
}

int
await_queued(int listener, int many)
{
	int64_t	end = clock_ms() + CLIENTS_PATIENCE;
	int	n;

	while ((n = queued(listener, NULL)) != many && clock_ms() < end)
		(void)poll(NULL, 0, 1);
	return n;
}

void
close_all(const int *fds, int n)
{
	while (n-- > 0)
		if (fds[n] != -1)
			(void)close(fds[n]);
}

int
begin_connect(int to, int from)
{
	struct address	peer;
	int		fd = tcp_bind(at(from), TCP_PLAIN);

	if (fd != -1 && address_numeric(&peer, at(to)) == 0 &&
	    fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		(void)connect(fd, &peer.sa, peer.len);
	return fd;
}

int
end_connect(int fd)
{
	struct pollfd	wait = { .fd = fd, .events = POLLOUT };
	int		error = 0;
	socklen_t	len = sizeof(error);

	if (poll(&wait, 1, CLIENTS_PATIENCE) != 1)
		return EINPROGRESS;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ||
	    fcntl(fd, F_SETFL, 0) == -1)
		return errno;
	return error;
}
