/* SPDX-License-Identifier: ISC */
/* An experiment as it is told: to a reader, or as JSON (RFC 8259; the names are
   in outlive-lab(1)). */
#ifndef LAB_REPORT_H
#define LAB_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "diagram.h"
#include "step.h"

struct experiment;

/* What has become of one; shared between processes. */
enum verdict { VERDICT_HELD, VERDICT_BROKEN, VERDICT_SKIPPED };
struct outcome {
	enum verdict	verdict;
	int		predictions, broken;
	char		why[256];	/* the first that did not hold; or why
					   it could not run */
	char		progress[80];	/* what it waits for, "" if nothing */
	bool		done;
};

struct report {
	FILE		*out;
	bool		 json, colour, boxes;
	bool		 quick;
	int		 steps;		/* told so far */
	struct diagram	 diagram;
};

void	report_begin(struct report *, const struct experiment *);
void	report_step(struct report *, const struct step *);
void	report_end(struct report *, const struct experiment *,
	    const struct outcome *);

/* How each of them is told. */
void	text_begin(struct report *, const struct experiment *);
void	text_step(struct report *, const struct step *);
void	text_end(struct report *, const struct experiment *,
	    const struct outcome *);
void	json_begin(struct report *, const struct experiment *);
void	json_step(struct report *, const struct step *);
void	json_end(struct report *, const struct experiment *,
	    const struct outcome *);

#endif
