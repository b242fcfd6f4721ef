/* SPDX-License-Identifier: ISC */
/* EADDRINUSE: options, ports, places, time; the cheapest remedy first. */
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

/*
 * Whether it is our end of a connection to a server.  The kernel has no word
 * for that: the port is one that it would choose, and the peer's is one that
 * servers have.
 */
static bool
is_outgoing(const struct sockdiag *socket, unsigned int low, unsigned int high)
{
	struct place	there = place_at(&socket->peer), any_port = there;
	struct sockdiag	listener;
	unsigned int	port = address_port(&socket->local);
	unsigned int	peer = address_port(&socket->peer);

	if (peer == 0 || port < low || port > high)
		return false;
	if (socket->state == TCP_SYN_SENT || peer < 1024 ||
	    getservbyport(htons((uint16_t)peer), "tcp") != NULL)
		return true;
	/* Is there a server on it?  Only of this machine we know that. */
	if (any_port.address.sa.sa_family == AF_INET6)
		any_port.address.in6.sin6_port = 0;
	else
		any_port.address.in.sin_port = 0;
	return place_try(&any_port, 0) == 0 &&
	    place_listener(&there, &listener);
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
	char	reserved[1024], below[96] = "";

	if (low > 1024)
		(void)snprintf(below, sizeof(below), "choose a port below %u "
		    "(net.ipv4.ip_local_port_range), or ", low);
	/* Setting the list replaces it. */
	if (sysctl_text("net/ipv4/ip_local_reserved_ports", reserved,
	    sizeof(reserved)) == -1 || reserved[0] == '\0')
		advice_say(advice, "%s For the next time, %sreserve this one: "
		    "sysctl net.ipv4.ip_local_reserved_ports=%u.", what,
		    below, port);
	else if (strlen(reserved) < 100)
		advice_say(advice, "%s For the next time, %sreserve this one: "
		    "sysctl net.ipv4.ip_local_reserved_ports=%s,%u.", what,
		    below, reserved, port);
	else
		advice_say(advice, "%s For the next time, %sreserve this one: "
		    "add %u to the list net.ipv4.ip_local_reserved_ports.",
		    what, below, port);
}

/* Whether that is so.  Such a port has few sockets. */
static bool
about_port(struct advice *advice, const struct obstacles *found)
{
	unsigned int	low, high, port = address_port(&found->address);
	size_t		i;

	if (obstacles_listen(found) || sysctl_ports(&low, &high) == -1)
		return false;
	for (i = 0; i < found->n && i < FEW; i++) {
		const struct sockdiag	*socket = &found->list[i].socket;

		if (is_its_own_peer(socket) && port >= low && port <= high) {
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

/* Whether there is a connection that does not go with the one who listens. */
static bool
somebody_stays(const struct obstacles *found)
{
	size_t	i;

	for (i = 0; i < found->n; i++)
		if (found->list[i].socket.state != TCP_LISTEN &&
		    (found->list[i].socket.inode != 0 ||
		    (found->list[i].socket.state != TCP_ESTABLISHED &&
		    found->list[i].socket.state != TCP_CLOSE_WAIT)))
			return true;
	return false;
}

static void
about_options(struct advice *advice, const struct obstacles *found)
{
	size_t	i;

	if (obstacles_listen(found) && !found->reuseaddr &&
	    somebody_stays(found))
		advice_say(advice, "Set SO_REUSEADDR before bind() as well: "
		    "connections outlive the one who listens.");
	for (i = 0; i < found->n; i++)
		if (found->list[i].reuseaddr == REUSEADDR_CLEAR ||
		    found->list[i].reuseaddr == REUSEADDR_SOME_CLEAR) {
			advice_say(advice, "SO_REUSEADDR would have helped "
			    "only if the old socket had it as well: set it in "
			    "every server on this port, before bind(), and "
			    "the next restart need not wait.");
			break;
		}
}

/* Another place, or a smaller one, would do. */
static void
about_place(struct advice *advice, const struct obstacles *found)
{
	struct address	plain = address_plain(&found->address), local;
	char		text[ADDRESS_TEXT];
	size_t		i;

	for (i = 0; i < found->n; i++) {
		local = address_plain(&found->list[i].socket.local);
		if (found->list[i].socket.state == TCP_LISTEN &&
		    plain.sa.sa_family == AF_INET &&
		    local.sa.sa_family == AF_INET6)
			advice_say(advice, "%s serves IPv4 as well: with "
			    "IPV6_V6ONLY it would leave this address free.",
			    address_print(&local, text));
	}
	if (found->ipv6_free)
		advice_say(advice, "Only IPv4's port is taken: [::] can be "
		    "bound for IPv6 alone, with IPV6_V6ONLY set before "
		    "bind().");
	if (found->ipv4_free)
		advice_say(advice, "Only IPv6's port is taken: 0.0.0.0 can be "
		    "bound, for IPv4 alone.");
}

/* Sharing has to be meant, and is a matter of one user. */
static void
about_sharing(struct advice *advice, const struct obstacles *found)
{
	char	user[64];

	if (found->reuseport_helps)
		advice_say(advice, "SO_REUSEPORT, set before bind(), would let "
		    "both in: the kernel then divides new connections among "
		    "all who listen, which is seldom what one wants.");
	if (found->reuseport && obstacles_listen(found) &&
	    found->list[0].socket.uid != geteuid())
		advice_say(advice, "SO_REUSEPORT shares within one user: if "
		    "it was made with that, only programs of %s can share it, "
		    "and this was asked by another user.",
		    owner_user(found->list[0].socket.uid, user,
		    sizeof(user)));
}

/* Each of it ends by itself. */
static void
about_time(struct advice *advice, const struct obstacles *found)
{
	int64_t	end = last_end(found);
	char	text[24];
	size_t	i;

	if (end < 0)
		return;
	for (i = 0; i < found->n; i++)
		if (found->list[i].socket.state == TCP_FIN_WAIT2)
			break;
	if (i == found->n)
		advice_say(advice, "Wait: the last of it ends by itself in %s.",
		    advice_time(end, text));
	else
		advice_say(advice, "Wait: the last of it ends by itself in %s, "
		    "or 60 s after its peer has closed.",
		    advice_time(end, text));
}

void
advice_use(struct advice *advice, const struct obstacles *found)
{
	bool	wrong_port = false;
	size_t	i;

	if (found->reuseaddr_helps)
		advice_say(advice, "Set SO_REUSEADDR before bind(): what is in "
		    "the way was made with it, and nobody listens.");
	else
		wrong_port = about_port(advice, found);
	about_time(advice, found);
	advice_owners(advice, found);
	if (!found->reuseaddr_helps && !wrong_port)
		about_options(advice, found);
	about_sharing(advice, found);
	for (i = 0; i < found->n; i++)
		if (found->list[i].socket.state == TCP_TIME_WAIT) {
			/* Without the state, ss means those who are alive. */
			advice_say(advice, "Remove what is in TIME_WAIT, as "
			    "root: ss -K state time-wait 'sport = :%u'.",
			    address_port(&found->address));
			break;
		}
	about_place(advice, found);
}
