/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "figure.h"

const struct cell *
figure_cell(const struct figure *figure, enum part part, const char *name,
    bool bare, int children)
{
	int	i;

	for (i = 0; i < figure->n; i++) {
		const struct cell *cell = &figure->cells[i];

		if (cell->part == part && cell->bare == bare &&
		    (children == 0 || cell->children == children) &&
		    strcmp(cell->name, name) == 0)
			return cell;
	}
	return NULL;
}

double
figure_member(const struct sample *sample, size_t member)
{
	return *(const double *)(const void *)((const char *)sample + member);
}

static int
compare(const void *a, const void *b)
{
	double	x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return n % 2 == 1 ? values[n / 2] :
	    (values[n / 2 - 1] + values[n / 2]) / 2;
}

double
figure_median(const struct figure *figure, const struct cell *cell,
    size_t member)
{
	double	values[100];
	int	i;

	if (cell == NULL)
		return -1;
	for (i = 0; i < figure->rounds; i++)
		values[i] = figure_member(&cell->samples[i], member);
	return median(values, figure->rounds);
}

double
figure_ratio(const struct figure *figure, const struct cell *cell,
    size_t member)
{
	double	values[100], divisor;
	int	i;

	if (cell == NULL || cell->to == NULL)
		return -1;
	for (i = 0; i < figure->rounds; i++) {
		divisor = figure_member(&cell->to->samples[i], member);
		if (divisor <= 0)
			return -1;
		values[i] = figure_member(&cell->samples[i], member) / divisor;
	}
	return median(values, figure->rounds);
}

static double
differ(const struct figure *figure, const struct cell *cell)
{
	double	values[100];
	int	i;

	for (i = 0; i < figure->rounds; i++)
		values[i] = cell->samples[i].rate;
	qsort(values, (size_t)i, sizeof(*values), compare);
	return (values[i - 1] - values[0]) / values[i / 2];
}

double
figure_noise(const struct figure *figure)
{
	double	values[CELLS];
	int	i, n = 0;

	for (i = 0; i < figure->n; i++)
		if (figure->cells[i].bare)
			values[n++] = differ(figure, &figure->cells[i]);
	return median(values, n);
}
