/* SPDX-License-Identifier: ISC */
/* Why an address is not to be had, in words for whoever started us. */
#ifndef NET_EXPLAIN_H
#define NET_EXPLAIN_H

#include "address.h"
#include "listener.h"

/*
 * What would help, one line, after a failed listener_open(): as far as errno
 * and the options tell.  Writes into the buffer and returns it.
 */
const char	*explain(int error, const struct address *,
		    const struct listener_options *, char *text, size_t size);

#endif
