/* SPDX-License-Identifier: ISC */
/*
 * For tests that start the server, talk to it, and kill it.  The test is a
 * subreaper: orphans become its children, so that their end is an event.
 * Every wait has a deadline of 30 s, which means "hung"; whatever the test
 * started is ended and reaped when it exits, also when it gives up.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <sys/types.h>

#include <stdbool.h>

#include "tap.h"

#ifndef DEADLINE
#define DEADLINE	30	/* s */
#endif

/* First in main().  What is started has a state directory of its own, which
   goes when the test does. */
void		harness_begin(void);
const char	*harness_state(void);
/* End everything, and begin with an empty one. */
void		harness_new_state(void);

/*
 * A network of our own, with a lo that is up: any port is free, and nobody
 * else takes one.  Ends the test as skipped where that is not allowed.
 */
void	harness_own_network(void);

/*
 * An ordinary user has every capability in a network of his own, and what he
 * starts there has none, and may not look into him.  Give them up; does
 * nothing for root.
 */
void	harness_drop_capabilities(void);

/* In a new process: an ordinary user, with a state directory that he may
   write; does nothing for one who is not root. */
void	harness_become_nobody(void);

/* With sanitizers: what is started is not searched for leaks when it ends,
   which is half of its time; for tests that end it in hundreds of ways, and
   others do the same once. */
void	harness_overlook_leaks(void);

/* End everything that we started, at once. */
void	harness_end_all(void);
/* Everything that we started has ended by itself, after a while. */
bool	harness_nobody_left(void);

/* For loops that wait: sleep a moment; after 30 s of one wait, give up. */
struct wait {
	const char	*what;
	long long	 since;		/* 0 at first */
};
void	wait_a_moment(struct wait *);

/* Servers.  Their logs go to one file in memory. */

/* The strategy of those that are started from here on; NULL: none is asked
   for. */
void		harness_strategy(const char *name);
/* From here on, what is started begins as under systemd. */
void		harness_lead(void);
/* From here on, what is started is ready to become its program, and does so when
   it is sent CONT: a fork of ours is none of the server's time. */
void		harness_hold(bool on);
/* From here on, what is started is passed this descriptor, as by systemd: 3,
   and LISTEN_PID and LISTEN_FDS say so; -1: nothing. */
void		harness_pass(int fd);
/* In a new process: at the head of a session, and told that it was systemd. */
void		harness_seclude(void);
struct server {
	pid_t		pid;
	unsigned int	port;
};
/* "./outlived -1 ARGUMENTS...", NULL at the end; returns once it accepts. */
struct server	server_start(const char *argument, ...)
		    __attribute__((__sentinel__));
/* In two steps, for one that has to wait: its pid; and, once it accepts, its
   port, from a descriptor that is closed then. */
pid_t		server_begin(int *port, const char *argument, ...)
		    __attribute__((__sentinel__));
unsigned int	server_await(int port);
/* As server_start(), with a pause point (pause.c). */
struct server	server_start_paused(const char *pause, const char *argument,
		    ...) __attribute__((__sentinel__));
/*
 * Writes a pause point that lasts until gate_open(): "gate", which keeps
 * children from the queue, or another one.  The gate is a file.
 */
void		gate_close(const char *name, char *pause, size_t size);
void		gate_open(void);
void		gate_close_again(void);
/* The same for one that is expected to end by itself; its wait status. */
int		server_run(const char *argument, ...)
		    __attribute__((__sentinel__));
/* TERM, and then nobody is left: two checks. */
void		server_end(struct server);
/* Any program, its arguments from argv[0] on. */
pid_t		program_start(const char *const argv[], int out);
/* The same, in a surrounding that a function of the new process prepares
   last of all. */
pid_t		program_start_in(void (*prepare)(void),
		    const char *const argv[], int out);
/* Wait for a child or orphan of ours to end: its wait status. */
int		await_end(pid_t);

/* The log. */
const char	*log_text(void);
bool		log_has(const char *text);
void		await_log(const char *text);
int		log_lines(void);
void		log_clear(void);
void		log_show(void);

#endif
