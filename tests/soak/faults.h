/* SPDX-License-Identifier: ISC */
/* What a fault is made of: the table and the sequence are in faults.c, parents
   and children in hits.c, all else in surroundings.c. */
#ifndef TESTS_SOAK_FAULTS_H
#define TESTS_SOAK_FAULTS_H

#include "soak.h"

/* The one that is drawn: who is there, and what is to be told of it. */
extern struct fault {
	struct sight	sight;
	char		detail[120];
} fault;
void	fault_detail(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));

void	fault_tell(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));
/* So many ms, as us. */
int64_t	fault_between(struct dice *, unsigned int least, unsigned int most);
/* What is to be done in so many us; when the episode ends, at the latest. */
void	fault_later(int64_t in, void (*)(pid_t), pid_t);
/* For so long, and some time more, the server is excused (disturbed()). */
void	fault_disturb(int64_t lasts);
/* The next parent's coming is for this fault's row; or for none. */
void	fault_ends_parent(bool ours);

/* Whom to hit; NULL: there is nobody. */
struct server_one	*fault_parent(void);
const struct seen	*fault_child(struct dice *);
bool	fault_is_child(const struct seen *);
void	fault_hit(pid_t, int signo);

/* Behind files that were removed: end what nobody finds any more. */
void	surroundings_begin(void);
void	faults_look_blindly(void);

/* Each kind of fault.  False: there was nobody. */
bool	parent_term(struct dice *);
bool	parent_kill(struct dice *);
bool	parent_segv(struct dice *);
bool	parent_quit(struct dice *);
bool	parent_hup(struct dice *);
bool	parent_stop(struct dice *);
bool	parent_full(struct dice *);
bool	heir_kill(struct dice *);
bool	child_term(struct dice *);
bool	child_kill(struct dice *);
bool	child_segv(struct dice *);
bool	child_stop(struct dice *);
bool	child_full(struct dice *);
bool	second(struct dice *);
bool	takeover(struct dice *);
bool	takeovers(struct dice *);
bool	takeover_killed(struct dice *);
bool	takeover_alone(struct dice *);
bool	disk_full(struct dice *);
bool	removed(struct dice *);
bool	jump(struct dice *);
bool	drain(struct dice *);
bool	drain_now(struct dice *);

#endif
