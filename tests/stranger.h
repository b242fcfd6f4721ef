/* SPDX-License-Identifier: ISC */
/*
 * Clients from another machine, whose kernel is the test: each segment goes out
 * when the test says so, and no earlier.
 */
#ifndef TESTS_STRANGER_H
#define TESTS_STRANGER_H

#include <stdbool.h>
#include <stdint.h>

struct stranger {
	bool		 ipv6;
	unsigned int	 port, server;
	uint32_t	 seq, ack;	/* to be sent next; expected next */
	bool		 answered;	/* SYN-ACK has come */
	bool		 complete;	/* and ACK has gone */
	bool		 reset, leaving, ended;
	char		 said[32];	/* and not acknowledged */
	char		 heard[32];	/* and not told to the test */
	struct stranger	*next;		/* all of them */
};

/* A new one, who wants to talk to that port.  He is in a list until
   they leave. */
void	stranger_comes(struct stranger *, bool ipv6, unsigned int server);

/* He sends a SYN, perhaps once more. */
void	stranger_knocks(struct stranger *);
/* SYN-ACK comes; it is an error if nothing does. */
bool	stranger_is_answered(struct stranger *);
/* Nothing comes before the answer to what was sent later. */
bool	stranger_is_ignored(struct stranger *);
/* RST comes; then he may knock again. */
bool	stranger_is_refused(struct stranger *);
/* He sends the last segment of the handshake. */
void	stranger_completes(struct stranger *);
/* All of this. */
void	stranger_connects(struct stranger *);

/* One text at a time: the answer is heard before the next. */
void	stranger_says(struct stranger *, const char *text);
/* The text comes, and nothing else.  What he has said is sent again until it is
   acknowledged. */
bool	stranger_hears(struct stranger *, const char *text);

/* All those who are connected send FIN, and get one.  False: one of all was
   reset. */
bool	strangers_leave(void);
/* The server has been ended, and with it what they had. */
void	strangers_forget(void);

#endif
