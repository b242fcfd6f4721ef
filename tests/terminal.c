/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "harness.h"
#include "terminal.h"

#define PROMPT		"\036"		/* no program prints that */

/* The child's side: a session whose terminal this is, and the shell in it. */
static void
shell(const char *slave)
{
	struct winsize	size = { .ws_row = 50, .ws_col = 200 };
	struct termios	modes;
	int		fd;

	(void)setsid();
	if ((fd = open(slave, O_RDWR)) == -1 || tcgetattr(fd, &modes) == -1)
		_exit(127);
	modes.c_lflag &= ~(tcflag_t)ECHO;
	modes.c_oflag &= ~(tcflag_t)OPOST;
	(void)tcsetattr(fd, TCSANOW, &modes);
	(void)ioctl(fd, TIOCSWINSZ, &size);
	(void)dup2(fd, STDIN_FILENO);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	closefrom(STDERR_FILENO + 1);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)setenv("PS1", PROMPT, 1);
	(void)setenv("TERM", "dumb", 1);
	(void)setenv("LC_ALL", "C", 1);
	(void)unsetenv("PROMPT_COMMAND");
	(void)unsetenv("HISTFILE");
	(void)execlp("bash", "bash", "--norc", "--noprofile", "--noediting",
	    "-i", (char *)NULL);
	_exit(127);
}

void
terminal_open(struct terminal *terminal)
{
	const char	*slave;

	terminal->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal->fd == -1 || grantpt(terminal->fd) == -1 ||
	    unlockpt(terminal->fd) == -1 ||
	    (slave = ptsname(terminal->fd)) == NULL ||
	    (terminal->shell = fork()) == -1)
		bail("a terminal: %s", strerror(errno));
	if (terminal->shell == 0)
		shell(slave);
	terminal->prompts = false;
	terminal_await_prompt(terminal);
}

void
terminal_await_prompt(struct terminal *terminal)
{
	struct wait	wait = { .what = "a prompt of the shell" };

	for (terminal->len = 0; !terminal->prompts; terminal->len = 0) {
		terminal_listen(terminal, 10);
		wait_a_moment(&wait);
	}
}

void
terminal_close(struct terminal *terminal)
{
	if (terminal->fd != -1)
		(void)close(terminal->fd);
	terminal->fd = -1;
}

void
terminal_press(struct terminal *terminal, const char *keys)
{
	size_t	len = strlen(keys);

	terminal->prompts = false;
	if (write(terminal->fd, keys, len) != (ssize_t)len)
		bail("typing: %s", strerror(errno));
}

void
terminal_type(struct terminal *terminal, const char *command)
{
	terminal_press(terminal, command);
	terminal_press(terminal, "\n");
}

void
terminal_listen(struct terminal *terminal, int ms)
{
	struct pollfd	ready = { .fd = terminal->fd, .events = POLLIN };
	char		*at, *end;
	ssize_t		n;

	if (poll(&ready, 1, ms) != 1)
		return;
	at = terminal->text + terminal->len;
	n = read(terminal->fd, at, sizeof(terminal->text) - terminal->len - 1);
	if (n <= 0)
		bail("a shell has ended, or printed too much");
	terminal->len += (size_t)n;
	terminal->text[terminal->len] = '\0';
	while ((end = strstr(at, PROMPT)) != NULL) {
		terminal->prompts = true;
		*end = '\n';
	}
}

/* "[1] 4711", "[1]+  Killed   ./server1". */
static bool
is_about_a_job(const char *line)
{
	return line[0] == '[' && line[1] >= '1' && line[1] <= '9' &&
	    line[2] == ']';
}

int
terminal_lines(const struct terminal *terminal, char **lines, int max)
{
	const char	*at = terminal->text;
	int		 n = 0;

	while (at < terminal->text + terminal->len && n < max) {
		size_t len = strcspn(at, "\n");

		if (strspn(at, " \t\r") < len && !is_about_a_job(at) &&
		    (lines[n++] = strndup(at, len)) == NULL)
			bail("strndup: %s", strerror(errno));
		at += len + 1;
	}
	return n;
}
