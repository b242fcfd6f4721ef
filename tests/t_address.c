/* SPDX-License-Identifier: ISC */
/* [host:]port, read and written. */
#include <string.h>

#include "net/address.h"
#include "tap.h"

static const struct {
	const char	*text;
	const char	*printed;	/* NULL: refused */
	const char	*why;		/* a part of the sentence */
} rows[] = {
	{ "127.0.0.1:9999",	"127.0.0.1:9999",	NULL },
	{ "127.0.0.1:0",	"127.0.0.1:0",		NULL },
	{ "127.0.0.1:65535",	"127.0.0.1:65535",	NULL },
	{ "[::1]:9999",		"[::1]:9999",		NULL },
	{ "[::ffff:10.1.2.3]:7", "10.1.2.3:7",		NULL },
	{ "",			NULL,	"no port" },
	{ "127.0.0.1:",		NULL,	"no port" },
	{ ":9999",		NULL,	"no host" },
	{ "127.0.0.1:65536",	NULL,	"from 0 to 65535" },
	{ "127.0.0.1:99999999999999999999", NULL, "from 0 to 65535" },
	{ "127.0.0.1:-1",	NULL,	"from 0 to 65535" },
	{ "127.0.0.1:+7",	NULL,	"from 0 to 65535" },
	{ "127.0.0.1:7x",	NULL,	"from 0 to 65535" },
	{ "127.0.0.1:*",	NULL,	"from 0 to 65535" },
	{ "*",			NULL,	"from 0 to 65535" },
	{ "127.0.0.1: 7",	NULL,	"from 0 to 65535" },
	{ "::1:9999",		NULL,	"brackets" },
	{ "[::1]",		NULL,	"[IPv6 address]:port" },
	{ "[::1:9999",		NULL,	"[IPv6 address]:port" },
	{ "[]:9999",		NULL,	"no host" },
};

int
main(void)
{
	static const char	blanks[] = "+- \t\n\v\f\r";
	struct address	address;
	char		text[ADDRESS_TEXT], longest[4096];
	const char	*why;
	size_t		i;
	int		n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		why = "";
		if ((n = address_parse(&address, rows[i].text, &why)) == 0)
			ok(rows[i].printed != NULL &&
			    strcmp(rows[i].printed,
			    address_print(&address, text)) == 0,
			    "'%s' is read as %s", rows[i].text,
			    address_print(&address, text));
		else
			ok(n == -1 && rows[i].printed == NULL &&
			    strstr(why, rows[i].why) != NULL,
			    "'%s' is refused: %s", rows[i].text, why);
	}

	why = "";
	ok(address_parse(&address, "9999", &why) == 0 &&
	    strlcpy(longest, address_print(&address, text), sizeof(longest)) &&
	    address_parse(&address, "*:9999", &why) == 0 &&
	    strcmp(address_print(&address, text), longest) == 0,
	    "*:9999 is 9999, all addresses of all families: %s", text);

	/* What strtoul(3) skips, or takes for a part of a number. */
	for (i = 0; i < sizeof(blanks) - 1; i++) {
		const char	port[] = { blanks[i], '7', '\0' };

		why = "";
		n = address_parse(&address, port, &why);
		ok(n == -1 && strstr(why, "from 0 to 65535") != NULL,
		    "a port behind %#x is refused: %s", blanks[i], why);
	}

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	why = "";
	if (ok(address_parse(&address, longest, &why) == -1, "4095 letters"))
		ok(strstr(why, "longer") != NULL, "are refused: %s", why);

	if (ok(address_parse(&address, "9999", &why) == 0, "9999 alone"))
		ok(address_port(&address) == 9999 &&
		    (address.sa.sa_family == AF_INET ||
		    address_is_dual(&address)),
		    "is the wildcard address: %s",
		    address_print(&address, text));
	return done();
}
