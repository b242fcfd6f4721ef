/* SPDX-License-Identifier: ISC */
/*
 * A drain loses nobody.  The parent is stopped at each of its steps (pause.c),
 * and there strangers from another machine send a SYN, the last segment of a
 * handshake, and data.  None is reset: who was let in is served by this
 * generation, and who was shut out knocks again, and is served by the next.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "harness.h"
#include "net/clock.h"
#include "net/shutout.h"
#include "process.h"
#include "segment.h"
#include "stranger.h"

#define PORT	9999

/* What a case is made of, in its number. */
#define QUIT	1		/* not TERM */
#define HOPS	2		/* no filter is permitted: a minimum TTL */
#define DUAL	4		/* a socket of both families */
#define IPV6	8		/* and clients of IPv6 */
#define IDLE	16		/* there are idle children, who may accept */

/* How often one that needs a fast machine is played. */
#define TRIES	10

/* The steps of a drain, in order. */
static const struct point {
	const char	*name;
	bool		 open;		/* a SYN is let in */
	bool		 waits;		/* handshakes are waited for */
	bool		 free;		/* nobody has the port */
	bool		 again;		/* only if a handshake was seen */
} points[] = {
	{ .name = "draining 1", .open = true, .waits = true },
	{ .name = "shut out 1", .waits = true },
	{ .name = "shut out 1,slow 1", .waits = true },
	{ .name = "looked 1", .waits = true },
	{ .name = "looking 2", .waits = true, .again = true },
	{ .name = "ending 1" },
	{ .name = "ended 1", .free = true },
};

/* One server that is drained, and all who want something of it. */
struct play {
	int		 traits;
	const char	*address;
	const struct strategy *strategy;
	const struct point *point;
	struct server	 server;
	/* Served before; complete, but accepted by nobody; in flight; new. */
	struct stranger	 served, waiting, shaking, new;
	long long	 knocked;	/* the last of them, clock_ms() */
};

/* An idle child serves whom the kernel has, beside a parent that is stopped. */
static bool
is_beside(const struct play *play)
{
	return (play->traits & IDLE) != 0 && !play->strategy->parent_accepts;
}

/* As servers that are started here are. */
static bool
may_filter(void)
{
	struct sock_filter	all = BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	struct sock_fprog	program = { .len = 1, .filter = &all };
	pid_t			pid = fork();

	if (pid == -1)
		bail("fork: %s", strerror(errno));
	if (pid == 0) {
		harness_drop_capabilities();
		_exit(setsockopt(socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET,
		    SO_ATTACH_FILTER, &program, sizeof(program)) == -1);
	}
	return await_end(pid) == 0;
}

static void
begin(struct play *play)
{
	const bool	idle = (play->traits & IDLE) != 0;
	const bool	ipv6 = (play->traits & IPV6) != 0;
	char		pause[64];

	(void)snprintf(pause, sizeof(pause), "%s%s", play->point->name,
	    (play->traits & HOPS) != 0 ? ",unfiltered 1" : "");
	log_clear();
	play->server = server_start_paused(pause, "-w", "0", "-i",
	    idle ? "4:4" : "1:1", "-m", idle ? "8" : "1", play->address,
	    "echo", NULL);
	if (idle && play->strategy->prefork)
		await_born(play->server.pid, 4);
	stranger_comes(&play->served, ipv6, PORT);
	stranger_connects(&play->served);
	stranger_says(&play->served, "old\n");
	stranger_comes(&play->waiting, ipv6, PORT);
	stranger_connects(&play->waiting);
	stranger_comes(&play->shaking, ipv6, PORT);
	stranger_comes(&play->new, ipv6, PORT);
	ok(stranger_hears(&play->served, "old\n"), "%s: one is served",
	    play->point->name);
	play->knocked = clock_ms();
	if (!play->point->waits)
		return;
	stranger_knocks(&play->shaking);
	if (!stranger_is_answered(&play->shaking))
		bail("a SYN is refused");
}

/* The parent has got there.  False: it has drained, and has not. */
static bool
stops(const struct play *play)
{
	struct wait	wait = { .what = play->point->name };
	pid_t		pid = play->server.pid;

	send_signal(pid, (play->traits & QUIT) != 0 ? SIGQUIT : SIGTERM);
	for (; !is_stopped(pid); wait_a_moment(&wait))
		if (log_has("the port is free"))
			return false;
	return true;
}

/* Whether it is a child of that parent (0: an orphan) that serves him. */
static bool
serves(pid_t parent, const struct stranger *stranger)
{
	char	client[64];
	pid_t	list[64];
	int	i, n = children_of(parent, list, 64);

	(void)snprintf(client, sizeof(client), stranger->ipv6 ?
	    "echo for [fd00:9::2]:%u" : "echo for 10.9.0.2:%u",
	    stranger->port);
	for (i = 0; i < n; i++)
		if (title_has(list[i], client))
			return true;
	note("no child of %d serves %s", parent, client + strlen("echo for "));
	return false;
}

/* What strangers do while the parent is stopped. */
static void
meanwhile(struct play *play)
{
	const struct point	*point = play->point;

	stranger_knocks(&play->new);
	if (point->open) {
		ok(stranger_is_answered(&play->new), "a SYN is answered");
		stranger_completes(&play->new);
		stranger_says(&play->new, "new\n");
	} else if (point->free)
		ok(stranger_is_refused(&play->new),
		    "nobody listens: a SYN is refused");
	else
		ok(stranger_is_ignored(&play->new), "a SYN is not answered");
	if (point->waits) {
		stranger_completes(&play->shaking);
		stranger_says(&play->shaking, "complete\n");
	}
	stranger_says(&play->waiting, "waited\n");
	stranger_says(&play->served, "on\n");
	ok(stranger_hears(&play->served, "on\n"),
	    "who is served is served on");
	if (!is_beside(play))
		return;
	ok(stranger_hears(&play->waiting, "waited\n"),
	    "an idle child has accepted who waited");
	if (point->waits)
		ok(stranger_hears(&play->shaking, "complete\n"),
		    "and accepts whose handshake is complete");
}

/* Who was let in is served by this generation. */
static void
finish(struct play *play)
{
	const struct point	*point = play->point;
	pid_t			 parent = 0;

	if ((play->traits & QUIT) != 0) {
		parent = play->server.pid;
		await_log("the port is free");
	} else
		ok(await_end(play->server.pid) == 0, "it ends in order");
	if (!is_beside(play))
		ok(stranger_hears(&play->waiting, "waited\n"),
		    "who waited is served");
	ok(serves(parent, &play->waiting), "by this generation");
	if (point->waits && !is_beside(play))
		ok(stranger_hears(&play->shaking, "complete\n"),
		    "whose handshake was in flight is served");
	if (point->waits)
		ok(serves(parent, &play->shaking), "by this generation");
	if (point->open)
		ok(stranger_hears(&play->new, "new\n") &&
		    serves(parent, &play->new), "and so is a new one");
}

/* Who was not knocks again, and is served by the next. */
static void
next_parent(struct play *play)
{
	struct server	next = server_start("-w", "0", "-i", "1:1",
			    play->address, "echo", NULL);

	if (!play->point->open) {
		stranger_connects(&play->new);
		stranger_says(&play->new, "new\n");
		ok(stranger_hears(&play->new, "new\n") &&
		    serves(next.pid, &play->new),
		    "who knocks again is served by the next one");
	}
	ok(strangers_leave(), "nobody was reset");
	if ((play->traits & QUIT) != 0)
		ok(await_end(play->server.pid) == 0, "it ends in order");
	server_end(next);
}

/* False: it is to be played again. */
static bool
play_once(struct play *play)
{
	long long	took;

	begin(play);
	if (stops(play)) {
		meanwhile(play);
		send_signal(play->server.pid, SIGCONT);
		finish(play);
		next_parent(play);
		return true;
	}
	took = clock_ms() - play->knocked;
	if (!play->point->again || took < SHUTOUT_YOUNG)
		bail("%s: the drain passes by, %lld ms after a SYN",
		    play->point->name, took);
	note("%s: not in time, after %lld ms", play->point->name, took);
	strangers_forget();
	harness_new_state();
	return false;
}

static void
play(const struct cell *cell)
{
	struct play	play = { .traits = cell->number,
			    .strategy = cell->strategy };
	const bool	has_ipv6 = segment_begin();
	size_t		i;
	int		tries;

	play.address = (play.traits & IPV6) != 0 ? "[" SEGMENT_IPV6 "]:9999" :
	    (play.traits & DUAL) != 0 ? "[::]:9999" : SEGMENT_IPV4 ":9999";
	if ((play.traits & (IPV6 | DUAL)) != 0 && !has_ipv6)
		skip_all("no IPv6 here");
	if ((play.traits & HOPS) == 0 && !may_filter())
		skip_all("a filter is not allowed here");
	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		play.point = &points[i];
		for (tries = 1; !play_once(&play); tries++)
			if (tries == TRIES) {
				skip(play.point->name,
				    "this machine is too slow");
				break;
			}
	}
}

int
main(void)
{
	static const struct cell	all[] = {
		{ .name = "TERM", .play = play },
		{ .name = "TERM, TTL", .play = play, .number = HOPS },
	}, both[] = {
		{ .name = "QUIT", .play = play, .number = QUIT },
		{ .name = "QUIT, TTL", .play = play, .number = QUIT | HOPS },
		{ .name = "TERM, dual", .play = play, .number = DUAL },
		{ .name = "TERM, dual, TTL", .play = play,
		    .number = DUAL | HOPS },
		{ .name = "TERM, IPv6", .play = play, .number = IPV6 },
		{ .name = "TERM, IPv6, TTL", .play = play,
		    .number = IPV6 | HOPS },
		{ .name = "TERM, idle", .play = play, .number = IDLE },
		{ .name = "TERM, idle, TTL", .play = play,
		    .number = IDLE | HOPS },
	};

	harness_begin();
	harness_overlook_leaks();
	cells_play_all(all, sizeof(all) / sizeof(all[0]));
	cells_play_both(both, sizeof(both) / sizeof(both[0]));
	return done();
}
