/* SPDX-License-Identifier: ISC */
/* What a run has shown: words, JSON, and what happened when. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include <stdio.h>

#include "plan.h"
#include "record.h"

void	report_text(FILE *, const struct plan *, const struct record *);
/* One object, and a newline. */
void	report_json(FILE *, const struct plan *, const struct record *);

/* A line for each ten milliseconds in which something happened, members
   separated by tabs; and a drawing of it, answers above, failures below. */
void	timeline_text(FILE *, const struct record *);
void	timeline_svg(FILE *, const struct record *);

/* Of a processor: of all processes together, and of the one that used most. */
struct usage { double all, most; };
struct usage	report_usage(const struct plan *, const struct record *);
/* From the beginning to the last thing that happened, in s. */
double		report_seconds(const struct record *);

#endif
