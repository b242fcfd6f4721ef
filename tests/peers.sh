#!/bin/sh
# SPDX-License-Identifier: ISC
# What clients lose by a restart of this server, and of others, each restarted
# in the ways that it has.  make peers; PEERS=-h tells the options.
set -u
port=9999 behind=7777
rounds=5 rate=500 held=50 before=0.7 lasts=3 patience=5 quick='' only=''

usage() {
	cat <<-END
	usage: peers.sh [-q] [-n restarts] [-o peer] [-r rate] [-s sessions]

	  -n N   restarts of each way (5)
	  -o ERE only the rows that match, "haproxy" or "outlived.*takeover"
	  -q     a quick look: one restart of each way
	  -r N   clients per second (500)
	  -s N   sessions that are held meanwhile (50)
	END
	exit "$1"
}

arguments=$*
while getopts hn:o:qr:s: option; do
	case $option in
	h) usage 0 ;;
	n) rounds=$OPTARG ;;
	o) only=$OPTARG ;;
	q) quick=yes rounds=1 lasts=1.5 before=0.4 patience=3 ;;
	r) rate=$OPTARG ;;
	s) held=$OPTARG ;;
	*) usage 64 ;;
	esac
done

# In a network and a process table of their own: the ports are free there, and
# no daemon is left.
if [ -z "${PEERS_INSIDE:-}" ]; then
	. "${srcdir:-.}/tests/tap.sh"
	need ip ss unshare awk
	may_own || skip_all 'no namespaces are allowed here'
	PEERS_INSIDE=$(mktemp -d) || exit 1
	trap 'rm -rf "$PEERS_INSIDE"' EXIT
	export PEERS_INSIDE
	# shellcheck disable=SC2086 # lists of words
	$own sh "$0" $arguments &
	inside=$!
	trap 'kill -KILL $inside; exit 1' INT TERM HUP
	wait $inside
	exit
fi
ip link set lo up || exit 1
work=$PEERS_INSIDE
export OUTLIVE_STATE_DIR="$work/state"
mkdir "$work/state"
# nginx's workers, and where it must be read by nobody.
chmod 755 "$work"
PATH=$PATH:/usr/sbin:/sbin

has() { command -v "$1" >/dev/null; }
fail() { echo "peers: $*" >&2; cat "$work/log" >&2; exit 1; }

await() { # WHAT COMMAND...
	tries=0 what=$1
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 1500 ] || fail "$what: waited 30 s in vain"
		sleep 0.02
	done
}
listens() { ss -Hltn "sport = :${1:-$port}" | grep -q .; }
silent() { ! listens "$@"; }
gone() { ! kill -0 "$1"; }
running() { kill -0 "$1" 2>/dev/null; }
in_file() { pid=$(cat "$1") && [ -n "$pid" ] && kill -0 "$pid"; }

# Start what runs in the foreground, as $pid, and again if its address is not
# free yet.
start() {
	"$@" >>"$work/log" 2>&1 &
	pid=$!
	tries=0
	until listens; do
		running $pid || { "$@" >>"$work/log" 2>&1 & pid=$!; }
		tries=$((tries + 1))
		[ $tries -lt 1500 ] || fail "$1: does not listen"
		sleep 0.01
	done
}
end() { # SIGNAL; the parent only: its children have sessions
	kill "-$1" "$pid"
	wait "$pid" 2>>"$work/log"
}

# outlived

outlived() { start ./outlived "$@" 127.0.0.1:$port echo; }
outlived_TERM() { end TERM; outlived -a "$strategy" -w 0; }
# The port never closes.
outlived_next() {
	./outlived -a "$strategy" "$@" 127.0.0.1:$port echo >>"$work/log" 2>&1 &
	pid=$!
}
outlived_heir() {
	end TERM
	outlived_next -H 10
}
outlived_takeover() {
	old=$pid
	outlived_next -T
	wait "$old"
}

# Peers: what each is, started and restarted.

tcpserver_start() { start tcpserver -q -H -R -l 0 -c 1000 -b 4096 127.0.0.1 $port cat; }
tcpserver_TERM() { end TERM; tcpserver_start; }

socat_start() { start socat "TCP4-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork,backlog=4096" PIPE; }
socat_TERM() { end TERM; socat_start; }

xinetd_start() {
	cat >"$work/xinetd.conf" <<-END
	defaults
	{
		instances = UNLIMITED
		per_source = UNLIMITED
		cps = 100000 1
	}
	service echo
	{
		id = echo-stream
		type = INTERNAL UNLISTED
		socket_type = stream
		protocol = tcp
		port = $port
		bind = 127.0.0.1
		user = root
		wait = no
		disable = no
		flags = NOLIBWRAP
	}
	END
	start xinetd -dontfork -f "$work/xinetd.conf" -pidfile "$work/xinetd.pid" -filelog "$work/log"
}
# TERM would end its sessions, one after the other, for some seconds.
xinetd_QUIT() { end QUIT; xinetd_start; }
xinetd_HUP() { kill -HUP "$pid"; }

# nginx and HAProxy have no echo: they are in front of one, which stays.
echo_behind() {
	./outlived -n behind -a shared -i 64:128 -m 4000 127.0.0.1:$behind echo >>"$work/log" 2>&1 &
	await 'the echo behind it' listens $behind
}

nginx_module() {
	where=$(nginx -V 2>&1 | tr ' ' '\n' | sed -n 's/^--modules-path=//p')
	echo "${where:-/usr/lib/nginx/modules}/ngx_stream_module.so"
}
nginx_start() {
	echo_behind
	{
		[ ! -e "$(nginx_module)" ] || echo "load_module $(nginx_module);"
		cat <<-END
		pid $work/nginx.pid;
		error_log $work/log;
		worker_processes auto;
		events { worker_connections 4096; }
		stream { server {
			listen 127.0.0.1:$port backlog=4096;
			proxy_pass 127.0.0.1:$behind;
		} }
		END
	} >"$work/nginx.conf"
	# In the background: in the foreground it has no USR2.
	nginx_again
}
nginx_again() {
	# With its path, or it does not find itself for USR2.
	"$(command -v nginx)" -p "$work" -e "$work/log" -c "$work/nginx.conf" 2>>"$work/log" ||
	    fail 'nginx does not start'
	await 'nginx: its pid file' in_file "$work/nginx.pid"
}
nginx_HUP() { kill -HUP "$pid"; }
nginx_QUIT() {
	kill -QUIT "$pid"
	# The old one stays for its sessions; it has unbound when a new one can.
	await 'nginx: the end of the listener' silent
	nginx_again
}
nginx_USR2() {
	old=$pid
	kill -USR2 "$old"
	await 'nginx: the new binary' in_file "$work/nginx.pid.oldbin"
	await 'nginx: the new one' new_nginx
	kill -QUIT "$old"
}
new_nginx() { in_file "$work/nginx.pid" && [ "$pid" != "$old" ]; }

haproxy_start() { # OPTION...
	echo_behind
	cat >"$work/haproxy.cfg" <<-END
	global
		maxconn 4000
		stats socket $work/haproxy.sock mode 600 level admin expose-fd listeners
	defaults
		mode tcp
		backlog 4096
		timeout connect 5s
		timeout client 1m
		timeout server 1m
	listen echo
		bind 127.0.0.1:$port
		server behind 127.0.0.1:$behind
	END
	start haproxy "$@" -db -f "$work/haproxy.cfg"
}
haproxy_sf() {
	haproxy -db -f "$work/haproxy.cfg" "$@" -sf "$pid" >>"$work/log" 2>&1 &
	pid=$!
}
haproxy_x() { haproxy_sf -x "$work/haproxy.sock"; }
haproxy_USR2() { kill -USR2 "$pid"; }

# One restart of one way, under load.

member() { # NAME...: the number behind the last of them, each behind the one before
	rest=$(cat "$work/json")
	for name in "$@"; do
		case $rest in *"\"$name\":"*) rest=${rest#*"\"$name\":"} ;; *) fail "no $name" ;; esac
	done
	printf '%s' "${rest%%[,\}]*}"
}
failures() {
	sum=0
	for kind in "$@"; do
		sum=$((sum + $(member failures "$kind" n)))
	done
	echo $sum
}

end_all() {
	# This process table is ours alone: nobody but its init and what we
	# started is in it.
	for one in $(ps -o pid= -A); do
		[ "$one" -le 1 ] || [ "$one" = $$ ] || kill -KILL "$one"
	done 2>/dev/null
	await 'the end of all' silent
	await 'the end of what is behind' silent $behind
	rm -rf "$work"/state/* "$work"/*.pid "$work"/*.oldbin "$work"/*.sock
}

once() { # PEER WAY RESTART START...
	peer=$1 way=$2 again=$3
	shift 3
	[ -z "$only" ] || echo "$peer $way" | grep -Eiq -e "$only" || return 0
	[ ! -t 2 ] || printf '\r\033[K%s, %s' "$peer" "$way" >&2
	: >"$work/log"
	"$@"
	await "$peer" listens
	rm -f "$work/clients"
	./outlive-load --rate "$rate" --hold "$held" --every 0.5 --for "$lasts" -t $patience --json \
	    --log "$work/clients" 127.0.0.1:$port >"$work/json" 2>>"$work/log" &
	load=$!
	await "$peer: the sessions" [ -s "$work/clients" ]
	sleep $before
	"$again"
	# A row of its own, if the machine is so slow.
	running $load || way="$way (not over)"
	wait $load
	{
		printf '%s|%s' "$peer" "$way"
		printf '|%s' "$(member connections)" "$(failures refused)" \
		    "$(failures reset_before reset_after short)" \
		    "$(failures timeout)" \
		    "$(failures corrupt unreachable local)" \
		    "$(member longest_gap seconds)" \
		    "$(member latency_us whole max)" \
		    "$(member sessions lost)" "$(member client_cpu all)"
		echo
	} >>"$work/results"
	end_all
}

nothing() { :; }
round() {
	for strategy in pass shared; do
		set -- outlived -a $strategy
		[ -n "$quick" ] || once "outlived, $strategy" 'no restart' nothing "$@"
		once "outlived, $strategy" 'TERM, start' outlived_TERM "$@"
		once "outlived, $strategy" 'TERM, start; heir' outlived_heir "$@" -H 10
		once "outlived, $strategy" takeover outlived_takeover "$@"
	done
	if has tcpserver; then
		[ -n "$quick" ] || once 'tcpserver, cat' 'no restart' nothing tcpserver_start
		once 'tcpserver, cat' 'TERM, start' tcpserver_TERM tcpserver_start
	fi
	if has socat; then
		[ -n "$quick" ] || once 'socat, fork' 'no restart' nothing socat_start
		once 'socat, fork' 'TERM, start' socat_TERM socat_start
	fi
	if has xinetd; then
		[ -n "$quick" ] || once 'xinetd, its echo' 'no restart' nothing xinetd_start
		once 'xinetd, its echo' 'QUIT, start' xinetd_QUIT xinetd_start
		once 'xinetd, its echo' 'HUP' xinetd_HUP xinetd_start
	fi
	if has nginx; then
		[ -n "$quick" ] || once 'nginx, stream' 'no restart' nothing nginx_start
		once 'nginx, stream' 'QUIT, start' nginx_QUIT nginx_start
		once 'nginx, stream' 'HUP' nginx_HUP nginx_start
		once 'nginx, stream' 'USR2, QUIT' nginx_USR2 nginx_start
	fi
	if has haproxy; then
		[ -n "$quick" ] || once 'HAProxy, tcp' 'no restart' nothing haproxy_start
		once 'HAProxy, tcp' '-sf' haproxy_sf haproxy_start
		once 'HAProxy, tcp' '-x -sf' haproxy_x haproxy_start
		once 'HAProxy, tcp' '-W, USR2' haproxy_USR2 haproxy_start -W
	fi
}

versions() {
	./outlived --version
	uname -sr
	# shellcheck disable=SC2016 # its own variables
	has dpkg-query && dpkg-query -W -f '${Package} ${Version}\n' \
	    ucspi-tcp socat xinetd nginx haproxy 2>/dev/null
	for one in tcpserver socat xinetd nginx haproxy; do
		has $one || echo "not installed, and left out: $one"
	done
}

table() {
	awk -F'|' '
	function sorted(list, n, out,   i, k, v) {
		for (i = 1; i <= n; i++) {
			v = list[i] + 0
			for (k = i - 1; k >= 1 && out[k] > v; k--)
				out[k + 1] = out[k]
			out[k + 1] = v
		}
	}
	{
		row = $1 "|" $2
		if (!(row in n))
			rows[++all] = row
		n[row]++
		for (k = 3; k <= 7; k++)
			sum[row, k] += $k
		gap[row, n[row]] = $8 * 1000
		if ($9 > slowest[row])
			slowest[row] = $9
		lost[row] += $10
		cpu[row] += $11
	}
	END {
		printf "| peer | way | clients | refused | reset | timed out | else "
		printf "| longest gap, ms: median | worst | slowest client, ms "
		print "| sessions lost | CPU of the clients |"
		print "|---|---|---|---|---|---|---|---|---|---|---|---|"
		for (i = 1; i <= all; i++) {
			row = rows[i]
			split(row, name, "|")
			for (k = 1; k <= n[row]; k++)
				list[k] = gap[row, k]
			sorted(list, n[row], order)
			printf "| %s | %s | %d | %d | %d | %d | %d | %.1f | %.1f | %.0f | %d | %.2f |\n",
			    name[1] == before ? "" : name[1], name[2],
			    sum[row, 3], sum[row, 4], sum[row, 5], sum[row, 6], sum[row, 7],
			    order[int(n[row] / 2) + 1], order[n[row]],
			    slowest[row] / 1000, lost[row], cpu[row] / n[row]
			before = name[1]
		}
	}' "$work/results"
}

i=0
while [ $i -lt "$rounds" ]; do
	round
	i=$((i + 1))
done
[ ! -t 2 ] || printf '\r\033[K' >&2
[ -s "$work/results" ] || fail 'no row matches'
table
echo
echo "$rate clients a second, $held sessions; $rounds of each, $lasts s long, one restart in each"
versions
