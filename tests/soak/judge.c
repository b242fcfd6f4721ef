/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness.h"
#include "../json.h"
#include "soak.h"

#define HITS		16384
#define PERMITS		8192
#define HELD		256
#define SLACK		S	/* what a client may be late to see */
#define LAG		(2 * S)	/* of ten, and a client may not be served */

static struct hit {
	pid_t	pid;
	int	signo;
	int64_t	at;
	char	client[64];
} hits[HITS];
static struct permit {
	int		 ways, left;	/* -1: any number */
	int64_t		 from, to;	/* INT64_MAX: it is open */
	const char	*why;
} permits[PERMITS];
static char	held[HELD][64];
static int	n_hits, n_permits, n_held;

static struct totals {
	int64_t	sessions, lost, served, refused, reset, late;
} totals, episode;

void
judge_begin(void)
{
	n_hits = n_permits = n_held = 0;
	episode = (struct totals){ .sessions = 0 };
}

void
permit(int ways, int many, int64_t lasts, const char *why)
{
	if (n_permits == PERMITS)
		bail("too many permits");
	permits[n_permits++] = (struct permit){ .ways = ways, .left = many,
	    .from = us(), .to = lasts == -1 ? INT64_MAX : us() + lasts,
	    .why = why };
}

void
permits_end(void)
{
	int	i;

	for (i = 0; i < n_permits; i++)
		if (permits[i].to == INT64_MAX)
			permits[i].to = us();
}

void
judge_sessions_are(const struct sight *sight)
{
	int	i;

	for (i = 0; i < sight->n; i++)
		if (sight->list[i].kind == BUSY && n_held < HELD)
			memcpy(held[n_held++], sight->list[i].client,
			    sizeof(held[0]));
}

static bool
is_session(const char *client)
{
	int	i;

	for (i = 0; i < n_held; i++)
		if (strcmp(held[i], client) == 0)
			return true;
	return false;
}

void
judge_hit(const struct seen *one, int signo)
{
	struct hit	*hit = &hits[n_hits];

	if (soak.blind)
		return;
	if (n_hits == HITS)
		bail("too many hits");
	n_hits++;
	*hit = (struct hit){ .pid = one->pid, .signo = signo, .at = us() };
	memcpy(hit->client, one->client, sizeof(hit->client));
	/* Whomever it serves, or is about to. */
	if (one->kind == IDLE || (one->kind == BUSY &&
	    !is_session(one->client)))
		permit(RESET | SHORT, 1, 2 * S, "a child was hit");
}

bool
judge_was_hit(pid_t pid, int signo)
{
	int	i;

	for (i = 0; i < n_hits; i++)
		if (hits[i].pid == pid && hits[i].signo == signo)
			return true;
	return false;
}

static bool
was_hit(const char *client, int64_t at)
{
	int	i;

	for (i = 0; i < n_hits; i++)
		if (strcmp(hits[i].client, client) == 0 && hits[i].at <= at)
			return true;
	return false;
}

static void
judge_sessions(const char *report)
{
	const char	*sessions = json_find(report, "sessions"), *one;
	char		 client[64], why[32];
	double		 at;

	episode.sessions = json_int(sessions, "n");
	for (one = json_first(json_find(sessions, "lost_ones")); one != NULL;
	    one = json_next(one)) {
		json_text(one, "address", client, sizeof(client));
		json_text(one, "why", why, sizeof(why));
		at = atof(json_find(one, "at"));
		episode.lost++;
		if (strcmp(why, "timeout") == 0 && lag(crowd_began() +
		    (int64_t)(at * 1e6) - 10 * S, crowd_began() +
		    (int64_t)(at * 1e6)) > LAG)
			continue;
		if (strcmp(why, "corrupt") == 0 || !was_hit(client,
		    crowd_began() + (int64_t)(at * 1e6)))
			trouble("session of %s was lost (%s) at %.3f s, and "
			    "its child was not hit", client, why, at +
			    (double)(crowd_began() - soak.began) / 1e6);
	}
}

/* One that was lost at that time, in that way: may it have been? */
static bool
is_permitted(int way, int64_t at)
{
	int64_t		 slack = SLACK + lag(at - 10 * S, at);
	struct permit	*best = NULL;
	int		 i;

	for (i = 0; i < n_permits; i++) {
		struct permit *one = &permits[i];

		if ((one->ways & way) == 0 || one->left == 0 ||
		    at < one->from || (one->to != INT64_MAX &&
		    at > one->to + slack))
			continue;
		/* Whoever can excuse any number, or else who is over first. */
		if (best == NULL || (best->left > 0 && (one->left < 0 ||
		    one->to < best->to)))
			best = one;
	}
	if (best != NULL && best->left > 0)
		best->left--;
	return best != NULL;
}

static int
way_of(const char *outcome)
{
	if (strcmp(outcome, "refused") == 0)
		return REFUSED;
	if (strncmp(outcome, "reset_", 6) == 0)
		return RESET;
	return strcmp(outcome, "short") == 0 ? SHORT : 0;
}

static void
judge_client(const char *row)
{
	int64_t	due, ended;
	char	outcome[32];
	int	way;

	if (sscanf(row, "%" SCNd64 " %*d %*d %" SCNd64 " %31s", &due, &ended,
	    outcome) != 3)
		return;
	if (strcmp(outcome, "done") == 0) {
		episode.served++;
		return;
	}
	way = way_of(outcome);
	due += crowd_began();
	ended += crowd_began();
	if (strcmp(outcome, "timeout") == 0 && lag(due, ended) > LAG) {
		episode.late++;
		return;
	}
	if (way == REFUSED)
		episode.refused++;
	else if (way != 0)
		episode.reset++;
	else
		episode.late++;
	if (way == 0 || !is_permitted(way, ended))
		trouble("a client that came at %.3f s was lost at %.3f s: %s",
		    (double)(due - soak.began) / 1e6,
		    (double)(ended - soak.began) / 1e6,
		    outcome);
}

/* The parent tells of each child that was ended. */
static void
judge_log(void)
{
	const char	*at = log_text();
	int		 pid, signo;

	while ((at = strstr(at, "child ")) != NULL) {
		if (sscanf(at, "child %d was ended by signal %d", &pid,
		    &signo) == 2 && signo != SIGTERM && signo != SIGKILL &&
		    !judge_was_hit(pid, signo))
			trouble("%.60s", at);
		at++;
	}
}

static void
print_totals(const struct totals *of)
{
	(void)printf("sessions %" PRId64 ", lost by hits %" PRId64 "; clients "
	    "served %" PRId64 ", refused %" PRId64 ", reset %" PRId64
	    ", not in time %" PRId64 "\n", of->sessions, of->lost, of->served,
	    of->refused, of->reset, of->late);
}

void
judge(void)
{
	char	 row[256];
	FILE	*log = fopen(crowd_log(), "re");

	while (log != NULL && fgets(row, sizeof(row), log) != NULL)
		judge_client(row);
	if (log != NULL)
		(void)fclose(log);
	judge_sessions(crowd_report());
	judge_log();
	totals.sessions += episode.sessions;
	totals.lost += episode.lost;
	totals.served += episode.served;
	totals.refused += episode.refused;
	totals.reset += episode.reset;
	totals.late += episode.late;
	print_totals(&episode);
}

void
judge_totals(void)
{
	print_totals(&totals);
}
