/* SPDX-License-Identifier: ISC */
/* One server, in a network of its own: started, loaded, looked at, ended. */
#ifndef FIGURE_MEASURE_H
#define FIGURE_MEASURE_H

#include <stdbool.h>

#define PORT	9999

struct subject {
	/* With all arguments, from the program on; it listens on
	   0.0.0.0:9999. */
	const char	*argv[20];
	/* It has these before there are clients. */
	int		 children;
	/* Its children end with their clients. */
	bool		 mortal;
	/* Where what its children say is: outlived's state directory; NULL: a
	   number for each child in a file, its descriptor 3. */
	const char	*instance;
};

/* UNP's client (30.2): processes that connect, ask, read the answer and close,
   one connection at a time each. */
struct clients {
	int	n;
	int	connections;	/* of each */
	int	bytes;		/* of the answer; 0: what they said, a line */
	int	rate;		/* 0: as soon as the one before is closed;
				   connections per second of all of them, which
				   then do not wait for each other */
};

struct sample {
	double	rate;			/* connections per second */
	double	cpu, client_cpu;	/* s per 10,000 connections */
	double	switches;		/* context switches per connection, the
					   server's */
	double	least, median, most;	/* clients of a child */
	double	pss;			/* KiB of an idle child, the mean */
	double	first_byte;		/* us, the median */
	int	failed;			/* connections */
};

/* What cannot be measured is -1; what cannot be done at all ends the
   program. */
void	measure(const struct subject *, const struct clients *, struct sample *);

#endif
