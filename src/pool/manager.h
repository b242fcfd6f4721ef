/* SPDX-License-Identifier: ISC */
/*
 * What the parent tells a service manager of its state (sd_notify(3)); nothing
 * where nobody has asked for it.  doc/outlived.8 has the messages.
 */
#ifndef POOL_MANAGER_H
#define POOL_MANAGER_H

struct pool;

void	manager_ready(const struct pool *);
void	manager_reloading(void);

/* In the way that its signals say. */
void	manager_stopping(struct pool *);

#endif
