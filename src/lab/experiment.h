/* SPDX-License-Identifier: ISC */
/* The experiments: each is one file, exp_*.c, and one row of experiments.c. */
#ifndef LAB_EXPERIMENT_H
#define LAB_EXPERIMENT_H

#include "stage.h"

struct experiment {
	const char	*name;
	const char	*claim;		/* one sentence */
	const char	*source;	/* who says so, and where */
	int		 seconds, quick;	/* what it takes, about */
	void		(*play)(struct stage *);
};

/* All, and NULL behind the last name. */
extern const struct experiment	experiments[];

/* NULL: there is none of that name. */
const struct experiment		*experiment_find(const char *name);

void	exp_addresses(struct stage *);
void	exp_advice(struct stage *);
void	exp_article(struct stage *);
void	exp_bind(struct stage *);
void	exp_book(struct stage *);
void	exp_fin_wait2(struct stage *);
void	exp_first_write(struct stage *);
void	exp_fork_close(struct stage *);
void	exp_linger(struct stage *);
void	exp_self_connect(struct stage *);
void	exp_server_port(struct stage *);
void	exp_time_wait(struct stage *);
void	exp_starvation(struct stage *);
void	exp_unaccepted(struct stage *);
void	exp_unp(struct stage *);

#endif
