/* SPDX-License-Identifier: ISC */
/*
 * How the listening socket outlives a parent: a model, in Promela, of which
 * spin(1) goes through every order in which things can happen.  "make model"
 * does that; doc/architecture.md says what stands for what.
 *
 * For those who know UNP and not Promela: a proctype is a process.  In if and
 * do, each "::" is one that may be chosen if its first statement can be
 * executed; if none can, the process sleeps until one can, as in poll(2).
 * "condition -> ..." waits for a condition.  What is in d_step happens at once:
 * a system call.  "{ ... } unless { killed }": KILL, between any two steps.
 * Between two steps anybody else may run, as long as he can: a process that is
 * slow needs no words here.
 *
 *	HEIR		the parent has an heir
 *	TAKEOVER	the next parent does not wait for the old one's end (-T)
 *	PASS		strategy pass: the parent accepts; else shared: children
 *
 *	ONE_CHILD, NO_STOP, CLIENTS, KILLS	fewer of these
 *
 * and one of the mutants, each of which breaks a promise:
 *
 *	KEEP			children keep the socket, as those of UNP's
 *				serv02 do, and hear nothing of their parent
 *	NOSHUTDOWN		a drain closes the socket and no more
 *	NODRAIN			it does not accept those who wait
 *	TRUSTS_DEAD_HEIR	"an heir has it", and nobody has looked
 *	HEIR_CLOSES_FIRST	an heir sends the socket and closes it
 *	HEIR_UNNAMED		an heir has not locked HEIR when it is needed
 *	WAITS_AT_DOOR		its deadline waits for DOOR, whose holder waits
 *				for it
 *	ASKS_BLINDLY		who asks waits for an answer, or end-of-file
 *	ANY_OWNER		an heir leaves when anybody else is OWNER
 *	MINE_EARLY		"mine" before there are children
 *	TRUSTS_SUCCESSOR	on TERM, one who is on the way in "has it"
 *	SHUTS_DOWN		the old parent shuts down what it has sent
 */

/* Who there is.  Each is one bit of those who have a copy of a descriptor. */
#define O		0		/* the old parent */
#define N		1		/* the next parent */
#define heir_of(p)	(2 + p)
#define CHILD_A		4		/* two of O's children; */
#define CHILD_B		5		/* this one may be stopped for ever */
#define CHILD_N		6		/* a child of N's */
#define NOBODY		7

#ifndef KILLS
#define KILLS		2
#endif
#ifndef CLIENTS
#define CLIENTS		2
#endif

/* The listening socket, and the AF_UNIX listener of its instance: who has a
   copy.  A socket that does not listen any more counts as closed by all. */
byte	tcp, control;
#define has(copies, who)	((copies >> (who)) & 1)
#define bit(who)		(1 << (who))
#define LISTENS			(tcp != 0)

/* Completed connections: whether each came while there was no parent. */
chan	accept_queue = [2] of { bool };
byte	half;			/* handshakes in flight: SYN_RECV */
bool	shut_out;		/* a drain's filter: no SYN comes in */

/* The bytes of the lock file: who has locked each. */
byte	DOOR = NOBODY, OWNER = O, HEIR_BYTE = NOBODY;

/* The one connection to control: only who has DOOR is answered. */
byte	caller = NOBODY, answerer = NOBODY;
bool	named = true;		/* control can be found in the file system */
bool	mine;			/* N's word: "mine" to O, "done" to an heir */

bool	dead[8];		/* what a pidfd tells, and a wait */
bool	killed[8];		/* KILL is on its way */
bool	term;			/* TERM is, to O */
bool	asked;			/* O has sent WINCH to its children */
bool	stopped;		/* the board: CHILD_B is stopped */
bool	idle_n;			/* the board: CHILD_N is idle */

/* What the promises need to know, and no process does. */
bool	drained;		/* O has ended by TERM, without an heir */
bool	excused;		/* KILL: nobody is left who could keep it */
bool	leaving;		/* O leaves the socket to the others */

#define O_KEEPS		(has(tcp, O) && !killed[O] && !leaving)
#define N_KEEPS		(has(tcp, N) && !killed[N])
#ifdef HEIR
#define O_ALONE		killed[heir_of(O)]
#define N_ALONE		(killed[heir_of(N)] || \
			    (killed[heir_of(O)] && !has(tcp, heir_of(N))))
#else
#define O_ALONE		true
#define N_ALONE		true
#endif

/*
 * The kernel.
 */

/* Nobody can accept what waits: the clients are sent RST. */
inline
reset()
{
	assert(excused || (len(accept_queue) == 0 && half == 0));
	do
	:: nempty(accept_queue) -> accept_queue?_
	:: empty(accept_queue) -> break
	od;
	half = 0;
	shut_out = false
}

inline
close_tcp(who)
{
	d_step {
		if
		:: tcp == bit(who) -> tcp = 0; reset()
		:: else -> tcp = tcp & ~bit(who)
		fi
	}
}

/* The port is free at once, whoever has a copy still. */
inline
shutdown_tcp()
{
	d_step { tcp = 0; reset() }
}

inline
close_control(who)
{
	control = control & ~bit(who)
}

inline
unlock(who)
{
	d_step {
		if :: DOOR == who -> DOOR = NOBODY :: else fi;
		if :: OWNER == who -> OWNER = NOBODY :: else fi;
		if :: HEIR_BYTE == who -> HEIR_BYTE = NOBODY :: else fi
	}
}

inline
hang_up(who)
{
	d_step {
		if :: caller == who -> caller = NOBODY :: else fi
	}
}

/* By whatever: descriptors first, the lock's is the lowest; only then are
   relatives told. */
inline
end_process(who)
{
	unlock(who);
	d_step {
		close_tcp(who);
		close_control(who);
		hang_up(who)
	};
	dead[who] = true
}

inline
fork(parent, who)
{
	if :: has(tcp, parent) -> tcp = tcp | bit(who) :: else fi;
	if :: has(control, parent) -> control = control | bit(who) :: else fi
}

/* SCM_RIGHTS: what is on its way is the receiver's already. */
inline
answer(who, may)
{
	d_step {
		may && caller != NOBODY && answerer == NOBODY &&
		    DOOR == caller ->
		answerer = who;
		fork(who, caller)
	}
}

/* Whoever was there in between has it from an heir. */
inline
served(who, came)
{
#ifdef REACHED
	assert(!(who == CHILD_N && came))
#endif
	came = false
}

/*
 * The server.
 */

/* child.c, strategy_accept.c, leave.c.  Forked, and nothing done yet. */
proctype
child(byte parent, me)
{
	bool	came;

	{
		d_step {
			close_control(me);
#ifdef PASS
			close_tcp(me);
#endif
			if
			:: me == CHILD_N -> idle_n = true
			:: else
			fi
		};
		/* leave_arm() has the kernel send WINCH when the parent ends,
		   and looks whether it has ended before that. */
		do
#ifndef PASS
		:: d_step { has(tcp, me) && nempty(accept_queue) ->
			accept_queue?came; served(me, came) }
		:: !has(tcp, me) -> break		/* EINVAL */
#endif
#ifndef KEEP
		:: dead[parent] || (parent == O && asked) -> /* on_winch() */
			close_tcp(me);
			break
#endif
		od
	} unless {
		me == CHILD_B && stopped -> false
	}
}

/* Holds both listeners, and watches the parent's pidfd. */
proctype
heir(byte parent, me)
{
	{
		do
		:: d_step { HEIR_BYTE == NOBODY -> HEIR_BYTE = me }
		:: answer(me, dead[parent])
#ifdef HEIR_CLOSES_FIRST
		:: answerer == me -> break
#endif
		/* The next one is gone: wait for another. */
		:: answerer == me && caller == NOBODY -> answerer = NOBODY
		:: answerer == me && mine -> break
		/* A later generation owns the port.  One that is earlier than
		   ours may have seen our parent's "mine" and be about to go. */
#ifdef ANY_OWNER
		:: dead[parent] && OWNER != NOBODY && OWNER != parent -> break
#else
		:: dead[parent] && OWNER != NOBODY && OWNER > parent -> break
#endif
		/* The deadline; the time runs while nobody owns the port. */
#ifdef WAITS_AT_DOOR
		:: dead[parent] && OWNER == NOBODY ->
			d_step { DOOR == NOBODY -> DOOR = me };
			if
			:: OWNER == NOBODY -> named = false; excused = true
			:: else
			fi;
			break
#else
		:: d_step { dead[parent] && OWNER == NOBODY &&
			DOOR == NOBODY -> DOOR = me;
			named = false; excused = true } ->
			break
#endif
		od;
		d_step {
			close_tcp(me);
			close_control(me)
		}
	} unless {
		killed[me]
	};
	end_process(me)
}

/* parent.c, drain.c: it serves, and has forked. */
proctype
old_parent()
{
	bool	came;

	{
		do
#ifdef PASS
		:: d_step { has(tcp, O) && nempty(accept_queue) ->
			accept_queue?came; served(O, came) }
#endif
		:: answer(O, true)
		:: answerer == O && caller == NOBODY -> answerer = NOBODY
		/* End-of-file right behind it: nobody is there to serve. */
		:: answerer == O && mine && caller != NOBODY -> break
#ifdef TRUSTS_SUCCESSOR
		:: term -> goto drain
#else
		/* A successor who is on the way in may not arrive. */
		:: term && answerer != O -> goto drain
#endif
		od;
#ifdef SHUTS_DOWN
		shutdown_tcp();
#else
		leaving = true;
		close_tcp(O);
#endif
		goto part;
drain:
#ifdef TRUSTS_SUCCESSOR
		if
		:: answerer == O -> leaving = true; close_tcp(O); goto part
		:: else
		fi;
#endif
		if
#ifdef HEIR
#ifdef TRUSTS_DEAD_HEIR
		:: d_step { leaving = true;
			excused = excused || (killed[heir_of(O)] &&
			    !dead[heir_of(O)]) } ->
#else
		/* Reaped first.  If it is killed from now on, it is the last
		   one who has the socket. */
		:: d_step { !dead[heir_of(O)] -> leaving = true;
			excused = excused || killed[heir_of(O)] } ->
#endif
			close_tcp(O);
			goto part
		:: dead[heir_of(O)]
#else
		:: true
#endif
		fi;
		/* place_what_waits() */
		shut_out = true;
		do
		:: d_step { nempty(accept_queue) ->
			accept_queue?came; served(O, came) }
#ifdef NODRAIN
		:: true -> break
#else
		:: empty(accept_queue) && half == 0 -> break
#endif
		od;
#ifdef NOSHUTDOWN
		close_tcp(O);
#else
		shutdown_tcp();
#endif
		drained = true;
part:
		unlock(O);
		asked = true;
	} unless {
		killed[O]
	};
	end_process(O)
}

/* begin.c: it comes while the old one serves, or when it has ended. */
proctype
next_parent()
{
	byte	who;

	{
		d_step { DOOR == NOBODY -> DOOR = N };
again:		who = NOBODY;
		if
#ifdef TAKEOVER
		:: OWNER == O && named && control != 0 -> goto ask
#endif
		:: OWNER == NOBODY && HEIR_BYTE != NOBODY && named &&
		    control != 0 -> goto ask
		/* bind(); behind a drain, the first try succeeds. */
		:: d_step { OWNER == NOBODY && (drained || !LISTENS) ->
			assert(!LISTENS);
			tcp = bit(N);
			control = bit(N);
			named = true } ->
			goto adopt
		/* stopped.c: EADDRINUSE, and the board names who it may be. */
		:: OWNER == NOBODY && HEIR_BYTE == NOBODY && stopped &&
		    has(tcp, CHILD_B) ->
			shutdown_tcp();
			goto again
		fi;
ask:		mine = false;
		d_step { answerer = NOBODY; caller = N };
		if
		:: d_step { answerer != NOBODY && has(tcp, N) ->
			who = answerer }
		:: answerer != NOBODY && !has(tcp, N) ->
			/* It does not listen any more. */
			hang_up(N);
			goto again
		:: control == 0 ->			/* end-of-file */
			hang_up(N);
			goto again
#ifndef ASKS_BLINDLY
		/* A child that is stopped may have a copy of control. */
		:: answerer == NOBODY && OWNER == NOBODY &&
		    HEIR_BYTE == NOBODY ->
			hang_up(N);
			goto again
#endif
		fi;
adopt:
		shut_out = false;
#ifdef MINE_EARLY
		mine = true;
#endif
#ifdef HEIR
		atomic {
			fork(N, heir_of(N));
			run heir(N, heir_of(N))
		};
#endif
		atomic {
			fork(N, CHILD_N);
			run child(N, CHILD_N)
		};
		if
		:: who == O ->
			if
			:: idle_n
			:: goto fail		/* no room for children */
			fi;
			mine = true
		:: else
		fi;
		d_step { OWNER == NOBODY -> OWNER = N };
		assert(has(tcp, N));
		mine = true;
		d_step {
			hang_up(N);
			DOOR = NOBODY;
			mine = false;
			answerer = NOBODY;
			who = NOBODY
		};
		killed[N];
fail:
		skip
	} unless {
		killed[N]
	};
	end_process(N)
}

/*
 * The world.
 */

/* SYN, and the ACK that completes it. */
proctype
clients()
{
	byte	many;

	do
	:: d_step { !excused && many < CLIENTS && !LISTENS -> many++;
		assert(term && O_ALONE) }		/* refused */
	:: d_step { !excused && many < CLIENTS && LISTENS && !shut_out &&
		len(accept_queue) + half < 2 -> many++; half++ }
	:: d_step { half > 0 -> half--;
		accept_queue!(OWNER == NOBODY) }
	od
}

/* KILL, at any moment.  Whether nobody but who is hit could have kept the
   socket is for the promises to know. */
/* All is as it was at first, one generation later. */
#define DONE		(OWNER == N && DOOR == NOBODY && dead[O] && \
			    !has(tcp, heir_of(O)))
#define MAY_KILL(who)	(many < KILLS && !excused && !DONE && \
			    !killed[who] && !dead[who])
proctype
accidents()
{
	byte	many;

	do
	:: d_step { !excused && !term && !dead[O] -> term = true }
	:: d_step { MAY_KILL(O) -> many++;
		excused = excused || O_ALONE;
		killed[O] = true }
	:: d_step { MAY_KILL(N) -> many++;
		excused = excused || (N_ALONE && (mine || !O_KEEPS));
		killed[N] = true }
#ifdef HEIR
	:: d_step { MAY_KILL(heir_of(O)) -> many++;
		excused = excused || !(O_KEEPS || N_KEEPS);
		killed[heir_of(O)] = true }
	:: d_step { MAY_KILL(heir_of(N)) && has(tcp, heir_of(N)) -> many++;
		excused = excused || !(O_KEEPS || N_KEEPS);
		killed[heir_of(N)] = true }
#endif
#ifndef NO_STOP
	:: d_step { !excused && !stopped && has(tcp, CHILD_B) ->
		stopped = true }
#endif
	:: many = 0;				/* no more of them */
		break
	od
}

init {
	atomic {
		tcp = bit(O);
		control = bit(O);
#ifdef HEIR
		fork(O, heir_of(O));
#ifndef HEIR_UNNAMED
		HEIR_BYTE = heir_of(O);	/* before the first accept() */
#endif
		run heir(O, heir_of(O));
#endif
		fork(O, CHILD_B);
		run child(O, CHILD_B);
#ifndef ONE_CHILD
		fork(O, CHILD_A);
		run child(O, CHILD_A);
#endif
		run old_parent();
		run next_parent();
		run clients();
		run accidents()
	};
	/* Everybody has done what he can. */
	timeout ->
	/* Of a parent that has ended, no child holds the socket. */
	assert(!dead[O] || !has(tcp, CHILD_A));
	assert(!dead[O] || !has(tcp, CHILD_B) || stopped);
	/* The next one has it, or never came so far: then the old one has. */
#ifdef TAKEOVER
	assert(dead[N] || OWNER == N);
#else
	assert(dead[N] || OWNER == N || OWNER == O);
#endif
	assert(OWNER == O || term || killed[O] || leaving);
	assert(OWNER == NOBODY || (has(tcp, OWNER) && has(control, OWNER)));
	assert(OWNER == NOBODY || named)
}
