/* SPDX-License-Identifier: ISC */
/* How many children, how fast: numbers in, numbers out. */
#include <stddef.h>

#include "pool/policy.h"
#include "tap.h"

static const struct policy	policy = { .idle_min = 8, .idle_max = 32,
				    .max_children = 50 };

static const struct {
	struct policy_counts	counts;
	int			births, excess, changes;
	const char		*why;
} rows[] = {
	{ { 0, 0, 0, 0 },	8,	0,	1,	"the first ones" },
	{ { 8, 0, 0, 8 },	0,	0,	25,	"enough" },
	{ { 8, 0, 0, 5 },	3,	0,	28,	"three too few" },
	{ { 48, 0, 0, 0 },	2,	0,	1,	"no more than the most" },
	{ { 50, 0, 0, 0 },	0,	0,	1,	"all are busy" },
	{ { 60, 0, 0, 0 },	0,	0,	1,	"more than the most" },
	{ { 32, 0, 0, 32 },	0,	0,	1,	"as many as may be" },
	{ { 40, 0, 0, 33 },	0,	1,	1,	"one too many" },
	{ { 8, 0, 0, -3 },	11,	0,	1,	"more on its way than idle" },
};

int
main(void)
{
	const struct policy	large = { .idle_min = 1000, .idle_max = 1000,
				    .max_children = 1000 };
	struct policy_counts	counts = { 0, 0, 0, 0 };
	struct policy_births	births = { 0 };
	size_t			i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ok(policy_births(&policy, &rows[i].counts, &births, 5000) ==
		    rows[i].births, "%s: %d births", rows[i].why,
		    rows[i].births);
		ok(policy_excess(&policy, &rows[i].counts) == rows[i].excess,
		    "%s: %d to let go", rows[i].why, rows[i].excess);
		ok(policy_changes(&policy, &rows[i].counts) ==
		    rows[i].changes, "%s: look again after %d changes",
		    rows[i].why, rows[i].changes);
	}
	ok(policy_births(&large, &counts, &births, 0) == 32,
	    "a thousand come in portions");

	ok(policy_sleep(&policy, &counts, &births, 5000) == 0,
	    "births are due: no sleep");
	policy_trouble(&births, 5000);
	ok(policy_births(&policy, &counts, &births, 5999) == 0,
	    "a young death: no birth within a second");
	ok(policy_sleep(&policy, &counts, &births, 5400) == 600,
	    "sleep until then");
	ok(policy_births(&policy, &counts, &births, 6000) == 8,
	    "then births again");
	counts = (struct policy_counts){ 8, 0, 0, 8 };
	ok(policy_sleep(&policy, &counts, &births, 5400) == -1,
	    "nothing to do: sleep for ever");
	return done();
}
