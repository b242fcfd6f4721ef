/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "generation.h"
#include "net/address.h"
#include "net/log.h"
#include "net/process.h"
#include "stopped.h"

/* Whether it is a socket that listens on the port. */
static bool
listens(int fd, unsigned int port)
{
	struct address	address = { .len = sizeof(address.in6) };
	int		yes;
	socklen_t	len = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 &&
	    yes && getsockname(fd, &address.sa, &address.len) == 0 &&
	    (address.sa.sa_family == AF_INET ||
	    address.sa.sa_family == AF_INET6) &&
	    address_port(&address) == port;
}

/* Of all descriptors of a process, of which there are few. */
static int
shut_down(pid_t pid, int pidfd, unsigned int port)
{
	const struct dirent	*entry;
	char			 path[32];
	DIR			*fds;
	int			 copy, many = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	if ((fds = opendir(path)) == NULL)
		return 0;
	while ((entry = readdir(fds)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		copy = (int)syscall(SYS_pidfd_getfd, pidfd,
		    atoi(entry->d_name), 0);
		if (copy == -1)
			continue;
		if (listens(copy, port) && shutdown(copy, SHUT_RD) == 0)
			many++;
		(void)close(copy);
	}
	(void)closedir(fds);
	return many;
}

static int
let_go(const struct generation_child *child, unsigned int generation,
    uid_t writer, unsigned int port)
{
	struct process	process;
	uid_t		uid;
	int		pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	int		many = 0;

	if (pidfd == -1)
		return 0;
	/* Whoever it is, nobody else gets that pid from now on; and we may be
	   root, who was told of it by a user. */
	if (process_read(child->pid, &process) == 0 &&
	    process.start == child->start &&
	    process_user(child->pid, &uid) == 0 && uid == writer)
		many = shut_down(child->pid, pidfd, port);
	(void)close(pidfd);
	if (many > 0)
		log_info("orphan %d of generation %u is stopped: it listens no "
		    "more", child->pid, generation);
	return many;
}

int
stopped_let_go(int dir, unsigned int port)
{
	struct generations	generations;
	struct stat		st;
	int			i, j, many = 0, saved = errno;

	if (generations_read(&generations, dir) == 0 && fstat(dir, &st) == 0)
		for (i = 0; i < generations.n; i++) {
			const struct generation *one = &generations.list[i];

			/* Whoever gave it has it still, perhaps. */
			if (one->parent != 0 || one->given ||
			    one->net_ns != generation_network())
				continue;
			for (j = 0; j < one->n; j++)
				if (one->children[j].stopped)
					many += let_go(&one->children[j],
					    one->number, st.st_uid, port);
		}
	generations_free(&generations);
	errno = saved;
	return many;
}
