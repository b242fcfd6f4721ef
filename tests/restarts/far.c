/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "far.h"

#define DEVICE		"far"
#define ROOM		4096	/* packets on their way */
#define LARGEST		1600	/* more than the device's MTU of 1500 */

struct packet {
	int64_t		due;	/* us */
	size_t		len;
	unsigned char	bytes[LARGEST];
};

/* A ring: all of them take the same time, so none overtakes. */
struct direction {
	int		from, to;
	unsigned int	first, n;
	struct packet	ring[ROOM];
};

int64_t
now_us(void)
{
	struct timespec	now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void
set(int fd, unsigned long request, struct ifreq *interface)
{
	if (ioctl(fd, request, interface) == -1)
		err(1, "%s", interface->ifr_name);
}

static void
set_address(int fd, unsigned long request, struct ifreq *interface,
    uint32_t host)
{
	struct sockaddr_in	address = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(host) };

	memcpy(&interface->ifr_addr, &address, sizeof(address));
	set(fd, request, interface);
}

int
far_device(const char *address, int addresses)
{
	struct ifreq	interface = { .ifr_name = DEVICE,
			    .ifr_flags = IFF_TUN | IFF_NO_PI };
	int		tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC |
			    O_NONBLOCK);
	int		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), i;
	uint32_t	host = ntohl(inet_addr(address));

	if (tun == -1 || ioctl(tun, TUNSETIFF, &interface) == -1) {
		(void)close(fd);
		if (tun != -1)
			(void)close(tun);
		return -1;
	}
	for (i = 0; i < addresses; i++) {
		/* An address beyond the first one needs a name of its own. */
		if (i > 0)
			(void)snprintf(interface.ifr_name, IFNAMSIZ,
			    DEVICE ":%hhu", (unsigned char)i);
		set_address(fd, SIOCSIFADDR, &interface, host + (uint32_t)i);
		set_address(fd, SIOCSIFNETMASK, &interface, 0xffff0000);
	}
	(void)strlcpy(interface.ifr_name, DEVICE, IFNAMSIZ);
	/* Who carries may have to wait for a processor. */
	interface.ifr_qlen = ROOM;
	set(fd, SIOCSIFTXQLEN, &interface);
	interface.ifr_flags = IFF_UP | IFF_RUNNING;
	set(fd, SIOCSIFFLAGS, &interface);
	(void)close(fd);
	return tun;
}

static void
take(struct direction *way, int delay)
{
	struct packet	*packet;
	ssize_t		n;

	while (way->n < ROOM) {
		packet = &way->ring[(way->first + way->n) % ROOM];
		n = read(way->from, packet->bytes, sizeof(packet->bytes));
		if (n <= 0)
			return;
		packet->len = (size_t)n;
		packet->due = now_us() + delay;
		way->n++;
	}
}

/* Those that are due; how long until the next one is, in us; -1: none is on its
   way. */
static int64_t
give(struct direction *way)
{
	for (; way->n > 0; way->n--) {
		struct packet *packet = &way->ring[way->first];
		int64_t left = packet->due - now_us();

		if (left > 0)
			return left;
		/* A packet that is not taken is lost, as anywhere. */
		(void)!write(way->to, packet->bytes, packet->len);
		way->first = (way->first + 1) % ROOM;
	}
	return -1;
}

void
far_carry(int a, int b, int delay)
{
	static struct direction	there, back;
	struct pollfd		fds[] = { { .fd = a, .events = POLLIN },
				    { .fd = b, .events = POLLIN } };
	struct timespec		wait;
	int64_t			left, other;

	there.from = back.to = a;
	there.to = back.from = b;
	for (;;) {
		left = give(&there);
		other = give(&back);
		if (left == -1 || (other != -1 && other < left))
			left = other;
		wait = (struct timespec){ .tv_sec = left / 1000000,
		    .tv_nsec = left % 1000000 * 1000 };
		if (ppoll(fds, 2, left == -1 ? NULL : &wait, NULL) == -1 &&
		    errno != EINTR)
			err(1, "poll");
		take(&there, delay);
		take(&back, delay);
	}
}
