/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "step.h"

/* Memory; there is no experiment without it. */
static void *
have(void *memory)
{
	if (memory == NULL)
		errx(EX_OSERR, "there is no memory");
	return memory;
}

void
step_init(struct step *step, int number, const char *text)
{
	memset(step, 0, sizeof(*step));
	step->number = number;
	step->text = have(strdup(text));
	STAILQ_INIT(&step->lines);
	STAILQ_INIT(&step->predictions);
	STAILQ_INIT(&step->rows);
}

void
step_line(struct step *step, enum line_kind kind, const char *text)
{
	struct line	*line = have(malloc(sizeof(*line)));

	line->kind = kind;
	line->text = have(strdup(text));
	STAILQ_INSERT_TAIL(&step->lines, line, next);
}

void
step_prediction(struct step *step, const char *text, const char *seen)
{
	struct prediction	*prediction = have(malloc(sizeof(*prediction)));

	prediction->text = have(strdup(text));
	prediction->seen = seen == NULL ? NULL : have(strdup(seen));
	STAILQ_INSERT_TAIL(&step->predictions, prediction, next);
}

void
step_row(struct step *step, const struct row *given)
{
	struct row	*row = have(malloc(sizeof(*row)));

	*row = *given;
	row->id = have(strdup(given->id));
	row->what = have(strdup(given->what));
	row->unp = have(strdup(given->unp));
	row->bsd = have(strdup(given->bsd));
	row->lin = have(strdup(given->lin));
	STAILQ_INSERT_TAIL(&step->rows, row, next);
}

static void
row_free(struct row *row)
{
	const char	*words[] = { row->id, row->what, row->unp, row->bsd,
			    row->lin };
	size_t		 i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		free((void *)(uintptr_t)words[i]);
	free(row);
}

void
step_free(struct step *step)
{
	struct line		*line;
	struct prediction	*prediction;
	struct row		*row;

	while ((line = STAILQ_FIRST(&step->lines)) != NULL) {
		STAILQ_REMOVE_HEAD(&step->lines, next);
		free(line->text);
		free(line);
	}
	while ((prediction = STAILQ_FIRST(&step->predictions)) != NULL) {
		STAILQ_REMOVE_HEAD(&step->predictions, next);
		free(prediction->text);
		free(prediction->seen);
		free(prediction);
	}
	while ((row = STAILQ_FIRST(&step->rows)) != NULL) {
		STAILQ_REMOVE_HEAD(&step->rows, next);
		row_free(row);
	}
	free(step->text);
	sockets_free(&step->before);
	sockets_free(&step->after);
}
