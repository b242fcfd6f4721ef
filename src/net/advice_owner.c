/* SPDX-License-Identifier: ISC */
/* EADDRINUSE: who has what is in the way, and what ends that. */
#include <sys/types.h>

#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "advice.h"

/* So many are told of one by one. */
#define FEW	4

/* So many pids are typed in one line. */
#define MOST_PIDS	8

/* What to type in front of kill(1). */
static const char *
privilege(const struct owner *owner)
{
	return geteuid() == 0 || geteuid() == owner->uid ? "" : "sudo ";
}

/* Whether another one of them has handed the socket down to it. */
static bool
has_inherited(const struct owner *owner, const struct owner *owners, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (owners[i].pid == owner->parent)
			return true;
	return false;
}

/* Whether the program is called so, by the first word of its title. */
static bool
is_program(const struct owner *owner, const char *name)
{
	char		 word[sizeof(owner->title)];
	const char	*slash;

	(void)strlcpy(word, owner->title, sizeof(word));
	word[strcspn(word, " ")] = '\0';
	slash = strrchr(word, '/');
	return strcmp(slash != NULL ? slash + 1 : word, name) == 0;
}

/* Who listens for others, whom it starts when clients come. */
static bool
is_systemd(const struct owner *owner)
{
	return owner->pid == 1 ? is_program(owner, "systemd") ||
	    is_program(owner, "init") : is_program(owner, "systemd") &&
	    strstr(owner->title, "--user") != NULL;
}

static void
about_stopped(struct advice *advice, const struct owner *owner)
{
	const char	*sudo = privilege(owner);
	int		 pid = (int)owner->pid;

	if (owner->tracer != 0)
		advice_say(advice, "Process %d is held by a debugger, process "
		    "%d: let it go on there, or end it (%skill -KILL %d).",
		    pid, (int)owner->tracer, sudo, pid);
	else
		advice_say(advice, "Process %d is stopped: let it go on (fg in "
		    "its terminal, or %skill -CONT %d), or end it (%skill %d; "
		    "%skill -CONT %d).", pid, sudo, pid, sudo, pid, sudo, pid);
}

/* The first whom nobody else has handed the socket down to. */
static const struct owner *
eldest(const struct owner *owners, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (!has_inherited(&owners[i], owners, n))
			return &owners[i];
	return &owners[0];
}

/* Those who listen: all whom nobody else has handed the socket down to. */
static void
about_listeners(struct advice *advice, const struct owner *owners, size_t n)
{
	const char	*unit = eldest(owners, n)->unit, *sudo = "";
	char		 pids[128] = "", pid[16];
	size_t		 i, how_many = 0;

	for (i = 0; i < n; i++) {
		if (has_inherited(&owners[i], owners, n) ||
		    how_many++ >= MOST_PIDS)
			continue;
		if (*privilege(&owners[i]) != '\0')
			sudo = privilege(&owners[i]);
		(void)snprintf(pid, sizeof(pid), " %d", (int)owners[i].pid);
		(void)strlcat(pids, pid, sizeof(pids));
	}
	if (strstr(unit, ".scope") != NULL)
		advice_say(advice, "Stop the container that process%s is in "
		    "(%s), or take another port.", pids, unit);
	else if (unit[0] != '\0')
		advice_say(advice, "End process%s%s: it belongs to a unit, "
		    "which may start it again, so: systemctl stop %s. Or take "
		    "another port.", how_many > 1 ? "es" : "", pids, unit);
	else if (how_many > MOST_PIDS)
		advice_say(advice, "End all %zu processes that have it "
		    "(%skill%s ...), or take another port.", n, sudo, pids);
	else
		advice_say(advice, "End process%s%s (%skill%s)%s, or take "
		    "another port.", how_many > 1 ? "es" : "", pids, sudo,
		    pids, how_many < n ? " and whoever has inherited the "
		    "socket and does not end with it" : "");
}

/* A process has it: what ends that. */
static void
about_process(struct advice *advice, const struct obstacle *obstacle,
    const struct owner *owners, size_t n)
{
	const struct owner	*owner = eldest(owners, n);
	const char		*sudo = privilege(owner);
	int			 pid = (int)owner->pid;

	if (owner->stopped) {
		about_stopped(advice, owner);
		return;
	}
	if (is_systemd(owner)) {
		advice_say(advice, "systemd keeps it for a unit: systemctl%s "
		    "list-sockets names that, systemctl%s stop frees the "
		    "port.", pid == 1 ? "" : " --user", pid == 1 ? "" :
		    " --user");
		return;
	}
	switch (obstacle->socket.state) {
	case TCP_LISTEN:
		about_listeners(advice, owners, n);
		break;
	case TCP_CLOSE:
		advice_say(advice, "Process %d has bound the port and gone no "
		    "further: see why it neither listens nor connects, or end "
		    "it (%skill %d).", pid, sudo, pid);
		break;
	case TCP_CLOSE_WAIT:
		advice_say(advice, "The peer of process %d has sent its last "
		    "byte: if the process is not answering it any more, it "
		    "has forgotten close(), and CLOSE_WAIT has no time limit. "
		    "End it (%skill %d).", pid, sudo, pid);
		break;
	case TCP_FIN_WAIT2:
		advice_say(advice, "Process %d has shut down its end and waits "
		    "for its peer: FIN_WAIT2 has no time limit while a process "
		    "has the socket. End it (%skill %d).", pid, sudo, pid);
		break;
	default:
		advice_say(advice, "Let process %d finish, or end it (%skill "
		    "%d).", pid, sudo, pid);
		break;
	}
}

/* Whether there is more to say than that it is to finish. */
static bool
is_special(const struct obstacle *obstacle, const struct owner *owner)
{
	return owner->stopped || obstacle->socket.state == TCP_CLOSE_WAIT ||
	    obstacle->socket.state == TCP_FIN_WAIT2;
}

static void
about_owners(struct advice *advice, const struct obstacle *obstacle,
    const struct owner *owners, size_t n)
{
	const struct owner	*owner = eldest(owners, n);

	if (owner->remedy[0] == '\0' || is_special(obstacle, owner))
		about_process(advice, obstacle, owners, n);
	if (owner->remedy[0] != '\0')
		advice_say(advice, "Let the orphans finish, or end them "
		    "(%s%s).", privilege(owner), owner->remedy);
}

/* It has an inode, so a process or the kernel has it. */
static void
about_hidden(struct advice *advice, const struct obstacles *found)
{
	if (found->owners_error != 0)
		return;			/* that has been said */
	if (found->restless)
		advice_say(advice, "It comes and goes while we look: is it a "
		    "server that is started again and again, by systemd "
		    "(Restart=) or another supervisor?");
	else if (geteuid() != 0)
		advice_say(advice, "Run this as root to see which process it "
		    "is.");
	else
		advice_say(advice, "No process that we may look into has it: "
		    "look from outside of this container or user namespace, "
		    "in other PID namespaces (a container with this network), "
		    "or in the kernel (NFS).");
}

/* No process has it, or none is to be seen. */
static void
about_nobody(struct advice *advice, const struct obstacles *found,
    const struct obstacle *obstacle)
{
	char	peer[ADDRESS_TEXT];

	if (obstacle->socket.inode != 0) {
		about_hidden(advice, found);
		return;
	}
	switch (obstacle->socket.state) {
	case TCP_FIN_WAIT1:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		advice_say(advice, "The kernel still tries to tell %s of the "
		    "end, and gives up after some minutes at most "
		    "(net.ipv4.tcp_orphan_retries).",
		    address_print(&obstacle->socket.peer, peer));
		break;
	default:
		break;			/* its end is known, or its owner */
	}
}

void
advice_owners(struct advice *advice, const struct obstacles *found)
{
	const struct owner	*owners;
	size_t			 i, n, told = 0;

	for (i = 0; i < found->n && told < FEW; i++) {
		/* Connections of one who listens are its business. */
		if (obstacles_listen(found) &&
		    found->list[i].socket.state != TCP_LISTEN)
			break;
		owners = owners_of(&found->owners,
		    found->list[i].socket.inode, &n);
		if (n == 0) {
			about_nobody(advice, found, &found->list[i]);
			continue;
		}
		about_owners(advice, &found->list[i], owners, n);
		told++;
	}
}
