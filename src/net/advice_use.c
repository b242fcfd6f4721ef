/* SPDX-License-Identifier: ISC */
/* EADDRINUSE: each kind of socket that is in the way has its own remedy. */
#include <sys/types.h>

#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "advice.h"
#include "sysctl.h"

/* So many are looked at one by one. */
#define FEW	4

/* What to type in front of kill(1). */
static const char *
privilege(const struct owner *owner)
{
	return geteuid() == 0 || geteuid() == owner->uid ? "" : "sudo ";
}

/*
 * Of those who share a socket, the one who handed it down: its parent is none
 * of them.
 */
static const struct owner *
eldest(const struct owner *owners, size_t n)
{
	size_t	i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++)
			if (owners[i].parent == owners[j].pid)
				break;
		if (j == n)
			return &owners[i];
	}
	return &owners[0];
}

/* "/sbin/init" is it, nearly everywhere; a container's first process is not. */
static bool
is_systemd(const struct owner *owner)
{
	return owner->pid == 1 && (strstr(owner->title, "systemd") != NULL ||
	    strstr(owner->title, "/sbin/init") != NULL);
}

/* A process has it: what ends that. */
static void
about_owner(struct advice *advice, const struct obstacle *obstacle,
    const struct owner *owner)
{
	const char	*sudo = privilege(owner);
	int		 pid = (int)owner->pid;

	if (owner->stopped) {
		advice_say(advice, "Process %d is stopped: let it go on (fg in "
		    "its terminal, or %skill -CONT %d), or end it (%skill %d; "
		    "%skill -CONT %d).", pid, sudo, pid, sudo, pid, sudo, pid);
		return;
	}
	if (is_systemd(owner)) {
		advice_say(advice, "systemd keeps it for a unit: systemctl "
		    "list-sockets names that, systemctl stop frees the "
		    "port.");
		return;
	}
	switch (obstacle->socket.state) {
	case TCP_LISTEN:
		advice_say(advice, "End process %d, which listens (%skill %d), "
		    "or take another port.", pid, sudo, pid);
		break;
	case TCP_CLOSE:
		advice_say(advice, "Process %d has bound the port and gone no "
		    "further: see why it neither listens nor connects, or end "
		    "it (%skill %d).", pid, sudo, pid);
		break;
	case TCP_CLOSE_WAIT:
		advice_say(advice, "The peer of process %d has gone, and the "
		    "process has not called close(): CLOSE_WAIT has no time "
		    "limit. End it (%skill %d), and mend that.", pid, sudo,
		    pid);
		break;
	case TCP_FIN_WAIT2:
		advice_say(advice, "Process %d has shut down its end and waits "
		    "for its peer: FIN_WAIT2 has no time limit while a process "
		    "has the socket. End it (%skill %d).", pid, sudo, pid);
		break;
	default:
		advice_say(advice, "Let process %d finish, or end it (%skill "
		    "%d).", pid, sudo, pid);
	}
}

/* No process has it, or none is to be seen. */
static void
about_nobody(struct advice *advice, const struct obstacles *found,
    const struct obstacle *obstacle)
{
	char	peer[ADDRESS_TEXT];

	if (obstacle->socket.inode != 0) {
		if (geteuid() != 0 || found->owners.hidden > 0)
			advice_say(advice, "Run this as root to see which "
			    "process it is.");
		else
			advice_say(advice, "No process in /proc has it: look "
			    "for it in other PID namespaces (a container with "
			    "this network), or in the kernel (NFS).");
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
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		advice_say(advice, "Nobody has accepted it yet: it goes with "
		    "the socket that listens.");
		break;
	}
}

static bool
somebody_listens(const struct obstacles *found)
{
	return found->n > 0 && found->list[0].socket.state == TCP_LISTEN;
}

static void
about_processes(struct advice *advice, const struct obstacles *found)
{
	const struct owner	*owners;
	size_t			 i, n, told = 0;

	for (i = 0; i < found->n && told < FEW; i++) {
		/* Connections of one who listens are its business. */
		if (somebody_listens(found) &&
		    found->list[i].socket.state != TCP_LISTEN)
			break;
		owners = owners_of(&found->owners,
		    found->list[i].socket.inode, &n);
		if (n == 0) {
			about_nobody(advice, found, &found->list[i]);
			continue;
		}
		about_owner(advice, &found->list[i], eldest(owners, n));
		told++;
	}
}

/*
 * Whether it is our end of a connection to a server.  The kernel has no word
 * for that: the port is one that it would choose, and the peer's is one that
 * servers have.
 */
static bool
is_outgoing(const struct sockdiag *socket, unsigned int low, unsigned int high)
{
	struct sockdiag	listener;
	unsigned int	port = address_port(&socket->local);
	unsigned int	peer = address_port(&socket->peer);

	if (peer == 0 || port < low || port > high)
		return false;
	return socket->state == TCP_SYN_SENT || peer < 1024 ||
	    getservbyport(htons((uint16_t)peer), "tcp") != NULL ||
	    sockdiag_listener(peer, &listener);
}

static bool
is_its_own_peer(const struct sockdiag *socket)
{
	return memcmp(&socket->local.in6, &socket->peer.in6,
	    sizeof(socket->local.in6)) == 0;
}

/* The port itself is the trouble: no option helps, another port does. */
static void
say_port(struct advice *advice, const char *what, unsigned int low,
    unsigned int port)
{
	char	reserved[256];

	/* Setting the list replaces it. */
	(void)sysctl_text("net/ipv4/ip_local_reserved_ports", reserved,
	    sizeof(reserved));
	advice_say(advice, "%s Choose a port below %u "
	    "(net.ipv4.ip_local_port_range), or reserve this one for the next "
	    "time: sysctl net.ipv4.ip_local_reserved_ports=%s%s%u.", what, low,
	    reserved, reserved[0] != '\0' ? "," : "", port);
}

/* Whether that is so.  Such a port has few sockets. */
static bool
about_port(struct advice *advice, const struct obstacles *found)
{
	unsigned int	low, high, port = address_port(&found->address);
	size_t		i;

	if (somebody_listens(found) || sysctl_ports(&low, &high) == -1)
		return false;
	for (i = 0; i < found->n && i < FEW; i++) {
		const struct sockdiag	*socket = &found->list[i].socket;

		if (is_its_own_peer(socket)) {
			say_port(advice, "A client has connected to itself: "
			    "it called a port that nobody listened on, and "
			    "the kernel gave it the same one for its own "
			    "end.", low, port);
			return true;
		}
		if (is_outgoing(socket, low, high)) {
			say_port(advice, "This is the near end of an outgoing "
			    "connection, for which the kernel chooses a port.",
			    low, port);
			return true;
		}
	}
	return false;
}

/* How long until everything has gone by itself, in s; -1: not known. */
static int64_t
last_end(const struct obstacles *found)
{
	int64_t	last = -1;
	size_t	i;

	for (i = 0; i < found->n; i++) {
		if (found->list[i].socket.ends < 0)
			return -1;
		if (found->list[i].socket.ends > last)
			last = found->list[i].socket.ends;
	}
	return last < 0 ? -1 : (last + 999) / 1000;
}

static void
about_options(struct advice *advice, const struct obstacles *found)
{
	size_t	i, clear = 0;

	for (i = 0; i < found->n; i++)
		if (found->list[i].reuseaddr == REUSEADDR_CLEAR ||
		    found->list[i].reuseaddr == REUSEADDR_SOME_CLEAR)
			clear++;
	if (somebody_listens(found) && i > 0 && !found->reuseaddr &&
	    found->list[found->n - 1].socket.state != TCP_LISTEN)
		advice_say(advice, "And set SO_REUSEADDR before bind(): "
		    "connections outlive the one who listens.");
	if (clear > 0)
		advice_say(advice, "SO_REUSEADDR would have helped only if the "
		    "old socket had it as well: set it in every server on this "
		    "port, before bind(), and the next restart need not wait.");
}

/* Another place, or a smaller one, would do. */
static void
about_place(struct advice *advice, const struct obstacles *found)
{
	struct address	local, plain = address_plain(&found->address);
	char		text[ADDRESS_TEXT];
	bool		only_ipv4 = true;
	size_t		i;

	for (i = 0; i < found->n; i++) {
		local = address_plain(&found->list[i].socket.local);
		if (local.sa.sa_family != AF_INET)
			only_ipv4 = false;
		if (found->list[i].socket.state == TCP_LISTEN &&
		    plain.sa.sa_family == AF_INET &&
		    local.sa.sa_family == AF_INET6)
			advice_say(advice, "%s serves IPv4 as well: with "
			    "IPV6_V6ONLY it would leave this address free.",
			    address_print(&local, text));
	}
	if (found->n > 0 && only_ipv4 && address_is_dual(&found->address))
		advice_say(advice, "Only IPv4's port is taken: with "
		    "IPV6_V6ONLY, set before bind(), [::] can be bound for "
		    "IPv6 alone.");
}

void
advice_use(struct advice *advice, const struct obstacles *found)
{
	int64_t	end = last_end(found);
	char	text[24];
	bool	wrong_port;

	if (found->reuseaddr_helps)
		advice_say(advice, "Set SO_REUSEADDR before bind(): what is in "
		    "the way was made with it, and nobody listens.");
	if (end >= 0)
		advice_say(advice, "Wait: the last of it ends by itself in %s.",
		    advice_time(end, text));
	wrong_port = about_port(advice, found);
	about_processes(advice, found);
	if (!found->reuseaddr_helps && !wrong_port)
		about_options(advice, found);
	about_place(advice, found);
	if (end >= 0)
		advice_say(advice, "Or remove it, as root: ss -K 'sport = "
		    ":%u'.", address_port(&found->address));
	if (found->reuseport_helps)
		advice_say(advice, "SO_REUSEPORT, set before bind(), would let "
		    "both in: the kernel then divides new connections among "
		    "all who listen, which is seldom what one wants.");
}
