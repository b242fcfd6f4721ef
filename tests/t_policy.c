/* SPDX-License-Identifier: ISC */
/* How many children, how fast: numbers in, numbers out. */
#include <stddef.h>

#include "pool/policy.h"
#include "tap.h"

#define NEVER	POLICY_NEVER

static const struct policy	policy = { .idle_min = 8, .idle_max = 32,
				    .max_children = 50 };

static const struct {
	struct policy_counts	counts;
	int			births, excess, more;
	const char		*why;
} rows[] = {
	{ { 0, 0, 0, 0 },	8,	0,	1,	"the first ones" },
	{ { 8, 0, 0, 8 },	0,	0,	NEVER,	"enough" },
	{ { 8, 0, 0, 5 },	3,	0,	NEVER,	"three too few" },
	{ { 48, 0, 0, 0 },	2,	0,	1,	"no more than the most" },
	{ { 50, 0, 0, 0 },	0,	0,	1,	"all are busy" },
	{ { 60, 0, 0, 0 },	0,	0,	1,	"more than the most" },
	{ { 32, 0, 0, 32 },	0,	0,	NEVER,	"as many as may be" },
	{ { 40, 0, 0, 20 },	0,	0,	13,	"thirteen may be too many" },
	{ { 40, 0, 0, 33 },	0,	1,	0,	"one too many" },
	{ { 8, 0, 0, -3 },	11,	0,	1,	"more on its way than idle" },
};

/* Children that accept do not say so in advance. */
static const struct policy	theirs = { .idle_min = 8, .idle_max = 32,
				    .max_children = 50,
				    .children_accept = true };
static const struct {
	struct policy_counts	counts;
	int			fewer, more;
	const char		*why;
} theirs_rows[] = {
	{ { 0, 0, 0, 0 },	NEVER,	NEVER,	"births are due anyway" },
	{ { 8, 0, 0, 8 },	1,	NEVER,	"one busy is one missing" },
	{ { 20, 0, 0, 18 },	11,	NEVER,	"eleven are one missing" },
	{ { 34, 0, 0, 30 },	23,	3,	"three are one too many" },
	{ { 33, 0, 0, 33 },	26,	0,	"one is too many" },
	{ { 50, 42, 0, 8 },	NEVER,	25,	"there can be no more" },
	{ { 50, 50, 0, 0 },	NEVER,	33,	"and all are busy" },
};

/* A child for each client: nobody is ever idle. */
static const struct policy	each = { .max_children = 50 };

static void
rooms(void)
{
	const struct policy_counts	some = { 45, 40, 0, 5 },
					none = { 50, 50, 0, 0 },
					few = { 3, 3, 0, 0 };
	struct policy_births		births = { { 0 }, { 0 } };

	ok(policy_room(&policy, &some, &births, 5000) == 5,
	    "the parent accepts for those who are idle");
	ok(policy_room(&theirs, &some, &births, 5000) == 0,
	    "where children accept, for nobody");
	ok(policy_room(&each, &some, &births, 5000) == 5 &&
	    policy_room(&each, &none, &births, 5000) == 0,
	    "where each client has a child, up to the most");
	ok(policy_room(&each, &few, &births, 5000) == 32,
	    "in portions");
	ok(policy_births(&each, &few, &births, 5000) == 0 &&
	    policy_excess(&each, &few) == 0 &&
	    policy_sleep(&each, &few, &births, 5000) == -1,
	    "and there is nothing else to do");
	(void)policy_trouble(&births.fork, 1000, 5000);
	ok(policy_room(&each, &few, &births, 5400) == 0 &&
	    policy_sleep(&each, &few, &births, 5400) == 600 &&
	    policy_room(&each, &few, &births, 6000) == 32,
	    "a fork() that failed: nobody for a second");
}

/* The waits for something that goes wrong at each try. */
static void
retries(void)
{
	static const int	waits[] = { 100, 200, 400, 800, 1600 };
	struct policy_retry	retry = { 0 };
	int64_t			now = 77;
	size_t			i;

	ok(!policy_fine(&retry, now), "what has never gone wrong is no news");
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		ok(policy_trouble(&retry, 100, now) == waits[i] &&
		    retry.not_before == now + waits[i],
		    "trouble: wait for %d ms, and say so", waits[i]);
		ok(policy_trouble(&retry, 100, now + waits[i] - 1) == 0 &&
		    retry.not_before == now + waits[i],
		    "more trouble in the meantime changes nothing");
		now += waits[i];
	}
	ok(policy_trouble(&retry, 100, now) == 0 &&
	    retry.not_before == now + 1600, "it waits no longer than that, "
	    "and says it no more");
	now += 1600;
	ok(policy_fine(&retry, now), "it works again: news");
	ok(!policy_fine(&retry, now + 1), "once");
	ok(policy_trouble(&retry, 100, now + 2) == 0 &&
	    retry.not_before == now + 1602,
	    "for a moment only: the wait is as long as before");
	ok(!policy_fine(&retry, now + 1602), "nobody was told");
	ok(!policy_fine(&retry, now + 1602 + 1601), "it has worked for long");
	now += 5000;
	ok(policy_trouble(&retry, 100, now) == 100,
	    "the next trouble is a new one");
	ok(policy_trouble(&retry, 100, now + 100 + 1600) == 200,
	    "trouble that comes before the longest wait has passed is not");
	ok(policy_trouble(&retry, 100, now + 1900 + 1601) == 100,
	    "after that it is");
}

int
main(void)
{
	const struct policy	large = { .idle_min = 1000, .idle_max = 1000,
				    .max_children = 1000 };
	struct policy_counts	counts = { 0, 0, 0, 0 };
	struct policy_births	births = { { 0 }, { 0 } };
	int			fewer, more;
	size_t			i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ok(policy_births(&policy, &rows[i].counts, &births, 5000) ==
		    rows[i].births, "%s: %d births", rows[i].why,
		    rows[i].births);
		ok(policy_excess(&policy, &rows[i].counts) == rows[i].excess,
		    "%s: %d to let go", rows[i].why, rows[i].excess);
		policy_news(&policy, &rows[i].counts, &fewer, &more);
		ok(fewer == NEVER && more == rows[i].more,
		    "%s: look again if there are %d more", rows[i].why,
		    rows[i].more);
	}
	for (i = 0; i < sizeof(theirs_rows) / sizeof(theirs_rows[0]); i++) {
		policy_news(&theirs, &theirs_rows[i].counts, &fewer, &more);
		ok(fewer == theirs_rows[i].fewer && more == theirs_rows[i].more,
		    "children accept, %s: look again if there are %d fewer or "
		    "%d more", theirs_rows[i].why, fewer, more);
	}
	rooms();
	ok(policy_births(&large, &counts, &births, 0) == 32,
	    "a thousand come in portions");

	ok(policy_sleep(&policy, &counts, &births, 5000) == 0,
	    "births are due: no sleep");
	ok(policy_trouble(&births.young, 1000, 5000) == 1000,
	    "a young death: said");
	ok(policy_births(&policy, &counts, &births, 5999) == 0,
	    "no birth within a second");
	ok(policy_sleep(&policy, &counts, &births, 5400) == 600,
	    "sleep until then");
	ok(policy_births(&policy, &counts, &births, 6000) == 8,
	    "then births again");
	policy_trouble(&births.fork, 1000, 6000);
	ok(policy_births(&policy, &counts, &births, 6999) == 0 &&
	    policy_births(&policy, &counts, &births, 7000) == 8,
	    "no birth within a second of a fork() that failed");
	policy_trouble(&births.young, 1000, 7000);
	ok(births.young.wait == 2000, "the second young death waits longer");
	policy_served(&births);
	policy_trouble(&births.young, 1000, 9000);
	ok(births.young.wait == 1000, "one who served makes an end of that");
	retries();
	counts = (struct policy_counts){ 8, 0, 0, 8 };
	ok(policy_sleep(&policy, &counts, &births, 5400) == -1,
	    "nothing to do: sleep for ever");
	return done();
}
