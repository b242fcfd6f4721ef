#!/bin/sh
# SPDX-License-Identifier: ISC
# make model: spin(1) goes through all that can happen in doc/restart.pml, for
# each variant of it, and finds what is broken in each mutant.  Arguments: the
# names of those that are wanted; none: all but the quick ones.  -p: the steps
# of each counter-example, too.  One line each; the status is 0 if all is as it
# should be.
set -u
src=${srcdir:-.}
cc=${CC:-cc}
steps=
[ "${1:-}" = -p ] && { steps=yes; shift; }

# Name, what is to be found, and how that is chosen.  What is found is a part of
# the assertion, or "nothing".  Fewer children, clients and accidents where all
# of them would take minutes.
small='-DONE_CHILD -DCLIENTS=1'
less="$small -DNO_HALF"
least='-DNO_CHILD -DNO_STOP -DNO_HALF -DPASS -DCLIENTS=1'
both='-DHEIR -DTAKEOVER'
third="$both -DTHIRD -DKILLS=0 $least"
table="restart nothing -DONE_CHILD
pass nothing -DPASS
takeover nothing -DTAKEOVER $small
heir nothing -DHEIR -DKILLS=1 $small
heir-two nothing -DHEIR $least
heir-takeover nothing $both $least
heir-new nothing $both -DHEIR_NEW $less
heir-old nothing $both -DHEIR_OLD $least
third nothing $third
third-killed nothing $both -DTHIRD -DKILLS=1 -DNO_TERM $least
restart-quick nothing -DKILLS=1 $small
takeover-quick nothing -DTAKEOVER -DKILLS=1 $least
heir-quick nothing -DHEIR -DKILLS=1 $least
heir-takeover-quick nothing $both -DHEIR_NEW -DKILLS=1 $least
reached came -DREACHED -DHEIR -DKILLS=1 $less
KEEP CHILD -DKEEP -DKILLS=1 $small
NOSHUTDOWN LISTENS -DNOSHUTDOWN -DKILLS=0 $small
NODRAIN accept_queue -DNODRAIN -DKILLS=0 $small
TRUSTS_DEAD_HEIR accept_queue -DTRUSTS_DEAD_HEIR -DHEIR -DKILLS=1 $less
HEIR_UNNAMED accept_queue -DHEIR_UNNAMED -DHEIR $less
HEIR_CLOSES_FIRST accept_queue -DHEIR_CLOSES_FIRST -DHEIR $least
WAITS_AT_DOOR dead[LAST] -DWAITS_AT_DOOR -DHEIR -DKILLS=1 $least
ANY_OWNER accept_queue -DANY_OWNER $both $least
ASKS_BLINDLY dead[LAST] -DASKS_BLINDLY -DHEIR -DKILLS=3 $less
HEIR_ANSWERS dead[LAST] -DHEIR_ANSWERS -DHEIR_FOR_PARENT -DNO_TERM $third
HEIR_FOR_PARENT accept_queue -DHEIR_FOR_PARENT $both -DHEIR_OLD $least
PARTS_FIRST accept_queue -DPARTS_FIRST -DHEIR -DKILLS=1 $least
MINE_EARLY accept_queue -DMINE_EARLY -DTAKEOVER -DKILLS=0 $small
UNANSWERED accept_queue -DUNANSWERED -DTAKEOVER -DKILLS=1 $less
UNHEARD dead[LAST] -DUNHEARD -DTAKEOVER -DKILLS=0 $less
NO_LAST_LOOK accept_queue -DNO_LAST_LOOK -DTAKEOVER -DKILLS=0 $less
GONE_BY_ITSELF dead[LAST] -DGONE_BY_ITSELF -DTAKEOVER -DKILLS=0 $less
TERM_AT_LAST accept_queue -DTERM_AT_LAST -DTAKEOVER -DKILLS=1 $less
TRUSTS_SUCCESSOR accept_queue -DTRUSTS_SUCCESSOR -DTAKEOVER -DKILLS=0 $small
SHUTS_DOWN takes_over -DSHUTS_DOWN -DTAKEOVER -DKILLS=0 $small"

die() {
	echo "model: $*" >&2
	exit 1
}

command -v spin >/dev/null || die 'there is no spin (Debian: spin)'
work=$(mktemp -d "${TMPDIR:-/tmp}/outlive-model.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# look NAME EXPECTED OPTION...: in a folder of its own, as spin leaves files
# where it runs.  What is to be said about it is in said, there.
look() {
	name=$1 expected=$2
	shift 2
	found='it cannot be compiled' states=-
	mkdir "$work/$name" && cp "$src/doc/restart.pml" "$work/$name" || return
	cd "$work/$name" || return
	# shellcheck disable=SC2086 # $cc may be several words
	if spin "$@" -a restart.pml >log 2>&1 &&
	    $cc $optimize -w -DSAFETY -DMEMLIM=2000 -o pan pan.c >>log 2>&1
	then
		./pan -E -m20000 >log 2>&1
		states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' log)
		found=$(sed -n -e 's/^pan:[0-9]*: \(.*\) (at .*/\1/p' \
		    -e 's/^error: .*/&/p' log | head -n 1)
	fi
	if [ -e restart.pml.trail ]; then
		spin -t -p "$@" restart.pml >steps 2>&1
		line=$(sed -n 's/^spin: restart.pml:\([0-9]*\), Error: .*/\1/p' \
		    steps)
		found=$(sed -n "${line:-1}s/^[[:space:]]*//p" restart.pml)
	elif [ -z "$found" ] && grep -q 'errors: 0$' log; then
		found=nothing
	fi
	verdict=
	case $found in
	nothing)
		[ "$expected" = nothing ] || verdict=" (expected: $expected)"
		;;
	*)	case $(echo "$found" | tr -d ' ') in
		*"$expected"*) ;;
		*) verdict=" (expected: $expected)" ;;
		esac
		found="line ${line:-?}: $found"
	esac
	printf '%-20s %8s  %s\n' "$name" "${states:--}" "$found$verdict" >said
	[ -z "$verdict" ]
}

[ $# -gt 0 ] || for name in $(echo "$table" | cut -d' ' -f1); do
	case $name in
	*-quick) ;;
	*) set -- "$@" "$name" ;;
	esac
done
# Two at a time.
bad=0
start() {
	row=$(echo "$table" | grep "^$1 ") || die "there is no '$1'"
	# What is found at once is not worth the compiler's time.
	case $row in
	*-quick*) optimize=-O0 ;;
	*' nothing'* | *THIRD*) optimize='-O1 -DCOLLAPSE' ;;
	*) optimize=-O0 ;;
	esac
	# shellcheck disable=SC2086 # a list of words
	(look $row) &
}
finish() { # NAME PID
	wait "$2" || bad=1
	cat "$work/$1/said" 2>/dev/null || { bad=1; echo "$1: failed"; }
	[ -z "$steps" ] || cat "$work/$1/steps" 2>/dev/null
	rm -rf "${work:?}/$1"
}
before=
for name; do
	start "$name"
	pid=$!
	[ -z "$before" ] || finish "$before" "$before_pid"
	before=$name before_pid=$pid
done
[ -z "$before" ] || finish "$before" "$before_pid"
exit $bad
