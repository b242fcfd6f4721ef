/* SPDX-License-Identifier: ISC */
#include "outlive.h"
#include "policy.h"

/* 1,000 births first: 163 ms to the first client; 32 at a time: 3 ms. */
#define BIRTHS_AT_ONCE	32

/* The longest wait, by the first one. */
#define WAIT_GROWTH	16

int
policy_trouble(struct policy_retry *retry, int first, int64_t now)
{
	const int	longest = WAIT_GROWTH * first;
	int		wait;

	if (now < retry->not_before)
		return 0;
	if (now - retry->not_before > longest)
		retry->wait = 0;
	wait = retry->wait == 0 ? first : retry->wait < longest ?
	    2 * retry->wait : longest;
	retry->not_before = now + wait;
	if (wait == retry->wait)
		return 0;
	retry->wait = wait;
	retry->told = true;
	return wait;
}

bool
policy_fine(struct policy_retry *retry, int64_t now)
{
	bool	told = retry->told;

	/* One success between two failures is not the end of them. */
	if (now - retry->not_before > retry->wait)
		retry->wait = 0;
	retry->told = false;
	return told;
}

void
policy_served(struct policy_births *births)
{
	births->young.wait = 0;
}

static int64_t
not_before(const struct policy_births *births)
{
	return births->young.not_before > births->fork.not_before ?
	    births->young.not_before : births->fork.not_before;
}

/* Whether and how many more there should be, whatever the time. */
static int
missing(const struct policy *policy, const struct policy_counts *counts)
{
	int	want = policy->idle_min - counts->unclaimed;
	int	room = policy->max_children - counts->children;

	if (want > room)
		want = room;
	return want > 0 ? want : 0;
}

int
policy_births(const struct policy *policy, const struct policy_counts *counts,
    const struct policy_births *births, int64_t now)
{
	int	want = missing(policy, counts);

	if (now < not_before(births))
		return 0;
	return want < BIRTHS_AT_ONCE ? want : BIRTHS_AT_ONCE;
}

int
policy_room(const struct policy *policy, const struct policy_counts *counts,
    const struct policy_births *births, int64_t now)
{
	int	room = policy->max_children - counts->children;

	if (policy->children_accept)
		return 0;
	if (policy->idle_max > 0)
		return counts->unclaimed;
	if (now < not_before(births))
		return 0;
	return room < BIRTHS_AT_ONCE ? room : BIRTHS_AT_ONCE;
}

int
policy_excess(const struct policy *policy, const struct policy_counts *counts)
{
	int	excess = counts->unclaimed - policy->idle_max;

	return excess > 0 ? excess : 0;
}

int
policy_sleep(const struct policy *policy, const struct policy_counts *counts,
    const struct policy_births *births, int64_t now)
{
	if (policy->idle_max == 0 && now >= not_before(births))
		return -1;
	if (policy->idle_max > 0 && missing(policy, counts) == 0)
		return -1;
	if (now >= not_before(births))
		return 0;
	return (int)(not_before(births) - now);
}

void
policy_news(const struct policy *policy, const struct policy_counts *counts,
    bool watching, int *fewer, int *more)
{
	*fewer = *more = POLICY_NEVER;
	/* Who waits for a free one hears of the first; and where there are no
	   more children than may be idle, there are never too many. */
	if (!policy->children_accept && counts->unclaimed <= 0)
		*more = 1;
	else if (counts->children > policy->idle_max)
		*more = policy->idle_max - counts->unclaimed + 1;
	/* A parent that accepts knows whom it gives work. */
	if (!policy->children_accept)
		return;
	/* Too few are news where there can be more, and where they are not too
	   few already; otherwise the last one is. */
	if (counts->children < policy->max_children &&
	    counts->unclaimed >= policy->idle_min)
		*fewer = counts->unclaimed - policy->idle_min + 1;
	else if (counts->unclaimed > 0 && !watching)
		*fewer = counts->unclaimed;
}

/* In percent, as in sshd(8): it grows evenly from start to full. */
static uint32_t
chance(const struct outlive_early_drop *drop, int waiting)
{
	if (waiting < drop->start)
		return 0;
	if (waiting >= drop->full)
		return 100;
	return (uint32_t)(drop->rate + (100 - drop->rate) *
	    (waiting - drop->start) / (drop->full - drop->start));
}

int
policy_refusals(const struct outlive_early_drop *drop, int before, int waiting,
    int arrived, uint32_t (*draw)(uint32_t))
{
	int	level = before < waiting ? before : waiting, many = 0;

	/* Nobody knows in which order they came and went: first it grows, then
	   one goes for each that comes. */
	for (; arrived > 0 && many < waiting; arrived--) {
		if (level < waiting - many)
			level++;
		if (draw(100) < chance(drop, level)) {
			many++;
			level--;
		}
	}
	while (waiting - many >= drop->full)
		many++;
	return many;
}
