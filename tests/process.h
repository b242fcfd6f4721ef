/* SPDX-License-Identifier: ISC */
/* Processes as /proc shows them, and signals to them. */
#ifndef TESTS_PROCESS_H
#define TESTS_PROCESS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

/* Living children of a process (0: of the test itself), at most max. */
int	children_of(pid_t, pid_t *list, int max);
/* Wait until it has so many, and return them in a list of room for 64. */
void	await_children(pid_t, int how_many, pid_t *list);

/* The same, and each has done its first act: a parent that is killed while it
   forks leaves its board to the next one's sweep. */
void	await_born(pid_t, int how_many);

/* Neither gone nor a zombie. */
bool	lives(pid_t);
/* Until it has ended, and whoever is its parent has reaped it. */
void	await_gone(pid_t);
/* Whether that is its title, or the title but for ", generation N". */
bool	title_is(pid_t, const char *title);
bool	title_has(pid_t, const char *text);
void	await_title(pid_t, const char *title);
/* One of its sets of signals: "SigBlk", "SigIgn" (proc(5)). */
unsigned long long	signals_of(pid_t, const char *set);
/* The child of a parent (0: the orphan) that serves a client of 127.0.0.1, by
   its title; waits for it. */
pid_t	await_server_of(pid_t parent, int client);

/* The CPU time of a process and its children that are alive, in ms. */
long	cpu_of(pid_t);
/* How often it has gone to sleep; wait until it has so many times more. */
long	sleeps_of(pid_t);
void	await_sleeps(pid_t, long how_many);

/* Every signal goes through here: no pid below 2 is ever signalled. */
void	send_signal(pid_t, int signo);
/* Stop a process, and wait until it has stopped. */
void	stop(pid_t);
bool	is_stopped(pid_t);
void	await_stop(pid_t);
/* The child of a parent (0: of the test) that is stopped; waits for it. */
pid_t	await_stopped(pid_t parent);

/* Whether it has a descriptor of that socket. */
bool	holds(pid_t, unsigned long inode);
/* A copy of its listening socket; -1: that is not allowed here. */
int	listener_of(pid_t);
/* The kinds of all its descriptors, one word each: null, log, terminal,
   socket, eventfd, or what /proc says. */
void	descriptors_of(pid_t, char *text, size_t size);
/* Whether none above 2 would survive an exec. */
bool	all_close_on_exec(pid_t);

#endif
