/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>

#include "explain.h"

const char *
explain(int error, const struct address *address,
    const struct listener_options *options, char *text, size_t size)
{
	unsigned int	port = address_port(address);

	text[0] = '\0';
	switch (error) {
	case EADDRINUSE:
		if (port == 0)
			(void)snprintf(text, size, "no free port is left: see "
			    "/proc/sys/net/ipv4/ip_local_port_range");
		else if (options->reuseaddr)
			(void)snprintf(text, size, "another socket listens "
			    "there, or a connection of it was made without "
			    "SO_REUSEADDR: ss -tanp 'sport = :%u' shows who",
			    port);
		else
			(void)snprintf(text, size, "without SO_REUSEADDR one "
			    "live or TIME_WAIT connection of an earlier "
			    "server is enough: ss -tanp 'sport = :%u' shows "
			    "them", port);
		break;
	case EACCES:
		(void)snprintf(text, size, "ports below "
		    "net.ipv4.ip_unprivileged_port_start (1024) need root or "
		    "CAP_NET_BIND_SERVICE");
		break;
	case EADDRNOTAVAIL:
		(void)snprintf(text, size, "it is not an address of this "
		    "machine: ip address lists those");
		break;
	case EINVAL:
		(void)snprintf(text, size, "a link-local IPv6 address needs "
		    "its interface: [fe80::1%%eth0]:%u", port);
		break;
	case EAFNOSUPPORT:
		(void)snprintf(text, size, "this kernel has no addresses of "
		    "that kind (IPv6 switched off?)");
		break;
	default:
		(void)snprintf(text, size, "this is none of the usual "
		    "reasons: see bind(2) and listen(2)");
		break;
	}
	return text;
}
