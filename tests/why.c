/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "why.h"

static char	answer[1 << 16];

/* Run it, and keep what it says; its exit status. */
static int
run(void (*prepare)(void), const char *const argv[])
{
	int	file = memfd_create("answer", MFD_CLOEXEC), status;
	ssize_t	size;

	status = await_end(program_start_in(prepare, argv, file));
	size = pread(file, answer, sizeof(answer) - 1, 0);
	answer[size > 0 ? size : 0] = '\0';
	(void)close(file);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
why(const char *argument, ...)
{
	const char	*argv[8] = { "./outlive-why", argument };
	int		 n = 1;
	va_list		 ap;

	va_start(ap, argument);
	while (argv[n] != NULL && n < 7)
		argv[++n] = va_arg(ap, const char *);
	va_end(ap);
	return run(NULL, argv);
}

int
why_in(void (*prepare)(void), const char *address)
{
	const char	*argv[] = { "./outlive-why", address, NULL };

	return run(prepare, argv);
}

int
why_through(const char *const argv[])
{
	return run(NULL, argv);
}

const char *
answer_text(void)
{
	return answer;
}

bool
says(const char *text)
{
	return strstr(answer, text) != NULL;
}

void
show_answer(void)
{
	const char	*at = answer;

	while (*at != '\0') {
		int len = (int)strcspn(at, "\n");

		note("%.*s", len, at);
		at += len + (at[len] == '\n');
	}
}

void
tells(const char *what, const char *text)
{
	ok(says(text), "%s: %s", what, text);
	if (!says(text))
		show_answer();
}

void
tells_not(const char *what, const char *text)
{
	ok(!says(text), "%s: nothing of %s", what, text);
	if (says(text))
		show_answer();
}

void
setting(const char *name, const char *value)
{
	char	path[128];
	int	fd;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1 || write(fd, value, strlen(value)) == -1)
		bail("%s: %s", path, strerror(errno));
	(void)close(fd);
}

/* A socket that is bound to a port of 127.0.0.1. */
int
bound(unsigned int number, bool reuseaddr)
{
	struct sockaddr_in	address = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)number),
				    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int			fd = socket(AF_INET, SOCK_STREAM |
				    SOCK_CLOEXEC, 0);
	int			on = reuseaddr;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

int
listening(unsigned int number, bool reuseaddr)
{
	int	fd = bound(number, reuseaddr);

	if (fd == -1 || listen(fd, 64) == -1)
		bail("bind or listen: %s", strerror(errno));
	return fd;
}
