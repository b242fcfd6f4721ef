/* SPDX-License-Identifier: ISC */
#include <sys/types.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../harness.h"
#include "../process.h"
#include "soak.h"

#define TICK		3		/* ms */
#define ROUND		(100 * MS)	/* a long one */
#define GAPS		4096
#define SHORTEST	3		/* s, an episode */
#define LONGEST		60
#define TAIL		3000		/* of the server's log */
#define STATE		"/tmp/state"

struct soak	soak = { .seconds = 3600 };

static int64_t	deadline;		/* us, of all */

int64_t
us(void)
{
	struct timespec	now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * S + now.tv_nsec / 1000;
}

/* SplitMix64 (Steele, Lea, Flood). */
static uint64_t
mix(uint64_t *state)
{
	uint64_t	z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

struct dice
dice_of(uint64_t place)
{
	uint64_t	state = soak.seed * 1000003 + (uint64_t)soak.episode;

	state = mix(&state) + place;
	return (struct dice){ mix(&state) };
}

unsigned int
roll(struct dice *dice, unsigned int n)
{
	return (unsigned int)(mix(&dice->state) % n);
}

static void
show_tail(void)
{
	const char	*text = log_text();
	size_t		 len = strlen(text);

	if (len > TAIL)
		text = strchr(text + len - TAIL, '\n') + 1;
	for (; *text != '\0'; text += strcspn(text, "\n"),
	    text += *text == '\n')
		(void)printf("# log: %.*s\n", (int)strcspn(text, "\n"), text);
}

void
trouble(const char *fmt, ...)
{
	char	text[512];
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)printf("FAILURE: seed %" PRIu64 ", episode %d, %.3f s: %s\n",
	    soak.seed, soak.episode, (double)(us() - soak.began) / 1e6, text);
	/* Once is enough of what comes in crowds. */
	if (soak.troubles++ < 20) {
		faults_tell(30);
		show_tail();
	}
	(void)fflush(stdout);
	if (!soak.keep_going)
		exit(1);
}

void
reap(void)
{
	pid_t	pid;
	int	status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (servers_reaped(pid, status) || truth_reaped(pid, status) ||
		    crowd_reaped(pid, status) || faults_reaped(pid, status))
			continue;
		/* An orphan. */
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM &&
		    WTERMSIG(status) != SIGKILL &&
		    !judge_was_hit(pid, WTERMSIG(status)))
			trouble("orphan %d was ended by signal %d", pid,
			    WTERMSIG(status));
	}
}

/* Rounds that took longer than one should, of this episode. */
static struct gap { int64_t from, to; } gaps[GAPS];
static int	n_gaps;
static int64_t	round_began;

static void
note_gap(int64_t now)
{
	if (round_began != 0 && now > round_began + ROUND)
		gaps[n_gaps++ % GAPS] = (struct gap){ round_began, now };
	round_began = now;
}

int64_t
lag(int64_t from, int64_t to)
{
	int64_t	sum = 0, most = n_gaps < GAPS ? n_gaps : GAPS;
	int	i;

	for (i = 0; i < most; i++) {
		int64_t begin = gaps[i].from > from ? gaps[i].from : from;
		int64_t end = gaps[i].to < to ? gaps[i].to : to;

		if (end > begin)
			sum += end - begin;
	}
	return sum;
}

/* One round of all that goes on. */
static void
go_round(void)
{
	note_gap(us());
	reap();
	faults_look();
	servers_look();
	truth_look();
	look();
	(void)poll(NULL, 0, TICK);
}

static void
draw_plan(void)
{
	static const char	*const strategies[] = { "fork", "shared",
				    "fcntl", "mutex", "pass" };
	struct dice		 dice = dice_of(0);
	struct plan		*plan = &soak.plan;

	plan->strategy = strategies[roll(&dice, 5)];
	plan->heir = roll(&dice, 2) == 0 ? 0 : 60;
	plan->idle_min = 1 + (int)roll(&dice, 8);
	plan->idle_max = plan->idle_min + (int)roll(&dice, 16);
	plan->requests = roll(&dice, 3) == 0 ? 1 + (int)roll(&dice, 20) : 0;
	plan->wait = 3 + (int)roll(&dice, 5);
	plan->sessions = 10 + (int)roll(&dice, 30);
	plan->rate = 10 + (int)roll(&dice, 40);
	plan->jumps = roll(&dice, 3) == 0;
}

static void
tell_plan(int64_t lasts)
{
	const struct plan	*plan = &soak.plan;
	char			 heir[16], requests[16];

	(void)snprintf(heir, sizeof(heir), " -H %d", plan->heir);
	(void)snprintf(requests, sizeof(requests), " -r %d", plan->requests);
	(void)printf("episode %d, %d s: -a %s -i %d:%d -w %d%s%s, %d sessions, "
	    "%d clients/s%s\n", soak.episode, (int)(lasts / S), plan->strategy,
	    plan->idle_min, plan->idle_max, plan->wait,
	    plan->heir > 0 ? heir : "", plan->requests > 0 ? requests : "",
	    plan->sessions, plan->rate, plan->jumps ? ", clock jumps" : "");
}

static bool
all_is_quiet(void)
{
	return servers_serve() && !servers_coming() &&
	    blind_until() != INT64_MAX;
}

static bool
crowd_is_gone(void)
{
	return !crowd_alive();
}

static bool
nobody_is_left(void)
{
	static struct sight	sight;
	int			i, n = 0;

	see(&sight);
	for (i = 0; i < sight.n; i++)
		n += strncmp(sight.list[i].title, "outlived", 8) == 0 ||
		    server_of(sight.list[i].pid) != NULL;
	return n == 0;
}

/* What is in the state directory beside the lock; "": nothing. */
static const char *
left_behind(void)
{
	static char	 name[256];
	DIR		*dir = opendir(STATE "/" NAME);
	struct dirent	*entry;

	name[0] = '\0';
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' &&
		    strcmp(entry->d_name, "lock") != 0)
			(void)strlcpy(name, entry->d_name, sizeof(name));
	if (dir != NULL)
		(void)closedir(dir);
	return name;
}

static void
until(bool (*is_so)(void), const char *what)
{
	int64_t	began = us();

	while (!is_so() && us() < began + DEADLINE * S + lag(began, us()))
		go_round();
	if (!is_so())
		trouble("waited %d s in vain: %s (%s)", DEADLINE, what,
		    left_behind());
}

/* The board of a parent that was killed while it forked is left to whoever
   looks next: outlivectl status does. */
static bool
state_is_empty(void)
{
	return *left_behind() == '\0';
}

static bool
descriptors_are_few(void)
{
	struct server_one	*owner = servers_owner();
	int			 highest, n;

	if (owner == NULL)
		return true;
	n = descriptors_count(owner->pid, &highest);
	return owner->descriptors == 0 || n <= owner->descriptors;
}

static void
end_episode(void)
{
	struct server_one	*owner;

	soak.harms = false;
	faults_end();
	until(all_is_quiet, "a parent that serves, and nobody beside it");
	soak.ending = true;
	crowd_end();
	until(crowd_is_gone, "the end of outlive-load");
	until(descriptors_are_few, "a parent with no more descriptors than "
	    "before");
	if ((owner = servers_owner()) != NULL) {
		server_told(owner, SIGINT);
		send_signal(owner->pid, SIGINT);
	}
	until(nobody_is_left, "the end of all processes");
	until(state_is_empty, "a state directory with a lock, and nothing "
	    "else");
}

/* What a failure has left. */
static void
clean_up(void)
{
	harness_end_all();
	crowd_forget();
	(void)!system("rm -rf " STATE "/*");
}

static void
play_episode(int64_t lasts)
{
	int64_t	end;
	int	troubles = soak.troubles;

	(void)alarm((unsigned int)(lasts / S) + 240);
	soak.episode++;
	soak.began = us();
	soak.ending = soak.harms = false;
	n_gaps = 0;
	round_began = 0;
	draw_plan();
	tell_plan(lasts);
	log_clear();
	judge_begin();
	servers_begin();
	faults_begin();
	truth_begin();
	servers_look();
	until(servers_serve, "the first parent");
	crowd_begin();
	end = us() + lasts;
	soak.harms = true;
	while (us() < end)
		go_round();
	end_episode();
	(void)printf("    parents %d, looks %d; ", servers_started(),
	    truth_looks());
	judge();
	if (soak.troubles > troubles)
		clean_up();
	(void)fflush(stdout);
}

static int
play(void)
{
	struct rlimit	none = { 0, 0 };
	struct dice	dice;
	int64_t		left, lasts;

	harness_begin();
	if (mkdir(STATE, 0755) == -1 || mount("tmpfs", STATE, "tmpfs", 0,
	    "size=8m,mode=755") == -1 ||
	    setenv("OUTLIVE_STATE_DIR", STATE, 1) == -1)
		bail("a disk of our own");
	(void)setenv("OUTLIVED_PAUSE", "jumped " CLOCK_FILE, 1);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)printf("seed %" PRIu64 "\n", soak.seed);
	deadline = us() + soak.seconds * S;
	while ((left = deadline - us()) > 0) {
		dice = dice_of(UINT32_MAX);
		lasts = (int64_t)(20 + roll(&dice, 41)) * S;
		if (lasts > left || left - lasts < SHORTEST * S)
			lasts = left < LONGEST * S ? left : left / 2;
		play_episode(lasts < SHORTEST * S ? SHORTEST * S : lasts);
	}
	faults_table();
	(void)printf("%d episodes, failures %d; ", soak.episode,
	    soak.troubles);
	judge_totals();
	return soak.troubles > 0 ? 1 : 0;
}

/* Where all that follows is alone: network, disk and processes. */
static int
play_alone(void)
{
	pid_t	pid;
	int	status;

	harness_own_network();
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) == -1)
		skip_all("no namespaces are allowed here");
	(void)fflush(NULL);
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
		    mount("proc", "/proc", "proc", 0, NULL) == -1 ||
		    mount("tmpfs", "/tmp", "tmpfs", 0, "size=256m") == -1)
			skip_all("no mounts are allowed here");
		exit(play());
	}
	(void)signal(SIGINT, SIG_IGN);
	if (waitpid(pid, &status, 0) == -1)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static long long
number(const char *text, const char *what)
{
	char		*end;
	long long	 n = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || n < 1)
		errx(64, "%s '%s': expected a number from 1 on", what, text);
	return n;
}

static const struct option	longs[] = {
	{ "seconds",	required_argument,	NULL, 's' },
	{ "seed",	required_argument,	NULL, 'r' },
	{ "keep-going",	no_argument,		NULL, 'k' },
	{ "verbose",	no_argument,		NULL, 'v' },
	{ "blind",	no_argument,		NULL, 'b' },
	{ "help",	no_argument,		NULL, 'h' },
	{ NULL,		0,			NULL, 0 },
};

static const char	usage[] =
"usage: tests/soak/soak [option ...]\n"
"  --seconds N   for so long (3600)\n"
"  --seed N      draw the same plans and faults as another run\n"
"  --keep-going  after a failure\n"
"  --verbose     tell of each fault\n"
"  --blind       to see it fail: what we have done is held against the server\n"
"Exit status: 0 all was well, 1 there was a failure.\n";

int
main(int argc, char *argv[])
{
	int	c;

	soak.seed = (uint64_t)time(NULL);
	while ((c = getopt_long(argc, argv, "kvh", longs, NULL)) != -1)
		switch (c) {
		case 's':
			soak.seconds = number(optarg, "--seconds");
			break;
		case 'r':
			soak.seed = (uint64_t)number(optarg, "--seed");
			break;
		case 'k':
			soak.keep_going = true;
			break;
		case 'b':
			soak.blind = true;
			break;
		case 'v':
			soak.verbose = true;
			break;
		default:
			(void)fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 64;
		}
	return play_alone();
}
