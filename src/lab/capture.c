/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_LIBPCAP
#include <pcap/pcap.h>
#endif

#include "capture.h"

/* As long as a frame on lo can be. */
#define FRAME	(65535 + ETHER_HDR_LEN)

/* For all that may come before it is read. */
#define BUFFER	(8 * 1024 * 1024)

int
capture_writes(void)
{
#ifdef HAVE_LIBPCAP
	return 1;
#else
	return 0;
#endif
}

#ifdef HAVE_LIBPCAP
static int
file_open(struct capture *capture, FILE *file)
{
	pcap_t	*format = pcap_open_dead_with_tstamp_precision(DLT_EN10MB,
		    FRAME, PCAP_TSTAMP_PRECISION_MICRO);

	if (format != NULL)
		capture->file = pcap_dump_fopen(format, file);
	if (format != NULL)
		pcap_close(format);
	return capture->file == NULL ? -1 : 0;
}

static void
file_write(const struct capture *capture, const struct timespec *when,
    const unsigned char *frame, size_t n)
{
	struct pcap_pkthdr	header = {
		.ts = { when->tv_sec, when->tv_nsec / 1000 },
		.caplen = (bpf_u_int32)n, .len = (bpf_u_int32)n };

	if (capture->file != NULL)
		pcap_dump(capture->file, &header, frame);
}

static int
file_close(struct capture *capture)
{
	int	result = 0;

	if (capture->file == NULL)
		return 0;
	result = pcap_dump_flush(capture->file);
	pcap_dump_close(capture->file);
	capture->file = NULL;
	return result;
}
#else
static int
file_open(struct capture *capture, FILE *file)
{
	(void)capture;
	(void)file;
	errno = ENOSYS;
	return -1;
}

static void
file_write(const struct capture *capture, const struct timespec *when,
    const unsigned char *frame, size_t n)
{
	(void)capture;
	(void)when;
	(void)frame;
	(void)n;
}

static int
file_close(struct capture *capture)
{
	(void)capture;
	return 0;
}
#endif

static int64_t
in_us(const struct timespec *time)
{
	return time->tv_sec * 1000000LL + time->tv_nsec / 1000;
}

static int
open_lo(void)
{
	struct sockaddr_ll	lo = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(ETH_P_ALL),
				    .sll_ifindex = (int)if_nametoindex("lo") };
	int			on = 1, size = BUFFER, saved;
	int			fd = socket(AF_PACKET, SOCK_RAW |
				    SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	/* More than rmem_max for who may; else as much as there is. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
	    sizeof(size)) == -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size,
		    sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&lo, sizeof(lo)) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
capture_begin(struct capture *capture, FILE *file)
{
	struct timespec	now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	*capture = (struct capture){ .fd = -1, .began = in_us(&now) };
	if (file != NULL && file_open(capture, file) == -1)
		return -1;
	capture->fd = open_lo();
	return capture->fd == -1 ? -1 : 0;
}

static bool
parse_ip(struct segment *segment, const unsigned char *frame, size_t *offset,
    size_t *end)
{
	struct ip	ip;

	if (*end < *offset + sizeof(ip))
		return false;
	memcpy(&ip, frame + *offset, sizeof(ip));
	if (ip.ip_p != IPPROTO_TCP || ip.ip_hl < 5 ||
	    ntohs(ip.ip_len) < ip.ip_hl * 4 ||
	    *offset + ntohs(ip.ip_len) > *end)
		return false;
	*end = *offset + ntohs(ip.ip_len);
	*offset += ip.ip_hl * 4U;
	segment->from.len = segment->to.len = sizeof(segment->from.in);
	segment->from.in.sin_family = segment->to.in.sin_family = AF_INET;
	segment->from.in.sin_addr = ip.ip_src;
	segment->to.in.sin_addr = ip.ip_dst;
	return true;
}

/* Without extension headers, which nobody adds on lo. */
static bool
parse_ip6(struct segment *segment, const unsigned char *frame, size_t *offset,
    size_t *end)
{
	struct ip6_hdr	ip6;

	if (*end < *offset + sizeof(ip6))
		return false;
	memcpy(&ip6, frame + *offset, sizeof(ip6));
	if (ip6.ip6_nxt != IPPROTO_TCP ||
	    *offset + sizeof(ip6) + ntohs(ip6.ip6_plen) > *end)
		return false;
	*offset += sizeof(ip6);
	*end = *offset + ntohs(ip6.ip6_plen);
	segment->from.len = segment->to.len = sizeof(segment->from.in6);
	segment->from.in6.sin6_family = segment->to.in6.sin6_family = AF_INET6;
	segment->from.in6.sin6_addr = ip6.ip6_src;
	segment->to.in6.sin6_addr = ip6.ip6_dst;
	return true;
}

int
capture_parse(struct segment *segment, const unsigned char *frame, size_t n)
{
	struct ether_header	ether;
	struct tcphdr		tcp;
	size_t			offset = sizeof(ether), end = n;

	*segment = (struct segment){ .us = 0 };
	if (n < sizeof(ether))
		return -1;
	memcpy(&ether, frame, sizeof(ether));
	if (ether.ether_type == htons(ETHERTYPE_IP) ?
	    !parse_ip(segment, frame, &offset, &end) :
	    ether.ether_type != htons(ETHERTYPE_IPV6) ||
	    !parse_ip6(segment, frame, &offset, &end))
		return -1;
	if (end < offset + sizeof(tcp))
		return -1;
	memcpy(&tcp, frame + offset, sizeof(tcp));
	if (tcp.th_off < 5 || end < offset + tcp.th_off * 4U)
		return -1;
	/* At the same place in both families. */
	segment->from.in.sin_port = tcp.th_sport;
	segment->to.in.sin_port = tcp.th_dport;
	segment->seq = ntohl(tcp.th_seq);
	segment->ack = ntohl(tcp.th_ack);
	segment->flags = tcp.th_flags;
	segment->len = (unsigned int)(end - offset - tcp.th_off * 4U);
	return 0;
}

static struct timespec
stamp_of(struct msghdr *message)
{
	struct cmsghdr	*c;
	struct timespec	 when = { 0, 0 };

	for (c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c))
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&when, CMSG_DATA(c), sizeof(when));
	return when;
}

static int
append(struct capture *capture, const struct segment *segment)
{
	size_t		 room = capture->room == 0 ? 64 : 2 * capture->room;
	struct segment	*more;

	if (capture->n == capture->room) {
		more = reallocarray(capture->segments, room, sizeof(*more));
		if (more == NULL)
			return -1;
		capture->segments = more;
		capture->room = room;
	}
	capture->segments[capture->n++] = *segment;
	return 0;
}

int
capture_read(struct capture *capture)
{
	static unsigned char	frame[FRAME];
	union {
		char		bytes[CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr	align;
	} control;
	struct sockaddr_ll	from;
	struct iovec		io = { frame, sizeof(frame) };
	struct segment		segment;
	struct timespec		when;
	ssize_t			n;

	while (capture->fd != -1) {
		struct msghdr	message = { .msg_name = &from,
				    .msg_namelen = sizeof(from),
				    .msg_iov = &io, .msg_iovlen = 1,
				    .msg_control = &control,
				    .msg_controllen = sizeof(control) };

		n = recvmsg(capture->fd, &message, 0);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		/* On lo each one is seen on its way out and on its way in. */
		if (from.sll_pkttype == PACKET_OUTGOING)
			continue;
		when = stamp_of(&message);
		file_write(capture, &when, frame, (size_t)n);
		if (capture_parse(&segment, frame, (size_t)n) == -1)
			continue;
		segment.us = in_us(&when) - capture->began;
		if (append(capture, &segment) == -1)
			return -1;
	}
	return 0;
}

int
capture_end(struct capture *capture)
{
	int	result;

	if (capture->fd != -1)
		(void)close(capture->fd);
	capture->fd = -1;
	result = file_close(capture);
	free(capture->segments);
	capture->segments = NULL;
	capture->n = capture->room = 0;
	return result;
}
