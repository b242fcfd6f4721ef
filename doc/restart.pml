/* SPDX-License-Identifier: ISC */
/*
 * How the listening socket outlives a parent: a model, in Promela, of which
 * spin(1) goes through every order in which things can happen.  "make model"
 * does that; doc/architecture.md says what stands for what.  A comment like
 * "port_own()" names the function whose step it is.
 *
 * For those who know UNP and not Promela: a proctype is a process.  In if and
 * do, each "::" is one that may be chosen if its first statement can be
 * executed; if none can, the process sleeps until one can, as in poll(2).
 * "condition -> ..." waits for a condition.  What is in d_step happens at once:
 * a system call.  "{ ... } unless { killed }": KILL, between any two steps.
 * Between two steps anybody else may run, as long as he can: a process that is
 * slow needs no words here.
 *
 *	HEIR		parents have heirs (-H); with HEIR_NEW, all but the
 *			first, with HEIR_OLD, only the first
 *	TAKEOVER	the next parent does not wait for the old one's end (-T)
 *	PASS		strategy pass: the parent accepts; else shared: children
 *	THIRD		there are two next parents
 *
 *	ONE_CHILD, NO_CHILD, NO_STOP, NO_TERM, NO_HALF, CLIENTS, and KILLS (of
 *	all accidents but TERM to the old parent): fewer of these
 *
 * and one of the mutants, each of which breaks a promise.  Children and drains:
 *
 *	KEEP			children keep the socket, as those of UNP's
 *				serv02 do, and hear nothing of their parent
 *	NOSHUTDOWN		a drain closes the socket and no more
 *	NODRAIN			it does not accept those who wait
 *	TRUSTS_DEAD_HEIR	"an heir has it", and nobody has looked
 *
 * heirs:
 *
 *	HEIR_UNNAMED		a parent does not wait until its heir is ready
 *	HEIR_CLOSES_FIRST	an heir sends the socket and closes it
 *	WAITS_AT_DOOR		its deadline waits for DOOR, whose holder waits
 *				for it
 *	ANY_OWNER		it leaves when anybody else is OWNER
 *	ASKS_BLINDLY		who asks waits for an answer, or end-of-file
 *	HEIR_ANSWERS		an heir answers beside a parent who is asked
 *	HEIR_FOR_PARENT		who asked a parent takes an heir's answer for
 *				the parent's
 *	PARTS_FIRST		a parent that fails lets go of its heir before
 *				it lets go of OWNER
 *
 * and takeovers:
 *
 *	MINE_EARLY		"mine" before there are children
 *	UNANSWERED		the old parent leaves on "mine", whether or not
 *				somebody hears its answer
 *	UNHEARD			the new one does not wait for the answer
 *	NO_LAST_LOOK		it gives up, and does not look whether it came
 *	GONE_BY_ITSELF		it takes its own shutdown() for the other's end
 *	TERM_AT_LAST		it fails on TERM when the port is its own
 *	TRUSTS_SUCCESSOR	on TERM, one who is on the way in "has it"
 *	SHUTS_DOWN		the old parent shuts down what it has sent
 */

/* Who there is.  Each is one bit of those who have a copy of a descriptor; the
   number of a parent is that of its generation. */
#define O		0		/* the old parent */
#define N		1		/* the next parent */
#define M		2		/* one more */
#define is_parent(who)	((who) <= M)
#define heir_of(p)	(3 + (p))
#define CHILD_B		6		/* a child of O's that may be stopped */
#define CHILD_N		7		/* a child of N's */
#define CHILD_A		8		/* another one of O's */
#define NOBODY		9

#ifndef KILLS
#define KILLS		2
#endif
#ifndef CLIENTS
#define CLIENTS		2
#endif

/* The listening socket, and the AF_UNIX listener of its instance: who has a
   copy.  A socket that does not listen any more counts as closed by all. */
short	tcp, control;
#define has(copies, who)	((copies >> (who)) & 1)
#define bit(who)		(1 << (who))
#define LISTENS			(tcp != 0)
bool	named = true;		/* control can be found in the file system */
#define REACHABLE		(named && control != 0)

/* Completed connections: whether each came while there was no parent. */
chan	accept_queue = [2] of { bool };
byte	half;			/* handshakes in flight: SYN_RECV */
bool	shut_out;		/* a drain's filter: no SYN comes in */

/* The bytes of the lock file: who has locked each; of heirs, one bit each. */
byte	DOOR = NOBODY, OWNER = O, HEIRS;
#define lowest(heirs)	(has(heirs, 3) -> 3 : (has(heirs, 4) -> 4 : 5))
#define holds(who)	(is_parent(who) -> OWNER == (who) : has(HEIRS, who))

/* A connection to control: one end is a next parent's, the other whose? */
bool	asks[3];		/* there is one, of this parent */
byte	answerer[3] = NOBODY;	/* who has accepted it; NOBODY */
byte	offered[3] = NOBODY;	/* who has sent the sockets */
bool	yours[3];		/* "yours" was, to this parent */
byte	successor[6] = NOBODY;	/* the other way round */
bool	mine[6];		/* "mine" was, to this parent or heir */
#define EOF(me)		(successor[me] != NOBODY && \
			    answerer[successor[me]] != me)

bool	dead[9];		/* what a pidfd tells, and a wait */
bool	killed[9];		/* KILL is on its way */
bool	term[3];		/* TERM is */
bool	parted[3];		/* the line to the heir is at its end */
bool	asked[3];		/* the children were sent WINCH */
bool	stopped;		/* the board: CHILD_B is stopped */
bool	idle_n;			/* the board: CHILD_N is idle */

/* What the promises need to know, and no process does. */
bool	refuses;		/* a parent ends by TERM, without an heir */
bool	drained;		/* and nobody has bound the port since */
bool	excused;		/* KILL: nobody is left who could keep it */
bool	frail;			/* nobody but one who is on his way in */
bool	leaving[6];		/* it leaves the socket to the others */

/* Who keeps the socket, whatever happens but KILL. */
#define keeps(p)	(has(tcp, p) && !killed[p] && !leaving[p] && \
			    (OWNER == (p) || yours[p]))
#define comes(p)	(has(tcp, p) && !killed[p] && !leaving[p])
#define inherits(p)	(has(tcp, heir_of(p)) && !killed[heir_of(p)] && \
			    !leaving[heir_of(p)] && !mine[heir_of(p)] && \
			    (OWNER == NOBODY || OWNER <= (p)))
#define KEPT		(keeps(O) || keeps(N) || keeps(M) || inherits(O) || \
			    inherits(N) || inherits(M))
#define COMES		(comes(O) || comes(N) || comes(M))

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
		HEIRS = HEIRS & ~bit(who)
	}
}

/* Of the one who has asked: what has been said on it can be read. */
inline
hang_up(who)
{
	d_step {
		asks[who] = false;
		answerer[who] = NOBODY;
		offered[who] = NOBODY
	}
}

/* Of the one who was asked: the same. */
inline
forget(who)
{
	d_step {
		if
		:: successor[who] != NOBODY &&
		    answerer[successor[who]] == who ->
			asks[successor[who]] = false;
			answerer[successor[who]] = NOBODY
		:: else
		fi;
		successor[who] = NOBODY;
		mine[who] = false
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
		if :: is_parent(who) -> hang_up(who) :: else fi;
		if :: who < CHILD_B -> forget(who) :: else fi
	};
	dead[who] = true
}

inline
fork(parent, who)
{
	if :: has(tcp, parent) -> tcp = tcp | bit(who) :: else fi;
	if :: has(control, parent) -> control = control | bit(who) :: else fi
}

/* control_accept(), control_offer(): only who has DOOR is answered, and what
   is on its way is the receiver's already. */
inline
offer(me, may)
{
	d_step {
		may && has(control, me) && DOOR != NOBODY && is_parent(DOOR) &&
		    asks[DOOR] && answerer[DOOR] == NOBODY &&
		    offered[DOOR] == NOBODY ->
		successor[me] = DOOR;
		mine[me] = false;
		answerer[DOOR] = me;
		offered[DOOR] = me;
		fork(me, DOOR)
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

/* child_run(), leave_arm().  Forked, and nothing done yet. */
proctype
child(byte parent, me)
{
	bool	came;

	{
		d_step {				/* port_forked() */
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
		:: dead[parent] || asked[parent] ->	/* on_winch() */
			close_tcp(me);
			break
#endif
		od
	} unless {
		me == CHILD_B && stopped -> false
	}
}

/* heir.c.  It holds both listeners; predecessor: from whom its parent was
   taking over when it was born. */
#define ORPHANED	(dead[parent] || parted[parent])
#ifdef ANY_OWNER
#define IS_OVER		(OWNER != NOBODY || !has(tcp, me))
#else
#define IS_OVER		((OWNER != NOBODY && OWNER != predecessor) || \
			    !has(tcp, me))
#endif
/* Who has come says "mine" when he has an heir. */
#define IS_EXPECTING	(successor[me] != NOBODY && OWNER != NOBODY)
/* While there is an owner it is he who is asked. */
#ifdef HEIR_ANSWERS
#define MAY_ANSWER	true
#else
#define MAY_ANSWER	(OWNER == NOBODY)
#endif
inline
time_is_over(me)
{
	leaving[me] = true;
	excused = excused || !KEPT
}

proctype
heir(byte parent, me, predecessor)
{
	{
		HEIRS = HEIRS | bit(me);	/* instance_lock_heir() */
		do
		/* hand_over(); hear_next() comes first. */
		:: offer(me, ORPHANED && MAY_ANSWER && !mine[me])
#ifdef HEIR_CLOSES_FIRST
		:: successor[me] != NOBODY -> break
#endif
		/* hear_next() */
		:: mine[me] -> break
		:: EOF(me) && !mine[me] -> successor[me] = NOBODY
		:: d_step { ORPHANED && IS_OVER && successor[me] == NOBODY ->
			leaving[me] = true } -> break
		/* give_up(): its deadline. */
#ifdef WAITS_AT_DOOR
		:: ORPHANED && !IS_OVER && !IS_EXPECTING ->
			d_step { DOOR == NOBODY -> DOOR = me;
				time_is_over(me) };
#else
		:: d_step { ORPHANED && !IS_OVER && !IS_EXPECTING &&
			DOOR == NOBODY -> DOOR = me; time_is_over(me) } ->
#endif
			if
			:: d_step { OWNER == NOBODY -> excused = true } ->
				named = false;
				shutdown_tcp()
			:: OWNER != NOBODY
			fi;
			break
		od
	} unless {
		killed[me]
	};
	end_process(me)
}

/* instance_lock(INSTANCE_DOOR).  A try that cannot change anything is none; and
   then there is a pause, and another one. */
#define IS_STOPPED	(stopped && dead[O] && has(tcp, CHILD_B))
#define CAN_BIND	(drained || !LISTENS || IS_STOPPED)
#ifdef TAKEOVER
#define WORTH_A_TRY	((OWNER != NOBODY || HEIRS != 0) -> REACHABLE : \
			    CAN_BIND)
#else
#define WORTH_A_TRY	(OWNER == NOBODY && (HEIRS != 0 -> REACHABLE : \
			    CAN_BIND))
#endif
#ifdef HEIR_NEW
#define HAS_HEIR(p)	((p) != O)
#elif defined(HEIR_OLD)
#define HAS_HEIR(p)	((p) == O)
#else
#define HAS_HEIR(p)	true
#endif
#ifdef TRUSTS_DEAD_HEIR
#define HEIR_HAS_IT(p)	HAS_HEIR(p)
#else
#define HEIR_HAS_IT(p)	(HAS_HEIR(p) && !dead[heir_of(p)])
#endif

/* port_find(), takeover_ask(): what is given back when a try has failed, or one
   who was on his way in fails. */
inline
let_go(me)
{
	d_step {
		excused = excused || (frail && !KEPT);
		close_tcp(me);
		close_control(me);
		hang_up(me);
		whom = NOBODY;
		takes_over = false;
		if :: DOOR == me -> DOOR = NOBODY :: else fi
	}
}

inline
birth(me)
{
#ifndef NO_CHILD
	atomic {
		if
		:: me == N && !born ->
			born = true;
			fork(N, CHILD_N);
			run child(N, CHILD_N)
		:: else
		fi
	}
#else
	idle_n = true
#endif
}

/* takeover_hear(): the moment in which the port changes hands.  Who was killed
   just now may not have closed his end. */
inline
hand_on(me)
{
	d_step { mine[me] && !EOF(me) ->
		yours[successor[me]] = true;
		leaving[me] = true;
		excused = excused || (killed[successor[me]] && !KEPT) }
}

inline
heir_look(me)
{
#ifdef HEIR
	if
	:: HAS_HEIR(me) ->
		atomic {
			fork(me, heir_of(me));
			run heir(me, heir_of(me),
			    (takes_over -> whom : NOBODY))
		};
#ifndef HEIR_UNNAMED
		if					/* is_ready() */
		:: has(HEIRS, heir_of(me)) || dead[heir_of(me)]
		fi
#endif
	:: else
	fi
#else
	skip
#endif
}

/* Our own heir has it: the one from whom we have it may leave. */
inline
port_thank(me)
{
	heir_look(me);
	d_step {
		if
		:: answerer[me] != NOBODY -> mine[answerer[me]] = true
		:: else
		fi;
		hang_up(me);
		whom = NOBODY
	}
}

proctype
parent(byte me)
{
	byte	whom = NOBODY;	/* who has it: predecessor_pid */
	bool	takes_over, born, came;

	{
	if
	:: me == O -> goto parent_run
	:: else
	fi;

	/* The third generation comes behind the second one. */
	me == N || dead[N] || OWNER == N;
port_find:
	skip;
	if
	:: d_step { DOOR == NOBODY && WORTH_A_TRY -> DOOR = me }
	:: term[me] -> goto fail
	fi;
	if						/* enter() */
#ifdef TAKEOVER
	:: d_step { OWNER != NOBODY -> whom = OWNER; takes_over = true } ->
		goto inherit
#else
	:: OWNER != NOBODY -> let_go(me); goto port_find
#endif
	:: OWNER == NOBODY
	fi;
	if						/* instance_heir() */
	:: d_step { HEIRS != 0 -> whom = lowest(HEIRS) } -> goto inherit
	:: HEIRS == 0
	fi;
	OWNER = me;
open_listener:
	skip;
	if
	/* bind(); behind a drain, the first try succeeds. */
	:: d_step { drained || !LISTENS ->
		assert(!LISTENS);
		drained = false;
		tcp = bit(me);
		control = bit(me);			/* port_control() */
		named = true } ->
		goto serve
	/* EADDRINUSE: stopped_let_go(), if the board names who it may be. */
	:: LISTENS && !drained && IS_STOPPED ->
		shutdown_tcp();
		goto open_listener
	:: LISTENS && !drained && !IS_STOPPED ->
		OWNER = NOBODY;
		let_go(me);
		goto port_find
	fi;

inherit:
	skip;
	if						/* control_connect() */
	:: d_step { REACHABLE ->
		asks[me] = true;
		answerer[me] = NOBODY;
		yours[me] = false }
	:: !REACHABLE -> let_go(me); goto port_find
	fi;
	if						/* await_offer() */
#ifdef HEIR_FOR_PARENT
	:: offered[me] != NOBODY
#else
	:: offered[me] != NOBODY && is_parent(offered[me]) == takes_over
	/* We would tell it "mine" too early. */
	:: d_step { offered[me] != NOBODY &&
		is_parent(offered[me]) != takes_over ->
		let_go(me) } -> goto port_find
#endif
	/* End-of-file. */
	:: d_step { offered[me] == NOBODY && control == 0 ->
		let_go(me) } -> goto port_find
#ifndef ASKS_BLINDLY
	/* A child that is stopped may have a copy of control. */
	:: d_step { offered[me] == NOBODY && !holds(whom) ->
		let_go(me) } -> goto port_find
#endif
	:: term[me] -> goto fail
	fi;
	if						/* check_offer() */
	:: has(tcp, me)
	:: !has(tcp, me) -> assert(takes_over && refuses); goto fail
	fi;

serve:
	if
	:: whom == NOBODY || takes_over -> heir_look(me)
	/* Clients wait at the socket of an heir, who keeps it on. */
	:: else
	fi;
	if
	:: !takes_over -> goto port_own
	:: takes_over
	fi;
#ifndef MINE_EARLY
	birth(me);					/* takeover_prepare() */
	if
	:: me != N || idle_n
	:: answerer[me] == NOBODY			/* is_left_alone() */
	:: term[me] -> goto fail
	:: true -> goto fail				/* no room for them */
	fi;
#endif
	if						/* takeover_ask() */
	:: d_step { answerer[me] != NOBODY -> mine[answerer[me]] = true }
	:: answerer[me] == NOBODY			/* CONTROL_GONE */
	:: term[me] -> goto fail
	fi;
	/* await_answer() */
#ifndef UNHEARD
	if
	:: yours[me] || answerer[me] == NOBODY
	:: true ->					/* it is too late */
#ifdef NO_LAST_LOOK
		goto fail
#else
		hang_up(me);				/* shutdown() */
#ifndef GONE_BY_ITSELF
		if
		:: yours[me]
		:: !yours[me] -> goto fail		/* CONTROL_NOTHING */
		fi
#endif
#endif
	fi;
#endif
	hang_up(me);
	if						/* await_owner() */
	:: d_step { OWNER == NOBODY -> OWNER = me }
#ifdef TERM_AT_LAST
	:: term[me] -> goto fail
#else
	/* "yours": its parent is about to end, and it is ours to drain. */
	:: term[me] && !yours[me] -> goto fail
#endif
	fi;
#ifdef MINE_EARLY
	birth(me);
	if
	:: me != N || idle_n
	:: true -> goto fail
	fi;
#endif

port_own:
	skip;
	if						/* instance_lock() */
	:: OWNER == me
	:: d_step { OWNER == NOBODY && whom != NOBODY -> OWNER = me }
	fi;
	if						/* make_ours() */
	:: has(tcp, me) -> shut_out = false
	:: !has(tcp, me) -> assert(takes_over && refuses); goto fail
	fi;
#ifdef HEIR
	if						/* pid_file_write() */
	:: true
	:: d_step { inherits(me) -> leaving[me] = true } ->
#ifdef PARTS_FIRST
		parted[me] = true;
#endif
		goto fail
	fi;
#endif
	d_step {
		frail = false;
		yours[me] = false;
		if :: takes_over -> whom = NOBODY :: else fi;
		takes_over = false
	};
	DOOR = NOBODY;					/* instance_unlock() */

parent_run:
	birth(me);
	do
#ifdef HEIR
	:: whom != NOBODY -> port_thank(me)		/* catch_up() */
#endif
#ifdef PASS
	:: d_step { has(tcp, me) && nempty(accept_queue) ->
		accept_queue?came; served(me, came) }
#endif
#ifdef TAKEOVER
	:: offer(me, true)				/* takeover_offer() */
	/* takeover_hear() */
#ifdef UNANSWERED
	:: mine[me] -> goto taken
#else
	:: hand_on(me) -> goto taken
	:: mine[me] && EOF(me) -> forget(me)		/* go_on() */
#endif
	:: !mine[me] && EOF(me) -> forget(me)
#endif
	:: term[me] -> break
	od;
	if						/* end() */
	:: whom != NOBODY -> port_thank(me)
	:: else
	fi;
#ifdef TAKEOVER
	if						/* takeover_settle() */
	:: successor[me] == NOBODY
#ifdef TRUSTS_SUCCESSOR
	:: successor[me] != NOBODY -> leaving[me] = true; goto taken
#else
	:: hand_on(me) -> goto taken
	:: EOF(me) -> forget(me)
	:: !mine[me] -> forget(me)			/* after 3 s */
#endif
	fi;
#endif

	/* drain(): spawn_reap(), is_kept(), place_what_waits() */
	if
#ifdef HEIR
	/* If it is killed from now on, it is the last who has the socket. */
	:: d_step { HEIR_HAS_IT(me) -> leaving[me] = true;
		excused = excused || (killed[heir_of(me)] &&
#ifdef TRUSTS_DEAD_HEIR
		    !dead[heir_of(me)] &&
#endif
		    !KEPT) } ->
		goto taken
	:: !HEIR_HAS_IT(me)
#else
	:: true
#endif
	fi;
	d_step { shut_out = true; refuses = true };	/* shutout_begin() */
	do
	:: d_step { nempty(accept_queue) ->
		accept_queue?came; served(me, came) }
#ifdef NODRAIN
	:: true -> break
#else
	:: empty(accept_queue) && half == 0 -> break
#endif
	od;
	/* end_listen() */
#ifdef NOSHUTDOWN
	close_tcp(me);
#else
	shutdown_tcp();
#endif
	d_step { drained = true; named = false; close_control(me) };
	goto part;
taken:
#ifdef SHUTS_DOWN
	shutdown_tcp();
#else
	skip;
#endif
	d_step { close_tcp(me); close_control(me) };
part:
	unlock(me);
	d_step {
		parted[me] = true;			/* heir_part() */
		forget(me);
		asked[me] = true			/* spawn_ask_all() */
	};
	goto end;
fail:							/* close_pool() */
	skip;
	d_step {
		excused = excused || (frail && !KEPT);
		leaving[me] = true
	};
end:
	skip
	} unless {
		killed[me]
	};
	end_process(me)
}

/*
 * The world.
 */

/* All is as it was at first, one generation later. */
#ifdef THIRD
#define LAST		M
#define DONE		false
#else
#define LAST		N
#define DONE		(OWNER == N && DOOR == NOBODY && dead[O] && \
			    !has(tcp, heir_of(O)))
#endif

/* SYN, and the ACK that completes it. */
proctype
clients()
{
	byte	many;

	do
	:: d_step { !excused && many < CLIENTS && !LISTENS -> many++;
		assert(refuses) }			/* refused */
	:: d_step { !excused && !DONE && many < CLIENTS && LISTENS &&
		!shut_out && len(accept_queue) + half < 2 -> many++;
#ifdef NO_HALF
		accept_queue!(OWNER == NOBODY) }
#else
		half++ }
#endif
	:: d_step { half > 0 -> half--;
		accept_queue!(OWNER == NOBODY) }
	od
}

/* KILL, at any moment.  Whether somebody but who is hit keeps the socket is for
   the promises to know. */
#define MAY_KILL(who)	(many < KILLS && !excused && !DONE && \
			    !killed[who] && !dead[who])
#define KILL(who)	many++; killed[who] = true; \
			excused = excused || !(KEPT || COMES); \
			frail = frail || !KEPT
proctype
accidents()
{
	byte	many;

	do
#ifndef NO_TERM
	:: d_step { !excused && !term[O] && !dead[O] -> term[O] = true }
#endif
	:: d_step { MAY_KILL(O) -> KILL(O) }
	:: d_step { many < KILLS && !excused && !DONE && !term[N] && !dead[N] ->
		many++; term[N] = true }
	:: d_step { MAY_KILL(N) -> KILL(N) }
#ifdef HEIR
	:: d_step { MAY_KILL(heir_of(O)) && has(tcp, heir_of(O)) ->
		KILL(heir_of(O)) }
	:: d_step { MAY_KILL(heir_of(N)) && has(tcp, heir_of(N)) ->
		KILL(heir_of(N)) }
#endif
#ifndef NO_STOP
	:: d_step { many < KILLS && !excused && !stopped && has(tcp, CHILD_B) ->
		many++; stopped = true }
#endif
	:: many = 0;				/* no more of them */
		break
	od
}

init {
	atomic {
		tcp = bit(O);
		control = bit(O);
#if defined(HEIR) && !defined(HEIR_NEW)
		fork(O, heir_of(O));
#ifndef HEIR_UNNAMED
		HEIRS = bit(heir_of(O));	/* before the first accept() */
#endif
		run heir(O, heir_of(O), NOBODY);
#endif
#ifndef NO_CHILD
		fork(O, CHILD_B);
		run child(O, CHILD_B);
#endif
#if !defined(NO_CHILD) && !defined(ONE_CHILD)
		fork(O, CHILD_A);
		run child(O, CHILD_A);
#endif
		run parent(O);
		run parent(N);
#ifdef THIRD
		run parent(M);
#endif
		run clients();
		run accidents()
	};
	/* Everybody has done what he can. */
	timeout ->
	/* Of a parent that has ended, no child holds the socket. */
	assert(!dead[O] || !has(tcp, CHILD_A));
	assert(!dead[O] || !has(tcp, CHILD_B) || stopped);
	/* Who comes next has it, or never came so far. */
#ifdef TAKEOVER
	assert(dead[LAST] || OWNER == LAST);
#else
	assert(dead[LAST] || OWNER == LAST || OWNER < LAST);
#endif
	assert(OWNER != NOBODY || dead[LAST]);
	assert(DOOR == NOBODY);
	assert(OWNER == NOBODY || (has(tcp, OWNER) && has(control, OWNER)));
	assert(OWNER == NOBODY || named)
}
