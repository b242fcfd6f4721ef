/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "manager.h"
#include "net/systemd.h"
#include "pool.h"
#include "signals.h"
#include "spawn.h"

void
manager_ready(const struct pool *pool)
{
	char	others[64] = "";

	if (pool->others > 0)
		(void)snprintf(others, sizeof(others),
		    "; children of earlier ones: %d", pool->others);
	systemd_notify("READY=1\nMAINPID=%d\nSTATUS=accepts clients, "
	    "generation %u%s\n", pool->parent, pool->generation, others);
}

void
manager_reloading(void)
{
	struct timespec	now;

	/* Of this very clock, and no earlier than whoever sent the HUP has
	   looked at it: the manager compares. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	systemd_notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=HUP: "
	    "replacing the children\n", (int64_t)now.tv_sec * 1000000 +
	    now.tv_nsec / 1000);
}

void
manager_stopping(struct pool *pool)
{
	struct policy_counts	counts = spawn_take_stock(pool);
	int			clients = counts.busy + counts.in_flight;

	if (signals_int())
		systemd_notify("STOPPING=1\nSTATUS=INT: ending %d children\n",
		    pool->living);
	else if (signals_term())
		systemd_notify("STOPPING=1\nSTATUS=TERM: leaving %d clients "
		    "to their children\n", clients);
	else
		systemd_notify("STOPPING=1\nSTATUS=QUIT: waiting for %d "
		    "clients\n", clients);
}
