/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "net/sysctl.h"
#include "report.h"

/* Of a processor: a process that uses more of it, for longer than it takes to
   start, in s, is all that is measured. */
#define BUSY		0.9
#define BEGINNING	0.1

/* Sessions that are named, when they are lost. */
#define NAMED		5

#define MS		1e6		/* ns */
#define S		1e9

double
report_seconds(const struct record *record)
{
	int64_t	last = record->last_outcome;

	if (record->last_begun > last)
		last = record->last_begun;
	return last < record->began || record->began == 0 ? 0 :
	    (double)(last - record->began) / S;
}

struct usage
report_usage(const struct plan *plan, const struct record *record)
{
	struct usage	usage = { .all = 0 };
	double		seconds = report_seconds(record), one;
	int		i;

	for (i = 0; i < plan->processes && seconds > 0; i++) {
		one = (double)record->cpu[i] / S / seconds;
		usage.all += one;
		if (one > usage.most)
			usage.most = one;
	}
	return usage;
}

static void
latency(FILE *out, const char *what, const struct histogram *histogram)
{
	static const double	percents[] = { 50, 90, 99, 99.9 };
	size_t			i;

	if (histogram->n == 0)
		return;
	(void)fprintf(out, "  %-12s %9.3f", what,
	    (double)histogram_min(histogram) / MS);
	for (i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
		(void)fprintf(out, " %9.3f",
		    (double)histogram_percentile(histogram, percents[i]) / MS);
	(void)fprintf(out, " %9.3f\n", (double)histogram->max / MS);
}

static void
latencies(FILE *out, const struct record *record)
{
	if (record->connect.n + record->message.n == 0)
		return;
	(void)fprintf(out, "latency, ms    %9s %9s %9s %9s %9s %9s\n", "min",
	    "p50", "p90", "p99", "p99.9", "max");
	latency(out, "connect", &record->connect);
	latency(out, "first byte", &record->first_byte);
	latency(out, "whole", &record->whole);
	latency(out, "message", &record->message);
}

static void
failures(FILE *out, const struct record *record)
{
	int	i;

	for (i = 0; i < FAILURES; i++) {
		const struct failure *failure = &record->failures[i];

		if (failure->n == 0)
			continue;
		(void)fprintf(out, "failed         %" PRId64 ": %s", failure->n,
		    outcome_words[i]);
		if (i == LOCAL)
			(void)fprintf(out, " (%s)",
			    strerror(record->local_errno));
		(void)fprintf(out, failure->n > 1 ?
		    ", from %.3f s to %.3f s\n" : ", at %.3f s\n",
		    (double)(failure->first - 1) / S,
		    (double)failure->last / S);
	}
}

static void
ports(FILE *out, const struct plan *plan, const struct record *record)
{
	unsigned int	low = 0, high = 0;

	if (record->sources > 0)
		(void)fprintf(out, "source ports   from 127.0.0.1 to "
		    "127.0.0.%d, as one address has not enough\n",
		    record->sources + 1);
	if (record->no_port == 0)
		return;
	(void)sysctl_ports(&low, &high);
	(void)fprintf(out, "source ports   none was left %" PRId64 " times: "
	    "net.ipv4.ip_local_port_range is %u to %u; %s\n",
	    record->no_port, low, high, plan->n_sources == 0 ?
	    "--source gives more addresses" : "there are too few addresses");
}

static void
session_list(FILE *out, const struct plan *plan, const struct record *record)
{
	char	name[ADDRESS_TEXT];
	int	i, named = 0;

	for (i = 0; i < plan->sessions && named < NAMED; i++) {
		const struct session_record *session = &record->sessions[i];

		if (!session->lost)
			continue;
		named++;
		(void)fprintf(out, "  session %d%s%s: %s, at %.3f s, after "
		    "%u messages\n", i, session->local.len > 0 ? ", " : "",
		    session->local.len > 0 ?
		    address_print(&session->local, name) : "",
		    outcome_words[session->why],
		    (double)session->at / S, session->messages);
	}
	if (record->lost > named)
		(void)fprintf(out, "  and %" PRId64 " more\n",
		    record->lost - named);
}

static void
sessions(FILE *out, const struct plan *plan, const struct record *record)
{
	if (plan->sessions == 0)
		return;
	(void)fprintf(out, "sessions       %d, of which %" PRId64 " were lost; "
	    "messages that came back as they were: %" PRId64 "\n",
	    plan->sessions, record->lost, record->messages);
	session_list(out, plan, record);
}

void
report_text(FILE *out, const struct plan *plan, const struct record *record)
{
	double		seconds = report_seconds(record);
	struct usage	usage = report_usage(plan, record);
	char		name[ADDRESS_TEXT];

	(void)fprintf(out, "%s, %s", address_print(&plan->server, name),
	    plan_services[plan->service]);
	if (plan->service != PLAN_DAYTIME)
		(void)fprintf(out, ", %d bytes", plan->bytes);
	(void)fprintf(out, ": %.3f s\n", seconds);
	if (record->began == 0)
		(void)fprintf(out, "stopped before it began: %" PRId64 " of %d "
		    "sessions were open\n", record->opened - record->lost,
		    plan->sessions);
	if (plan->clients > 0 || plan->rate > 0)
		(void)fprintf(out, "answers        %" PRId64 " of %" PRId64
		    ", %.0f per second, by %" PRId64 " connections\n",
		    record->done, record->begun,
		    seconds > 0 ? (double)record->done / seconds : 0,
		    record->connections);
	sessions(out, plan, record);
	latencies(out, record);
	failures(out, record);
	(void)fprintf(out, "without any    %.3f s at most, from %.3f s on\n",
	    (double)record->gap / S, (double)record->gap_at / S);
	ports(out, plan, record);
	(void)fprintf(out, "this client    %.0f %% of a processor%s\n",
	    100 * usage.all, usage.most < BUSY || seconds < BEGINNING ? "" : ", all that a process "
	    "can have: it, and not the server, may be what was measured (-p)");
}
