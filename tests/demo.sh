#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# make demo: UNP 7.5 with a pre-forked server, seen with one's own eyes.
# Each step is announced, done, shown and checked; the first one that does
# not hold ends the demo with status 1.
set -u
outlived=${OUTLIVED:-./outlived}
outlivectl=${OUTLIVECTL:-./outlivectl}
port=9999

# A network and a process table of its own, where that is allowed: port 9999
# is free there, and nothing can be left behind.  A state directory of its own
# in any case.
if [ -z "${DEMO_INSIDE:-}" ]; then
	export DEMO_INSIDE=1
	OUTLIVE_STATE_DIR=$(mktemp -d) || exit 1
	export OUTLIVE_STATE_DIR
	trap 'rm -r "$OUTLIVE_STATE_DIR"' EXIT
	own='unshare --net --pid --fork --mount-proc --kill-child'
	[ "$(id -u)" = 0 ] || own="$own --user --map-root-user"
	if $own ip link set lo up 2>/dev/null; then
		$own bash "$0" "$@"
		exit
	fi
	echo "(No namespaces are allowed here: port $port of this machine.)"
	bash "$0" "$@"
	exit
fi
ip link set lo up 2>/dev/null

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n== %s\n' "$*"; }
# Said on the demo's own output, also where a condition is silenced.
exec 9>&1
fail() { printf 'THIS DOES NOT HOLD: %s\n' "$*" >&9; exit 1; }

# The kernel's table of the port, and how many sockets are in a state.
table() { ss -Htan "sport = :$port" | awk '{ printf "  %-11s %s  %s\n", $1, $4, $5 }'; }
count() { ss -Htan "sport = :$port" | awk -v s="$1" '$1 == s { n++ } END { print n + 0 }'; }
holds() {
	[ "$(count ESTAB)" = "$1" ] && [ "$(count LISTEN)" = "$2" ] ||
	    fail "expected $1 ESTABLISHED and $2 LISTEN"
	echo "  ... $1 ESTABLISHED, $2 LISTEN: holds"
}

# Wait for a condition: a command that succeeds; ten seconds at most.
await() {
	local tries
	for ((tries = 0; tries < 500; tries++)); do
		"$@" >/dev/null 2>&1 && return 0
		read -rt 0.02 <> <(:)
	done
	fail "waited in vain: $*"
}
counts() { [ "$(count "$1")" = "$2" ]; }

parent=
listening() {
	kill -0 "$parent" 2>/dev/null || fail "the server has ended"
	counts LISTEN 1
}
start() {
	echo "  \$ $outlived $* &"
	"$outlived" "$@" &
	parent=$!
	await listening
}

# A client is a descriptor of this shell: talk FD TEXT sends a line and
# expects it back.
talk() {
	local answer
	printf '%s\n' "$2" >&"$1"
	read -rt 10 -u "$1" answer && [ "$answer" = "$2" ] ||
	    fail "client $1 said '$2' and heard '${answer-}'"
	echo "  client $1 said: $2; and heard the same"
}

# Our parent, its children, and the orphans of the one before, as ps shows them.
orphans=
children() { ps -o pid= --ppid "$parent" | tr '\n' ' '; }
processes() {
	# shellcheck disable=SC2046,SC2086 # lists of words
	ps -o pid,ppid,args -p $(echo $parent $orphans $(children) | tr ' ' ,) |
	    grep 'outlived:' | sort -n
}
busy() {
	[ "$(processes | grep -c ': echo for')" = "$1" ] &&
	    [ "$(processes | grep -c ': idle')" = "$2" ]
}

# If a step does not hold, nothing is left behind all the same.
end_all() { processes | awk '{ print $1 }' | xargs -r kill -KILL; }
trap '[ -z "$parent" ] || end_all' EXIT

for signal in TERM KILL; do
	say "A parent with two children that are idle, and two clients"
	start -i 2:4 127.0.0.1:$port echo
	exec 3<>/dev/tcp/127.0.0.1/$port 4<>/dev/tcp/127.0.0.1/$port
	talk 3 "hello from client 3"
	talk 4 "hello from client 4"
	await busy 2 2
	processes
	table
	holds 2 1

	say "kill -$signal the parent, in the middle of both conversations"
	orphans=$(children)
	kill -$signal "$parent"
	wait "$parent" 2>/dev/null
	await busy 2 0
	processes
	table
	holds 2 0
	echo "  The idle children have left; nobody listens; both clients live."

	say "Who serves whom, without a parent"
	echo "  \$ $outlivectl status"
	"$outlivectl" status | sed 's/^/  /'
	"$outlivectl" status | grep -q ': no parent$' ||
	    fail "expected no parent"
	"$outlivectl" status | grep -q '^children: 2, busy: 2, .*orphans: 2;' ||
	    fail "expected two orphans that are busy"
	echo "  ... no parent, two orphans that serve: holds"

	say "Restart without SO_REUSEADDR: it fails (UNP 7.5)"
	echo "  \$ $outlived --no-reuseaddr -w 0 127.0.0.1:$port echo"
	"$outlived" --no-reuseaddr -w 0 127.0.0.1:$port echo
	[ $? = 69 ] || fail "expected exit status 69"
	echo "  ... exit status 69: holds"

	say "Restart with it: it has the port at once"
	start -i 2:4 -w 0 127.0.0.1:$port echo
	table
	holds 2 1

	say "The old clients talk to their old children, a new one to a new child"
	exec 5<>/dev/tcp/127.0.0.1/$port
	talk 5 "hello from client 5"
	talk 3 "client 3, still here"
	talk 4 "client 4, still here"
	await busy 3 2
	processes
	table
	holds 3 1

	say "All clients leave, and the second parent is ended by TERM"
	exec 3>&- 4>&- 5>&-
	orphans+=$(children)
	kill -TERM "$parent"
	wait "$parent" || fail "the parent ended with status $?"
	await busy 0 0
	parent='' orphans=
	await counts LISTEN 0
	echo "  Nobody is left."
done

say "Every step held, for TERM and for KILL."
