/* SPDX-License-Identifier: ISC */
/* The segments that go over lo, by packet(7); RFC 9293 has their parts. */
#ifndef LAB_CAPTURE_H
#define LAB_CAPTURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "net/address.h"

struct segment {
	int64_t		us;		/* since the capture began */
	struct address	from, to;
	uint32_t	seq, ack;
	unsigned int	flags;		/* TH_SYN and so on, <netinet/tcp.h> */
	unsigned int	len;		/* bytes of data */
};

struct capture {
	int		fd;		/* -1: nothing is captured */
	int64_t		began;		/* us, of the kernel's clock */
	void		*file;		/* pcap(3)'s, NULL: none */
	struct segment	*segments;
	size_t		n, room;
};

/*
 * From here on.  A file, if it is not NULL, gets the packets for other programs
 * (pcap(3)), and is closed at the end.  0, or -1 with errno; what is captured is
 * to be ended in either case.
 */
int	capture_begin(struct capture *, FILE *);

/* Append what has come.  -1 with errno: the file cannot be written, or there is
   no memory. */
int	capture_read(struct capture *);

/* 0, or -1 with errno: the file is not whole. */
int	capture_end(struct capture *);

/*
 * What n bytes of an Ethernet frame say: 0, or -1 if that is no segment.  Never
 * reads beyond them.
 */
int	capture_parse(struct segment *, const unsigned char *frame, size_t n);

/* Whether such a file can be written at all: built with libpcap. */
int	capture_writes(void);

#endif
