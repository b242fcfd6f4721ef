/* SPDX-License-Identifier: ISC */
#include "report.h"

void
report_begin(struct report *report, const struct experiment *experiment)
{
	(report->json ? json_begin : text_begin)(report, experiment);
}

void
report_step(struct report *report, const struct step *step)
{
	/* Before the first there may be something to say. */
	if (step->number == 0 && STAILQ_EMPTY(&step->lines))
		return;
	(report->json ? json_step : text_step)(report, step);
	report->steps++;
	(void)fflush(report->out);
}

void
report_end(struct report *report, const struct experiment *experiment,
    const struct outcome *outcome)
{
	(report->json ? json_end : text_end)(report, experiment, outcome);
	diagram_free(&report->diagram);
	(void)fflush(report->out);
}
