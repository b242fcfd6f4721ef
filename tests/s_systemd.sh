#!/bin/sh
# SPDX-License-Identifier: ISC
# The units, as systemd reads them; and a server that is started by a socket, as
# systemd does it.
set -u
. "${srcdir:-.}/tests/tap.sh"
need bash ip ss systemd-analyze systemd-socket-activate unshare

if [ -z "${SYSTEMD_INSIDE:-}" ]; then
	place=$(mktemp -d) || exit 1
	OUTLIVE_STATE_DIR=$place/state SYSTEMD_INSIDE=$place
	export OUTLIVE_STATE_DIR SYSTEMD_INSIDE
	mkdir "$OUTLIVE_STATE_DIR"
	may_own || own=
	OWN_NETWORK=$own
	export OWN_NETWORK
	timeout -k 5 100 $own bash "$0"
	status=$?
	rm -r "$place"
	exit $status
fi
place=$SYSTEMD_INSIDE
# silent COMMAND...: it succeeds, and has nothing to say.
silent() {
	local said status
	said=$("$@" 2>&1)
	status=$?
	[ -z "$said" ] || echo "$said" | sed 's/^/# /'
	[ $status = 0 ] && [ -z "$said" ]
}
value() { sed -n "s|^$2=||p" "$1"; }

# The units.
root=$place/root
make_alone install DESTDIR="$root" >"$place/said" 2>&1 || sed 's/^/# /' "$place/said"
service=$(find "$root" -name 'outlived@.service')
socket=$(find "$root" -name 'outlived@.socket')
if [ -z "$service" ] && grep -q '^systemdsystemunitdir = *$' Makefile; then
	skip 'the units' 'configured --with-systemdsystemunitdir=no'
else
	check 'both units are installed' [ -n "$service" ] && [ -n "$socket" ]
	command=$(value "$service" ExecStart)
	check 'the service starts what is installed' \
	    [ -x "$root$(echo "$command" | cut -d'"' -f2)" ]
	check 'nothing is left to be filled in' \
	    silent sed -n '/@[a-z]*@/p' "$service"
	# What systemd itself would have brought.
	mkdir -p "$root/bin" "$root/etc/systemd/system"
	cp /bin/kill "$root/bin/kill"
	cp "$service" "$socket" "$root/etc/systemd/system"
	for target in basic multi-user network paths shutdown slices sockets \
	    sysinit timers; do
		printf '[Unit]\nDescription=%s\n' $target \
		    >"$root/etc/systemd/system/$target.target"
	done
	printf '[Unit]\nDescription=-\n' >"$root/etc/systemd/system/-.slice"
	for unit in service socket; do
		check "systemd finds no fault with the $unit" silent \
		    systemd-analyze verify --root="$root" --man=no \
		    "outlived@9999.$unit"
	done
	check 'it is the parent alone that is ended' \
	    [ "$(value "$service" KillMode)" = process ]
	check 'and as often as somebody likes' \
	    [ "$(value "$service" StartLimitBurst)" -ge 100 ]
fi

# A server that is started by its first client, as by a socket unit.
listens() { [ -n "$(ss -Htln 'sport = :9999')" ]; }
listens_not() { ! listens; }
says() { grep -q "$1" "$place/log"; }
activate() {
	systemd-socket-activate -l 127.0.0.1:9999 \
	    -E OUTLIVE_STATE_DIR="$OUTLIVE_STATE_DIR" \
	    ./outlived -w 0 -a "$1" -i 1:2 "$2" echo 2>>"$place/log" &
	parent=$!
	await listens
}
# echoes DESCRIPTOR: what is said there comes back.
echoes() {
	local line
	echo "hello $1" >&"$1" && read -rt 30 line <&"$1" &&
	    [ "$line" = "hello $1" ]
}
if [ -z "$OWN_NETWORK" ]; then
	skip 'a server that is started by a socket' 'no namespaces are allowed'
	finish
fi
ip link set lo up
for strategy in pass shared; do
	: >"$place/log"
	activate $strategy 127.0.0.1:9999
	exec 3<>/dev/tcp/127.0.0.1/9999
	check "$strategy: the first client starts it, and is served" echoes 3
	check 'with the socket that was passed' says \
	    "parent of 127.0.0.1:9999: $strategy"
	kill -KILL $parent
	wait $parent 2>/dev/null
	await listens_not
	check 'KILL: the client is served on' echoes 3
	activate $strategy 127.0.0.1:9999
	exec 4<>/dev/tcp/127.0.0.1/9999
	check 'started again: the next client, too' echoes 4
	check 'of the next generation' says 'generation 2'
	check 'and still the first one' echoes 3
	exec 3<&- 3>&- 4<&- 4>&-
	kill -TERM $parent
	check 'TERM ends it' wait $parent
	await listens_not
	rm -r "$OUTLIVE_STATE_DIR/127.0.0.1:9999"
done
activate pass 127.0.0.1:9998
exec 3<>/dev/tcp/127.0.0.1/9999
wait $parent
check 'another address: 69' [ $? = 69 ]
check 'and both are named' says \
    'descriptor 3 listens at 127.0.0.1:9999: expected 127.0.0.1:9998$'
finish
