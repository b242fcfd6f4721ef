/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
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

#define TEXT		512
#define ARGUMENTS	16

static void
pause_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

void
stage_reap(struct stage *stage)
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
		pause_ms(STAGE_SETTLE);
		if (capture_read(&stage->capture) == -1)
			errx(EX_OSERR, "what is captured cannot be kept: %s",
			    strerror(errno));
	} while (stage->capture.n > n);
	stage_reap(stage);
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
	int64_t		 end = clock_ms() + seconds * 1000LL + STAGE_PATIENCE;
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
