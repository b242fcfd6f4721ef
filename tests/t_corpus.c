/* SPDX-License-Identifier: ISC */
/*
 * The targets of `make fuzz`, without a fuzzer: each takes its corpus, and some
 * thousand inputs that are much like it, the same ones each time.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "tap.h"

#define MUTATIONS	4000	/* of the files of a target, together */
#define MOST		4096	/* bytes of a file */
#define LONGER		256	/* by which a mutation may be */
#define HUNG		30	/* s */

static const struct target {
	const char	*name;		/* of its folder, too */
	int		(*take)(const uint8_t *, size_t);
} targets[] = {
	{ "address", fuzz_address },
	{ "board", fuzz_board },
	{ "bytes", fuzz_bytes },
	{ "sockdiag", fuzz_sockdiag },
};

/* Where a target is; its process may die of it. */
struct progress {
	char	file[NAME_MAX + 1];
	int	files, sound, inputs;
	int	mutation;		/* 0: the file itself */
};

/* xorshift32 (Marsaglia 2003); never 0. */
static uint32_t
random_number(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* One step away from an input: another bit or byte, cut off, or longer. */
static size_t
mutate(uint8_t *bytes, size_t n, uint32_t *state)
{
	uint32_t	which = random_number(state) % 8;
	size_t		more = random_number(state) % (LONGER / 8);

	if (which == 0 || n == 0) {
		for (; more > 0 && n < MOST + LONGER; more--)
			bytes[n++] = (uint8_t)random_number(state);
		return n;
	}
	if (which == 1)
		return random_number(state) % n;
	if (which <= 3)
		bytes[random_number(state) % n] = (uint8_t)more * 8;
	else
		bytes[random_number(state) % n] ^= 1 <<
		    random_number(state) % 8;
	return n;
}

/* In memory of just its size, so that a sanitizer sees what is read beyond. */
static void
give(const struct target *target, const uint8_t *bytes, size_t n,
    struct progress *progress)
{
	uint8_t	*exact = malloc(n > 0 ? n : 1);

	if (exact == NULL)
		abort();
	memcpy(exact, bytes, n);
	progress->inputs++;
	(void)target->take(exact, n);
	free(exact);
}

static void
one_file(const struct target *target, const uint8_t *bytes, size_t n,
    int mutations, struct progress *progress)
{
	uint8_t		mutated[MOST + LONGER];
	uint32_t	state = (uint32_t)n + 1;
	unsigned long	before = fuzz_good;
	size_t		len;
	int		i, steps;

	for (i = 0; i <= mutations; i++) {
		memcpy(mutated, bytes, len = n);
		progress->mutation = i;
		if (i > 0)
			for (steps = 1 + i % 4; steps > 0; steps--)
				len = mutate(mutated, len, &state);
		give(target, mutated, len, progress);
		if (i == 0)
			progress->sound += fuzz_good > before;
	}
}

/* In a process of its own: a file of the corpus after the other, by name. */
static void
whole_corpus(const struct target *target, const char *folder,
    struct progress *progress)
{
	struct dirent	**names;
	uint8_t		  bytes[MOST];
	char		  path[PATH_MAX + NAME_MAX + 2];
	FILE		 *file;
	size_t		  len;
	int		  i, n = scandir(folder, &names, NULL, alphasort);

	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder,
		    names[i]->d_name);
		if ((file = fopen(path, "re")) == NULL)
			continue;
		len = fread(bytes, 1, sizeof(bytes), file);
		(void)fclose(file);
		(void)snprintf(progress->file, sizeof(progress->file), "%s",
		    names[i]->d_name);
		progress->files++;
		one_file(target, bytes, len, MUTATIONS / n, progress);
	}
	for (i = 0; i < n; i++)
		free(names[i]);
	if (n != -1)
		free(names);
}

/* As the recordings are. */
static bool
is_little(void)
{
	static const uint16_t	one = 1;

	return *(const unsigned char *)&one == 1;
}

static void
run(const struct target *target, struct progress *progress)
{
	const char	*srcdir = getenv("srcdir");
	char		 folder[PATH_MAX];
	pid_t		 pid;
	int		 status;

	(void)snprintf(folder, sizeof(folder), "%s/tests/fuzz/%s",
	    srcdir != NULL ? srcdir : ".", target->name);
	memset(progress, 0, sizeof(*progress));
	if ((pid = fork()) == -1)
		bail("fork: %s", strerror(errno));
	if (pid == 0) {
		(void)alarm(HUNG);
		whole_corpus(target, folder, progress);
		exit(0);	/* where leaks are looked for */
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			bail("waitpid: %s", strerror(errno));
	if (!ok(status == 0 && (progress->sound > 0 || !is_little()),
	    "%s: %d files, %d of them sound, %d inputs", target->name,
	    progress->files, progress->sound, progress->inputs))
		note("status %#x at %s/%s, mutation %d", (unsigned int)status,
		    folder, progress->file, progress->mutation);
}

int
main(void)
{
	struct progress	*progress = mmap(NULL, sizeof(*progress),
			    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	size_t		 i;

	if (progress == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		run(&targets[i], progress);
	return done();
}
