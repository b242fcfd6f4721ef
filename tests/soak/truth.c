/* SPDX-License-Identifier: ISC */
/* outlivectl status, again and again, beside /proc. */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../harness.h"
#include "../json.h"
#include "soak.h"

#define EVERY		(250 * MS)
#define PATIENCE	(2 * S)
#define TEXT		(1 << 18)

static pid_t		job;		/* 0: none */
static int		out = -1, looks;
static int64_t		last;
static pid_t		owner_before;
static struct sight	before, after;
static struct claims	claims;

int
truth_looks(void)
{
	return looks;
}

void
truth_begin(void)
{
	claims.n = job = 0;
	if (out == -1 && (out = memfd_create("status", MFD_CLOEXEC)) == -1)
		bail("memfd");
}

void
truth_look(void)
{
	static const char	*const argv[] = { "./outlivectl", "-n", NAME,
				    "status", "--json", NULL };

	if (job != 0 || us() < last + EVERY)
		return;
	last = us();
	see(&before);
	owner_before = lock_owner();
	(void)!ftruncate(out, 0);
	(void)lseek(out, 0, SEEK_SET);
	job = program_start(argv, out);
}

/* Neither has changed, nor is it stopped in between two acts. */
static bool
stays(const struct seen *one, const struct seen *later)
{
	return one != NULL && later != NULL && one->state != 'T' &&
	    later->state != 'T' && strcmp(one->title, later->title) == 0;
}

static void
compare_child(const char *child, unsigned int generation)
{
	pid_t			 pid = (pid_t)json_int(child, "pid");
	const struct seen	*one = seen_of(&before, pid);
	const struct seen	*later = seen_of(&after, pid);
	bool			 busy = *json_find(child, "busy") == 't';
	char			 client[64];

	json_text(child, "client", client, sizeof(client));
	if (one == NULL && later == NULL)
		claim(&claims, "status has a child %d, and there is none", pid);
	if (!stays(one, later))
		return;
	if (one->kind == IDLE && busy)
		claim(&claims, "status has %d as busy with %s, and it is idle",
		    pid, client);
	if (one->kind == BUSY && strcmp(one->client, client) != 0)
		claim(&claims, "status has '%s' as the client of %d, and it is "
		    "%s", client, pid, one->client);
	if ((one->kind == IDLE || one->kind == BUSY) &&
	    one->generation != generation)
		claim(&claims, "status has %d in generation %u, and it is %u",
		    pid, generation, one->generation);
}

static void
compare_generations(const char *status, pid_t listed[], int *n)
{
	const char	*one, *child;

	for (one = json_first(json_find(status, "generations")); one != NULL;
	    one = json_next(one)) {
		pid_t parent = (pid_t)json_int(one, "parent");

		if (parent > 0 && seen_of(&before, parent) == NULL &&
		    seen_of(&after, parent) == NULL)
			claim(&claims, "status has parent %d, and there is "
			    "none", parent);
		for (child = json_first(json_find(one, "children"));
		    child != NULL; child = json_next(child)) {
			compare_child(child,
			    (unsigned int)json_int(one, "generation"));
			if (*n < SEEN_MAX)
				listed[(*n)++] = (pid_t)json_int(child, "pid");
		}
	}
}

/* Whoever is there is in it. */
static void
compare_processes(const pid_t listed[], int n)
{
	int	i, j;

	for (i = 0; i < before.n; i++) {
		const struct seen *one = &before.list[i];

		if ((one->kind != IDLE && one->kind != BUSY) ||
		    !stays(one, seen_of(&after, one->pid)) ||
		    one->start <= blind_until())
			continue;
		for (j = 0; j < n && listed[j] != one->pid; j++)
			;
		if (j == n)
			claim(&claims, "status does not have %d (%s)",
			    one->pid, one->title);
	}
}

static void
compare(const char *status)
{
	static pid_t	listed[SEEN_MAX];
	pid_t		owner = lock_owner();
	pid_t		parent = (pid_t)json_int(status, "parent");
	int		n = 0;

	if (*status != '{') {
		claim(&claims, "status says nothing");
		return;
	}
	if (owner == owner_before && parent != owner)
		claim(&claims, "status has %d as parent, and %d has the lock",
		    parent, owner);
	compare_generations(status, listed, &n);
	if (n != json_int(status, "children"))
		claim(&claims, "status has %d children, and says %d", n,
		    (int)json_int(status, "children"));
	compare_processes(listed, n);
}

bool
truth_reaped(pid_t pid, int status)
{
	static char	text[TEXT];
	ssize_t		n;

	if (job == 0 || pid != job)
		return false;
	job = 0;
	looks++;
	see(&after);
	n = pread(out, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	claims_begin(&claims);
	if (!WIFEXITED(status))
		trouble("outlivectl status has ended with %#x", status);
	else if (WEXITSTATUS(status) == 0)
		compare(text);
	else if (lock_owner() == owner_before && owner_before > 0)
		claim(&claims, "outlivectl status has failed: %d",
		    WEXITSTATUS(status));
	claims_end(&claims, PATIENCE);
	return true;
}
