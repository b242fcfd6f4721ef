/* SPDX-License-Identifier: ISC */
/*
 * Time-sequence diagrams, as in UNP 2.5 to 2.7: two lifelines, an arrow for each
 * segment that was captured, and at the margin the states that were observed
 * before and after.
 */
#ifndef LAB_DIAGRAM_H
#define LAB_DIAGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "capture.h"
#include "sockets.h"

/* One connection, as it has been seen so far. */
struct lifelines {
	struct address	ends[2];	/* the client, on the left, and the
					   server; or as they spoke first */
	uint32_t	isn[2];		/* initial sequence numbers */
	int		known[2];	/* whether they have been seen */
};

struct diagram {
	struct lifelines	*list;
	size_t			 n, room;
};

/* "SYN ACK seq 0 ack 1": its flags, and its numbers from 0 on.  Returns the
   text, or NULL if there is no memory; remembers its connection. */
#define DIAGRAM_LABEL	64
const char	*diagram_label(struct diagram *, const struct segment *,
		    char *text);

/*
 * Draw the connections of n segments, one after the other: at most so many.
 * With box-drawing characters, or else in ASCII.  0, or -1: there is no memory.
 */
int		 diagram_draw(struct diagram *, FILE *,
		    const struct segment *, size_t n,
		    const struct sockets *before, const struct sockets *after,
		    int most, int boxes);
void		 diagram_free(struct diagram *);

#endif
