/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "segment.h"

#define PEER_IPV4	"10.9.0.2"
#define PEER_IPV6	"fd00:9::2"
#define HOPS		64		/* TTL; what most systems begin with */
#define WINDOW		8192

static int	tun = -1;

/* Where packets come out, and go in. */
struct packet {
	union {
		struct iphdr	ip;
		struct ipv6hdr	ip6;
	}		head;
	struct tcphdr	tcp;
	unsigned char	data[sizeof(((struct segment *)NULL)->data)];
};

/* What the checksum of TCP covers besides the segment. */
struct pseudo {
	unsigned char	addresses[2 * sizeof(struct in6_addr)];
	uint32_t	len, protocol;
};

static void
set_interface(int fd, unsigned long request, struct ifreq *interface)
{
	if (ioctl(fd, request, interface) == -1)
		bail("tun: %s", strerror(errno));
}

static void
set_address(int fd, unsigned long request, struct ifreq *interface,
    const char *text)
{
	struct sockaddr_in	address = { .sin_family = AF_INET };

	(void)inet_pton(AF_INET, text, &address.sin_addr);
	memcpy(&interface->ifr_addr, &address, sizeof(address));
	set_interface(fd, request, interface);
}

/* The kernel looks whether somebody else has it, though nobody can. */
static void
await_address(const struct in6_addr *address)
{
	struct wait		wait = { .what = "an address of IPv6" };
	struct sockaddr_in6	own = { .sin6_family = AF_INET6,
				    .sin6_addr = *address };
	int			fd = socket(AF_INET6,
				    SOCK_STREAM | SOCK_CLOEXEC, 0);

	while (bind(fd, (struct sockaddr *)&own, sizeof(own)) == -1)
		wait_a_moment(&wait);
	(void)close(fd);
}

static bool
set_ipv6(const struct ifreq *interface)
{
	struct in6_ifreq	request = { .ifr6_prefixlen = 64 };
	int			fd = socket(AF_INET6,
				    SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool			done;

	if (fd == -1)
		return false;
	request.ifr6_ifindex = (int)if_nametoindex(interface->ifr_name);
	(void)inet_pton(AF_INET6, SEGMENT_IPV6, &request.ifr6_addr);
	done = ioctl(fd, SIOCSIFADDR, &request) == 0;
	(void)close(fd);
	if (done)
		await_address(&request.ifr6_addr);
	return done;
}

bool
segment_begin(void)
{
	struct ifreq	interface = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if ((tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC)) == -1 ||
	    ioctl(tun, TUNSETIFF, &interface) == -1)
		skip_all("no TUN device is allowed here");
	set_address(fd, SIOCSIFADDR, &interface, SEGMENT_IPV4);
	set_address(fd, SIOCSIFNETMASK, &interface, "255.255.255.0");
	interface.ifr_flags = IFF_UP | IFF_RUNNING;
	set_interface(fd, SIOCSIFFLAGS, &interface);
	(void)close(fd);
	return set_ipv6(&interface);
}

/* RFC 1071, as the packet has it. */
static uint32_t
sum(uint32_t so_far, const void *bytes, size_t len)
{
	const unsigned char	*at = bytes;
	size_t			 i;

	for (i = 0; i < len; i++)
		so_far += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
	return so_far;
}

static uint16_t
checksum(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The header, of which it returns the length; and what of it is summed up. */
static size_t
head_ipv4(struct iphdr *ip, size_t len, struct pseudo *pseudo)
{
	*ip = (struct iphdr){ .version = 4, .ihl = sizeof(*ip) / 4,
	    .ttl = HOPS, .protocol = IPPROTO_TCP };
	ip->tot_len = htons((uint16_t)(sizeof(*ip) + len));
	(void)inet_pton(AF_INET, PEER_IPV4, &ip->saddr);
	(void)inet_pton(AF_INET, SEGMENT_IPV4, &ip->daddr);
	ip->check = checksum(sum(0, ip, sizeof(*ip)));
	memcpy(pseudo->addresses, &ip->saddr, sizeof(ip->saddr));
	memcpy(pseudo->addresses + sizeof(ip->saddr), &ip->daddr,
	    sizeof(ip->daddr));
	return sizeof(*ip);
}

static size_t
head_ipv6(struct ipv6hdr *ip6, size_t len, struct pseudo *pseudo)
{
	*ip6 = (struct ipv6hdr){ .version = 6, .hop_limit = HOPS,
	    .nexthdr = IPPROTO_TCP };
	ip6->payload_len = htons((uint16_t)len);
	(void)inet_pton(AF_INET6, PEER_IPV6, &ip6->saddr);
	(void)inet_pton(AF_INET6, SEGMENT_IPV6, &ip6->daddr);
	memcpy(pseudo->addresses, &ip6->saddr, sizeof(ip6->saddr));
	memcpy(pseudo->addresses + sizeof(ip6->saddr), &ip6->daddr,
	    sizeof(ip6->daddr));
	return sizeof(*ip6);
}

void
segment_send(const struct segment *segment)
{
	struct packet	packet = { 0 };
	struct pseudo	pseudo = { 0 };
	struct tcphdr	tcp = { 0 };
	size_t		len = sizeof(tcp) + segment->len, head;
	unsigned char	bytes[sizeof(packet)];

	head = segment->ipv6 ? head_ipv6(&packet.head.ip6, len, &pseudo) :
	    head_ipv4(&packet.head.ip, len, &pseudo);
	pseudo.len = htonl((uint32_t)len);
	pseudo.protocol = htonl(IPPROTO_TCP);
	tcp.th_sport = htons((uint16_t)segment->from);
	tcp.th_dport = htons((uint16_t)segment->to);
	tcp.th_seq = htonl(segment->seq);
	tcp.th_ack = htonl(segment->ack);
	tcp.th_off = sizeof(tcp) / 4;
	tcp.th_flags = (uint8_t)segment->flags;
	tcp.th_win = htons(WINDOW);
	tcp.th_sum = checksum(sum(sum(sum(0, &pseudo, sizeof(pseudo)), &tcp,
	    sizeof(tcp)), segment->data, segment->len));
	memcpy(bytes, &packet.head, head);
	memcpy(bytes + head, &tcp, sizeof(tcp));
	memcpy(bytes + head + sizeof(tcp), segment->data, segment->len);
	if (write(tun, bytes, head + len) != (ssize_t)(head + len))
		bail("tun: %s", strerror(errno));
}

/* Where TCP begins, and in *end where it ends; 0: it is something else. */
static size_t
find_tcp(const unsigned char *bytes, size_t n, size_t *end)
{
	struct iphdr	ip;
	struct ipv6hdr	ip6;

	if (n < sizeof(ip6) || bytes[0] >> 4 == 4) {
		memcpy(&ip, bytes, sizeof(ip));
		*end = ntohs(ip.tot_len);
		return ip.protocol == IPPROTO_TCP ? ip.ihl * 4U : 0;
	}
	memcpy(&ip6, bytes, sizeof(ip6));
	*end = sizeof(ip6) + ntohs(ip6.payload_len);
	return ip6.nexthdr == IPPROTO_TCP ? sizeof(ip6) : 0;
}

/* False: it is no segment. */
static bool
read_segment(const unsigned char *bytes, size_t n, struct segment *segment)
{
	struct tcphdr	tcp;
	size_t		end = 0, at;

	if (n < sizeof(struct iphdr) + sizeof(tcp) ||
	    (at = find_tcp(bytes, n, &end)) == 0 || at + sizeof(tcp) > n ||
	    end > n)
		return false;
	memcpy(&tcp, bytes + at, sizeof(tcp));
	at += tcp.th_off * 4U;
	*segment = (struct segment){ .ipv6 = bytes[0] >> 4 == 6,
	    .from = ntohs(tcp.th_sport), .to = ntohs(tcp.th_dport),
	    .seq = ntohl(tcp.th_seq), .ack = ntohl(tcp.th_ack),
	    .flags = tcp.th_flags };
	if (at > end || end - at > sizeof(segment->data))
		bail("a segment that is not expected: %zu bytes", n);
	segment->len = end - at;
	memcpy(segment->data, bytes + at, segment->len);
	return true;
}

bool
segment_next(struct segment *segment, int ms)
{
	struct pollfd	readable = { .fd = tun, .events = POLLIN };
	unsigned char	bytes[2048];
	ssize_t		n;

	while (poll(&readable, 1, ms) == 1) {
		if ((n = read(tun, bytes, sizeof(bytes))) == -1)
			bail("tun: %s", strerror(errno));
		if (read_segment(bytes, (size_t)n, segment))
			return true;
	}
	return false;
}
