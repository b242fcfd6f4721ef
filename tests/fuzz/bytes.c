/* SPDX-License-Identifier: ISC */
/*
 * Any bytes from a client of the service bytes, as its stream brings them: the
 * first byte says in pieces of which size.  What is answered is what a model
 * says that reads all lines at once.  A socket would limit what may be asked
 * for, so there is none: the linker puts these functions in the place of
 * stream.c's.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "net/stream.h"
#include "service/service.h"

#define LONGEST	30		/* digits of a line, zeros before them */

ssize_t	__wrap_readsome(int, void *, size_t);
ssize_t	__wrap_writen(int, const void *, size_t);
void	__wrap_farewell(int, const void *, size_t);

static struct {
	const uint8_t	*next;
	size_t		 left, piece;
	uint64_t	 sent;
	bool		 refused;	/* after that comes nothing */
} wire;

ssize_t
__wrap_readsome(int fd, void *bytes, size_t n)
{
	(void)fd;
	claim(!wire.refused, "nothing is read behind the last words");
	if (n > wire.piece)
		n = wire.piece;
	if (n > wire.left)
		n = wire.left;
	memcpy(bytes, wire.next, n);
	wire.next += n;
	wire.left -= n;
	return (ssize_t)n;
}

/* All of it is x where the first piece is: they are the same bytes. */
ssize_t
__wrap_writen(int fd, const void *bytes, size_t n)
{
	const char	*x = bytes;

	(void)fd;
	claim(!wire.refused, "nothing is sent behind the last words");
	claim(n > 0 && x[0] == 'x' && x[n - 1] == 'x' && (wire.sent > 0 ||
	    strspn(x, "x") >= n), "an x is sent for each byte");
	wire.sent += n;
	return (ssize_t)n;
}

void
__wrap_farewell(int fd, const void *words, size_t n)
{
	const char	*text = words;
	char		*line = strndup(text, n);

	(void)fd;
	claim(!wire.refused, "last words are said once");
	wire.refused = true;
	claim(line != NULL && n > 1 && strlen(line) == n &&
	    line[n - 1] == '\n', "they are a line");
	line[n - 1] = '\0';
	claim(is_visible(line, n), "it is one, and printable");
	free(line);
}

/* What a line asks for; 0: it is no request. */
static uint64_t
asked(const uint8_t *line, size_t len)
{
	uint64_t	n = 0;
	size_t		i;

	for (i = 0; i < len; i++) {
		if (line[i] < '0' || line[i] > '9')
			return 0;
		if (n <= 1000000000)
			n = 10 * n + line[i] - '0';
	}
	return n <= 1000000000 ? n : 0;
}

/* All that is to be sent; whether there are last words. */
static uint64_t
expected(const uint8_t *bytes, size_t n, bool *refused)
{
	uint64_t	sum = 0, more;
	const uint8_t	*end;
	size_t		len;

	for (*refused = false; n > 0; bytes = end + 1) {
		end = memchr(bytes, '\n', n <= LONGEST ? n : LONGEST + 1);
		if (end == NULL) {
			*refused = n > LONGEST;
			break;
		}
		len = (size_t)(end - bytes);
		n -= len + 1;
		if (len > 0 && bytes[len - 1] == '\r')
			len--;
		more = asked(bytes, len);
		if ((*refused = more == 0))
			break;
		sum += more;
	}
	return sum;
}

int
fuzz_bytes(const uint8_t *bytes_sent, size_t n)
{
	const struct outlive_client	client = { .name = "a client" };
	uint64_t			sum;
	bool				refused;

	if (n == 0)
		return 0;
	sum = expected(bytes_sent + 1, n - 1, &refused);
	memset(&wire, 0, sizeof(wire));
	wire.next = bytes_sent + 1;
	wire.left = n - 1;
	wire.piece = bytes_sent[0] == 0 ? 1 : bytes_sent[0];
	bytes(&client, NULL);
	claim(wire.sent == sum, "as much is sent as is asked for");
	claim(wire.refused == refused, "what is no request is refused");
	claim(refused || wire.left == 0, "all is read");
	fuzz_good += sum > 0 && !refused;
	return 0;
}
