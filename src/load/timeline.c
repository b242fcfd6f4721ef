/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdarg.h>

#include "report.h"

#define WIDTH	960
#define HEIGHT	300
#define LEFT	60
#define RIGHT	20
#define TOP	40
#define ZERO	210		/* answers above, failures below */
#define BOTTOM	270
#define COLUMNS	(WIDTH - LEFT - RIGHT)

static int64_t
failed_in(const struct bin *bin)
{
	int64_t	sum = 0;
	int	i;

	for (i = 0; i < FAILURES; i++)
		sum += bin->outcomes[i];
	return sum;
}

static int
bins_of(const struct record *record)
{
	int64_t	n = (int64_t)(report_seconds(record) * 1e9) / RECORD_BIN + 1;
	int64_t	last = record->last_message - record->began;

	/* Sessions that are held beside clients say their last word after
	   them. */
	if (record->began != 0 && last / RECORD_BIN + 1 > n)
		n = last / RECORD_BIN + 1;

	return n > RECORD_BINS ? RECORD_BINS : (int)n;
}

void
timeline_text(FILE *out, const struct record *record)
{
	int	i, kind, n = bins_of(record);

	(void)fputs("seconds\tbegun\tdone\tmessages", out);
	for (kind = 0; kind < FAILURES; kind++)
		(void)fprintf(out, "\t%s", outcome_names[kind]);
	(void)fputc('\n', out);
	for (i = 0; i < n; i++) {
		const struct bin *bin = &record->bins[i];

		(void)fprintf(out, "%.2f\t%u\t%u\t%u",
		    i * (double)RECORD_BIN / 1e9, bin->begun,
		    bin->outcomes[DONE], bin->messages);
		for (kind = 0; kind < FAILURES; kind++)
			(void)fprintf(out, "\t%u", bin->outcomes[kind]);
		(void)fputc('\n', out);
	}
}

/* So many bins make a column. */
struct column { double good, bad; };

static struct column
column(const struct record *record, int bins, int from, int n)
{
	struct column	sum = { .good = 0 };
	int		i;

	for (i = from; i < from + n && i < bins; i++) {
		const struct bin *bin = &record->bins[i];

		sum.good += bin->outcomes[DONE] + bin->messages;
		sum.bad += (double)failed_in(bin);
	}
	return sum;
}

static void
bar(FILE *out, double x, double width, double y, double height,
    const char *colour)
{
	if (height > 0)
		(void)fprintf(out, "<rect x='%.2f' y='%.2f' width='%.2f' "
		    "height='%.2f' fill='%s'/>\n", x, y, width, height,
		    colour);
}

static void __attribute__((__format__(__printf__, 5, 6)))
text(FILE *out, int x, int y, const char *anchor, const char *format, ...)
{
	va_list	args;

	(void)fprintf(out, "<text x='%d' y='%d' text-anchor='%s'>", x, y,
	    anchor);
	va_start(args, format);
	(void)vfprintf(out, format, args);
	va_end(args);
	(void)fputs("</text>\n", out);
}

static void
head(FILE *out, double step)
{
	(void)fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' "
	    "width='%d' height='%d' viewBox='0 0 %d %d' "
	    "font-family='sans-serif' font-size='12'>\n"
	    "<title>outlive-load: answers and failures</title>\n"
	    "<rect width='%d' height='%d' fill='white'/>\n", WIDTH, HEIGHT,
	    WIDTH, HEIGHT, WIDTH, HEIGHT);
	text(out, LEFT, 22, "start", "Above, answers; below, failures; in each "
	    "%g ms", step);
}

/* As many bins to a column as it takes to have room for all. */
static void
columns(FILE *out, const struct record *record, int bins, int each)
{
	struct column	most = { .good = 1, .bad = 1 }, one;
	double		width = (double)COLUMNS * each / bins, height;
	int		i, n = (bins + each - 1) / each;

	for (i = 0; i < n; i++) {
		one = column(record, bins, i * each, each);
		most.good = one.good > most.good ? one.good : most.good;
		most.bad = one.bad > most.bad ? one.bad : most.bad;
	}
	for (i = 0; i < n; i++) {
		one = column(record, bins, i * each, each);
		height = one.good / most.good * (ZERO - TOP);
		bar(out, LEFT + i * width, width, ZERO - height, height,
		    "#2f6fab");
		bar(out, LEFT + i * width, width, ZERO + 1,
		    one.bad / most.bad * (BOTTOM - ZERO - 1), "#c0392b");
	}
	text(out, LEFT - 6, TOP + 10, "end", "%.0f", most.good);
	text(out, LEFT - 6, ZERO, "end", "0");
	text(out, LEFT - 6, BOTTOM, "end", "%.0f", most.bad);
}

void
timeline_svg(FILE *out, const struct record *record)
{
	int	bins = bins_of(record), each = (bins - 1) / COLUMNS + 1;

	head(out, each * (double)RECORD_BIN / 1e6);
	columns(out, record, bins, each);
	text(out, LEFT, HEIGHT - 8, "start", "0 s");
	text(out, WIDTH - RIGHT, HEIGHT - 8, "end", "%.2f s",
	    bins * (double)RECORD_BIN / 1e9);
	(void)fputs("</svg>\n", out);
}
