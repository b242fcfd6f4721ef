/* SPDX-License-Identifier: ISC */
/* What people want to know of a process: /proc again. */
#include <sys/types.h>

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <vis.h>

#include "clock.h"
#include "owner.h"
#include "process.h"
#include "sysctl.h"

#define PF_KTHREAD	0x00200000	/* a flag in stat */

/* The words between the NULs, as far as they can be printed. */
static void
read_title(int process, struct owner *owner)
{
	char	text[sizeof(owner->title)], visible[4 * sizeof(text)];
	ssize_t	n = process_file(process, "cmdline", text, sizeof(text)), i;

	for (i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	while (n > 0 && text[n - 1] == ' ')
		text[--n] = '\0';
	if (n <= 0) {
		n = process_file(process, "comm", text, sizeof(text));
		text[strcspn(text, "\n")] = '\0';
	}
	if (n <= 0)
		(void)strlcpy(text, "?", sizeof(text));
	/* strnvis(3bsd) into too little room leaves no NUL behind. */
	(void)strvis(visible, text, VIS_TAB | VIS_NL | VIS_CSTYLE);
	(void)strlcpy(owner->title, visible, sizeof(owner->title));
}

/*
 * The user is not the owner of /proc/PID: that is root's if it may not be
 * looked into.
 */
static void
read_status(int process, struct owner *owner)
{
	char		 text[2048];
	const char	*line;
	unsigned int	 uid;
	int		 tracer;

	owner->uid = (uid_t)-1;
	if (process_file(process, "status", text, sizeof(text)) <= 0)
		return;
	if ((line = strstr(text, "\nUid:")) != NULL &&
	    sscanf(line, "\nUid: %*u %u", &uid) == 1)
		owner->uid = (uid_t)uid;
	if ((line = strstr(text, "\nTracerPid:")) != NULL &&
	    sscanf(line, "\nTracerPid: %d", &tracer) == 1)
		owner->tracer = tracer;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t	len = strlen(text), n = strlen(end);

	return len > n && strcmp(text + len - n, end) == 0;
}

static bool
begins_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* Whether it is the scope of a container, as their engines name it. */
static bool
is_container(const char *name)
{
	static const char *const	engines[] = { "docker-", "libpod-",
	    "crio-", "cri-containerd-", "nerdctl-" };
	size_t				i;

	for (i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		if (begins_with(name, engines[i]) && ends_with(name, ".scope"))
			return true;
	return false;
}

void
owner_unit(const char *cgroup, char *unit, size_t size)
{
	char		 path[1024], *name;
	const char	*at = begins_with(cgroup, "0::") ? cgroup :
			    strstr(cgroup, "\n0::");
	const char	*systemd = strstr(cgroup, ":name=systemd:");

	unit[0] = '\0';
	/* systemd's own hierarchy, where there are several. */
	if (systemd != NULL)
		at = systemd;
	if (at == NULL || (at = strchr(at, '/')) == NULL)
		return;
	(void)strlcpy(path, at, sizeof(path));
	path[strcspn(path, "\n")] = '\0';
	/* Below a unit there may be folders of its own. */
	while ((name = strrchr(path, '/')) != NULL) {
		*name++ = '\0';
		if (begins_with(name, "user@") || begins_with(name, "session-"))
			return;		/* a person has started it */
		if (is_container(name)) {
			(void)strlcpy(unit, name, size);
			return;
		}
		if (ends_with(name, ".service") || ends_with(name, ".socket")) {
			(void)snprintf(unit, size, "%s%s",
			    strstr(path, "/user@") != NULL ? "--user " : "",
			    name);
			return;
		}
	}
}

static void
read_unit(int process, struct owner *owner)
{
	char	text[2048];

	if (process_file(process, "cgroup", text, sizeof(text)) > 0)
		owner_unit(text, owner->unit, sizeof(owner->unit));
}

enum owner_kind
owner_kind(int dir, struct owner *owner)
{
	struct process	process;

	if (process_stat(dir, &process) == -1)
		return OWNER_GONE;
	owner->parent = process.parent;
	owner->stopped = process_is_stopped(&process);
	owner->age = (clock_boot_ms() - process.start) / 1000;
	if (process.flags & PF_KTHREAD)
		return OWNER_KERNEL;
	if (process_is_dead(&process))
		return OWNER_GONE;
	/* Its first thread may have ended, and others go on. */
	return process.state == 'Z' || process.state == 'X' ?
	    OWNER_HEADLESS : OWNER_LIVING;
}

void
owner_read(int process, struct owner *owner)
{
	read_title(process, owner);
	read_status(process, owner);
	read_unit(process, owner);
}

/* What a user namespace has no number for has one number for all. */
static bool
is_outside(uid_t uid)
{
	unsigned int	inside, n;
	bool		found = false;
	FILE		*file;

	if (uid != (uid_t)sysctl_number("kernel/overflowuid", 65534) ||
	    (file = fopen("/proc/self/uid_map", "re")) == NULL)
		return false;
	while (!found && fscanf(file, "%u %*u %u", &inside, &n) == 2)
		found = uid - inside < n;
	(void)fclose(file);
	return !found;
}

const char *
owner_user(uid_t uid, char *text, size_t size)
{
	const struct passwd	*entry;

	if (is_outside(uid))
		(void)strlcpy(text, "a user outside this user namespace",
		    size);
	else if ((entry = getpwuid(uid)) != NULL)
		(void)strlcpy(text, entry->pw_name, size);
	else
		(void)snprintf(text, size, "user %u", (unsigned int)uid);
	return text;
}
