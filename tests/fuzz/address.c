/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as [host:]port: an address that is read from them, and printed, is
 * read again as the same one.  And behind a 4 or a 6, any bytes as an address
 * of that family, which is printed first.  No name is looked up.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "fuzz.h"
#include "net/address.h"

/* Byte by byte, but for what no text tells (sin6_flowinfo is always 0). */
static bool
is_same(const struct address *one, const struct address *other)
{
	return one->len == other->len &&
	    memcmp(&one->sa, &other->sa, one->len) == 0;
}

static void
there_and_back(const struct address *address)
{
	struct address	plain = address_plain(address), again;
	char		text[ADDRESS_TEXT], host[ADDRESS_TEXT],
			port[ADDRESS_TEXT];

	memset(text, 'x', sizeof(text));
	claim(address_print(address, text) == text &&
	    is_visible(text, sizeof(text)), "an address is printed");
	claim(address_numeric(&again, text) == 0, "what is printed is read");
	claim(is_same(&plain, &again), "as the same address");
	claim(plain.sa.sa_family == address->sa.sa_family ||
	    memcmp(&plain.in.sin_addr, address->in6.sin6_addr.s6_addr + 12,
	    4) == 0, "a mapped address is that of its last bytes");
	address_split(address, host, port);
	claim(is_visible(host, sizeof(host)) &&
	    is_visible(port, sizeof(port)), "its parts are printed");
	claim(strtoul(port, NULL, 10) == address_port(address),
	    "its port is a number");
	claim(strchr(text, '[') == NULL || strchr(host, ':') != NULL,
	    "what has brackets has colons");
}

/* In digits alone, to the end; -1: there is none. */
static long
port_of(const char *text)
{
	const char	*colon = strrchr(text, ':'),
			*port = colon != NULL ? colon + 1 : text;

	return *port == '\0' || port[strspn(port, "0123456789")] != '\0' ?
	    -1 : strtol(port, NULL, 10);
}

static void
read_text(const uint8_t *bytes, size_t n)
{
	struct address	address;
	char		*text = malloc(n + 1);

	if (text == NULL)
		return;
	memcpy(text, bytes, n);
	text[n] = '\0';
	memset(&address, 0xa5, sizeof(address));
	if (address_numeric(&address, text) == 0) {
		claim(port_of(text) == (long)address_port(&address),
		    "the port is the number that stands there");
		fuzz_good++;
		there_and_back(&address);
	}
	free(text);
}

/* The port, the interface of a link-local address, the host. */
static void
take(struct address *address, char family, const uint8_t *bytes, size_t n)
{
	uint8_t	all[3 + sizeof(struct in6_addr)] = { 0 };

	memcpy(all, bytes, n < sizeof(all) ? n : sizeof(all));
	memset(address, 0, sizeof(*address));
	if (family == '4') {
		address->len = sizeof(address->in);
		address->in.sin_family = AF_INET;
		memcpy(&address->in.sin_port, all, 2);
		memcpy(&address->in.sin_addr, all + 3, 4);
		return;
	}
	address->len = sizeof(address->in6);
	address->in6.sin6_family = AF_INET6;
	memcpy(&address->in6.sin6_port, all, 2);
	memcpy(&address->in6.sin6_addr, all + 3, sizeof(struct in6_addr));
	if (IN6_IS_ADDR_LINKLOCAL(&address->in6.sin6_addr))
		address->in6.sin6_scope_id = all[2];
}

int
fuzz_address(const uint8_t *bytes, size_t n)
{
	struct address	address;

	read_text(bytes, n);
	if (n > 1 && (*bytes == '4' || *bytes == '6')) {
		take(&address, (char)*bytes, bytes + 1, n - 1);
		there_and_back(&address);
	}
	return 0;
}
