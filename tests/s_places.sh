#!/bin/sh
# SPDX-License-Identifier: ISC
# Where instances are kept if nobody says where: the first place that can be
# written.  In a /run and a /tmp of our own.
set -u
. "${srcdir:-.}/tests/tap.sh"
if [ -z "${PLACES_INSIDE:-}" ]; then
	need ip mount unshare
	# shellcheck disable=SC2086 # a list of words
	may_own --mount && $own mount -t tmpfs none /run 2>/dev/null ||
		skip_all 'no namespaces are allowed here'
	export PLACES_INSIDE=1
	# shellcheck disable=SC2086 # a list of words
	exec timeout -k 5 100 $own sh "$0"
fi

mode() { [ "$(stat -c %a "$1")" = "$2" ]; }
steer() { ./outlivectl -n 9999 "$1" >/dev/null; }
# kept PLACE MODE: a server that starts now is kept there, and found there.
kept() {
	_=$(./outlived -1 -w 0 -i 1:1 9999 echo 2>/dev/null &)
	check "in $1, of mode $2" mode "$1" "$2"
	check 'the instance is there' test -f "$1/9999/lock"
	check 'outlivectl finds it' steer status
	check 'and stops it' steer stop
}

here=$(pwd)
mount --bind "$here" /mnt && cd /mnt || exit 1
mount -t tmpfs none /run && mount -t tmpfs none /tmp && chmod 1777 /tmp ||
	exit 1
ip link set lo up
umask 022
unset OUTLIVE_STATE_DIR XDG_RUNTIME_DIR
kept /run/outlive 755
mount -t tmpfs -o ro none /run && mkdir -m 700 /tmp/user || exit 1
XDG_RUNTIME_DIR=/tmp/user
export XDG_RUNTIME_DIR
kept /tmp/user/outlive 755
unset XDG_RUNTIME_DIR
kept "/tmp/outlive-0" 700
chmod 777 /tmp/outlive-0
./outlived -w 0 9999 echo 2>/tmp/said
check 'one that is not as it should be: exit 71' [ $? = 71 ]
check 'and it says why' grep -q 'others may write to /tmp/outlive-0' /tmp/said
check 'OUTLIVE_STATE_DIR without a name: one line' [ "$(OUTLIVE_STATE_DIR='' \
    ./outlived 9999 echo 2>&1 | sed 's/^[^ ]* //')" = \
    'the state directory has no name: expected a path' ]
OUTLIVE_STATE_DIR=/tmp/elsewhere
export OUTLIVE_STATE_DIR
kept /tmp/elsewhere 755
finish
