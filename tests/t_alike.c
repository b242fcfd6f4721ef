/* SPDX-License-Identifier: ISC */
/* The comparison that the played pages stand on must also say no. */
#include <stdint.h>

#include "alike.h"
#include "tap.h"

static struct numbers	numbers;

static bool
one(const char *page, const char *here)
{
	char	*a[] = { (char *)(uintptr_t)page };
	char	*b[] = { (char *)(uintptr_t)here };

	return alike(&numbers, a, 1, b, 1);
}

int
main(void)
{
	static char	p1[] = "25 21 parent", p2[] = "27 25 idle",
			p3[] = "28 25 idle", p4[] = "29 25 echo 50688";
	static char	h1[] = "  17  16 parent", h2[] = "  18  17 echo 56668",
			h3[] = "  19  17 idle", h4[] = "  25  17 idle",
			h5[] = "  25  16 idle";
	char		*page[] = { p1, p2, p3, p4 };
	char		*here[] = { h1, h2, h3, h4 };
	char		*wrong[] = { h1, h2, h3, h5 };

	alike_typed(&numbers, "connect 127.0.0.1:9999 and 8888");
	ok(one("LISTEN 0  9999", " LISTEN 0 9999  "), "blanks do not count");
	ok(!one("LISTEN", "LISTENS") && !one("LISTENS", "LISTEN"),
	    "one is longer");
	ok(!one("a b", "ab") && !one("ab", "a b") && !one("a 1", "a1"),
	    "but whether there are any does");
	ok(!one("port 9999", "port 8888"), "what is typed stands for itself");
	ok(!one("served: 0", "served: 1"), "so do 0 to 2");
	ok(!one("fd=4", "fd=5"), "and descriptors");
	ok(!one("30.9", "30.8") && !one("30.9", "31.9") &&
	    !one("10.3.4.5", "10.3.6.5"),
	    "and addresses, and numbers of sections");
	ok(one("pid=700", "pid=12"), "a pid stands for another number");
	ok(one("700 again", "12 again") && !one("700 again", "13 again"),
	    "for one");
	ok(!one("701", "12"), "which no other stands for");
	alike_begin(&numbers);
	ok(one("700", "13"), "in another section for another one");
	ok(!one("700", "x") && !one("x", "700"), "but for a number");
	alike_begin(&numbers);
	ok(!alike(&numbers, page, 4, wrong, 4), "a wrong parent is seen");
	ok(numbers.pairs == 0, "a comparison that fails is forgotten");
	ok(alike(&numbers, page, 4, here, 4), "lines in any order");
	ok(!alike(&numbers, page, 3, here, 4) &&
	    !alike(&numbers, page, 4, here, 3), "a line too many, or too few");
	return done();
}
