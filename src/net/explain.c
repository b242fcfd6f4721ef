/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "explain.h"

/* So many obstacles, and so many processes of each, are told one by one. */
#define OBSTACLES	8
#define PROCESSES	4

#define LINE		512

typedef void	saying(const char *line);

static void
tell_socket(const struct obstacle *obstacle, saying *tell)
{
	static const char *const reuseaddr[] = {
		[REUSEADDR_UNKNOWN] = "", [REUSEADDR_SHADOWED] = "",
		[REUSEADDR_SET] = ", made with SO_REUSEADDR",
		[REUSEADDR_CLEAR] = ", made without SO_REUSEADDR",
		[REUSEADDR_SOME_CLEAR] =
		    ", made without SO_REUSEADDR, or another one there was",
	};
	const struct sockdiag	*socket = &obstacle->socket;
	char			 line[LINE], local[ADDRESS_TEXT];
	char			 peer[ADDRESS_TEXT];
	char			 with[ADDRESS_TEXT + 8] = "";
	char			 time[24], when[48] = "";
	char			 name[IF_NAMESIZE], device[32] = "";

	if (address_port(&socket->peer) != 0)
		(void)snprintf(with, sizeof(with), " with %s",
		    address_print(&socket->peer, peer));
	if (socket->ends >= 0)
		(void)snprintf(when, sizeof(when), ", for another %s",
		    advice_time((socket->ends + 999) / 1000, time));
	else if (socket->silent >= 0)
		(void)snprintf(when, sizeof(when), ", silent for %s",
		    advice_time(socket->silent / 1000, time));
	if (socket->interface != 0)
		(void)snprintf(device, sizeof(device), " on %s",
		    if_indextoname(socket->interface, name) != NULL ? name :
		    "an interface that has gone");
	(void)snprintf(line, sizeof(line), "in the way: %s %s%s%s%s%s%s",
	    sockdiag_state(socket->state), address_print(&socket->local, local),
	    device, with, when, reuseaddr[obstacle->reuseaddr],
	    obstacle->shares ? ", shared by SO_REUSEPORT" : "");
	tell(line);
}

static void
tell_owners(const struct obstacles *found, const struct obstacle *obstacle,
    saying *tell)
{
	const struct sockdiag	*socket = &obstacle->socket;
	const struct owner	*owners;
	char			 line[LINE], user[64], time[24];
	size_t			 i, n;

	owners = owners_of(&found->owners, socket->inode, &n);
	for (i = 0; i < n && i < PROCESSES; i++) {
		(void)snprintf(line, sizeof(line), "  process %d of %s, %s old"
		    "%s%s%s: %s", (int)owners[i].pid,
		    owner_user(owners[i].uid, user, sizeof(user)),
		    advice_time(owners[i].age, time),
		    owners[i].stopped ? ", stopped" : "",
		    owners[i].role[0] != '\0' ? ", " : "", owners[i].role,
		    owners[i].title);
		tell(line);
	}
	if (n > PROCESSES) {
		(void)snprintf(line, sizeof(line), "  and %zu more process%s",
		    n - PROCESSES, n - PROCESSES == 1 ? "" : "es");
		tell(line);
	}
	if (n > 0)
		return;
	if (socket->inode != 0)
		(void)snprintf(line, sizeof(line), "  a process of %s that we "
		    "cannot see", owner_user(socket->uid, user, sizeof(user)));
	else if (socket->state == TCP_ESTABLISHED ||
	    socket->state == TCP_CLOSE_WAIT)
		(void)strlcpy(line, "  no process: nobody has accepted it",
		    sizeof(line));
	else
		(void)strlcpy(line, "  no process: the kernel keeps it",
		    sizeof(line));
	tell(line);
}

/* How many of each state there are from the i-th on. */
static void
tell_rest(const struct obstacles *found, size_t i, saying *tell)
{
	size_t		count[16] = { 0 };
	unsigned int	state;
	char		line[LINE];
	int		len;

	if (found->n <= i)
		return;
	len = snprintf(line, sizeof(line), "in the way: %zu more",
	    found->n - i);
	for (; i < found->n; i++)
		count[found->list[i].socket.state % 16]++;
	for (state = 0; state < 16; state++)
		if (count[state] > 0)
			len += snprintf(line + len, sizeof(line) - (size_t)len,
			    ", %zu %s", count[state], sockdiag_state(state));
	tell(line);
}

/* Whether a socket has an owner whom we do not see. */
static bool
somebody_is_hidden(const struct obstacles *found)
{
	size_t	i, n;

	for (i = 0; i < found->n; i++)
		if (found->list[i].socket.inode != 0 &&
		    owners_of(&found->owners, found->list[i].socket.inode,
		    &n) == NULL)
			return true;
	return false;
}

/* What could not be looked at. */
static void
tell_blind_spots(const struct obstacles *found, saying *tell)
{
	char	line[LINE];

	if (found->table_error != 0) {
		(void)snprintf(line, sizeof(line), "the kernel's table cannot "
		    "be read: %s", strerror(found->table_error));
		tell(line);
	} else if (found->n == 0 && found->error == EADDRINUSE &&
	    address_port(&found->address) != 0)
		tell("the kernel's table shows nobody there: one that has "
		    "just left, or (before Linux 6.8) a socket that is bound "
		    "and does not listen");
	if (found->owners_error != 0) {
		(void)snprintf(line, sizeof(line), "/proc cannot be read: %s",
		    strerror(found->owners_error));
		tell(line);
	}
	if (found->owners.hidden > 0 && somebody_is_hidden(found)) {
		(void)snprintf(line, sizeof(line), "%d process%s not show us "
		    "what %s", found->owners.hidden,
		    found->owners.hidden == 1 ? " does" : "es do",
		    found->owners.hidden == 1 ? "it has" : "they have");
		tell(line);
	}
}

void
explain(const struct obstacles *found, saying *tell)
{
	struct advice	advice;
	char		line[LINE];
	size_t		i;
	int		j;

	for (i = 0; i < found->n && i < OBSTACLES; i++) {
		tell_socket(&found->list[i], tell);
		tell_owners(found, &found->list[i], tell);
	}
	tell_rest(found, OBSTACLES, tell);
	if (found->beside > 0) {
		(void)snprintf(line, sizeof(line), "beside it: %zu "
		    "connection%s, which SO_REUSEADDR passes over if made "
		    "with it", found->beside, found->beside == 1 ? "" : "s");
		tell(line);
	}
	tell_blind_spots(found, tell);
	advice_give(&advice, found);
	for (j = 0; j < advice.n; j++) {
		(void)snprintf(line, sizeof(line), "what helps: %s",
		    advice.lines[j]);
		tell(line);
	}
}
