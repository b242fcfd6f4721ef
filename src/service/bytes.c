/* SPDX-License-Identifier: ISC */
/*
 * The request that UNP chapter 30 measures its servers with: a number, and as
 * many bytes come back.  The book's handler trusts its client; here whatever
 * is no such request is answered too, by a line that says so.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vis.h>

#include "net/log.h"
#include "net/stream.h"
#include "service.h"

#define FEWEST	1
#define MOST	1000000000
#define LINE	32		/* room for a request: more than MOST needs */

/* What has come, and where in it we are: requests may come in one segment, or
   byte by byte. */
struct input {
	int	fd;
	char	bytes[512];
	ssize_t	next, have;
};

static bool
next_byte(struct input *in, char *byte)
{
	if (in->next >= in->have) {
		in->next = 0;
		in->have = readsome(in->fd, in->bytes, sizeof(in->bytes));
		if (in->have <= 0)
			return false;
	}
	*byte = in->bytes[in->next++];
	return true;
}

/*
 * The next line without its end, or LINE - 1 bytes of one that is longer.
 * False: the client has closed; in the middle of a line is no request.
 */
static bool
next_line(struct input *in, char line[LINE], size_t *len)
{
	char	byte;

	for (*len = 0; *len < LINE - 1; line[(*len)++] = byte) {
		if (!next_byte(in, &byte))
			return false;
		if (byte == '\n') {
			if (*len > 0 && line[*len - 1] == '\r')
				--*len;
			break;
		}
	}
	line[*len] = '\0';
	return true;
}

/* Nothing but digits, a few of them: at once. */
static bool
is_plain(const char *line, size_t len, long long *n)
{
	size_t	i;

	for (*n = 0, i = 0; i < len && i <= 9 && line[i] >= '0' && line[i] <= '9'; i++)
		*n = 10 * *n + line[i] - '0';
	return i == len && len <= 9 && *n >= FEWEST;
}

/* What is wrong with a request, as strtonum(3bsd) says it; NULL: it is a number
   of bytes. */
static const char *
problem_of(const char *line, size_t len, long long *n)
{
	const char	*problem;

	if (len == 0)
		return "empty";
	if (len == LINE - 1)
		return "too long";
	if (is_plain(line, len, n))
		return NULL;
	*n = strtonum(line, FEWEST, MOST, &problem);
	/* It takes blanks and a sign, too, and stops at a NUL. */
	if (problem == NULL && strspn(line, "0123456789") != len)
		problem = "invalid";
	return problem;
}

/* The bytes: each of them is an x.  One copy serves all children, and stays in
   the processor's cache. */
#define X64	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1024	X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64
#define X4096	X1024 X1024 X1024 X1024
static const char	xs[] = X4096 X4096 X4096 X4096;

static bool
send_bytes(int fd, long long n)
{
	size_t	some = sizeof(xs) - 1;

	for (; n > 0; n -= (long long)some) {
		if (n < (long long)some)
			some = (size_t)n;
		if (writen(fd, xs, some) == -1)
			return false;
	}
	return true;
}

static void
refuse(const struct outlive_client *client, const char *line, size_t len,
    const char *problem)
{
	char	visible[4 * LINE], text[sizeof(visible) + 128];

	(void)strvisx(visible, line, len, VIS_TAB | VIS_NL | VIS_CSTYLE);
	(void)snprintf(text, sizeof(text), "the number of bytes '%s' is %s: "
	    "expected %d to %d\n", visible, problem, FEWEST, MOST);
	log_debug("bytes: %s asks for '%s'", client->name, visible);
	farewell(client->fd, text, strlen(text));
}

void
bytes(const struct outlive_client *client, void *arg)
{
	struct input	 in;
	const char	*problem;
	char		 line[LINE];
	size_t		 len;
	long long	 n = 0;

	(void)arg;
	in.fd = client->fd;
	in.next = in.have = 0;
	while (next_line(&in, line, &len)) {
		problem = problem_of(line, len, &n);
		if (problem != NULL) {
			refuse(client, line, len, problem);
			return;
		}
		if (!send_bytes(client->fd, n))
			return;
	}
}
