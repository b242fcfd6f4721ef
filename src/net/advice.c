/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "sysctl.h"

const char *
advice_time(int64_t seconds, char *text)
{
	static const struct {
		int64_t		 seconds;
		const char	*name;
	} units[] = {
		{ 2 * 86400, "days" }, { 2 * 3600, "h" }, { 120, "min" },
	};
	size_t	i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (seconds >= units[i].seconds) {
			(void)snprintf(text, 24, "%lld %s",
			    (long long)(2 * seconds / units[i].seconds),
			    units[i].name);
			return text;
		}
	(void)snprintf(text, 24, "%lld s", (long long)seconds);
	return text;
}

void
advice_say(struct advice *advice, const char *fmt, ...)
{
	va_list	 ap;
	char	*line = advice->lines[advice->n];
	int	 i;

	if (advice->n == ADVICE_LINES - 1)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(advice->lines[0]), fmt, ap);
	va_end(ap);
	for (i = 0; i < advice->n; i++)
		if (strcmp(advice->lines[i], line) == 0)
			return;
	advice->n++;
}

/* No port is left to choose. */
static void
about_range(struct advice *advice)
{
	struct sockdiag_table	 table = { 0 };
	static unsigned char	 taken[65536];
	char			 reserved[256];
	unsigned int		 low, high, port, n = 0;
	size_t			 i;

	if (sysctl_ports(&low, &high) == -1 || sockdiag_read(&table, 0) == -1) {
		advice_say(advice, "No free port is left for the kernel to "
		    "choose: see net.ipv4.ip_local_port_range.");
		sockdiag_free(&table);
		return;
	}
	memset(taken, 0, sizeof(taken));
	for (i = 0; i < table.n; i++) {
		port = address_port(&table.sockets[i].local);
		if (port >= low && port <= high && !taken[port]) {
			taken[port] = 1;
			n++;
		}
	}
	sockdiag_free(&table);
	(void)sysctl_text("net/ipv4/ip_local_reserved_ports", reserved,
	    sizeof(reserved));
	advice_say(advice, "The kernel chooses from %u to %u "
	    "(net.ipv4.ip_local_port_range): %u of these %u ports are taken%s"
	    "%s. Widen the range, or see who has them: ss -tan.", low, high, n,
	    high - low + 1, reserved[0] != '\0' ? ", and reserved are " : "",
	    reserved);
}

/* The addresses that could be bound. */
static void
about_addresses(struct advice *advice, const struct address *wanted)
{
	struct ifaddrs	*all, *each;
	char		 list[256] = "", host[ADDRESS_TEXT], port[ADDRESS_TEXT];
	struct address	 address, plain = address_plain(wanted);
	char		 name[ADDRESS_TEXT];
	bool		 there = false;

	address_split(wanted, name, port);
	if (getifaddrs(&all) == -1)
		return;
	for (each = all; each != NULL; each = each->ifa_next) {
		if (each->ifa_addr == NULL ||
		    each->ifa_addr->sa_family != plain.sa.sa_family)
			continue;
		memset(&address, 0, sizeof(address));
		address.len = each->ifa_addr->sa_family == AF_INET ?
		    sizeof(address.in) : sizeof(address.in6);
		memcpy(&address.sa, each->ifa_addr, address.len);
		address_split(&address, host, port);
		if (strcmp(host, name) == 0)
			there = true;
		if (strlen(list) + strlen(host) + 3 > sizeof(list))
			continue;
		if (list[0] != '\0')
			(void)strlcat(list, ", ", sizeof(list));
		(void)strlcat(list, host, sizeof(list));
	}
	freeifaddrs(all);
	if (there)
		advice_say(advice, "%s is here, but not usable yet: IPv6 "
		    "looks for a duplicate first, for a second or two.",
		    name);
	else
		advice_say(advice, "%s is no address of this machine now; "
		    "these are: %s.", name,
		    list[0] == '\0' ? "none of that family" : list);
	advice_say(advice, "A server can wait for it (outlived -w SECONDS), "
	    "or bind it before it is there (IP_FREEBIND; sysctl "
	    "net.ipv%c.ip_nonlocal_bind=1).",
	    plain.sa.sa_family == AF_INET ? '4' : '6');
}

static void
about_privilege(struct advice *advice, const struct obstacles *found)
{
	int	first = sysctl_number("net/ipv4/ip_unprivileged_port_start",
		    1024);

	if (address_port(&found->address) >= (unsigned int)first) {
		advice_say(advice, "The port needs no privilege: a security "
		    "module forbids it (SELinux: semanage port -l).");
		return;
	}
	advice_say(advice, "Ports below %d need CAP_NET_BIND_SERVICE: start it "
	    "as root, or with that capability (setcap cap_net_bind_service+ep "
	    "PROGRAM; systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE).",
	    first);
	advice_say(advice, "Or lower the bound, as root: sysctl "
	    "net.ipv4.ip_unprivileged_port_start=%u.",
	    address_port(&found->address));
}

/*
 * Nobody is there; but somebody listens where a server ends up that does not
 * say htons().  Not if that is a port which is known to be someone's, nor if
 * ours is one that servers do not choose.
 */
static void
about_htons(struct advice *advice, unsigned int port)
{
	unsigned int	 swapped = (port & 0xff) << 8 | port >> 8, low, high;
	struct sockdiag	 listener;
	struct owners	 owners = { 0 };
	char		 who[32] = "somebody";
	size_t		 n;

	if (swapped == port || swapped < 1024 ||
	    (sysctl_ports(&low, &high) == 0 && port >= low) ||
	    getservbyport(htons((uint16_t)swapped), "tcp") != NULL ||
	    sockdiag_listener(port, &listener) ||
	    !sockdiag_listener(swapped, &listener))
		return;
	if (owners_find(&owners, &listener.inode, 1) == 0 &&
	    owners_of(&owners, listener.inode, &n) != NULL)
		(void)snprintf(who, sizeof(who), "process %d",
		    (int)owners.list[0].pid);
	owners_free(&owners);
	advice_say(advice, "Is there a server that should listen here? Nobody "
	    "does, but %s listens on %u, which is %u with its bytes swapped: "
	    "htons() forgotten?", who, swapped, port);
}

void
advice_give(struct advice *advice, const struct obstacles *found)
{
	unsigned int	port = address_port(&found->address);

	advice->n = 0;
	switch (found->error) {
	case 0:
		if (port != 0)
			about_htons(advice, port);
		break;
	case EADDRINUSE:
		if (port == 0)
			about_range(advice);
		else
			advice_use(advice, found);
		break;
	case EACCES:
		about_privilege(advice, found);
		break;
	case EADDRNOTAVAIL:
		about_addresses(advice, &found->address);
		break;
	case EPERM:
		advice_say(advice, "A rule of the cgroup forbids it (systemd: "
		    "SocketBindDeny=).");
		break;
	case EINVAL:
		advice_say(advice, "A link-local IPv6 address needs its "
		    "interface: [fe80::1%%eth0]:%u.", port);
		break;
	case EAFNOSUPPORT:
		advice_say(advice, "This kernel has no addresses of that kind "
		    "(IPv6 switched off?).");
		break;
	default:
		advice_say(advice, "This is none of the usual reasons: see "
		    "bind(2) and listen(2).");
	}
}
