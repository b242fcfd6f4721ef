/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "json.h"
#include "loader.h"
#include "process.h"

#define WORDS	40

struct seen	*seen;
static int	 out = -1;
static pid_t	 server = -1;
static void	(*surrounding)(void);
static char	 text[1 << 16];

void
loader_prepare(void (*prepare)(void))
{
	surrounding = prepare;
}

static pid_t __attribute__((__format__(__printf__, 1, 0)))
start(const char *format, va_list ap)
{
	char		 words[1024], *at = words, *word;
	const char	*argv[WORDS] = { "./outlive-load" };
	int		 n = 1;

	(void)vsnprintf(words, sizeof(words), format, ap);
	while ((word = strsep(&at, " ")) != NULL && n < WORDS - 1)
		argv[n++] = word;
	if (out != -1)
		(void)close(out);
	if ((out = memfd_create("report", MFD_CLOEXEC)) == -1)
		bail("memfd: %s", strerror(errno));
	return program_start_in(surrounding, argv, out);
}

pid_t
loader_start(const char *format, ...)
{
	va_list	ap;
	pid_t	pid;

	va_start(ap, format);
	pid = start(format, ap);
	va_end(ap);
	return pid;
}

int
loader_end(pid_t pid)
{
	int	status = await_end(pid);
	ssize_t	n = pread(out, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
loader(const char *format, ...)
{
	va_list	ap;
	pid_t	pid;

	va_start(ap, format);
	pid = start(format, ap);
	va_end(ap);
	return loader_end(pid);
}

const char *
report(void)
{
	return text;
}

bool
reports(const char *words)
{
	return strstr(text, words) != NULL;
}

double
reported(const char *names)
{
	const char	*value = json_at(text, names);
	char		*end;
	double		 number = strtod(value, &end);

	if (end == value)
		bail("no %s in the report: %s", names, text);
	return number;
}

static int
listen_somewhere(int backlog, unsigned int *port)
{
	struct sockaddr_in	address = { .sin_family = AF_INET,
				    .sin_addr.s_addr =
				    htonl(INADDR_LOOPBACK) };
	socklen_t		len = sizeof(address);
	int			fd = socket(AF_INET, SOCK_STREAM |
				    SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&address, len) == -1 ||
	    listen(fd, backlog) == -1 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) == -1)
		bail("a hostile server: %s", strerror(errno));
	*port = ntohs(address.sin_port);
	return fd;
}

void
hostile_end(void)
{
	if (server == -1)
		return;
	send_signal(server, SIGKILL);
	(void)await_end(server);
	server = -1;
}

unsigned int
hostile_with(int backlog, void (*serve)(int listener))
{
	unsigned int	port;
	int		fd;

	hostile_end();
	if (seen == NULL && (seen = mmap(NULL, sizeof(*seen),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) ==
	    MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	*seen = (struct seen){ .accepted = 0 };
	fd = listen_somewhere(backlog, &port);
	if ((server = fork()) == -1)
		bail("fork: %s", strerror(errno));
	if (server == 0) {
		serve(fd);
		_exit(0);
	}
	(void)close(fd);
	return port;
}

static void	(*one)(int fd, int number);

static void __attribute__((__noreturn__))
one_after_another(int listener)
{
	int	fd;

	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd == -1)
			_exit(1);
		one(fd, ++seen->accepted);
		(void)close(fd);
	}
}

unsigned int
hostile(void (*serve)(int fd, int number))
{
	one = serve;
	return hostile_with(4096, one_after_another);
}

bool
hear_all(int fd, char *to, int n)
{
	return recv(fd, to, (size_t)n, MSG_WAITALL) == n;
}

bool
hear_line(int fd)
{
	char	c;

	while (read(fd, &c, 1) == 1)
		if (c == '\n')
			return true;
	return false;
}

void
hear_end(int fd)
{
	char	some[4096];

	while (read(fd, some, sizeof(some)) > 0)
		;
}

/* The socket is still to be closed: by whoever calls. */
void
reset(int fd)
{
	struct linger	at_once = { .l_onoff = 1 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once,
	    sizeof(at_once));
}
