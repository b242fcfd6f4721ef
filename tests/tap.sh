# SPDX-License-Identifier: ISC
# Included by tests in sh: checks, what they need, and a way to end.
n=0 bad=0

# check WHAT COMMAND...: it succeeds.  (What WHAT itself runs has changed $?.)
check() {
	n=$((n + 1))
	what=$1
	shift
	"$@" || { bad=1; printf 'not '; }
	echo "ok $n - $what"
}

skip() { # WHAT WHY
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

# The whole test cannot run here.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# With sanitizers: as harness_overlook_leaks().
overlook_leaks() {
	ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
	export ASAN_OPTIONS
}

need() { # PROGRAM...
	for tool in "$@"; do
		command -v "$tool" >/dev/null || skip_all "there is no $tool"
	done
}

# $own COMMAND...: with processes and a network of its own, which end with it,
# and what else is asked for (unshare(1)).  False: it is not allowed here.
may_own() {
	own="unshare --net --pid --fork --mount-proc --kill-child $*"
	[ "$(id -u)" = 0 ] || own="$own --user --map-root-user"
	$own true 2>/dev/null
}

# Until a command succeeds.
await() {
	tries=0
	while [ $tries -lt 1500 ]; do
		"$@" >/dev/null 2>&1 && return
		sleep 0.02
		tries=$((tries + 1))
	done
	echo "Bail out! waited 30 s in vain: $*"
	exit 1
}

# Of the make that runs this test nothing is for another one.
make_alone() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s "$@"
}

finish() {
	echo "1..$n"
	exit $bad
}
