/* SPDX-License-Identifier: ISC */
/* What outlive-load is to do, and with whom. */
#ifndef LOAD_PLAN_H
#define LOAD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

#define PLAN_PROCESSES	64
#define PLAN_SOURCES	64
#define PLAN_CLIENTS	100000		/* also sessions */
#define PLAN_BYTES	1000000000

enum plan_service { PLAN_BYTES_SERVICE, PLAN_DAYTIME, PLAN_ECHO };

struct plan {
	struct address		server;
	enum plan_service	service;
	int			bytes;		/* of an answer */
	int			processes;
	int64_t			timeout;	/* ns, for an answer */
	int64_t			duration;	/* ns; 0: as long as the closed
						   loop has work, or until a
						   signal */

	/* Where connections come from; without any the kernel chooses. */
	struct address		sources[PLAN_SOURCES];
	int			n_sources;

	/* Closed loop: each client has its next connection when it is done with
	   the one before.  0 clients: there is none. */
	int			clients;
	int64_t			connections;	/* of each; 0: no end */
	int			requests;	/* of each connection */

	/* Open loop, connections per second; 0: there is none. */
	double			rate;

	/* Held for the whole run. */
	int			sessions;
	int64_t			every;		/* ns, from one message of a
						   session to its next */
};

/* How they are called on the command line. */
extern const char *const	plan_services[];

#endif
