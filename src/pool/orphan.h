/* SPDX-License-Identifier: ISC */
/* Orphans, children and heirs among the processes that somebody asks about (net/owner.h). */
#ifndef POOL_ORPHAN_H
#define POOL_ORPHAN_H

struct owners;

/*
 * Say of each that is a child or the heir of an instance here, or a program that
 * a child runs, whose it is, and of an orphan how it is ended (their role and
 * remedy).  Looks where instances are kept (instance_place()), and as root also
 * where those users keep theirs.
 */
void	orphans_name(struct owners *, const char *state_dir);

#endif
