/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netns.h"

#define HOST	(CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS)

/* As a few bytes of /proc are written: at once. */
static int
put(const char *path, const char *text)
{
	int	fd = open(path, O_WRONLY | O_CLOEXEC), saved;
	ssize_t	n;

	if (fd == -1)
		return -1;
	n = write(fd, text, strlen(text));
	saved = errno;
	(void)close(fd);
	errno = saved;
	return n == -1 ? -1 : 0;
}

static int
refused(char *why, size_t size, const char *what)
{
	(void)snprintf(why, size, "%s: %s", what, strerror(errno));
	return -1;
}

/* We are root in there, and who we are out here. */
static int
map_users(uid_t uid, gid_t gid)
{
	char	map[64];

	(void)snprintf(map, sizeof(map), "0 %u 1", uid);
	if (put("/proc/self/uid_map", map) == -1)
		return -1;
	/* Linux 3.19: before a group is mapped. */
	if (put("/proc/self/setgroups", "deny") == -1)
		return -1;
	(void)snprintf(map, sizeof(map), "0 %u 1", gid);
	return put("/proc/self/gid_map", map);
}

int
netns_leave(char *why, size_t size)
{
	uid_t	uid = geteuid();
	gid_t	gid = getegid();

	if (unshare(HOST) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | HOST) == -1)
		return refused(why, size, "no network of our own "
		    "(unshare, user namespaces)");
	return map_users(uid, gid) == 0 ? 0 :
	    refused(why, size, "no users of our own (uid_map)");
}

int
netns_settle(char *why, size_t size)
{
	struct ifreq	lo = { .ifr_name = "lo" };
	int		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int		up;

	lo.ifr_flags = IFF_UP;
	up = fd == -1 ? -1 : ioctl(fd, SIOCSIFFLAGS, &lo);
	if (up == -1)
		return refused(why, size, "lo cannot be brought up");
	(void)close(fd);
	/* Nothing of what is mounted here is seen outside. */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
	    NULL) == -1)
		return refused(why, size, "no /proc of our own (mount)");
	if (mount("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV,
	    "mode=0755") == -1)
		return refused(why, size, "no /run of our own (mount)");
	return 0;
}

int
netns_set(const char *name, const char *value)
{
	char	path[128];

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", name);
	return put(path, value);
}
