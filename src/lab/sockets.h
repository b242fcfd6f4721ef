/* SPDX-License-Identifier: ISC */
/* The table of sockets at one moment, and who has them: as ss(8) shows it. */
#ifndef LAB_SOCKETS_H
#define LAB_SOCKETS_H

#include <stddef.h>

#include "net/owner.h"
#include "net/sockdiag.h"

struct sockets {
	struct sockdiag_table	table;		/* those who listen first, then
						   by port */
	struct owners		owners;
};

/* All of this network.  0, or -1 with errno; to be freed in either case. */
int			 sockets_read(struct sockets *);
void			 sockets_free(struct sockets *);

/* The one with this address and that peer, or, if that is NULL, the one that
   has none; NULL: there is none such. */
const struct sockdiag	*sockets_find(const struct sockets *,
			    const struct address *local,
			    const struct address *peer);
/* The name of its state; "LISTEN" if there is only one that listens at that
   address; "CLOSED": there is nothing. */
const char		*sockets_state(const struct sockets *,
			    const struct address *local,
			    const struct address *peer);

/* Who has it: "server1 (3)", "outlived (2) and 8 more", or "-".  Returns the
   text. */
const char		*sockets_owner(const struct sockets *,
			    const struct sockdiag *, char *text, size_t size);

#endif
