/* SPDX-License-Identifier: ISC */
/*
 * Where an experiment is played: a script of steps, each with what is done and
 * what is predicted.  What a step has shown is told when the next one begins:
 * its segments, and the table of sockets after it.
 */
#ifndef LAB_STAGE_H
#define LAB_STAGE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "report.h"

#define STAGE_ACTORS	64

/* As long as what is to become so is waited for, in ms. */
#define STAGE_PATIENCE	5000
/* Segments may come late by a delayed ACK; in ms. */
#define STAGE_SETTLE	60

/* A program that takes part. */
struct actor {
	char	name[32];
	pid_t	pid;		/* 0: it has ended, and was waited for */
	int	output;		/* a file: all that it has printed */
	size_t	told;		/* bytes of that which the reader has seen */
	int	status;		/* of waitpid(2) */
};

struct stage {
	const struct experiment	*experiment;
	struct report		*report;
	struct outcome		*outcome;
	struct capture		 capture;
	struct step		 step;
	size_t			 seen;		/* segments of earlier steps */
	bool			 quick;
	struct actor		 actors[STAGE_ACTORS];
	int			 n;
};

/* For whoever runs it: everything between these two. */
void	stage_open(struct stage *, FILE *pcap);
void	stage_close(struct stage *);

/* The next step: one sentence of what is done. */
void	stage_step(struct stage *, const char *format, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
/* What the reader is to know besides. */
void	stage_note(struct stage *, const char *format, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
/* Set what it depends on; it ends as one that could not run if that is refused. */
void	stage_set(struct stage *, const char *sysctl, const char *value);
/*
 * Wait for something that takes that long, in s, and say so to whoever sits
 * before it: true when it has happened.  --quick does not wait, and notes what
 * it does not.
 */
bool	stage_wait(struct stage *, int seconds, const char *what,
	    bool (*happened)(void));
/* It cannot run here: ends the process. */
void	stage_skip(struct stage *, const char *format, ...)
	    __attribute__((__format__(__printf__, 2, 3), __noreturn__));

/* A program of ours with its arguments, NULL at the end. */
struct actor	*stage_start(struct stage *, const char *program, ...)
		    __attribute__((__sentinel__));
/* A process of the experiment itself, which plays its part and ends with status 0.
   It has what is open here; what it prints goes by write(2). */
struct actor	*stage_fork(struct stage *, const char *name,
		    void (*play)(void *), void *);
void		 stage_signal(struct stage *, const struct actor *, int signo);
/* Notice who has ended, also whom nobody else waits for: this is process 1. */
void		 stage_reap(struct stage *);
/* Wait until it has ended.  No prediction. */
void		 stage_ends(struct stage *, struct actor *);
/* Wait until a server has the socket that listens at that address; false: it
   has ended, or still has not.  No prediction: "it listens" is one, and "it is
   refused" is another. */
bool		 stage_listens(struct stage *, struct actor *,
		    const char *local);

/*
 * Predictions.  Those of what is to become so wait for it, 5 s at most.  Each
 * returns whether it held; the play goes on in any case.
 */
bool	stage_expect(struct stage *, bool held, const char *seen,
	    const char *format, ...)
	    __attribute__((__format__(__printf__, 4, 5)));
/* A socket of that address and peer (NULL: none), as text, is in that state,
   and has been accepted; 0: there is none. */
bool	stage_expect_state(struct stage *, const char *local,
	    const char *peer, unsigned int state);
/* The kernel removes it in so many seconds, by its timer as it is now; 0 and 0:
   no such timer runs. */
bool	stage_expect_timer(struct stage *, const char *local,
	    const char *peer, int least, int most);
/* The client's end of that descriptor can read so many bytes, and then there is
   an error, or, 0, end-of-file. */
bool	stage_expect_read(struct stage *, int fd, size_t least, size_t most,
	    int error);
/* In this step so many segments with all of these flags (TH_FIN) come from that
   address.  True, and no prediction, where nothing is captured. */
bool	stage_expect_segments(struct stage *, const char *from,
	    unsigned int flags, int n);
/* An actor prints a text; ends by itself with a status, or by a signal. */
bool	stage_expect_says(struct stage *, struct actor *, const char *text);
bool	stage_expect_exit(struct stage *, struct actor *, int status);
bool	stage_expect_killed(struct stage *, struct actor *, int signo);
bool	stage_expect_alive(struct stage *, struct actor *);
/* A row of a table of claims, whose last word is what was seen: it is a
   prediction, that here is what is expected on Linux. */
bool	stage_row(struct stage *, const struct row *, const char *here);
/* A call that is known by name: errno, 0 for success. */
bool	stage_expect_errno(struct stage *, const char *what, int seen,
	    int expected);

#endif
