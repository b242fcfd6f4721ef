/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "json.h"
#include "load.h"
#include "process.h"

#define ARGUMENTS	64

/* The words of a text, each of them a piece of it. */
static void
split(char *text, const char *argv[], int n)
{
	char	*word, *rest = text;

	while ((word = strsep(&rest, " ")) != NULL) {
		if (n == ARGUMENTS - 1)
			bail("too many arguments of outlive-load");
		if (*word != '\0')
			argv[n++] = word;
	}
}

void
load_start(struct load *load, bool log, const char *fmt, ...)
{
	const char	*argv[ARGUMENTS] = { "./outlive-load", "--json",
			    "--quiet", "--log" };
	char		*text;
	static int	 logs;
	int		 out[2];
	va_list		 ap;

	*load = (struct load){ .log = "" };
	if (log)
		(void)snprintf(load->log, sizeof(load->log), "%s/load%d.log",
		    harness_state(), ++logs);
	argv[4] = load->log;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1 || pipe2(out, O_CLOEXEC) == -1)
		bail("outlive-load: %s", strerror(errno));
	va_end(ap);
	split(text, argv, log ? 5 : 3);
	load->pid = program_start(argv, out[1]);
	load->out = out[0];
	(void)close(out[1]);
	free(text);
}

static void __attribute__((__noreturn__))
has_failed(int status)
{
	log_show();
	bail("outlive-load has failed: wait status %x", (unsigned int)status);
}

/* The head of its log, which it writes in one piece. */
static bool
has_begun(struct load *load)
{
	char		 line[128];
	long long	 began;
	FILE		*file = fopen(load->log, "re");

	if (file != NULL && fgets(line, sizeof(line), file) != NULL &&
	    sscanf(line, "# us since %lld us of CLOCK_MONOTONIC\n",
	    &began) == 1)
		load->began = began;
	if (file != NULL)
		(void)fclose(file);
	return load->began != 0;
}

bool
load_begun(struct load *load)
{
	int	status;

	if (has_begun(load))
		return true;
	if (waitpid(load->pid, &status, WNOHANG) == load->pid)
		has_failed(status);
	return false;
}

void
load_await(struct load *load)
{
	struct wait	wait = { .what = "the beginning of outlive-load" };

	while (!load_begun(load))
		wait_a_moment(&wait);
}

void
load_stop(const struct load *load)
{
	send_signal(load->pid, SIGTERM);
}

/* To its end, however much there is: it cannot end before. */
static char *
read_all(int fd)
{
	char		*text = NULL;
	size_t		 size = 0, len = 0;
	ssize_t		 n;

	do {
		if (size - len < 2) {
			size += 65536;
			if ((text = realloc(text, size)) == NULL)
				bail("realloc: %s", strerror(errno));
		}
		/* How long a run lasts is its caller's affair: his alarm means
		   "hung". */
		n = read(fd, text + len, size - len - 1);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n == -1 && errno == EINTR));
	text[len] = '\0';
	return text;
}

void
load_end(struct load *load)
{
	int	status;

	load->report = read_all(load->out);
	(void)close(load->out);
	status = await_end(load->pid);
	load->pid = 0;
	/* 1: a request has failed, or a session was lost. */
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1 ||
	    *load->report != '{')
		has_failed(status);
	/* Who was stopped early, has not begun. */
	if (*load->log != '\0' && !has_begun(load))
		bail("outlive-load has no log");
}

double
load_number(const struct load *load, const char *path)
{
	const char	*value = json_at(load->report, path);
	char		*end;
	double		 number = strtod(value, &end);

	if (end == value)
		bail("outlive-load reports no number %s: %s", path,
		    load->report);
	return number;
}

bool
load_next(struct load *load, struct load_request *request)
{
	char		line[256];
	long long	us[4];

	if (load->lines == NULL &&
	    (load->lines = fopen(load->log, "re")) == NULL)
		bail("%s: %s", load->log, strerror(errno));
	do {
		if (fgets(line, sizeof(line), load->lines) == NULL)
			return false;
	} while (*line == '#');
	if (sscanf(line, "%lld\t%lld\t%lld\t%lld\t%31s", &us[0], &us[1], &us[2],
	    &us[3], request->outcome) != 5)
		bail("a line of outlive-load's log: %s", line);
	request->due = load->began + us[0];
	request->connected = us[1] == -1 ? -1 : load->began + us[1];
	request->first_byte = us[2] == -1 ? -1 : load->began + us[2];
	request->ended = load->began + us[3];
	return true;
}

void
load_free(struct load *load)
{
	if (load->lines != NULL)
		(void)fclose(load->lines);
	if (*load->log != '\0')
		(void)unlink(load->log);
	free(load->report);
	*load = (struct load){ .log = "" };
}
