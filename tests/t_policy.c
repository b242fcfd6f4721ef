/* SPDX-License-Identifier: ISC */
/* How many children, how fast: numbers in, numbers out. */
#include <stddef.h>

#include "outlive.h"
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
	{ { 50, 42, 0, 8 },	8,	25,	"there can be no more: the "
						"last one" },
	{ { 20, 15, 0, 5 },	5,	NEVER,	"births are late: the last "
						"one" },
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

static uint32_t	drawn;		/* from each hundred */
static int	draws;

static uint32_t
draw(uint32_t bound)
{
	draws++;
	return bound == 100 ? drawn : 1000;
}

static const struct {
	int		before, waiting, arrived;
	uint32_t	drawn;
	int		refused;
	const char	*why;
} refusal_rows[] = {
	/* At 10 it is 30 percent, at 15 it is 65, at 19 it is 93. */
	{ 0,	9,	9,	0,	0,	"fewer than wait at the start" },
	{ 9,	10,	1,	29,	1,	"the start, and bad luck" },
	{ 9,	10,	1,	30,	0,	"the start, and good luck" },
	{ 14,	15,	1,	64,	1,	"half way, bad luck" },
	{ 14,	15,	1,	65,	0,	"half way, good luck" },
	{ 18,	19,	1,	92,	1,	"nearly full, bad luck" },
	{ 18,	19,	1,	93,	0,	"nearly full, good luck" },
	{ 19,	20,	1,	99,	1,	"full: no luck" },
	{ 15,	15,	0,	0,	0,	"nobody has come" },
	{ 0,	14,	14,	0,	5,	"down to below the start" },
	{ 0,	14,	14,	99,	0,	"not while there is luck" },
	{ 0,	500,	500,	99,	481,	"down to below full" },
	{ 0,	500,	500,	0,	491,	"each that comes costs one" },
	{ 500,	500,	0,	99,	481,	"also those who were there" },
	{ 15,	15,	3,	0,	3,	"three for three that have left" },
	{ 15,	12,	9,	0,	3,	"more that have left" },
	{ 30,	12,	1,	59,	0,	"as long as it is, not as it was" },
	{ 0,	0,	9000,	0,	0,	"all have been served" },
	{ 15,	12,	-3,	0,	0,	"counts that cannot be" },
};

/* Early drop. */
static void
refusals(void)
{
	const struct outlive_early_drop	drop = { 10, 30, 20 },
					all = { 0, 1, 1 },
					cliff = { 5, 30, 5 };
	int				many;
	size_t				i;

	for (i = 0; i < sizeof(refusal_rows) / sizeof(refusal_rows[0]); i++) {
		drawn = refusal_rows[i].drawn;
		many = policy_refusals(&drop, refusal_rows[i].before,
		    refusal_rows[i].waiting, refusal_rows[i].arrived, draw);
		ok(many == refusal_rows[i].refused, "10:30:20, %d waited, %d "
		    "have come, %d wait: %d are refused: %s",
		    refusal_rows[i].before, refusal_rows[i].arrived,
		    refusal_rows[i].waiting, many, refusal_rows[i].why);
	}
	drawn = 99;
	ok(policy_refusals(&all, 0, 3, 3, draw) == 3, "0:1:1: nobody waits");
	ok(policy_refusals(&cliff, 0, 7, 7, draw) == 3 &&
	    policy_refusals(&cliff, 0, 4, 4, draw) == 0,
	    "5:30:5: four may wait");
	drawn = 0;
	draws = 0;
	ok(policy_refusals(&all, 0, 3, 60000, draw) == 3 && draws == 3,
	    "no more are refused than wait");
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
		policy_news(&policy, &rows[i].counts, false, &fewer, &more);
		ok(fewer == NEVER && more == rows[i].more,
		    "%s: look again if there are %d more", rows[i].why,
		    rows[i].more);
	}
	for (i = 0; i < sizeof(theirs_rows) / sizeof(theirs_rows[0]); i++) {
		policy_news(&theirs, &theirs_rows[i].counts, false, &fewer,
		    &more);
		ok(fewer == theirs_rows[i].fewer && more == theirs_rows[i].more,
		    "children accept, %s: look again if there are %d fewer or "
		    "%d more", theirs_rows[i].why, fewer, more);
	}
	policy_news(&theirs, &(struct policy_counts){ 50, 42, 0, 8 }, true,
	    &fewer, &more);
	ok(fewer == NEVER && more == 25, "who looks by the clock need not be "
	    "told of the last one");
	policy_news(&theirs, &(struct policy_counts){ 20, 0, 0, 18 }, true,
	    &fewer, &more);
	ok(fewer == 11, "but of those who are missing");
	rooms();
	refusals();
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
