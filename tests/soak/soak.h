/* SPDX-License-Identifier: ISC */
/*
 * A server that things happen to, for an hour: sessions that are held, clients
 * that come and go, and faults, drawn at random.  What must hold all the time
 * is looked at all the time (look.c, truth.c); who was lost is judged when an
 * episode is over (judge.c).
 */
#ifndef TESTS_SOAK_H
#define TESTS_SOAK_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT		7777
#define NAME		"soak"
#define ADDRESS		"127.0.0.1:7777"
#define CLOCK_FILE	"/tmp/jumped"	/* in a /tmp of our own */
#define S		INT64_C(1000000)	/* us */
#define MS		INT64_C(1000)

/* What an episode's servers are started with. */
struct plan {
	const char	*strategy;
	int		 heir;		/* s; 0: none */
	int		 idle_min, idle_max;
	int		 requests;	/* -r; 0: no limit */
	int		 wait;		/* -w, s */
	int		 sessions, rate;
	bool		 jumps;		/* the time of day may */
};

struct soak {
	uint64_t	seed;
	int64_t		seconds;
	bool		keep_going, verbose;
	bool		blind;	/* we forget what we have done */

	int		episode;
	int64_t		began;		/* us, the episode */
	struct plan	plan;
	bool		harms;		/* faults are drawn */
	bool		ending;		/* no parent follows the last */
	int		troubles;
};
extern struct soak	soak;

/* By CLOCK_MONOTONIC, as outlive-load counts. */
int64_t	us(void);
/* For how long of that time we ourselves did not get on, as the machine has
   others to serve; what a server does not do then is no failure. */
int64_t	lag(int64_t from, int64_t to);

/* A number below n, from a sequence that the seed, the episode and a place in
   it choose. */
struct dice { uint64_t state; };
struct dice	dice_of(uint64_t place);
unsigned int	roll(struct dice *, unsigned int n);

/* Tell of a failure, and end all, unless we are to go on. */
void	trouble(const char *fmt, ...)
	    __attribute__((__format__(printf, 1, 2)));

/*
 * Things that have happened (faults.c).
 */
void	faults_begin(void);
/* Do what is due; when the episode ends, take everything back. */
void	faults_look(void);
void	faults_end(void);
/* Whether one is in force, or was just now, that excuses a server that is slow,
   or does not come up. */
bool	disturbed(void);
/* Who started before that is on no board, as somebody has removed it. */
int64_t	blind_until(void);
void	faults_tell(int last);
void	faults_table(void);
/* The one that has ended the last parent: how long the next one took. */
void	faults_back(int64_t took);
/* A job of outlivectl's has ended: whether it was one. */
bool	faults_reaped(pid_t, int status);

/*
 * Parents (servers.c).
 */
enum role { NEXT, SECOND, TAKEOVER };
struct server_one {
	pid_t		 pid;
	enum role	 role;
	int64_t		 started;
	int		 told;		/* the signal that ends it; -1: another
					   one has the port; 0: nothing */
	int64_t		 told_at;
	bool		 alive, owned, served, excused;
	int		 log_at;	/* what was in the log before */
	int		 waited;	/* clients, when it had the port */
	int		 descriptors;	/* when it had begun; 0: not yet */
};
void	servers_begin(void);
/* Start one; which one it is. */
struct server_one	*servers_start(enum role, int wait);
struct server_one	*server_of(pid_t);
/* The one that has the lock; NULL: nobody, or nobody of ours. */
struct server_one	*servers_owner(void);
pid_t	lock_owner(void);
pid_t	lock_heir(void);
/* It is about to be sent that. */
void	server_told(struct server_one *, int signo);
/* Who has the lock, and that somebody has it, or will. */
void	servers_look(void);
bool	servers_serve(void);		/* and it has been seen to */
bool	servers_coming(void);		/* one that is not the owner yet */
bool	servers_reaped(pid_t, int status);
int	servers_started(void);
/* What starting a program takes here, now, in us. */
int64_t	spawn_cost(void);

/* All that has ended (soak.c). */
void	reap(void);

/*
 * Processes (look.c).
 */
enum kind { OTHER, IDLE, BUSY, HEIR, PARENT };
struct seen {
	pid_t		pid, parent;
	enum kind	kind;
	char		state;
	int64_t		start;		/* us, roughly */
	char		title[100], client[64];
	unsigned int	generation;
};
#define SEEN_MAX	1024
struct sight { int n; struct seen list[SEEN_MAX]; };
void	see(struct sight *);
const struct seen	*seen_of(const struct sight *, pid_t);
int	descriptors_count(pid_t, int *highest);
/* Connections that nobody has accepted yet. */
int	waiting(void);
/* Who has the port, and how many descriptors. */
void	look(void);

/*
 * What is wrong now and then may be a change between two looks; what stays so
 * is a failure.  A round begins, claims of one room, a round ends.
 */
struct claims {
	int	n;
	struct claim { char text[160]; int64_t since; int looks; bool again; }
		list[64];
};
void	claims_begin(struct claims *);
void	claim(struct claims *, const char *fmt, ...)
	    __attribute__((__format__(printf, 2, 3)));
void	claims_end(struct claims *, int64_t patience);

/* What outlivectl status says (truth.c). */
void	truth_begin(void);
void	truth_look(void);
bool	truth_reaped(pid_t, int status);
int	truth_looks(void);

/* Whether somebody is served (probe.c). */
void	probe_begin(void);
/* How long it took since then; -1: not yet. */
int64_t	probe_look(int64_t since);

/* outlive-load (crowd.c). */
void	crowd_begin(void);
/* After a failure: what was started is no more. */
void	crowd_forget(void);
void	crowd_end(void);
bool	crowd_reaped(pid_t, int status);
bool	crowd_alive(void);
pid_t	crowd_pid(void);
int64_t	crowd_began(void);
const char	*crowd_report(void);
const char	*crowd_log(void);		/* a path */

/*
 * Who may be lost (judge.c).
 */
enum { REFUSED = 1, RESET = 2, SHORT = 4 };
void	judge_begin(void);
/* Those who are served before clients come by the clock: sessions. */
void	judge_sessions_are(const struct sight *);
/* This process is about to be sent that; it serves him, if anyone. */
void	judge_hit(const struct seen *, int signo);
bool	judge_was_hit(pid_t, int signo);
/* From now on so many (-1: any number) may be lost in these ways, until
   permits_end() for those that are open. */
void	permit(int ways, int many, int64_t lasts, const char *why);
void	permits_end(void);
void	judge(void);
void	judge_totals(void);

#endif
