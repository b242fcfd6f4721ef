/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "service.h"

const struct service	services[] = {
	{ "bytes", "", "a line with a number gets as many bytes", NULL, bytes, false },
	{ "chargen", "", "sends the printing characters (RFC 864)", NULL,
	    chargen, false },
	{ "daytime", "", "sends date and time (RFC 867)", NULL, daytime,
	    false },
	{ "discard", "", "throws away what comes (RFC 863)", NULL, discard, false },
	{ "echo", "", "sends back what comes (RFC 862)", NULL, echo, false },
	{ "exec", "program [arg ...]", "the client is its input and output",
	    exec_prepare, exec_serve, true },
	{ .name = NULL },
};

const struct service *
service_find(const char *name)
{
	const struct service	*service;

	for (service = services; service->name != NULL; service++)
		if (strcmp(service->name, name) == 0)
			return service;
	return NULL;
}
