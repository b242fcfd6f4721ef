/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <netinet/tcp.h>

#include "experiment.h"
#include "net/json.h"
#include "report.h"

static void
comma(FILE *out, bool *first)
{
	if (!*first)
		(void)fputc(',', out);
	*first = false;
}

static void
text_or_null(FILE *out, const char *name, const char *text)
{
	if (text != NULL)
		json_member(out, name, text);
	else
		(void)fprintf(out, "\"%s\":null", name);
}

static void
address(FILE *out, const char *name, const struct address *address)
{
	char	text[ADDRESS_TEXT];

	json_member(out, name, address_print(address, text));
}

void
json_begin(struct report *report, const struct experiment *experiment)
{
	FILE	*out = report->out;

	(void)fputc('{', out);
	json_member(out, "name", experiment->name);
	(void)fputc(',', out);
	json_member(out, "claim", experiment->claim);
	(void)fputc(',', out);
	json_member(out, "source", experiment->source);
	(void)fprintf(out, ",\"quick\":%s,\"steps\":[",
	    json_bool(report->quick));
}

static void
lines(FILE *out, const struct step *step)
{
	static const char *const	kinds[] = { "command", "output",
					    "note" };
	const struct line		*line;
	bool				 first = true;

	(void)fputs(",\"lines\":[", out);
	STAILQ_FOREACH(line, &step->lines, next) {
		comma(out, &first);
		(void)fputc('{', out);
		json_member(out, kinds[line->kind], line->text);
		(void)fputc('}', out);
	}
	(void)fputc(']', out);
}

static void
predictions(FILE *out, const struct step *step)
{
	const struct prediction	*prediction;
	bool			 first = true;

	(void)fputs(",\"predictions\":[", out);
	STAILQ_FOREACH(prediction, &step->predictions, next) {
		comma(out, &first);
		(void)fputc('{', out);
		json_member(out, "text", prediction->text);
		(void)fprintf(out, ",\"held\":%s,",
		    json_bool(prediction->seen == NULL));
		text_or_null(out, "seen", prediction->seen);
		(void)fputc('}', out);
	}
	(void)fputc(']', out);
}

static void
rows(FILE *out, const struct step *step)
{
	const struct row	*row;
	bool			 first = true;

	(void)fputs(",\"rows\":[", out);
	STAILQ_FOREACH(row, &step->rows, next) {
		comma(out, &first);
		(void)fputc('{', out);
		json_member(out, "id", row->id);
		(void)fputc(',', out);
		json_member(out, "what", row->what);
		(void)fputc(',', out);
		json_member(out, "unp", row->unp);
		(void)fputc(',', out);
		json_member(out, "bsd", row->bsd);
		(void)fputc(',', out);
		json_member(out, "linux", row->lin);
		(void)fputc(',', out);
		json_member(out, "here", row->here);
		(void)fprintf(out, ",\"held\":%s}", json_bool(row->held));
	}
	(void)fputc(']', out);
}

static void
segments(struct report *report, const struct step *step)
{
	FILE		*out = report->out;
	char		 label[DIAGRAM_LABEL];
	bool		 first = true;
	size_t		 i;

	(void)fputs(",\"segments\":[", out);
	for (i = 0; i < step->n; i++) {
		const struct segment	*segment = &step->segments[i];

		comma(out, &first);
		(void)fprintf(out, "{\"us\":%lld,", (long long)segment->us);
		address(out, "from", &segment->from);
		(void)fputc(',', out);
		address(out, "to", &segment->to);
		(void)fputc(',', out);
		json_member(out, "segment", diagram_label(&report->diagram,
		    segment, label));
		(void)fprintf(out, ",\"seq\":%u,\"ack\":%u,\"bytes\":%u}",
		    segment->seq, segment->ack, segment->len);
	}
	(void)fputc(']', out);
}

static void
sockets(FILE *out, const struct sockets *sockets)
{
	const struct sockdiag	*socket = sockets->table.sockets;
	size_t			 i;
	bool			 first = true;
	char			 owner[128];

	(void)fputs(",\"sockets\":[", out);
	for (i = 0; i < sockets->table.n; i++, socket++) {
		comma(out, &first);
		(void)fputc('{', out);
		json_member(out, "state", sockdiag_state(socket->state));
		(void)fputc(',', out);
		address(out, "local", &socket->local);
		(void)fputc(',', out);
		if (address_port(&socket->peer) == 0)
			text_or_null(out, "peer", NULL);
		else
			address(out, "peer", &socket->peer);
		(void)fputc(',', out);
		json_number(out, "ends_ms", socket->ends);
		(void)fputc(',', out);
		json_member(out, "process", sockets_owner(sockets, socket,
		    owner, sizeof(owner)));
		(void)fputc('}', out);
	}
	(void)fputc(']', out);
}

void
json_step(struct report *report, const struct step *step)
{
	FILE	*out = report->out;

	if (report->steps > 0)
		(void)fputc(',', out);
	(void)fprintf(out, "{\"number\":%d,", step->number);
	json_member(out, "text", step->text);
	lines(out, step);
	segments(report, step);
	sockets(out, &step->after);
	rows(out, step);
	predictions(out, step);
	(void)fputc('}', out);
}

void
json_end(struct report *report, const struct experiment *experiment,
    const struct outcome *outcome)
{
	static const char *const	verdicts[] = { "held", "broken",
					    "skipped" };

	(void)experiment;
	(void)fputs("],", report->out);
	json_member(report->out, "verdict", verdicts[outcome->verdict]);
	(void)fprintf(report->out, ",\"predictions\":%d,\"broken\":%d,",
	    outcome->predictions, outcome->broken);
	text_or_null(report->out, "why",
	    outcome->verdict == VERDICT_HELD ? NULL : outcome->why);
	(void)fputc('}', report->out);
}
