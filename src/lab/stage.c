/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "actor.h"
#include "experiment.h"
#include "net/clock.h"
#include "netns.h"
#include "stage.h"
#include "tcp.h"

/* What is to become so has that long, and is looked at so often; segments may
   come late by a delayed ACK.  In ms. */
#define PATIENCE	5000
#define LOOK		5
#define SETTLE		60

#define TEXT		512
#define NOT_ACCEPTED	1000	/* no state of the kernel's */
#define ARGUMENTS	16

static void
pause_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

/* Everyone who has ended, also whom nobody else waits for: we are process 1. */
static void
reap(struct stage *stage)
{
	pid_t	pid;
	int	status, i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < stage->n; i++)
			if (stage->actors[i].pid == pid) {
				stage->actors[i].pid = 0;
				stage->actors[i].status = status;
			}
}

static void
begin_step(struct stage *stage, int number, const char *text)
{
	step_init(&stage->step, number, text);
	if (sockets_read(&stage->step.before) == -1)
		stage_skip(stage, "the table of sockets cannot be read: %s",
		    strerror(errno));
}

/* What actors have printed since they were last looked at. */
static void
take_output(struct stage *stage)
{
	char	text[8192], *line, *rest;
	int	i;

	for (i = 0; i < stage->n; i++) {
		struct actor	*actor = &stage->actors[i];

		actor->told += actor_text(actor, actor->told, text,
		    sizeof(text));
		rest = text;
		while ((line = strsep(&rest, "\n")) != NULL)
			if (*line != '\0')
				step_line(&stage->step, LINE_OUTPUT, line);
	}
}

/* Its segments are there when none has come for a moment. */
static void
end_step(struct stage *stage)
{
	struct step	*step = &stage->step;
	size_t		 n;

	do {
		n = stage->capture.n;
		pause_ms(SETTLE);
		if (capture_read(&stage->capture) == -1)
			errx(EX_OSERR, "what is captured cannot be kept: %s",
			    strerror(errno));
	} while (stage->capture.n > n);
	reap(stage);
	take_output(stage);
	step->segments = stage->capture.segments + stage->seen;
	step->n = stage->capture.n - stage->seen;
	stage->seen = stage->capture.n;
	if (sockets_read(&step->after) == -1)
		stage_skip(stage, "the table of sockets cannot be read: %s",
		    strerror(errno));
	report_step(stage->report, step);
	step_free(step);
}

void
stage_open(struct stage *stage, FILE *pcap)
{
	report_begin(stage->report, stage->experiment);
	begin_step(stage, 0, "");
	if (capture_begin(&stage->capture, pcap) == 0)
		return;
	if (pcap != NULL)
		stage_skip(stage, "segments cannot be captured here (packet(7)):"
		    " %s", strerror(errno));
	stage_note(stage, "Segments cannot be captured here, and are not drawn "
	    "(packet(7)): %s.", strerror(errno));
}

void
stage_close(struct stage *stage)
{
	struct outcome	*outcome = stage->outcome;
	int		 i;

	end_step(stage);
	if (capture_end(&stage->capture) == -1)
		errx(EX_IOERR, "the file of the capture is not whole: %s",
		    strerror(errno));
	outcome->verdict = outcome->broken > 0 ? VERDICT_BROKEN : VERDICT_HELD;
	for (i = 0; i < stage->n; i++)
		(void)close(stage->actors[i].output);
	report_end(stage->report, stage->experiment, outcome);
}

void
stage_skip(struct stage *stage, const char *format, ...)
{
	struct outcome	*outcome = stage->outcome;
	va_list		 arguments;

	va_start(arguments, format);
	(void)vsnprintf(outcome->why, sizeof(outcome->why), format, arguments);
	va_end(arguments);
	outcome->verdict = VERDICT_SKIPPED;
	report_end(stage->report, stage->experiment, outcome);
	_exit(0);
}

void
stage_step(struct stage *stage, const char *format, ...)
{
	char	text[TEXT];
	int	number = stage->step.number + 1;
	va_list	arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	end_step(stage);
	begin_step(stage, number, text);
}

void
stage_note(struct stage *stage, const char *format, ...)
{
	char	text[TEXT];
	va_list	arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	step_line(&stage->step, LINE_NOTE, text);
}

void
stage_set(struct stage *stage, const char *sysctl, const char *value)
{
	char	text[TEXT];

	if (netns_set(sysctl, value) == -1)
		stage_skip(stage, "/proc/sys/%s cannot be set to '%s': %s",
		    sysctl, value, strerror(errno));
	(void)snprintf(text, sizeof(text), "echo %s >/proc/sys/%s", value,
	    sysctl);
	step_line(&stage->step, LINE_COMMAND, text);
}

bool
stage_wait(struct stage *stage, int seconds, const char *what,
    bool (*happened)(void))
{
	struct outcome	*outcome = stage->outcome;
	int64_t		 end = clock_ms() + seconds * 1000LL + PATIENCE;
	int64_t		 began = clock_ms();
	bool		 over;

	if (stage->quick) {
		stage_note(stage, "Not waited for, with --quick: %s, %d s.",
		    what, seconds);
		return false;
	}
	while (!(over = happened()) && clock_ms() < end) {
		(void)snprintf(outcome->progress, sizeof(outcome->progress),
		    "%s: %lld of %d s", what,
		    (long long)(clock_ms() - began) / 1000, seconds);
		pause_ms(200);
	}
	*outcome->progress = '\0';
	stage_note(stage, "Waited %.0f s: %s.",
	    (double)(clock_ms() - began) / 1e3, what);
	return over;
}

static struct actor *
next_actor(struct stage *stage)
{
	if (stage->n == STAGE_ACTORS)
		errx(EX_SOFTWARE, "more than %d actors", STAGE_ACTORS);
	return &stage->actors[stage->n];
}

struct actor *
stage_fork(struct stage *stage, const char *name, void (*play)(void *),
    void *what)
{
	struct actor	*actor = next_actor(stage);

	if (actor_fork(actor, name, play, what) == -1)
		stage_skip(stage, "%s cannot be forked: %s", name,
		    strerror(errno));
	stage->n++;
	return actor;
}

struct actor *
stage_start(struct stage *stage, const char *program, ...)
{
	const char	*argv[ARGUMENTS + 1] = { program };
	char		 text[TEXT];
	struct actor	*actor = next_actor(stage);
	int		 n = 1;
	va_list		 arguments;

	va_start(arguments, program);
	while (n < ARGUMENTS && (argv[n] = va_arg(arguments,
	    const char *)) != NULL)
		n++;
	va_end(arguments);
	(void)strlcpy(text, program, sizeof(text));
	for (n = 1; argv[n] != NULL; n++) {
		(void)strlcat(text, " ", sizeof(text));
		(void)strlcat(text, argv[n], sizeof(text));
	}
	step_line(&stage->step, LINE_COMMAND, text);
	if (actor_start(actor, argv) == -1)
		stage_skip(stage, "%s cannot be started: %s", program,
		    strerror(errno));
	stage->n++;
	return actor;
}

void
stage_signal(struct stage *stage, const struct actor *actor, int signo)
{
	char	text[64];

	(void)snprintf(text, sizeof(text), "kill -%s %d   # %s",
	    sigabbrev_np(signo), actor->pid, actor->name);
	step_line(&stage->step, LINE_COMMAND, text);
	if (actor->pid > 0)
		(void)kill(actor->pid, signo);
}

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
	int64_t	end = clock_ms() + PATIENCE;
	bool	has;

	while (!(has = has_listener(actor, local)) && clock_ms() < end) {
		reap(stage);
		if (actor->pid == 0)
			break;
		pause_ms(LOOK);
	}
	return has;
}

bool
stage_expect_state(struct stage *stage, const char *local, const char *peer,
    unsigned int state)
{
	int64_t		 end = clock_ms() + PATIENCE;
	unsigned int	 is;
	const char	*seen;

	while (seen = look(local, peer, &is), is != state && clock_ms() < end) {
		reap(stage);
		pause_ms(LOOK);
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
	int64_t		patient = clock_ms() + PATIENCE;
	char		seen[16], times[32];
	int		are;

	if (stage->capture.fd == -1)
		return true;
	/* One that is not to come would come at once. */
	pause_ms(SETTLE);
	while ((are = count_segments(stage, &end, flags)) < n &&
	    clock_ms() < patient)
		pause_ms(LOOK);
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
	int64_t	end = clock_ms() + PATIENCE;
	char	said[8192];

	do {
		reap(stage);
		(void)actor_text(actor, 0, said, sizeof(said));
		if (strstr(said, text) != NULL)
			break;
		pause_ms(LOOK);
	} while (clock_ms() < end);
	return stage_expect(stage, strstr(said, text) != NULL,
	    *said == '\0' ? "nothing" : said, "%s says: %s", actor->name, text);
}

void
stage_ends(struct stage *stage, struct actor *actor)
{
	int64_t	end = clock_ms() + PATIENCE;

	for (reap(stage); actor->pid > 0 && clock_ms() < end; reap(stage))
		pause_ms(LOOK);
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
	reap(stage);
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
