/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <netinet/tcp.h>
#include <string.h>

#include "experiment.h"
#include "report.h"

/* Columns of a page, and how far all but the sentence of a step is indented. */
#define WIDTH	80
#define INDENT	4

/* Connections of one step that are drawn. */
#define DRAWN	3
/* Rows of the table that are shown. */
#define SHOWN	12
/* The column of its owners. */
#define OWNER	58

enum colour { PLAIN, BOLD, GREEN, RED };

static void
paint(const struct report *report, enum colour colour)
{
	static const char *const	codes[] = { "\033[0m", "\033[1m",
					    "\033[32m", "\033[31m" };

	if (report->colour)
		(void)fputs(codes[colour], report->out);
}

/* A text in lines that fit, each but the first behind so many blanks. */
static void
wrap(FILE *out, const char *text, int indent, int column)
{
	const char	*begin = text;
	int		 len;

	while (*text != '\0') {
		len = (int)strcspn(text, " ");
		if (column + 1 + len > WIDTH && column > indent) {
			(void)fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent && text > begin) {
			(void)fputc(' ', out);
			column++;
		}
		(void)fprintf(out, "%.*s", len, text);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	(void)fputc('\n', out);
}

void
text_begin(struct report *report, const struct experiment *experiment)
{
	paint(report, BOLD);
	(void)fprintf(report->out, "%s", experiment->name);
	paint(report, PLAIN);
	(void)fprintf(report->out, ": %s\n%*sClaimed by %s\n",
	    experiment->claim, INDENT, "", experiment->source);
}

static void
lines(const struct report *report, const struct step *step)
{
	static const char *const	marks[] = { "$ ", "", "# " };
	const struct line		*line;

	STAILQ_FOREACH(line, &step->lines, next) {
		(void)fprintf(report->out, "%*s%s", INDENT, "",
		    marks[line->kind]);
		if (line->kind == LINE_NOTE ||
		    INDENT + strlen(marks[line->kind]) +
		    strlen(line->text) > WIDTH)
			wrap(report->out, line->text, INDENT + 2, INDENT + 2);
		else
			(void)fprintf(report->out, "%s\n", line->text);
	}
}

/* Of TIME_WAIT and FIN_WAIT2 the kernel says when it removes them. */
static const char *
timer(const struct sockdiag *socket, char *text, size_t size)
{
	(void)strlcpy(text, "-", size);
	if (socket->ends >= 0)
		(void)snprintf(text, size, "%.0f s",
		    (double)socket->ends / 1e3);
	return text;
}

/* "outlive-lab (1) and 1 more": in two lines if it does not fit in one. */
static void
last_column(FILE *out, const char *owner)
{
	const char	*more = strstr(owner, " and ");

	if (more != NULL && OWNER + strlen(owner) > WIDTH)
		(void)fprintf(out, "%.*s\n%*s%s\n", (int)(more - owner), owner,
		    OWNER, "", more + 1);
	else
		(void)fprintf(out, "%s\n", owner);
}

static void
table(FILE *out, const struct sockets *sockets)
{
	const struct sockdiag	*socket = sockets->table.sockets;
	size_t			 i, n = sockets->table.n;
	char			 local[ADDRESS_TEXT], peer[ADDRESS_TEXT];
	char			 ends[16], owner[128];

	if (n == 0) {
		(void)fprintf(out, "\n%*sThere is no socket.\n", INDENT, "");
		return;
	}
	(void)fprintf(out, "\n%*s%-11s  %-15s  %-15s  %-5s  %s\n", INDENT, "",
	    "State", "Local", "Peer", "Timer", "Process");
	for (i = 0; i < n && i < SHOWN; i++, socket++) {
		(void)fprintf(out, "%*s%-11s  %-15s  %-15s  %-5s  ",
		    INDENT, "", sockdiag_state(socket->state),
		    address_print(&socket->local, local),
		    address_port(&socket->peer) == 0 ? "-" :
		    address_print(&socket->peer, peer),
		    timer(socket, ends, sizeof(ends)));
		last_column(out, sockets_owner(sockets, socket, owner,
		    sizeof(owner)));
	}
	if (n > SHOWN)
		(void)fprintf(out, "%*sand %zu more\n", INDENT, "", n - SHOWN);
}

static void
predictions(const struct report *report, const struct step *step)
{
	const struct prediction	*prediction;

	if (!STAILQ_EMPTY(&step->predictions))
		(void)fputc('\n', report->out);
	STAILQ_FOREACH(prediction, &step->predictions, next) {
		bool	held = prediction->seen == NULL;

		(void)fprintf(report->out, "%*s", INDENT, "");
		paint(report, held ? GREEN : RED);
		(void)fputs(held ? "held " : "NOT HELD ", report->out);
		paint(report, PLAIN);
		wrap(report->out, prediction->text, INDENT + 5, INDENT +
		    (held ? 5 : 9));
		if (!held) {
			(void)fprintf(report->out, "%*sseen: ", INDENT + 5, "");
			wrap(report->out, prediction->seen, INDENT + 11,
			    INDENT + 11);
		}
	}
}

static void
rows(const struct report *report, const struct step *step)
{
	const struct row	*row;

	if (STAILQ_EMPTY(&step->rows))
		return;
	(void)fprintf(report->out, "\n%-4s %-36s %-7s %-7s %-7s %-7s %s\n",
	    "", "", "UNP", "BSD", "Linux", "here", "");
	STAILQ_FOREACH(row, &step->rows, next) {
		(void)fprintf(report->out, "%-4s %-36s %-7s %-7s %-7s %-7s ",
		    row->id, row->what, row->unp, row->bsd, row->lin,
		    row->here);
		paint(report, row->held ? GREEN : RED);
		(void)fputs(row->held ? "held" : "NOT", report->out);
		paint(report, PLAIN);
		(void)fputc('\n', report->out);
	}
}

void
text_step(struct report *report, const struct step *step)
{
	char	number[16];
	int	len;

	if (step->number > 0) {
		len = snprintf(number, sizeof(number), "%2d. ", step->number);
		(void)fputc('\n', report->out);
		paint(report, BOLD);
		(void)fputs(number, report->out);
		wrap(report->out, step->text, len, len);
		paint(report, PLAIN);
	}
	lines(report, step);
	/* A table of claims alone is about many sockets, one after the other. */
	if (STAILQ_EMPTY(&step->rows) || !STAILQ_EMPTY(&step->predictions)) {
		(void)diagram_draw(&report->diagram, report->out,
		    step->segments, step->n, &step->before, &step->after,
		    DRAWN, report->boxes);
		if (step->number > 0)
			table(report->out, &step->after);
	}
	rows(report, step);
	predictions(report, step);
}

void
text_end(struct report *report, const struct experiment *experiment,
    const struct outcome *outcome)
{
	static const enum colour	colours[] = { GREEN, RED, BOLD };

	(void)fputc('\n', report->out);
	paint(report, colours[outcome->verdict]);
	(void)fprintf(report->out, "%s", experiment->name);
	paint(report, PLAIN);
	if (outcome->verdict == VERDICT_SKIPPED)
		(void)fprintf(report->out, ": could not run: %s\n",
		    outcome->why);
	else if (outcome->verdict == VERDICT_HELD)
		(void)fprintf(report->out, ": all %d predictions held\n",
		    outcome->predictions);
	else {
		(void)fprintf(report->out, ": %d of %d predictions did not "
		    "hold, first:\n%*s", outcome->broken, outcome->predictions,
		    INDENT, "");
		wrap(report->out, outcome->why, INDENT, INDENT);
	}
}
