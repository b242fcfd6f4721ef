/* SPDX-License-Identifier: ISC */
/* The experiment "unaccepted" has two files. */
#ifndef LAB_EXP_UNACCEPTED_H
#define LAB_EXP_UNACCEPTED_H

#include "stage.h"

#define BACKLOG		16	/* more than ever wait here */
#define MOST		20	/* clients of one step */

/* So many are in the queue of a listening socket, and so many may be. */
void	expect_queued(struct stage *, int listener, int many, int backlog);

/* What is done to the listening socket itself. */
void	unaccepted_listener(struct stage *);

#endif
