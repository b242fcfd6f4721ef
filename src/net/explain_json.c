/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "explain.h"
#include "json.h"

static void
print_owner(FILE *out, const struct owner *owner)
{
	char	user[64];

	(void)fprintf(out, "{\"pid\":%d,\"ppid\":%d,\"uid\":%u,",
	    (int)owner->pid, (int)owner->parent, (unsigned int)owner->uid);
	json_member(out, "user", owner_user(owner->uid, user, sizeof(user)));
	(void)fprintf(out, ",\"age_s\":%lld,\"stopped\":%s,",
	    (long long)owner->age, json_bool(owner->stopped));
	json_member(out, "title", owner->title);
	(void)fputc(',', out);
	json_member(out, "unit", owner->unit);
	(void)fputc(',', out);
	json_member(out, "role", owner->role);
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
	json_member(out, "state", sockdiag_state(socket->state));
	(void)fputc(',', out);
	json_member(out, "local", address_print(&socket->local, text));
	(void)fputc(',', out);
	if (address_port(&socket->peer) == 0)
		(void)fputs("\"peer\":null", out);
	else
		json_member(out, "peer", address_print(&socket->peer, text));
	(void)fprintf(out, ",\"reuseaddr\":%s,\"shares\":%s,",
	    reuseaddr[obstacle->reuseaddr],
	    json_bool(obstacle->shares));
	json_number(out, "ends_ms", socket->ends);
	(void)fputc(',', out);
	json_number(out, "silent_ms", socket->silent);
	(void)fputc(',', out);
	json_number(out, "uid", socket->inode != 0 ? (int64_t)socket->uid : -1);
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
	json_member(out, "address", address_print(&found->address, text));
	(void)fprintf(out, ",\"reuseaddr\":%s,\"reuseport\":%s,"
	    "\"can_bind\":%s,", json_bool(found->reuseaddr),
	    json_bool(found->reuseport),
	    json_bool(found->error == 0));
	if (found->error == 0)
		(void)fputs("\"error\":null", out);
	else
		json_member(out, "error", strerrorname_np(found->error) != NULL ?
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
	    json_bool(found->reuseaddr_helps), json_bool(found->reuseport_helps),
	    json_bool(found->table_error == 0), json_bool(found->owners_error == 0),
	    found->owners.hidden);
	advice_give(&advice, found);
	for (j = 0; j < advice.n; j++) {
		if (j > 0)
			(void)fputc(',', out);
		json_string(out, advice.lines[j]);
	}
	(void)fputs("]}\n", out);
}
