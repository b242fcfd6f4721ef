/* SPDX-License-Identifier: ISC */
/* The strategies as a bar chart: each beside its bare loop. */
#include <sys/utsname.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "figure.h"
#include "pool/strategy.h"

#define WIDTH	760
#define HEIGHT	330
#define TOP	70		/* of the highest bar */
#define BOTTOM	270		/* of all bars */
#define PANEL	380		/* from one panel to the next */
#define LEFT	24
#define GROUP	70		/* from one strategy to the next */
#define BAR	30

static const struct panel {
	const char	*title;
	size_t		 member;
	int		 digits;
} panels[] = {
	{ "connections per second", offsetof(struct sample, rate), 0 },
	{ "server CPU, seconds per 10,000 connections",
	    offsetof(struct sample, cpu), 2 },
};

static void
text(FILE *out, int x, int y, const char *style, const char *words)
{
	(void)fprintf(out, "<text x='%d' y='%d' %s>%s</text>\n", x, y, style,
	    words);
}

static double
highest(const struct figure *figure, size_t member)
{
	double	most = 0, value;
	int	i;

	for (i = 0; i < figure->n; i++)
		if (figure->cells[i].part == STRATEGIES) {
			value = figure_median(figure, &figure->cells[i],
			    member);
			if (value > most)
				most = value;
		}
	return most;
}

static void
bar(FILE *out, int x, const struct panel *panel, double value, double most,
    bool bare)
{
	int	height = (int)(value / most * (BOTTOM - TOP));
	char	number[32];

	(void)fprintf(out, "<rect x='%d' y='%d' width='%d' height='%d' "
	    "fill='%s'/>\n", x, BOTTOM - height, BAR, height,
	    bare ? "#b9c4d0" : "#2f6fab");
	(void)snprintf(number, sizeof(number), "%.*f", panel->digits, value);
	text(out, x + BAR / 2, BOTTOM - height - 4,
	    "font-size='9' text-anchor='middle'", number);
}

static void
draw(FILE *out, const struct figure *figure, const struct panel *panel,
    int left)
{
	const struct strategy	*const *row;
	double			 most = highest(figure, panel->member);
	int			 x = left;

	text(out, left, TOP - 22, "font-weight='bold'", panel->title);
	for (row = strategies; *row != NULL; row++, x += GROUP) {
		const struct cell *cell = figure_cell(figure, STRATEGIES,
		    (*row)->name, false, 0);

		bar(out, x, panel, figure_median(figure, cell,
		    panel->member), most, false);
		bar(out, x + BAR, panel, figure_median(figure, cell->to,
		    panel->member), most, true);
		text(out, x + BAR, BOTTOM + 16, "text-anchor='middle'",
		    (*row)->name);
	}
}

int
figure_svg(const struct figure *figure, const char *path)
{
	FILE		*out = fopen(path, "we");
	struct utsname	 system;
	char		 words[256];
	size_t		 i;

	if (out == NULL)
		return -1;
	(void)uname(&system);
	(void)fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' "
	    "width='%d' height='%d' viewBox='0 0 %d %d' "
	    "font-family='sans-serif' font-size='12'>\n"
	    "<title>UNP figure 30.1, outlived and bare loops</title>\n"
	    "<rect width='%d' height='%d' fill='white'/>\n",
	    WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT);
	text(out, LEFT, 22, "font-size='15'", "UNP figure 30.1: dark, "
	    "outlived; light, a bare loop of the same shape");
	for (i = 0; i < sizeof(panels) / sizeof(panels[0]); i++)
		draw(out, figure, &panels[i], LEFT + (int)i * PANEL);
	/* The version, and not who has built it. */
	system.release[strcspn(system.release, "-")] = '\0';
	(void)snprintf(words, sizeof(words), "Linux %s, %ld processors, the "
	    "clients on the same ones; 15 children, 5 clients, 4000 bytes; "
	    "medians of %d runs", system.release,
	    sysconf(_SC_NPROCESSORS_ONLN), figure->rounds);
	text(out, LEFT, HEIGHT - 16, "font-size='11' fill='#555'", words);
	(void)fprintf(out, "</svg>\n");
	return fclose(out);
}
