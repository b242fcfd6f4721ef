/* SPDX-License-Identifier: ISC */
/* The figure with every sample, for whoever wants to draw his own. */
#include <sys/utsname.h>

#include <stdio.h>
#include <unistd.h>

#include "figure.h"
#include "net/json.h"

static const char *const	parts[] = {
	[STRATEGIES] = "strategies", [IDLE] = "idle children",
	[EXEC] = "exec", [FIRST_BYTE] = "first byte"
};

static const struct {
	const char	*name;
	size_t		 member;
} members[] = {
	{ "connections_per_second", offsetof(struct sample, rate) },
	{ "cpu_s_per_10000", offsetof(struct sample, cpu) },
	{ "clients_cpu_s_per_10000", offsetof(struct sample, client_cpu) },
	{ "switches_per_connection", offsetof(struct sample, switches) },
	{ "clients_of_a_child_least", offsetof(struct sample, least) },
	{ "clients_of_a_child_median", offsetof(struct sample, median) },
	{ "clients_of_a_child_most", offsetof(struct sample, most) },
	{ "pss_kib_per_child", offsetof(struct sample, pss) },
	{ "first_byte_us", offsetof(struct sample, first_byte) },
};

static void
number(double value)
{
	if (value < 0)
		(void)printf("null");
	else
		(void)printf("%.6g", value);
}

/* "name":{"median":1,"ratio":1,"samples":[1,1,1]} */
static void
print_member(const struct figure *figure, const struct cell *cell,
    const char *name, size_t member)
{
	int	i;

	(void)printf(",\n  \"%s\":{\"median\":", name);
	number(figure_median(figure, cell, member));
	(void)printf(",\"ratio\":");
	number(figure_ratio(figure, cell, member));
	(void)printf(",\"samples\":[");
	for (i = 0; i < figure->rounds; i++) {
		if (i > 0)
			(void)printf(",");
		number(figure_member(&cell->samples[i], member));
	}
	(void)printf("]}");
}

static void
print_cell(const struct figure *figure, const struct cell *cell)
{
	size_t	i;
	int	k, failed = 0;

	for (k = 0; k < figure->rounds; k++)
		failed += cell->samples[k].failed;
	(void)printf("{");
	json_member(stdout, "part", parts[cell->part]);
	(void)printf(",");
	json_member(stdout, "name", cell->name);
	(void)printf(",\"bare_loop\":%s,", json_bool(cell->bare));
	json_number(stdout, "children", cell->subject.children);
	(void)printf(",");
	json_number(stdout, "connections",
	    cell->clients.n * cell->clients.connections);
	(void)printf(",");
	json_number(stdout, "failed", failed);
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		print_member(figure, cell, members[i].name,
		    members[i].member);
	(void)printf("}");
}

void
figure_json(const struct figure *figure)
{
	struct utsname	system;
	int		i;

	(void)uname(&system);
	(void)printf("{");
	json_member(stdout, "kernel", system.release);
	(void)printf(",");
	json_number(stdout, "processors", sysconf(_SC_NPROCESSORS_ONLN));
	(void)printf(",");
	json_number(stdout, "rounds", figure->rounds);
	(void)printf(",\"noise\":");
	number(figure_noise(figure));
	(void)printf(",\"cells\":[\n");
	for (i = 0; i < figure->n; i++) {
		if (i > 0)
			(void)printf(",\n");
		print_cell(figure, &figure->cells[i]);
	}
	(void)printf("]}\n");
}
