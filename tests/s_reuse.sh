#!/bin/sh
# SPDX-License-Identifier: ISC
# A pid on a board that has been given to somebody else: outlivectl sees a
# stranger.  A pid namespace of our own can be told the next pid.
set -u
. "${srcdir:-.}/tests/tap.sh"
if [ -z "${REUSE_INSIDE:-}" ]; then
	need bash ip ps ss unshare
	may_own || skip_all 'no namespaces are allowed here'
	OUTLIVE_STATE_DIR=$(mktemp -d) || exit 1
	export OUTLIVE_STATE_DIR REUSE_INSIDE=1
	timeout -k 5 100 $own bash "$0"
	status=$?
	rm -r "$OUTLIVE_STATE_DIR"
	exit $status
fi

listens() { [ -n "$(ss -Htln 'sport = :9999')" ]; }
listens_not() { ! listens; }
cats() { ps -eo pid=,args= | awk '$2 == "cat" { print $1 }'; }
two_cats() { [ "$(cats | wc -l)" = 2 ]; }
has_gone() { ! kill -0 "$1" 2>/dev/null; }
shows() { ./outlivectl status | grep -qE "$1"; }
shows_not() { ! shows "$1"; }

ip link set lo up
./outlived -a fork 127.0.0.1:9999 exec cat 2>/dev/null &
parent=$!
await listens
exec 3<>/dev/tcp/127.0.0.1/9999 4<>/dev/tcp/127.0.0.1/9999
await two_cats
# shellcheck disable=SC2046 # two words
set -- $(cats)
await shows "^ +1 +$1 +busy"
await shows "^ +1 +$2 +busy"
kill -KILL "$parent"
await listens_not
kill -KILL "$1"
await has_gone "$1"

# Somebody else gets the pid.
for ((tries = 0; tries < 100; tries++)); do
	echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid || break
	sleep 1000 &
	stranger=$!
	[ "$stranger" = "$1" ] && break
	kill -KILL "$stranger"
done
[ "$stranger" = "$1" ] || skip_all 'the next pid cannot be chosen here'
check 'the one who lives is shown' shows "^ +1 +$2 +busy"
check 'who has the pid of the other one is not' shows_not "^ +1 +$1 "
check 'drain ends one' [ "$(./outlivectl drain --orphans --deadline 0 |
    tail -1)" = '127.0.0.1:9999: have left: 0, were ended: 1' ]
check 'and leaves the stranger alone' kill -0 "$stranger"
await has_gone "$2"
check 'which is still itself' [ "$(ps -o args= "$stranger")" = 'sleep 1000' ]
kill -KILL "$stranger"
finish
