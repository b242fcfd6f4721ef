/* SPDX-License-Identifier: ISC */
/* What is to be told of one step of an experiment, when it is over. */
#ifndef LAB_STEP_H
#define LAB_STEP_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>

#include "capture.h"
#include "sockets.h"

/* What was typed, what was printed, and what the experiment says itself. */
struct line {
	enum line_kind { LINE_COMMAND, LINE_OUTPUT, LINE_NOTE } kind;
	char			*text;
	STAILQ_ENTRY(line)	 next;
};

struct prediction {
	char				*text;
	char				*seen;	/* NULL: as expected */
	STAILQ_ENTRY(prediction)	 next;
};

/* A row of a table of claims: words, "-" where nobody says anything. */
struct row {
	const char		*id, *what;
	const char		*unp, *bsd, *lin;	/* what they expect */
	char			 here[32];		/* what was seen */
	bool			 held;
	STAILQ_ENTRY(row)	 next;
};

struct step {
	int				 number;	/* 0: before the first */
	char				*text;
	STAILQ_HEAD(, line)		 lines;
	STAILQ_HEAD(, prediction)	 predictions;
	STAILQ_HEAD(, row)		 rows;
	const struct segment		*segments;	/* of this step */
	size_t				 n;
	struct sockets			 before, after;
};

void	step_init(struct step *, int number, const char *text);
/* All of these copy what they are given. */
void	step_line(struct step *, enum line_kind, const char *text);
void	step_prediction(struct step *, const char *text, const char *seen);
void	step_row(struct step *, const struct row *);
/* Not its segments, which are the capture's. */
void	step_free(struct step *);

#endif
