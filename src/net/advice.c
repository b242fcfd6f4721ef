/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* Ports, by what keeps the kernel from choosing them. */
enum { FREE, TAKEN, RESERVED };
static unsigned char	ports[65536];

/* "8080,9000-9099" (ip-sysctl). */
static void
mark_reserved(void)
{
	static char	 text[65536];
	char		*at = text, *word;
	unsigned int	 first, last;

	(void)sysctl_text("net/ipv4/ip_local_reserved_ports", text,
	    sizeof(text));
	while ((word = strsep(&at, ",")) != NULL)
		switch (sscanf(word, "%u-%u", &first, &last)) {
		case 1:
			last = first;
			/* FALLTHROUGH */
		case 2:
			for (; first <= last && first < 65536; first++)
				ports[first] = RESERVED;
		}
}

/* Those that a socket in the same place has. */
static int
mark_taken(const struct place *here)
{
	struct sockdiag_table	table = { 0 };
	struct place		there;
	size_t			i;
	int			result = sockdiag_read(&table, 0);

	for (i = 0; i < table.n; i++) {
		there = place_of(&table.sockets[i]);
		if (places_collide(here, &there))
			ports[address_port(&there.address)] = TAKEN;
	}
	sockdiag_free(&table);
	return result;
}

/* No port is left to choose. */
static void
about_range(struct advice *advice, const struct address *wanted)
{
	struct place	here = place_at(wanted);
	unsigned int	low, high, port, taken = 0, reserved = 0;

	memset(ports, FREE, sizeof(ports));
	mark_reserved();
	if (sysctl_ports(&low, &high) == -1 || mark_taken(&here) == -1) {
		advice_say(advice, "No free port is left for the kernel to "
		    "choose: see net.ipv4.ip_local_port_range.");
		return;
	}
	for (port = low; port <= high; port++) {
		taken += ports[port] == TAKEN;
		reserved += ports[port] == RESERVED;
	}
	advice_say(advice, "The kernel chooses from %u to %u "
	    "(net.ipv4.ip_local_port_range): of these %u ports %u are taken, "
	    "and %u reserved (net.ipv4.ip_local_reserved_ports). Widen the "
	    "range, or see who has them: ss -tan.", low, high, high - low + 1,
	    taken, reserved);
}

/*
 * An address that is there, and cannot be bound: IPv6 asks whether another
 * machine has it (RFC 4862).  Flags of /proc/net/if_inet6.
 */
static void
about_duplicate(struct advice *advice, const struct address *wanted,
    const char *name)
{
	char		 hex[33], line[128];
	unsigned int	 flags, found = 0;
	FILE		*file = fopen("/proc/net/if_inet6", "re");
	int		 i;

	for (i = 0; i < 16; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x",
		    wanted->in6.sin6_addr.s6_addr[i]);
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, hex, 32) == 0 && sscanf(line, "%*s %*s %*s "
		    "%*s %x", &flags) == 1)
			found = flags;
	if (file != NULL)
		(void)fclose(file);
	if (found & IFA_F_DADFAILED)
		advice_say(advice, "%s is here, but another machine has it, "
		    "too: give one of them another address.", name);
	else
		advice_say(advice, "%s is here, but not usable yet: IPv6 looks "
		    "for a duplicate first, for a second or two.", name);
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
	if (there && plain.sa.sa_family == AF_INET6)
		about_duplicate(advice, wanted, name);
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
	unsigned int	port = address_port(&found->address);
	int		first = sysctl_number(
			    "net/ipv4/ip_unprivileged_port_start", 1024);

	if (port >= (unsigned int)first) {
		advice_say(advice, "The port needs no privilege: a security "
		    "module forbids it (SELinux: semanage port -l).");
		return;
	}
	if (geteuid() == 0)
		advice_say(advice, "Ports below %d need CAP_NET_BIND_SERVICE "
		    "in the user namespace that this network belongs to: root "
		    "in here does not have it.", first);
	else
		advice_say(advice, "Ports below %d need CAP_NET_BIND_SERVICE: "
		    "start it as root, or with that capability (setcap "
		    "cap_net_bind_service+ep PROGRAM; systemd: "
		    "AmbientCapabilities=CAP_NET_BIND_SERVICE).", first);
	advice_say(advice, "Lower the bound, as root: sysctl "
	    "net.ipv4.ip_unprivileged_port_start=%u.", port);
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
	struct address	 any = { .in6.sin6_family = AF_INET6,
			    .in6.sin6_port = htons((uint16_t)port),
			    .len = sizeof(any.in6) };
	struct place	 here = place_at(&any), there = here;
	struct sockdiag	 listener;
	struct owners	 owners = { 0 };
	char		 who[32] = "somebody";
	size_t		 n;

	there.address.in6.sin6_port = htons((uint16_t)swapped);
	if (swapped == port || swapped < 1024 ||
	    (sysctl_ports(&low, &high) == 0 && port >= low) ||
	    getservbyport(htons((uint16_t)swapped), "tcp") != NULL ||
	    place_listener(&here, &listener) ||
	    !place_listener(&there, &listener))
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

static void
about_scope(struct advice *advice, const struct address *wanted)
{
	if (wanted->sa.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LINKLOCAL(&wanted->in6.sin6_addr) &&
	    wanted->in6.sin6_scope_id == 0)
		advice_say(advice, "A link-local IPv6 address needs its "
		    "interface: [fe80::1%%eth0]:%u.", address_port(wanted));
	else
		advice_say(advice, "No TCP socket can have that address: one "
		    "for many machines (multicast)?");
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
			about_range(advice, &found->address);
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
		about_scope(advice, &found->address);
		break;
	case ENODEV:
		advice_say(advice, "There is no such interface: see ip "
		    "link.");
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
