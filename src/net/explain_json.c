/* SPDX-License-Identifier: ISC */
/*
 * JSON, as much as is needed to print it: a library would be one more thing
 * to install for fifty lines.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "explain.h"

/* Titles went through vis(3bsd): all is ASCII, and nothing is below a blank. */
static void
string(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (; *text != '\0'; text++)
		if (*text == '"' || *text == '\\')
			(void)fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ' ||
		    (unsigned char)*text >= 0x7f)
			(void)fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			(void)fputc(*text, out);
	(void)fputc('"', out);
}

static void
member(FILE *out, const char *name, const char *text)
{
	(void)fprintf(out, "\"%s\":", name);
	string(out, text);
}

static const char *
yes(bool is)
{
	return is ? "true" : "false";
}

/* A number that may be unknown. */
static void
number(FILE *out, const char *name, int64_t value)
{
	if (value < 0)
		(void)fprintf(out, "\"%s\":null", name);
	else
		(void)fprintf(out, "\"%s\":%lld", name, (long long)value);
}

static void
print_owner(FILE *out, const struct owner *owner)
{
	char	user[64];

	(void)fprintf(out, "{\"pid\":%d,\"ppid\":%d,\"uid\":%u,",
	    (int)owner->pid, (int)owner->parent, (unsigned int)owner->uid);
	member(out, "user", owner_user(owner->uid, user, sizeof(user)));
	(void)fprintf(out, ",\"age_s\":%lld,\"stopped\":%s,",
	    (long long)owner->age, yes(owner->stopped));
	member(out, "title", owner->title);
	(void)fputc(',', out);
	member(out, "unit", owner->unit);
	(void)fputc('}', out);
}

static void
print_obstacle(FILE *out, const struct obstacles *found,
    const struct obstacle *obstacle)
{
	static const char *const reuseaddr[] = {
		[REUSEADDR_UNKNOWN] = "null", [REUSEADDR_SHADOWED] = "null",
		[REUSEADDR_SET] = "true",
		[REUSEADDR_CLEAR] = "false",
		[REUSEADDR_SOME_CLEAR] = "\"some\"",
	};
	const struct sockdiag	*socket = &obstacle->socket;
	const struct owner	*owners;
	char			 text[ADDRESS_TEXT];
	size_t			 i, n;

	(void)fputc('{', out);
	member(out, "state", sockdiag_state(socket->state));
	(void)fputc(',', out);
	member(out, "local", address_print(&socket->local, text));
	(void)fputc(',', out);
	if (address_port(&socket->peer) == 0)
		(void)fputs("\"peer\":null", out);
	else
		member(out, "peer", address_print(&socket->peer, text));
	(void)fprintf(out, ",\"reuseaddr\":%s,\"shares\":%s,",
	    reuseaddr[obstacle->reuseaddr],
	    yes(obstacle->shares));
	number(out, "ends_ms", socket->ends);
	(void)fputc(',', out);
	number(out, "silent_ms", socket->silent);
	(void)fputc(',', out);
	number(out, "uid", socket->inode != 0 ? (int64_t)socket->uid : -1);
	(void)fprintf(out, ",\"interface\":%u,\"inode\":%lu,\"processes\":[",
	    socket->interface, socket->inode);
	owners = owners_of(&found->owners, socket->inode, &n);
	for (i = 0; i < n; i++) {
		if (i > 0)
			(void)fputc(',', out);
		print_owner(out, &owners[i]);
	}
	(void)fputs("]}", out);
}

void
explain_json(const struct obstacles *found, FILE *out)
{
	struct advice	advice;
	char		text[ADDRESS_TEXT];
	size_t		i;
	int		j;

	(void)fputc('{', out);
	member(out, "address", address_print(&found->address, text));
	(void)fprintf(out, ",\"reuseaddr\":%s,\"reuseport\":%s,"
	    "\"can_bind\":%s,", yes(found->reuseaddr),
	    yes(found->reuseport),
	    yes(found->error == 0));
	if (found->error == 0)
		(void)fputs("\"error\":null", out);
	else
		member(out, "error", strerrorname_np(found->error) != NULL ?
		    strerrorname_np(found->error) : "unknown");
	(void)fputs(",\"in_the_way\":[", out);
	for (i = 0; i < found->n; i++) {
		if (i > 0)
			(void)fputc(',', out);
		print_obstacle(out, found, &found->list[i]);
	}
	(void)fprintf(out, "],\"beside\":%zu,\"reuseaddr_helps\":%s,"
	    "\"reuseport_helps\":%s,\"table_readable\":%s,"
	    "\"processes_readable\":%s,\"processes_hidden\":%d,"
	    "\"what_helps\":[", found->beside,
	    yes(found->reuseaddr_helps), yes(found->reuseport_helps),
	    yes(found->table_error == 0), yes(found->owners_error == 0),
	    found->owners.hidden);
	advice_give(&advice, found);
	for (j = 0; j < advice.n; j++) {
		if (j > 0)
			(void)fputc(',', out);
		string(out, advice.lines[j]);
	}
	(void)fputs("]}\n", out);
}
