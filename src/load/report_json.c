/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>

#include "net/json.h"
#include "report.h"

#define US		1e3		/* ns */
#define S		1e9

static void
seconds(FILE *out, const char *name, int64_t ns)
{
	(void)fprintf(out, "\"%s\":%.6f", name, (double)ns / S);
}

static void
latency(FILE *out, const char *what, const struct histogram *histogram)
{
	static const struct { const char *name; double percent; } rows[] = {
		{ "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99.9", 99.9 },
	};
	size_t	i;

	(void)fprintf(out, "\"%s\":{\"n\":%" PRIu64 ",\"min\":%.3f", what,
	    histogram->n, (double)histogram_min(histogram) / US);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		(void)fprintf(out, ",\"%s\":%.3f", rows[i].name,
		    (double)histogram_percentile(histogram, rows[i].percent) /
		    US);
	(void)fprintf(out, ",\"max\":%.3f}", (double)histogram->max / US);
}

static void
failures(FILE *out, const struct record *record)
{
	int	i;

	(void)fputs("\"failures\":{", out);
	for (i = 0; i < FAILURES; i++) {
		const struct failure *failure = &record->failures[i];

		(void)fprintf(out, "%s\"%s\":{\"n\":%" PRId64, i > 0 ? "," : "",
		    outcome_names[i], failure->n);
		if (failure->n > 0) {
			(void)fputc(',', out);
			seconds(out, "first", failure->first - 1);
			(void)fputc(',', out);
			seconds(out, "last", failure->last);
		}
		(void)fputc('}', out);
	}
	(void)fputc('}', out);
}

static void
lost_sessions(FILE *out, const struct plan *plan, const struct record *record)
{
	char	name[ADDRESS_TEXT];
	bool	first = true;
	int	i;

	for (i = 0; i < plan->sessions; i++) {
		const struct session_record *session = &record->sessions[i];

		if (!session->lost)
			continue;
		(void)fprintf(out, "%s{\"number\":%d,", first ? "" : ",", i);
		json_member(out, "address", session->local.len == 0 ? "" :
		    address_print(&session->local, name));
		(void)fputc(',', out);
		json_member(out, "why", outcome_names[session->why]);
		(void)fputc(',', out);
		seconds(out, "at", session->at);
		(void)fprintf(out, ",\"messages\":%u}", session->messages);
		first = false;
	}
}

void
report_json(FILE *out, const struct plan *plan, const struct record *record)
{
	double		lasted = report_seconds(record);
	struct usage	usage = report_usage(plan, record);
	char		name[ADDRESS_TEXT];

	(void)fputc('{', out);
	json_member(out, "server", address_print(&plan->server, name));
	(void)fputc(',', out);
	json_member(out, "service", plan_services[plan->service]);
	(void)fprintf(out, ",\"bytes\":%d,\"processes\":%d,\"seconds\":%.6f,"
	    "\"connections\":%" PRId64 ",\"requests\":%" PRId64
	    ",\"done\":%" PRId64 ",\"rate\":%.3f,",
	    plan->service == PLAN_DAYTIME ? 0 : plan->bytes, plan->processes,
	    lasted, record->connections, record->begun, record->done,
	    lasted > 0 ? (double)record->done / lasted : 0);
	(void)fputs("\"latency_us\":{", out);
	latency(out, "connect", &record->connect);
	(void)fputc(',', out);
	latency(out, "first_byte", &record->first_byte);
	(void)fputc(',', out);
	latency(out, "whole", &record->whole);
	(void)fputc(',', out);
	latency(out, "message", &record->message);
	(void)fputs("},", out);
	failures(out, record);
	(void)fputs(",\"longest_gap\":{", out);
	seconds(out, "seconds", record->gap);
	(void)fputc(',', out);
	seconds(out, "at", record->gap_at);
	(void)fprintf(out, "},\"sessions\":{\"n\":%d,\"lost\":%" PRId64
	    ",\"messages\":%" PRId64 ",\"lost_ones\":[", plan->sessions,
	    record->lost, record->messages);
	lost_sessions(out, plan, record);
	(void)fprintf(out, "]},\"source_addresses\":%d,\"no_port\":%" PRId64
	    ",\"client_cpu\":{\"all\":%.3f,\"busiest\":%.3f}}\n",
	    plan->n_sources > 0 ? plan->n_sources : record->sources + 1,
	    record->no_port, usage.all, usage.most);
}
