/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "leave.h"
#include "net/log.h"
#include "pool.h"

static void
say_idle(const struct pool *pool)
{
	setproctitle("idle, generation %u", pool->generation);
}

static void __attribute__((__noreturn__))
leave(const struct pool *pool, int slot, int status)
{
	board_leave(pool->board, slot, pool->parent);
	_exit(status);
}

/* Every disposition at its default, whatever our own parent left us. */
static void
default_signals(void)
{
	struct sigaction	action = { .sa_handler = SIG_DFL };
	int			signo;

	/*
	 * A terminal, or its shell, may have told our parent to quit or to
	 * hang up, and the whole process group, which we have left too late.
	 * To ignore what is pending throws it away.
	 */
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGQUIT, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_DFL;
	/* Not WINCH, which must not be thrown away (leave.h). */
	for (signo = 1; signo < NSIG; signo++)
		if (signo != SIGWINCH)
			(void)sigaction(signo, &action, NULL);
	/* A client or a log's reader that goes is an errno, not a death. */
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &action, NULL);
	(void)sigaction(SIGXFSZ, &action, NULL);
}

/* The first act of a child is to stop being the parent. */
static void
become_child(struct pool *pool, int slot)
{
	sigset_t	none;
	int		queue;

	board_here(pool->board, slot);
	instance_forked(&pool->instance);
	queue = pool->strategy->newborn(pool);
	/* Or this client would never see the end of its connection. */
	if (pool->held != -1)
		(void)close(pool->held);
	/*
	 * Ctrl-C is for the parent alone; a terminal cannot stop a child that
	 * logs; and the kernel does not hang up all children of a parent that
	 * has ended because one of them is stopped (credentials(7)).
	 */
	(void)setsid();
	default_signals();
	log_forked();
	if (leave_arm(pool->parent, queue, pool->spare) == -1) {
		log_warn("cannot arm the parent-death signal");
		leave(pool, slot, 1);
	}
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	say_idle(pool);
}

static void
wake_parent(const struct pool *pool)
{
	uint64_t	one = 1;

	(void)!write(pool->wake, &one, sizeof(one));
}

/*
 * Whether it has served as many clients as it should.  It never says that it
 * is idle then, so that nobody counts on it; but an orphan stays: it may be
 * the last one who can serve what is in the queue.
 */
static bool
worn_out(const struct pool *pool, int slot)
{
	uint32_t	most = (uint32_t)pool->config->max_requests;

	return most > 0 && board_word(pool->board, slot).taken >= most &&
	    getppid() == pool->parent;
}

static void
serve(struct pool *pool, int slot, int fd, const struct address *peer)
{
	char			name[ADDRESS_TEXT];
	struct outlive_client	client = { .fd = fd, .peer = &peer->sa,
				    .peerlen = peer->len, .name = name };

	(void)address_print(peer, name);
	if (board_busy(pool->board, slot, name))
		wake_parent(pool);
	setproctitle("%s for %s, generation %u", pool->config->service_name,
	    name, pool->generation);
	log_debug("%s for %s", pool->config->service_name, name);
	pool->config->service(&client, pool->config->arg);
	(void)close(fd);
	if (worn_out(pool, slot))
		leave(pool, slot, 0);
	/* The board first: who reads the title finds it true. */
	if (board_idle(pool->board, slot))
		wake_parent(pool);
	say_idle(pool);
}

void
child_run(struct pool *pool, int slot, int fd, const struct address *first)
{
	struct address	peer;
	int		got;

	become_child(pool, slot);
	if (fd != -1)
		serve(pool, slot, fd, first);
	while ((got = pool->strategy->take_client(pool, &fd, &peer)) == 1)
		serve(pool, slot, fd, &peer);
	if (got == -1)
		log_warn("a child cannot take its next client and leaves");
	leave(pool, slot, got == 0 ? 0 : 1);
}
