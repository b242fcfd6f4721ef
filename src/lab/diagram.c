/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "diagram.h"

/* Columns: the time, two states, and what is between the lifelines. */
#define TIME	10
#define STATE	11
#define ARROW	40

static const struct {
	const char	*line, *dash, *to_right, *to_left;
} glyphs[] = {
	{ "|", "-", ">", "<" },
	{ "\342\224\202", "\342\224\200", "\342\206\222", "\342\206\220" },
};

static bool
same(const struct address *a, const struct address *b)
{
	return a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0;
}

/* Which end has sent it; -1: it is of another connection. */
static int
sender(const struct lifelines *lines, const struct segment *segment)
{
	if (same(&segment->from, &lines->ends[0]) &&
	    same(&segment->to, &lines->ends[1]))
		return 0;
	return same(&segment->from, &lines->ends[1]) &&
	    same(&segment->to, &lines->ends[0]) ? 1 : -1;
}

/* NULL: there is no memory. */
static struct lifelines *
find(struct diagram *diagram, const struct segment *segment)
{
	size_t			 room = diagram->room * 2 + 8, i;
	struct lifelines	*lines;

	for (i = 0; i < diagram->n; i++)
		if (sender(&diagram->list[i], segment) != -1)
			return &diagram->list[i];
	if (diagram->n == diagram->room) {
		lines = reallocarray(diagram->list, room, sizeof(*lines));
		if (lines == NULL)
			return NULL;
		diagram->list = lines;
		diagram->room = room;
	}
	lines = &diagram->list[diagram->n++];
	*lines = (struct lifelines){ .ends = { segment->from, segment->to } };
	return lines;
}

/* A SYN begins anew; of an end that was not seen to begin, what comes first has
   number 1. */
static void
learn(struct lifelines *lines, const struct segment *segment, int from)
{
	if (segment->flags & TH_SYN) {
		lines->isn[from] = segment->seq;
		lines->known[from] = true;
		if (!(segment->flags & TH_ACK))
			lines->known[!from] = false;
	} else if (!lines->known[from] && !(segment->flags & TH_RST)) {
		lines->isn[from] = segment->seq - 1;
		lines->known[from] = true;
	}
	if (!lines->known[!from] && (segment->flags & TH_ACK)) {
		lines->isn[!from] = segment->ack - 1;
		lines->known[!from] = true;
	}
}

static void
write_label(const struct lifelines *lines, const struct segment *segment,
    int from, char *text)
{
	static const struct {
		unsigned int	 flag;
		const char	*name;
	} flags[] = {
		{ TH_SYN, "SYN " }, { TH_FIN, "FIN " }, { TH_RST, "RST " },
		{ TH_PUSH, "PSH " }, { TH_ACK, "ACK " },
	};
	const size_t	size = DIAGRAM_LABEL;
	uint32_t	seq = segment->seq - lines->isn[from];
	size_t		i, len;

	*text = '\0';
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (segment->flags & flags[i].flag)
			(void)strlcat(text, flags[i].name, size);
	len = strlen(text);
	if (segment->len > 0)
		(void)snprintf(text + len, size - len, "seq %u:%u ", seq,
		    seq + segment->len);
	else if (segment->flags & (TH_SYN | TH_FIN) ||
	    (segment->flags & TH_RST && lines->known[from]))
		(void)snprintf(text + len, size - len, "seq %u ", seq);
	len = strlen(text);
	if (segment->flags & TH_ACK)
		(void)snprintf(text + len, size - len, "ack %u ",
		    segment->ack - lines->isn[!from]);
	text[strlen(text) - (*text != '\0')] = '\0';
}

const char *
diagram_label(struct diagram *diagram, const struct segment *segment,
    char *text)
{
	struct lifelines	*lines = find(diagram, segment);
	int			 from;

	if (lines == NULL)
		return NULL;
	from = sender(lines, segment);
	learn(lines, segment, from);
	write_label(lines, segment, from, text);
	return text;
}

static void
repeat(FILE *out, const char *what, int n)
{
	while (n-- > 0)
		(void)fputs(what, out);
}

static void
arrow(FILE *out, const char *label, int to_left, int boxes)
{
	const char	*dash = glyphs[boxes].dash;
	int		 rest = ARROW - (int)strlen(label) - 3;

	if (to_left)
		(void)fputs(glyphs[boxes].to_left, out);
	repeat(out, dash, to_left ? rest - 2 : 2);
	(void)fprintf(out, " %s ", label);
	repeat(out, dash, to_left ? 2 : rest - 2);
	if (!to_left)
		(void)fputs(glyphs[boxes].to_right, out);
}

/* The only one who listens at an address: of several nobody knows whose queue a
   connection is in. */
static const struct sockdiag *
only_listener(const struct sockets *sockets, const struct address *local)
{
	const struct sockdiag	*found = sockets_find(sockets, local, NULL);
	const struct sockdiag	*end = sockets->table.sockets +
				    sockets->table.n;
	const struct sockdiag	*socket;

	if (found == NULL)
		return NULL;
	for (socket = found + 1; socket < end; socket++)
		if (socket->state == TCP_LISTEN && same(&socket->local, local))
			return NULL;
	return found;
}

/* Who is at the end of that lifeline. */
static const char *
who(const struct sockets *before, const struct sockets *after,
    const struct address *local, const struct address *peer, char *owner,
    size_t size)
{
	const struct sockets	*in = after;
	const struct sockdiag	*socket = sockets_find(after, local, peer);

	(void)strlcpy(owner, "", size);
	if (socket == NULL || socket->inode == 0) {
		in = before;
		socket = sockets_find(before, local, peer);
	}
	if (socket == NULL || socket->inode == 0) {
		in = after;
		socket = only_listener(after, local);
	}
	if (socket != NULL)
		(void)sockets_owner(in, socket, owner, size);
	owner[strcspn(owner, " ")] = '\0';
	return strcmp(owner, "-") == 0 ? "" : owner;
}

/* Above the lifelines, one text at either side. */
static void
heading(FILE *out, const char *left, const char *right)
{
	if (*left != '\0' || *right != '\0')
		(void)fprintf(out, "%*s%-*s%s\n", TIME + STATE + 1, "",
		    *right == '\0' ? 0 : ARROW + 2 - (int)strlen(right), left,
		    right);
}

static void
states(FILE *out, const struct sockets *sockets,
    const struct lifelines *lines, int boxes)
{
	(void)fprintf(out, "%*s%-*s %s%*s%s %s\n", TIME, "", STATE,
	    sockets_state(sockets, &lines->ends[0], &lines->ends[1]),
	    glyphs[boxes].line, ARROW, "", glyphs[boxes].line,
	    sockets_state(sockets, &lines->ends[1], &lines->ends[0]));
}

static void
draw_one(struct diagram *diagram, FILE *out, size_t which,
    const struct segment *segments, size_t n, const struct sockets *before,
    const struct sockets *after, int boxes)
{
	struct lifelines	*lines = &diagram->list[which];
	char			 text[DIAGRAM_LABEL], left[64], right[64];
	char			 client[ADDRESS_TEXT], server[ADDRESS_TEXT];
	size_t			 i;
	int			 from;

	(void)fputc('\n', out);
	heading(out, who(before, after, &lines->ends[0], &lines->ends[1], left,
	    sizeof(left)), who(before, after, &lines->ends[1],
	    &lines->ends[0], right, sizeof(right)));
	heading(out, address_print(&lines->ends[0], client),
	    address_print(&lines->ends[1], server));
	states(out, before, lines, boxes);
	for (i = 0; i < n; i++) {
		if ((from = sender(lines, &segments[i])) == -1)
			continue;
		(void)diagram_label(diagram, &segments[i], text);
		(void)fprintf(out, "%7.1f ms%*s%s",
		    (double)segments[i].us / 1e3, STATE + 1, "",
		    glyphs[boxes].line);
		arrow(out, text, from, boxes);
		(void)fprintf(out, "%s\n", glyphs[boxes].line);
	}
	states(out, after, lines, boxes);
}

int
diagram_draw(struct diagram *diagram, FILE *out,
    const struct segment *segments, size_t n, const struct sockets *before,
    const struct sockets *after, int most, int boxes)
{
	struct lifelines	*lines;
	size_t			 i, j, which;
	int			 drawn = 0, left_out = 0;

	for (i = 0; i < n; i++) {
		if ((lines = find(diagram, &segments[i])) == NULL)
			return -1;
		for (j = 0; j < i && sender(lines, &segments[j]) == -1; j++)
			;
		if (j < i)
			continue;
		which = (size_t)(lines - diagram->list);
		if (drawn++ < most)
			draw_one(diagram, out, which, segments, n, before,
			    after, boxes);
		else
			left_out++;
	}
	if (left_out > 0)
		(void)fprintf(out, "\n%*sand %d more connection%s\n", TIME,
		    "", left_out, left_out == 1 ? "" : "s");
	return 0;
}

void
diagram_free(struct diagram *diagram)
{
	free(diagram->list);
	*diagram = (struct diagram){ .list = NULL };
}
