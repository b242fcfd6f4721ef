/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../client.h"
#include "../process.h"
#include "soak.h"

#define EVERY		(300 * MS)
#define PATIENCE	(5 * S)	/* an heir waits 3 for an owner to let go */
#define MORE		8	/* descriptors that a parent may have for a
				   moment: connections, a takeover's */

void
claims_begin(struct claims *claims)
{
	int	i;

	for (i = 0; i < claims->n; i++)
		claims->list[i].again = false;
}

void
claim(struct claims *claims, const char *fmt, ...)
{
	char	text[160];
	va_list	ap;
	int	i;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (i = 0; i < claims->n; i++)
		if (strcmp(claims->list[i].text, text) == 0)
			break;
	if (i == 64)
		return;
	if (i == claims->n) {
		claims->list[claims->n++] = (struct claim){ .since = us() };
		memcpy(claims->list[i].text, text, sizeof(text));
	}
	claims->list[i].again = true;
	claims->list[i].looks++;
}

void
claims_end(struct claims *claims, int64_t patience)
{
	int	i;

	for (i = 0; i < claims->n;) {
		struct claim *one = &claims->list[i];

		if (one->again && one->looks > 3 &&
		    us() - one->since > patience + lag(one->since, us())) {
			trouble("for %lld ms: %s", (long long)(us() -
			    one->since) / 1000, one->text);
			one->again = false;
		}
		if (one->again)
			i++;
		else
			*one = claims->list[--claims->n];
	}
}

static size_t
read_file(pid_t pid, const char *name, char *text, size_t size)
{
	char	path[64];
	ssize_t	n;
	int	fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	text[0] = '\0';
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	n = read(fd, text, size - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* What the title says. */
static void
see_title(struct seen *one)
{
	static const char	 echo[] = "outlived: echo for ";
	const char		*generation;

	(void)read_file(one->pid, "cmdline", one->title, sizeof(one->title));
	generation = strstr(one->title, ", generation ");
	if (generation != NULL)
		one->generation = (unsigned int)atoi(generation + 13);
	one->client[0] = '\0';
	if (strncmp(one->title, echo, sizeof(echo) - 1) == 0) {
		one->kind = BUSY;
		(void)snprintf(one->client, sizeof(one->client), "%.*s",
		    (int)strcspn(one->title + sizeof(echo) - 1, ", "),
		    one->title + sizeof(echo) - 1);
	} else if (strncmp(one->title, "outlived: idle", 14) == 0)
		one->kind = IDLE;
	else if (strncmp(one->title, "outlived: heir", 14) == 0)
		one->kind = HEIR;
	else if (server_of(one->pid) != NULL)
		one->kind = PARENT;
}

static bool
see_one(pid_t pid, struct seen *one)
{
	char			 text[512];
	const char		*after;
	unsigned long long	 start;
	int			 parent;

	*one = (struct seen){ .pid = pid };
	if (read_file(pid, "stat", text, sizeof(text)) == 0 ||
	    (after = strrchr(text, ')')) == NULL ||
	    sscanf(after, ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u "
	    "%*u %*d %*d %*d %*d %*d %*d %llu", &one->state, &parent,
	    &start) != 3)
		return false;
	one->parent = parent;
	one->start = (int64_t)start * S / sysconf(_SC_CLK_TCK);
	if (one->state == 'Z' || one->state == 'X')
		return false;
	see_title(one);
	return true;
}

void
see(struct sight *sight)
{
	DIR		*proc = opendir("/proc");
	struct dirent	*entry;

	sight->n = 0;
	while (proc != NULL && (entry = readdir(proc)) != NULL &&
	    sight->n < SEEN_MAX) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 1 && see_one(pid, &sight->list[sight->n]))
			sight->n++;
	}
	if (proc != NULL)
		(void)closedir(proc);
}

const struct seen *
seen_of(const struct sight *sight, pid_t pid)
{
	int	i;

	for (i = 0; i < sight->n; i++)
		if (sight->list[i].pid == pid)
			return &sight->list[i];
	return NULL;
}

int
descriptors_count(pid_t pid, int *highest)
{
	char		 path[64];
	DIR		*dir;
	struct dirent	*entry;
	int		 n = 0;

	*highest = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	if ((dir = opendir(path)) == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		n++;
		if (atoi(entry->d_name) > *highest)
			*highest = atoi(entry->d_name);
	}
	(void)closedir(dir);
	return n;
}

/* The listening socket: its inode, 0 if there is none, and what waits there. */
static unsigned long
listener(int *many, int *queue)
{
	char		 row[512];
	unsigned int	 port, state, length;
	unsigned long	 inode, found = 0;
	FILE		*table = fopen("/proc/net/tcp", "re");

	*many = *queue = 0;
	if (table == NULL)
		return 0;
	while (fgets(row, sizeof(row), table) != NULL)
		if (sscanf(row, " %*d: %*x:%x %*x:%*x %x %*x:%x %*x:%*x %*x "
		    "%*u %*u %lu", &port, &state, &length, &inode) == 4 &&
		    port == PORT && state == 10) {
			found = inode;
			*queue = (int)length;
			(*many)++;
		}
	(void)fclose(table);
	return found;
}

int
waiting(void)
{
	int	many, queue;

	(void)listener(&many, &queue);
	return queue;
}

/* Who has the listening socket, and should not. */
static void
look_at_holder(struct claims *claims, const struct seen *one, pid_t owner)
{
	struct server_one	*server = server_of(one->pid);

	if (one->state == 'T' || one->pid == owner)
		return;
	if (server != NULL) {
		if (server->owned)
			claim(claims, "%d has the listening socket still, and "
			    "%d owns the port", one->pid, owner);
		return;
	}
	if (one->parent != 1)
		return;
	/* Its parent has ended. */
	if (one->kind != HEIR)
		claim(claims, "orphan %d has the listening socket (%s)",
		    one->pid, one->title);
	else if (owner > 0)
		claim(claims, "heir %d has the listening socket, without a "
		    "parent, beside %d (%s)", one->pid, owner, one->title);
}

static void
look_at_descriptors(struct claims *claims, struct server_one *server)
{
	int	highest, n;

	if (server == NULL || !server->served ||
	    us() - server->started < S)
		return;
	/* Without its heir it has one less, until there is another. */
	if (soak.plan.heir > 0 && lock_heir() <= 0)
		return;
	n = descriptors_count(server->pid, &highest);
	if (server->descriptors == 0 || n < server->descriptors)
		server->descriptors = n;
	if (n > server->descriptors + MORE)
		claim(claims, "parent %d has more than %d descriptors",
		    server->pid, server->descriptors + MORE);
}

void
look(void)
{
	static struct claims	claims;
	static struct sight	sight;
	static int64_t		last;
	unsigned long		inode;
	pid_t			owner;
	int			i, many, queue;

	if (us() < last + EVERY)
		return;
	last = us();
	claims_begin(&claims);
	inode = listener(&many, &queue);
	if (many > 1)
		trouble("%d sockets listen on the port", many);
	see(&sight);
	owner = lock_owner();
	for (i = 0; inode != 0 && i < sight.n; i++)
		if (holds(sight.list[i].pid, inode))
			look_at_holder(&claims, &sight.list[i], owner);
	look_at_descriptors(&claims, servers_owner());
	claims_end(&claims, PATIENCE);
}
