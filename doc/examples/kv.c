/* SPDX-License-Identifier: ISC */
/*
 * A key-value server: kv [host:]port file.  Its children, each a process,
 * share one store: a file that all of them have mapped.  When the parent is
 * killed they serve on with it, and the next parent maps the same file: a
 * client of an orphan and one of a new child see each other's values.
 * (Remove the file, and orphans keep it; the next parent makes another one.)
 *
 * A child may be killed at any moment.  So who reads or changes the store has
 * a record lock on the file (fcntl(2)), which the kernel drops when its
 * process ends; a mutex in the file could be held by somebody from before the
 * machine's start.  And a change is one store of one byte: a value is written
 * where nobody reads, then the byte says that it is there.  (A crash of the
 * machine is another matter: the kernel writes pages to the disk in any order.)
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <outlive.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define LAYOUT	0x6b763031	/* of struct store; 0: it is new */
#define KEY	32
#define VALUE	200
#define ENTRIES	1024
#define LINE	256	/* of a client, or an answer, with its end */

static struct store {
	atomic_uint	layout;
	struct entry {
		atomic_uchar	which;	/* value, 1 or 2; 0: it is free */
		char		key[KEY + 1];
		char		value[2][VALUE + 1];
	} entries[ENTRIES];
} *store;

static int		 store_fd;
extern char		**environ;

/* F_RDLCK: with other readers; F_WRLCK: alone; F_UNLCK. */
static void
lock(short type)
{
	struct flock	whole = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(store_fd, F_SETLKW, &whole) == -1)
		if (errno != EINTR)
			err(EX_OSERR, "cannot lock the store");
}

/* Open the store, or make it, or what somebody has left half made, who was
   killed or found the disk full: one parent at a time. */
static void
store_open(const char *path)
{
	struct stat	status;
	unsigned int	layout = 0;

	store_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store_fd == -1)
		err(EX_NOINPUT, "%s", path);
	lock(F_WRLCK);
	/* All of its space, now: later a full disk would be a SIGBUS. */
	if (pread(store_fd, &layout, sizeof(layout), 0) == -1 || (layout == 0 &&
	    (errno = posix_fallocate(store_fd, 0, sizeof(*store))) != 0) ||
	    fstat(store_fd, &status) == -1)
		err(EX_IOERR, "%s", path);
	store = mmap(NULL, sizeof(*store), PROT_READ | PROT_WRITE, MAP_SHARED,
	    store_fd, 0);
	if (store == MAP_FAILED)
		err(EX_OSERR, "%s", path);
	if (status.st_size == sizeof(*store) && store->layout == 0)
		store->layout = LAYOUT;
	if (status.st_size != sizeof(*store) || store->layout != LAYOUT)
		errx(EX_DATAERR, "%s is no store of this layout", path);
	lock(F_UNLCK);
}

/* The entry of a key; of "", a free one; NULL: there is none. */
static struct entry *
find(const char *key)
{
	struct entry	*entry;

	for (entry = store->entries; entry < store->entries + ENTRIES; entry++)
		if (*key == '\0' ? entry->which == 0 :
		    entry->which != 0 && strcmp(entry->key, key) == 0)
			return entry;
	return NULL;
}

static const char *
set(const char *key, const char *value)
{
	struct entry	*entry = find(key);

	if (entry == NULL && (entry = find("")) == NULL)
		return "error: the store is full";
	if (entry->which == 0)
		(void)strcpy(entry->key, key);
	(void)strcpy(entry->value[entry->which % 2], value);
	entry->which = entry->which % 2 + 1;	/* now it is there */
	return "ok";
}

static int
count(void)
{
	int	i, n = 0;

	for (i = 0; i < ENTRIES; i++)
		n += store->entries[i].which != 0;
	return n;
}

/* Do what a line says, under the lock; every line has an answer of one line. */
static const char *
obey(char *line, size_t len, char *answer)
{
	const char	*verb, *key, *value;
	struct entry	*entry = NULL;
	bool		 is_set, is_count, is_get;

	if (len == LINE || strlen(line) < len)
		return "error: a line has at most 255 bytes, none of them 0";
	line[len - (len > 0 && line[len - 1] == '\r')] = '\0';
	verb = strsep(&line, " ");
	key = strsep(&line, " ");
	value = line;		/* the rest, with its spaces */
	is_set = strcmp(verb, "SET") == 0 && value != NULL;
	is_count = strcmp(verb, "COUNT") == 0 && key == NULL;
	is_get = strcmp(verb, "GET") == 0;
	if (!is_set && !is_count && ((!is_get && strcmp(verb, "DEL") != 0) ||
	    key == NULL || value != NULL))
		return "error: expected GET key, SET key value, DEL key, COUNT";
	if (key != NULL && (*key == '\0' || strlen(key) > KEY))
		return "error: a key has 1 to 32 bytes";
	if (value != NULL && strlen(value) > VALUE)
		return "error: a value has at most 200 bytes";
	(void)strcpy(answer, "ok");
	lock(is_get || is_count ? F_RDLCK : F_WRLCK);
	if (is_set)
		(void)strcpy(answer, set(key, value));
	else if (is_count)
		(void)sprintf(answer, "ok %d", count());
	else if ((entry = find(key)) == NULL)
		(void)strcpy(answer, "none");
	else if (is_get)
		(void)sprintf(answer, "ok %s", entry->value[entry->which - 1]);
	else
		entry->which = 0;
	lock(F_UNLCK);
	return answer;
}

static void
serve(const struct outlive_client *client, void *arg)
{
	FILE	*input = fdopen(dup(client->fd), "r");
	char	 line[LINE + 1], answer[LINE];
	size_t	 len = 0;
	int	 c;

	(void)arg;
	while (input != NULL && (c = getc(input)) != EOF)
		if (c == '\n') {
			line[len] = '\0';
			if (dprintf(client->fd, "%s\n",
			    obey(line, len, answer)) < 0)
				break;
			len = 0;
		} else if (len < LINE)
			line[len++] = (char)c;
	if (input != NULL)
		(void)fclose(input);
}

int
main(int argc, char *argv[])
{
	struct outlive_config	config;

	setproctitle_init(argc, argv, environ);
	if (argc != 3)
		errx(EX_USAGE, "usage: kv [host:]port file");
	store_open(argv[2]);
	outlive_config_init(&config);
	config.address = argv[1];
	config.service = serve;
	config.service_name = "kv";
	return outlive_serve(&config);
}
