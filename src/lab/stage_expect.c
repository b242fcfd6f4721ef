/* SPDX-License-Identifier: ISC */
/* What is awaited, and what is predicted. */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "actor.h"
#include "net/clock.h"
#include "stage.h"
#include "tcp.h"

/* Between two looks at what is to become so, in ms. */
#define LOOK		5

#define TEXT		512
#define NOT_ACCEPTED	1000	/* no state of the kernel's */

static void
count(struct stage *stage, bool held, const char *text, const char *seen)
{
	struct outcome	*outcome = stage->outcome;

	outcome->predictions++;
	if (!held && outcome->broken++ == 0)
		(void)snprintf(outcome->why, sizeof(outcome->why),
		    "step %d: %.160s; seen: %.60s", stage->step.number, text,
		    seen);
}

bool
stage_expect(struct stage *stage, bool held, const char *seen,
    const char *format, ...)
{
	char	text[TEXT];
	va_list	arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	step_prediction(&stage->step, text, held ? NULL : seen);
	count(stage, held, text, seen);
	return held;
}

bool
stage_row(struct stage *stage, const struct row *given, const char *here)
{
	struct row	row = *given;
	char		text[TEXT];

	(void)strlcpy(row.here, here, sizeof(row.here));
	row.held = strcmp(here, row.lin) == 0;
	step_row(&stage->step, &row);
	(void)snprintf(text, sizeof(text), "%s: %s: %s", row.id, row.what,
	    row.lin);
	count(stage, row.held, text, here);
	return row.held;
}

static struct address
parsed(const char *text)
{
	struct address	address;

	if (address_numeric(&address, text) == -1)
		errx(EX_SOFTWARE, "'%s' is no address", text);
	return address;
}

/* What is there: "LISTEN", or "nothing". */
static const char *
look(const char *local, const char *peer, unsigned int *state)
{
	struct address		 ends[2];
	struct sockets		 sockets;
	const struct sockdiag	*socket;

	ends[0] = parsed(local);
	if (peer != NULL)
		ends[1] = parsed(peer);
	*state = 0;
	if (sockets_read(&sockets) == 0 && (socket = sockets_find(&sockets,
	    &ends[0], peer == NULL ? NULL : &ends[1])) != NULL) {
		*state = socket->state;
		if (*state == TCP_ESTABLISHED && socket->inode == 0)
			*state = NOT_ACCEPTED;
	}
	sockets_free(&sockets);
	if (*state == NOT_ACCEPTED)
		return "ESTABLISHED, and not accepted";
	return *state == 0 ? "nothing" : sockdiag_state(*state);
}

static bool
has_listener(const struct actor *actor, const char *local)
{
	struct address		 address = parsed(local);
	struct sockets		 sockets;
	const struct sockdiag	*socket;
	const struct owner	*owner;
	size_t			 n = 0, i;
	bool			 has = false;

	if (sockets_read(&sockets) == 0 && (socket = sockets_find(&sockets,
	    &address, NULL)) != NULL && socket->state == TCP_LISTEN) {
		owner = owners_of(&sockets.owners, socket->inode, &n);
		for (i = 0; i < n; i++)
			has = has || owner[i].pid == actor->pid;
	}
	sockets_free(&sockets);
	return has;
}

bool
stage_listens(struct stage *stage, struct actor *actor, const char *local)
{
	int64_t	end = clock_ms() + STAGE_PATIENCE;
	bool	has;

	while (!(has = has_listener(actor, local)) && clock_ms() < end) {
		stage_reap(stage);
		if (actor->pid == 0)
			break;
		(void)poll(NULL, 0, LOOK);
	}
	return has;
}

bool
stage_expect_state(struct stage *stage, const char *local, const char *peer,
    unsigned int state)
{
	int64_t		 end = clock_ms() + STAGE_PATIENCE;
	unsigned int	 is;
	const char	*seen;

	while (seen = look(local, peer, &is), is != state && clock_ms() < end) {
		stage_reap(stage);
		(void)poll(NULL, 0, LOOK);
	}
	return stage_expect(stage, is == state, seen, "%s%s%s: %s", local,
	    peer == NULL ? "" : " with ", peer == NULL ? "" : peer,
	    state == 0 ? "nothing in the table" : sockdiag_state(state));
}

/* Those of this step, as far as they have come. */
static int
count_segments(struct stage *stage, const struct address *from,
    unsigned int flags)
{
	char	one[ADDRESS_TEXT], other[ADDRESS_TEXT];
	size_t	i;
	int	n = 0;

	if (capture_read(&stage->capture) == -1)
		errx(EX_OSERR, "what is captured cannot be kept: %s",
		    strerror(errno));
	for (i = stage->seen; i < stage->capture.n; i++) {
		const struct segment	*segment = &stage->capture.segments[i];

		if ((segment->flags & flags) == flags &&
		    strcmp(address_print(&segment->from, one),
		    address_print(from, other)) == 0)
			n++;
	}
	return n;
}

static const char *
flag_names(unsigned int flags)
{
	if (flags == (TH_SYN | TH_ACK))
		return "SYN ACK";
	return flags == TH_SYN ? "SYN" : flags == TH_FIN ? "FIN" :
	    flags == TH_RST ? "RST" : "segment";
}

bool
stage_expect_segments(struct stage *stage, const char *from,
    unsigned int flags, int n)
{
	struct address	end = parsed(from);
	int64_t		patient = clock_ms() + STAGE_PATIENCE;
	char		seen[16], times[32];
	int		are;

	if (stage->capture.fd == -1)
		return true;
	/* One that is not to come would come at once. */
	(void)poll(NULL, 0, STAGE_SETTLE);
	while ((are = count_segments(stage, &end, flags)) < n &&
	    clock_ms() < patient)
		(void)poll(NULL, 0, LOOK);
	(void)snprintf(seen, sizeof(seen), "%d", are);
	(void)snprintf(times, sizeof(times), n == 1 ? " once" : " %d times", n);
	return stage_expect(stage, are == n, seen, "%s sends %s%s%s", from,
	    n == 0 ? "no " : "", flag_names(flags), n == 0 ? "" : times);
}

bool
stage_expect_timer(struct stage *stage, const char *local, const char *peer,
    int least, int most)
{
	struct address		 ends[2] = { parsed(local), parsed(peer) };
	struct sockets		 sockets;
	const struct sockdiag	*socket = NULL;
	int64_t			 ms = -1;
	char			 seen[32] = "nothing is there";

	if (sockets_read(&sockets) == 0 && (socket = sockets_find(&sockets,
	    &ends[0], &ends[1])) != NULL && (ms = socket->ends) != -1)
		(void)snprintf(seen, sizeof(seen), "%.1f s", (double)ms / 1e3);
	else if (socket != NULL)
		(void)strlcpy(seen, "no timer", sizeof(seen));
	sockets_free(&sockets);
	if (most == 0)
		return stage_expect(stage, socket != NULL && ms == -1, seen,
		    "%s with %s: no timer ends it", local, peer);
	return stage_expect(stage, ms >= least * 1000LL && ms <= most * 1000LL,
	    seen, "%s with %s: the kernel's timer has %d to %d s left",
	    local, peer, least, most);
}

bool
stage_expect_read(struct stage *stage, int fd, size_t least, size_t most,
    int error)
{
	char	seen[96], range[32];
	int	is;
	size_t	n = tcp_drain(fd, &is);

	(void)snprintf(seen, sizeof(seen), "%zu bytes, then %s", n,
	    is == 0 ? "end-of-file" : strerror(is));
	(void)snprintf(range, sizeof(range), "%zu to %zu", least, most);
	if (least == most)
		(void)snprintf(range, sizeof(range), "%zu", most);
	else
		stage_note(stage, "The client has read %s.", seen);
	return stage_expect(stage, n >= least && n <= most && is == error,
	    seen, "the client reads %s bytes, then %s", range,
	    error == 0 ? "end-of-file" : strerror(error));
}

bool
stage_expect_says(struct stage *stage, struct actor *actor, const char *text)
{
	int64_t	end = clock_ms() + STAGE_PATIENCE;
	char	said[8192];

	do {
		stage_reap(stage);
		(void)actor_text(actor, 0, said, sizeof(said));
		if (strstr(said, text) != NULL)
			break;
		(void)poll(NULL, 0, LOOK);
	} while (clock_ms() < end);
	return stage_expect(stage, strstr(said, text) != NULL,
	    *said == '\0' ? "nothing" : said, "%s says: %s", actor->name, text);
}

void
stage_ends(struct stage *stage, struct actor *actor)
{
	int64_t	end = clock_ms() + STAGE_PATIENCE;

	for (stage_reap(stage); actor->pid > 0 && clock_ms() < end; stage_reap(stage))
		(void)poll(NULL, 0, LOOK);
}

/* Until it has ended: "it runs", "status 1", "signal 15". */
static const char *
await_end(struct stage *stage, struct actor *actor, char *text, size_t size)
{
	stage_ends(stage, actor);
	if (actor->pid > 0)
		(void)strlcpy(text, "it runs", size);
	else if (WIFEXITED(actor->status))
		(void)snprintf(text, size, "status %d",
		    WEXITSTATUS(actor->status));
	else
		(void)snprintf(text, size, "signal %d",
		    WTERMSIG(actor->status));
	return text;
}

bool
stage_expect_exit(struct stage *stage, struct actor *actor, int status)
{
	char		 text[32];
	const char	*seen = await_end(stage, actor, text, sizeof(text));

	return stage_expect(stage, actor->pid == 0 &&
	    WIFEXITED(actor->status) && WEXITSTATUS(actor->status) == status,
	    seen, "%s ends with status %d", actor->name, status);
}

bool
stage_expect_killed(struct stage *stage, struct actor *actor, int signo)
{
	char		 text[32];
	const char	*seen = await_end(stage, actor, text, sizeof(text));

	return stage_expect(stage, actor->pid == 0 &&
	    WIFSIGNALED(actor->status) && WTERMSIG(actor->status) == signo,
	    seen, "%s is ended by %s", actor->name, sigabbrev_np(signo));
}

bool
stage_expect_alive(struct stage *stage, struct actor *actor)
{
	stage_reap(stage);
	return stage_expect(stage, actor->pid > 0, "it has ended",
	    "%s runs", actor->name);
}

bool
stage_expect_errno(struct stage *stage, const char *what, int seen,
    int expected)
{
	return stage_expect(stage, seen == expected,
	    seen == 0 ? "it succeeds" : strerror(seen), "%s %s%s", what,
	    expected == 0 ? "succeeds" : "fails: ",
	    expected == 0 ? "" : strerror(expected));
}
