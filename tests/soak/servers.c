/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../harness.h"
#include "../process.h"
#include "pool/instance.h"
#include "soak.h"

#define SERVERS		2048
#define TRY_AGAIN	(100 * MS)
#define BACK		S		/* until the port is to be back */
#define SPAWNS		10		/* and as many programs more */
#define HUNG		(25 * S)

static struct server_one	servers[SERVERS];
static int			n;
static int64_t			tried;
static const struct server_one	*last_owner;
static int64_t			vacated;	/* when that one had ended */

void
servers_begin(void)
{
	n = 0;
	tried = vacated = 0;
	last_owner = NULL;
	probe_begin();
}

int
servers_started(void)
{
	return n;
}

struct server_one *
server_of(pid_t pid)
{
	int	i;

	for (i = n - 1; i >= 0; i--)
		if (servers[i].pid == pid)
			return &servers[i];
	return NULL;
}

static pid_t
lock_of(bool heir)
{
	struct instance	instance;
	char		why[512];
	pid_t		pid;

	if (instance_look(&instance, NULL, NAME, why, sizeof(why)) == -1)
		return -1;
	pid = heir ? instance_heir(&instance) :
	    instance_holder(&instance, INSTANCE_OWNER);
	instance_close(&instance);
	return pid;
}

pid_t
lock_owner(void)
{
	return lock_of(false);
}

pid_t
lock_heir(void)
{
	return lock_of(true);
}

struct server_one *
servers_owner(void)
{
	struct server_one	*one = server_of(lock_owner());

	return one != NULL && one->alive ? one : NULL;
}

struct server_one *
servers_start(enum role role, int wait)
{
	char		 heir[16], idle[16], clients[16], seconds[16];
	const char	*argv[32] = { soak.plan.jumps ?
			    "tests/paused/outlived" : "./outlived",
			    "-n", NAME, "-a", soak.plan.strategy, "-m", "200",
			    "-i", idle, "-w", seconds };
	int		 argc = 11;

	if (n == SERVERS)
		bail("too many servers");
	(void)snprintf(idle, sizeof(idle), "%d:%d", soak.plan.idle_min,
	    soak.plan.idle_max);
	(void)snprintf(seconds, sizeof(seconds), "%d", wait);
	(void)snprintf(heir, sizeof(heir), "-H%d", soak.plan.heir);
	(void)snprintf(clients, sizeof(clients), "-r%d", soak.plan.requests);
	if (soak.plan.heir > 0)
		argv[argc++] = heir;
	if (soak.plan.requests > 0)
		argv[argc++] = clients;
	if (role == TAKEOVER)
		argv[argc++] = "-T";
	argv[argc++] = ADDRESS;
	argv[argc++] = "echo";
	servers[n] = (struct server_one){ .role = role, .started = us(),
	    .alive = true, .log_at = (int)strlen(log_text()) };
	servers[n].pid = program_start(argv, -1);
	return &servers[n++];
}

int64_t
spawn_cost(void)
{
	static const char	*const argv[] = { "./outlived", "--version",
				    NULL };
	int64_t			 began = us();

	(void)await_end(program_start(argv, -1));
	return us() - began;
}

void
server_told(struct server_one *server, int signo)
{
	if (server == NULL || server->told > 0)
		return;
	server->told = signo;
	server->told_at = us();
}

/* Whether a parent is there, or will be without our doing. */
static bool
is_provided_for(void)
{
	int	i;

	for (i = 0; i < n; i++) {
		struct server_one *one = &servers[i];

		if (!one->alive || one->told == -1 ||
		    one->told == SIGQUIT)
			continue;
		/* The next one is started when it has ended. */
		if (one->told > 0 && one->owned)
			return true;
		if (one->told == 0 && (one->owned || one->role != SECOND))
			return true;
	}
	return false;
}

bool
servers_coming(void)
{
	int	i, many = 0;

	for (i = 0; i < n; i++)
		many += servers[i].alive && !servers[i].owned;
	return many > 0;
}

/* The port is its own. */
static void
owned(struct server_one *server)
{
	int	i;

	server->owned = true;
	/* The one before it has let go, and not ended yet. */
	if (last_owner != NULL && last_owner->alive)
		vacated = us();
	last_owner = server;
	server->waited = waiting();
	for (i = 0; i < n; i++)
		if (servers[i].alive && servers[i].owned &&
		    servers[i].told == 0 && &servers[i] != server)
			server_told(&servers[i], -1);
	/* server_told() takes them once only. */
	probe_begin();
}

/* The first client of a parent that was started when there was none. */
static void
came_back(struct server_one *server, int64_t took)
{
	int64_t	cost;

	server->served = true;
	permits_end();
	if (server->role != NEXT)
		return;
	faults_back(server->excused ? -1 : took);
	if (server->excused || took <= BACK)
		return;
	cost = spawn_cost();
	/* With an heir, who has waited is served before the probe. */
	if (took > BACK + (SPAWNS + server->waited) * cost +
	    lag(server->started, us()))
		trouble("the port came back after %lld ms, and a program takes "
		    "%lld ms", (long long)took / 1000, (long long)cost / 1000);
}

static void
look_at_owner(struct server_one *owner)
{
	int64_t	since, took;

	if (!owner->owned)
		owned(owner);
	/* Who is to end may serve still. */
	if (owner->served || owner->told != 0)
		return;
	owner->excused = owner->excused || disturbed();
	/* It may have waited for another one, who was faster. */
	since = owner->started > vacated ? owner->started : vacated;
	if ((took = probe_look(since)) >= 0)
		came_back(owner, took);
	else if (us() - owner->started > HUNG + lag(owner->started, us()))
		trouble("parent %d does not serve", owner->pid);
}

void
servers_look(void)
{
	struct server_one	*owner = servers_owner();

	if (owner != NULL)
		look_at_owner(owner);
	if (soak.ending || is_provided_for() || us() < tried + TRY_AGAIN)
		return;
	tried = us();
	(void)servers_start(NEXT, soak.plan.wait);
}

bool
servers_serve(void)
{
	struct server_one	*owner = servers_owner();

	return owner != NULL && owner->served && owner->told == 0;
}

/* Some other server is or was there beside it. */
static bool
had_rival(const struct server_one *server)
{
	int	i;

	for (i = 0; i < n; i++)
		if (&servers[i] != server && (servers[i].alive ||
		    servers[i].told_at >= server->started ||
		    (servers[i].owned && servers[i].told == 0)))
			return true;
	return false;
}

/* It says who is in its way. */
static bool
names_somebody(const struct server_one *server)
{
	const char	*text = log_text() + server->log_at;

	return strstr(text, "is the parent of " NAME) != NULL ||
	    strstr(text, "coming in as the parent of " NAME) != NULL ||
	    strstr(text, "has just taken " NAME) != NULL ||
	    strstr(text, "is the heir of " NAME) != NULL;
}

static void
judge_end(const struct server_one *server, int status)
{
	static const char	*const roles[] = { "next", "second",
				    "takeover" };
	int			 code = WEXITSTATUS(status);

	if (WIFSIGNALED(status)) {
		if (!judge_was_hit(server->pid, WTERMSIG(status)))
			trouble("parent %d was ended by signal %d",
			    server->pid, WTERMSIG(status));
		return;
	}
	if (code == 0 && (server->told != 0 || had_rival(server)))
		return;
	if (server->told > 0 || disturbed() || server->excused)
		return;
	if (!server->owned && code == 69 && (server->role == SECOND ||
	    had_rival(server))) {
		if (!names_somebody(server))
			trouble("server %d (%s) was refused, and does not say "
			    "by whom", server->pid, roles[server->role]);
		return;
	}
	if (server->role == TAKEOVER && !server->owned && had_rival(server))
		return;
	trouble("server %d (%s%s) has ended with status %d", server->pid,
	    roles[server->role], server->owned ? ", had the port" : "", code);
}

bool
servers_reaped(pid_t pid, int status)
{
	struct server_one	*server = server_of(pid);

	if (server == NULL || !server->alive)
		return false;
	server->alive = false;
	if (server == last_owner)
		vacated = us();
	/* Who is known to be over is not who had the port. */
	if (!soak.ending || server->told == 0)
		judge_end(server, status);
	return true;
}
