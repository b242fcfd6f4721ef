/* SPDX-License-Identifier: ISC */
/*
 * Addresses in words and in sockaddrs.  getaddrinfo() does the reading: the
 * only grammar of our own is where the host ends and the port begins.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"

/*
 * Cut a copy of the text at the colon before the port.  The host is NULL if
 * there is none.
 */
static int
split(char *text, char **host, char **port, const char **why)
{
	char	*colon;

	*host = NULL;
	*port = text;
	if (strchr(text, '/') != NULL) {
		*why = "expected [host:]port, without any '/'";
		return -1;
	}
	if (*text == '[') {
		char *bracket = strchr(text, ']');

		if (bracket == NULL || bracket[1] != ':') {
			*why = "expected [IPv6 address]:port";
			return -1;
		}
		*bracket = '\0';
		*host = text + 1;
		*port = bracket + 2;
	} else if ((colon = strrchr(text, ':')) != NULL) {
		if (strchr(text, ':') != colon) {
			*why = "an IPv6 address stands in brackets: "
			    "[::1]:9999";
			return -1;
		}
		*colon = '\0';
		*host = text;
		*port = colon + 1;
	}
	if (*host != NULL && **host == '\0') {
		*why = "no host before the colon; leave out the colon "
		    "for every address of this machine";
		return -1;
	}
	/* As ss(8) shows it; getaddrinfo() would take IPv4 for all. */
	if (*host != NULL && strcmp(*host, "*") == 0)
		*host = NULL;
	if (**port == '\0') {
		*why = "no port; expected [host:]port";
		return -1;
	}
	return 0;
}

/*
 * getaddrinfo() takes 99999 for 34463, "-1", "+7" and "\t7" for numbers too,
 * and "*" for no port: what looks like a number is ours to check.  Other words
 * may be the name of a service.
 */
static int
port_is_sane(const char *port)
{
	const char	*problem;

	if (strspn(port, "0123456789") != strlen(port))
		return strchr("*+- \t\n\v\f\r", *port) == NULL;
	(void)strtonum(port, 0, 65535, &problem);
	return problem == NULL;
}

/* Whether this kernel lets us have an IPv6 socket at all. */
static int
have_ipv6(void)
{
	int	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return 0;
	(void)close(fd);
	return 1;
}

static int
parse(struct address *address, const char *text, int flags, const char **why)
{
	struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM,
			    .ai_flags = AI_PASSIVE | flags };
	struct addrinfo	*found;
	char		 copy[NI_MAXHOST + NI_MAXSERV], *host, *port;
	int		 error;

	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy)) {
		*why = "longer than any host name";
		return -1;
	}
	if (split(copy, &host, &port, why) == -1)
		return -1;
	if (!port_is_sane(port)) {
		*why = "the port is not a number from 0 to 65535";
		return -1;
	}
	if (host == NULL)
		hints.ai_family = have_ipv6() ? AF_INET6 : AF_INET;
	error = getaddrinfo(host, port, &hints, &found);
	if (error != 0) {
		*why = error == EAI_SERVICE ? "expected [host:]port; the "
		    "port is neither a number from 0 to 65535 nor the name "
		    "of a service" : error == EAI_SYSTEM ? strerror(errno) :
		    gai_strerror(error);
		return error == EAI_SERVICE ? -1 : -2;
	}
	memset(address, 0, sizeof(*address));
	memcpy(&address->sa, found->ai_addr, found->ai_addrlen);
	address->len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

int
address_parse(struct address *address, const char *text, const char **why)
{
	return parse(address, text, 0, why);
}

int
address_numeric(struct address *address, const char *text)
{
	const char	*why;

	return parse(address, text, AI_NUMERICHOST | AI_NUMERICSERV,
	    &why) == 0 ? 0 : -1;
}

struct address
address_plain(const struct address *address)
{
	struct address	plain;

	if (address->sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
		return *address;
	memset(&plain, 0, sizeof(plain));
	plain.in.sin_family = AF_INET;
	plain.in.sin_port = address->in6.sin6_port;
	memcpy(&plain.in.sin_addr, &address->in6.sin6_addr.s6_addr[12], 4);
	plain.len = sizeof(plain.in);
	return plain;
}

void
address_split(const struct address *address, char *host, char *port)
{
	struct address	plain = address_plain(address);

	if (getnameinfo(&plain.sa, plain.len, host, ADDRESS_TEXT, port,
	    ADDRESS_TEXT, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		(void)strlcpy(host, "unknown", ADDRESS_TEXT);
		(void)strlcpy(port, "0", ADDRESS_TEXT);
	}
}

/* A number in decimal; where its text ends. */
static char *
digits(char *text, unsigned int n)
{
	if (n >= 10)
		text = digits(text, n / 10);
	*text++ = (char)('0' + n % 10);
	return text;
}

/* The usual case, for each client of a server. */
static void
print_ipv4(const struct sockaddr_in *in, char *text)
{
	const unsigned char	*byte = (const void *)&in->sin_addr;
	int			 i;

	for (i = 0; i < 4; i++) {
		text = digits(text, byte[i]);
		*text++ = i < 3 ? '.' : ':';
	}
	*digits(text, ntohs(in->sin_port)) = '\0';
}

const char *
address_print(const struct address *address, char *text)
{
	char	host[ADDRESS_TEXT], port[ADDRESS_TEXT];

	if (address->sa.sa_family == AF_INET) {
		print_ipv4(&address->in, text);
		return text;
	}
	address_split(address, host, port);
	(void)snprintf(text, ADDRESS_TEXT, strchr(host, ':') != NULL ?
	    "[%.64s]:%.8s" : "%.64s:%.8s", host, port);
	return text;
}

unsigned int
address_port(const struct address *address)
{
	if (address->sa.sa_family == AF_INET6)
		return ntohs(address->in6.sin6_port);
	return ntohs(address->in.sin_port);
}

int
address_is_dual(const struct address *address)
{
	return address->sa.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
}
