/* SPDX-License-Identifier: ISC */
#include <netinet/tcp.h>
#include <string.h>

#include "harness.h"
#include "segment.h"
#include "stranger.h"

/* Between two times that something is sent, in ms.  A kernel takes longer. */
#define RESEND		20

#define FIRST_PORT	40000
#define NOBODY		9		/* a port where nobody listens */

static struct stranger	*all;
static unsigned int	 last_port = FIRST_PORT;

void
stranger_comes(struct stranger *stranger, bool ipv6, unsigned int server)
{
	last_port++;
	*stranger = (struct stranger){ .ipv6 = ipv6, .server = server,
	    .port = last_port, .seq = last_port << 16, .next = all };
	all = stranger;
}

static void
send_out(const struct stranger *stranger, unsigned int flags, uint32_t seq,
    const char *data)
{
	struct segment	segment = { .ipv6 = stranger->ipv6,
			    .from = stranger->port, .to = stranger->server,
			    .seq = seq, .ack = stranger->ack, .flags = flags,
			    .len = strlen(data) };

	memcpy(segment.data, data, segment.len);
	segment_send(&segment);
}

/* What is not acknowledged, perhaps once more. */
static void
send_rest(const struct stranger *stranger)
{
	if (*stranger->said != '\0')
		send_out(stranger, TH_ACK | TH_PUSH, stranger->seq,
		    stranger->said);
	if (stranger->leaving)
		send_out(stranger, TH_ACK | TH_FIN, stranger->seq +
		    (uint32_t)strlen(stranger->said), "");
}

static void
take_acknowledgement(struct stranger *stranger, uint32_t ack)
{
	if (*stranger->said == '\0' ||
	    ack - stranger->seq < strlen(stranger->said) ||
	    ack - stranger->seq > strlen(stranger->said) + 1)
		return;
	stranger->seq += (uint32_t)strlen(stranger->said);
	*stranger->said = '\0';
}

/* Data, and an end: what is in order.  All that takes part of the sequence is
   acknowledged. */
static void
take_data(struct stranger *stranger, const struct segment *segment)
{
	size_t	len = strlen(stranger->heard);

	if (segment->len == 0 && (segment->flags & (TH_SYN | TH_FIN)) == 0)
		return;
	if ((segment->flags & TH_SYN) == 0 && segment->seq == stranger->ack) {
		if (len + segment->len >= sizeof(stranger->heard))
			bail("more is heard than was said");
		memcpy(stranger->heard + len, segment->data, segment->len);
		stranger->heard[len + segment->len] = '\0';
		stranger->ack += (uint32_t)segment->len;
		if ((segment->flags & TH_FIN) != 0) {
			stranger->ended = true;
			stranger->ack++;
		}
	}
	send_out(stranger, TH_ACK, stranger->seq + stranger->leaving +
	    (uint32_t)strlen(stranger->said), "");
}

static void
take(struct stranger *stranger, const struct segment *segment)
{
	if ((segment->flags & TH_RST) != 0) {
		stranger->reset = true;
		return;
	}
	if ((segment->flags & TH_SYN) != 0 && !stranger->answered) {
		stranger->answered = true;
		stranger->ack = segment->seq + 1;
	}
	/* Else the handshake is held back by the test. */
	if (stranger->complete) {
		take_acknowledgement(stranger, segment->ack);
		take_data(stranger, segment);
	}
}

/* The next segment is taken by him whose it is.  False: none has come. */
static bool
take_next(void)
{
	struct segment	 segment;
	struct stranger	*one;

	if (!segment_next(&segment, RESEND))
		return false;
	for (one = all; one != NULL; one = one->next)
		if (one->port == segment.to)
			take(one, &segment);
	return true;
}

/* For loops that wait. */
static void
await_next(const struct stranger *stranger, struct wait *wait)
{
	if (take_next())
		return;
	send_rest(stranger);
	wait_a_moment(wait);
}

void
stranger_knocks(struct stranger *stranger)
{
	stranger->reset = false;
	send_out(stranger, TH_SYN, stranger->seq, "");
}

bool
stranger_is_answered(struct stranger *stranger)
{
	struct wait	wait = { .what = "SYN-ACK" };

	while (!stranger->answered && !stranger->reset)
		await_next(stranger, &wait);
	return stranger->answered;
}

bool
stranger_is_ignored(struct stranger *stranger)
{
	struct wait	wait = { .what = "an answer of nobody's" };
	struct stranger	other;

	stranger_comes(&other, stranger->ipv6, NOBODY);
	/* The kernel answers before it takes the next. */
	send_out(&other, TH_ACK, other.seq, "");
	while (!other.reset)
		await_next(&other, &wait);
	all = other.next;
	return !stranger->answered && !stranger->reset;
}

bool
stranger_is_refused(struct stranger *stranger)
{
	struct wait	wait = { .what = "RST" };

	while (!stranger->answered && !stranger->reset)
		await_next(stranger, &wait);
	if (!stranger->reset)
		return false;
	stranger->reset = false;
	return true;
}

void
stranger_completes(struct stranger *stranger)
{
	stranger->seq++;
	stranger->complete = true;
	send_out(stranger, TH_ACK, stranger->seq, "");
}

void
stranger_connects(struct stranger *stranger)
{
	stranger_knocks(stranger);
	if (!stranger_is_answered(stranger))
		bail("a stranger is refused");
	stranger_completes(stranger);
}

void
stranger_says(struct stranger *stranger, const char *text)
{
	(void)strlcpy(stranger->said, text, sizeof(stranger->said));
	send_rest(stranger);
}

bool
stranger_hears(struct stranger *stranger, const char *text)
{
	struct wait	wait = { .what = text };
	bool		same;

	while (strlen(stranger->heard) < strlen(text) && !stranger->reset &&
	    !stranger->ended)
		await_next(stranger, &wait);
	same = strcmp(stranger->heard, text) == 0;
	if (!same)
		note("heard '%s' and not '%s'%s", stranger->heard, text,
		    stranger->reset ? ", then RST" : "");
	*stranger->heard = '\0';
	return same;
}

bool
strangers_leave(void)
{
	struct wait	wait = { .what = "FIN" };
	bool		fine = true;

	for (; all != NULL; all = all->next) {
		all->leaving = all->complete && !all->reset;
		send_rest(all);
		while (all->leaving && !all->ended && !all->reset)
			await_next(all, &wait);
		if (all->reset)
			note("the stranger of port %u was reset", all->port);
		fine = fine && !all->reset;
	}
	return fine;
}

void
strangers_forget(void)
{
	all = NULL;
}
