/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alike.h"
#include "tap.h"

#define MOST_LINES	64

static bool
is_digit(char c)
{
	return isdigit((unsigned char)c) != 0;
}

void
alike_typed(struct numbers *numbers, const char *text)
{
	char	*end;

	while (*text != '\0') {
		if (!is_digit(*text)) {
			text++;
			continue;
		}
		if (numbers->typed_count == NUMBERS)
			bail("the page types too many numbers");
		numbers->typed[numbers->typed_count++] =
		    strtoul(text, &end, 10);
		text = end;
	}
}

void
alike_begin(struct numbers *numbers)
{
	numbers->pairs = 0;
}

static bool
stands_for_itself(const struct numbers *numbers, unsigned long number)
{
	int	i;

	for (i = 0; i < numbers->typed_count; i++)
		if (numbers->typed[i] == number)
			return true;
	return number < 3;
}

static bool
same_number(struct numbers *numbers, unsigned long page, unsigned long here)
{
	int	i;

	if (stands_for_itself(numbers, page))
		return page == here;
	for (i = 0; i < numbers->pairs; i++)
		if (numbers->pair[i].page == page ||
		    numbers->pair[i].here == here)
			return numbers->pair[i].page == page &&
			    numbers->pair[i].here == here;
	if (numbers->pairs == NUMBERS)
		return false;
	numbers->pair[numbers->pairs].page = page;
	numbers->pair[numbers->pairs++].here = here;
	return true;
}

static const char *
skip_blanks(const char *at)
{
	return at + strspn(at, " \t\r");
}

/* A descriptor, or a part of an address or of a section's number. */
static bool
is_fixed(const char *line, const char *at, const char *end)
{
	return (at - line >= 3 && memcmp(at - 3, "fd=", 3) == 0) ||
	    (at - line >= 2 && at[-1] == '.' && is_digit(at[-2])) ||
	    (end[0] == '.' && is_digit(end[1]));
}

/* "12 s" */
static bool
is_time(const char *end)
{
	return end[0] == ' ' && end[1] == 's' && !isalpha((unsigned char)end[2]);
}

static bool
same_line(struct numbers *numbers, const char *page, const char *here)
{
	const char	*line = page = skip_blanks(page);
	char		*page_end, *here_end;
	unsigned long	 a, b;

	here = skip_blanks(here);
	while (*page != '\0' && *here != '\0') {
		if (is_digit(*page) && is_digit(*here)) {
			a = strtoul(page, &page_end, 10);
			b = strtoul(here, &here_end, 10);
			if (!(is_time(page_end) && is_time(here_end)) &&
			    (is_fixed(line, page, page_end) ? a != b :
			    !same_number(numbers, a, b)))
				return false;
			page = page_end;
			here = here_end;
		} else if (*page++ != *here++) {
			return false;
		}
		if (isspace((unsigned char)*page) ||
		    isspace((unsigned char)*here)) {
			if (*page != '\0' && *here != '\0' &&
			    !(isspace((unsigned char)*page) &&
			    isspace((unsigned char)*here)))
				return false;
			page = skip_blanks(page);
			here = skip_blanks(here);
		}
	}
	return *page == '\0' && *here == '\0';
}

/* Find a line of ours for each of the page's from the i-th on. */
static bool
assign(struct numbers *numbers, char *const *page, int i, int n,
    char *const *here, unsigned long long taken)
{
	int	j, known = numbers->pairs;

	if (i == n)
		return true;
	for (j = 0; j < n; j++) {
		if ((taken & 1ULL << j) == 0 &&
		    same_line(numbers, page[i], here[j]) &&
		    assign(numbers, page, i + 1, n, here, taken | 1ULL << j))
			return true;
		numbers->pairs = known;
	}
	return false;
}

bool
alike(struct numbers *numbers, char *const *page, int n, char *const *here,
    int m)
{
	return n == m && n <= MOST_LINES &&
	    assign(numbers, page, 0, n, here, 0);
}
