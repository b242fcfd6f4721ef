#!/bin/sh
# SPDX-License-Identifier: ISC
# What make install gives to whoever writes a server: outlive.h, liboutlive.a,
# and outlive.pc.  The examples are built with these alone, and killed.
set -u
. "${srcdir:-.}/tests/tap.sh"
src=$(cd "${srcdir:-.}" && pwd)
cc=${BUILT_CC:-cc} flags=${BUILT_FLAGS:-} pkg_config=${PKG_CONFIG:-pkg-config}
# holds WHAT COMMAND...: it succeeds; what it says is told otherwise.
holds() {
	what=$1
	shift
	said=$("$@" 2>&1)
	status=$?
	[ $status = 0 ] || echo "$said" | sed 's/^/# /'
	check "$what" [ $status = 0 ]
}

# The second half of this test: servers and clients, in a network of their own.
if [ "${1:-}" = talk ]; then
	place=$2
	OUTLIVE_STATE_DIR=$place/state
	export OUTLIVE_STATE_DIR
	ip link set lo up && mkfifo "$place/log" && exec 9<>"$place/log" ||
		exit 1
	# serve PROGRAM ARGUMENT...: returns when it serves; $! is its parent.
	serve() {
		"$place/$1" 127.0.0.1:9999 ${2:+"$2"} 2>&9 9<&- 7<&- 8<&- &
		while read -r -t 30 line <&9; do
			case $line in *': parent of '*) return ;; esac
		done
		echo "not ok - $1 serves: ${line:-it says nothing}"
		exit 1
	}
	dies() { kill -KILL $!; wait $! 2>/dev/null; }
	# asks FD TEXT ANSWER
	asks() {
		echo "$2" >&"$1"
		answer=
		read -r -t 30 -u "$1" answer
		if [ "$answer" = "$3" ]; then
			echo "ok - '${2:0:40}': ${3:0:60}"
		else
			echo "not ok - '$2': expected $3, heard $answer"
		fi
	}
	long=$(printf '%0201d' 0)
	serve echo && exec 7<>/dev/tcp/127.0.0.1/9999
	asks 7 hello hello
	dies
	asks 7 'to an orphan' 'to an orphan'
	serve kv "$place/store" && exec 8<>/dev/tcp/127.0.0.1/9999
	asks 7 'the port has another service now' \
	    'the port has another service now'
	asks 8 'GET a' none
	asks 8 'SET a some words' ok
	asks 8 'SET b 1' ok
	asks 8 'SET a others' ok
	asks 8 'DEL b' ok
	asks 8 'DEL b' none
	asks 8 'GET a' 'ok others'
	wrong='error: expected GET key, SET key value, DEL key, COUNT'
	for line in '' GET 'SET a' 'DEL a b' 'COUNT a' 'get a'; do
		asks 8 "$line" "$wrong"
	done
	asks 8 'GET ' 'error: a key has 1 to 32 bytes'
	asks 8 "SET ${long#"${long#?????????????????????????????????}"} 1" \
	    'error: a key has 1 to 32 bytes'
	asks 8 "SET a $long" 'error: a value has at most 200 bytes'
	asks 8 "SET a ${long#?}" ok
	asks 8 "GET a" "ok ${long#?}"
	asks 8 "GET $long $long" \
	    'error: a line has at most 255 bytes, none of them 0'
	dies
	serve kv "$place/store" && exec 7<>/dev/tcp/127.0.0.1/9999
	asks 7 'GET a' "ok ${long#?}"
	asks 8 'SET orphan 1' ok
	asks 7 'GET orphan' 'ok 1'
	asks 7 'DEL a' ok
	asks 8 'COUNT' 'ok 1'
	dies
	echo other >"$place/other"
	said=$("$place/kv" 127.0.0.1:9999 "$place/other" 2>&1)
	[ $? = 65 ] && [ "$said" = "kv: $place/other is no store of this layout" ] &&
		[ "$(cat "$place/other")" = other ] &&
		echo 'ok - another file is left alone' ||
		echo "not ok - another file: $said"
	echo done
	exit 0
fi

need "${cc%% *}" "$pkg_config" nm bash
place=$(mktemp -d) || exit 1
trap 'rm -r "$place"' EXIT
holds 'make install' make_alone install DESTDIR="$place"
header=$(find "$place" -name outlive.h)
library=$(find "$place" -name liboutlive.a)
pc=$(find "$place" -name outlive.pc)
[ -f "$header" ] && [ -f "$library" ] && [ -f "$pc" ]
check 'header, library and outlive.pc are installed' [ $? = 0 ]

# As if it were installed where it is.
sed 's|^\([a-z_]*\)=/|\1='"$place"'/|' "$pc" >"$place/outlive.pc"
PKG_CONFIG_PATH=$place${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
cflags=$($pkg_config --cflags outlive) && libs=$($pkg_config --libs outlive)
status=$?
check "pkg-config: $(echo "$cflags $libs" | sed "s|$place||g")" [ $status = 0 ]

sed -n 's/^[a-z].*[ 	*]\(outlive_[a-z_]*\)(.*/\1/p' "$header" | sort >"$place/declared"
nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | sort \
    >"$place/visible"
[ -s "$place/declared" ]
check "outlive.h declares functions" [ $? = 0 ]
holds 'and nothing else can be seen' cmp "$place/declared" "$place/visible"

# A program that has each of our other names for something else.
{
	nm -g --defined-only src/libpool.a src/libnet.a |
	    awk 'NF == 3 && $3 ~ /^[a-z]/ && $3 !~ /^outlive_/ {
		print "int " $3 " = 1;" }' | sort -u
	cat <<'EOF'
#include <outlive.h>
int main(void)
{
	struct outlive_config config;

	outlive_config_init(&config);
	return outlive_serve(&config);
}
EOF
} >"$place/crowd.c"
names=$(grep -c '= 1;$' "$place/crowd.c")
[ "$names" -gt 100 ] && grep -q '^int log_info' "$place/crowd.c"
check "we have $names names of our own" [ $? = 0 ]
# shellcheck disable=SC2086 # lists of words, here and below
holds 'a program may have them, too' \
    $cc $flags $cflags -w -o "$place/crowd" "$place/crowd.c" $libs
"$place/crowd" 2>"$place/said"
[ $? = 64 ] && grep -q 'there is no service or no address' "$place/said"
check 'and it runs' [ $? = 0 ]

echo '#include <outlive.h>' >"$place/alone.c"
for std in c99 c11 gnu11; do
	# shellcheck disable=SC2086
	holds "outlive.h alone is $std" $cc -std=$std -Wall -Wextra -pedantic \
	    -Werror -I"${header%/*}" -c -o "$place/alone.o" "$place/alone.c"
done
case $cc in *clang*) cxx=clang++ ;; *) cxx=g++ ;; esac
cp "$place/alone.c" "$place/alone.cc"
sed 1,"$names"d "$place/crowd.c" >"$place/cxx.cc"
if command -v $cxx >/dev/null && echo | $cxx -x c++ -c -o /dev/null -; then
	holds 'outlive.h alone is C++' $cxx -Wall -Wextra -pedantic -Werror \
	    -I"${header%/*}" -c -o "$place/alone.o" "$place/alone.cc"
	# shellcheck disable=SC2086
	holds 'a C++ program calls it' \
	    $cxx $flags $cflags -o "$place/cxx" "$place/cxx.cc" $libs
else
	skip 'outlive.h is C++' "there is no $cxx"
	skip 'a C++ program calls it' "there is no $cxx"
fi

# The page knows every member and function, and its example is one.
page=$src/doc/outlive.3
members=$(sed -n '/^struct outlive_config {/,/^}/p' "$header" |
    sed -e 's|/\*.*||' -e '/^	 \*/d' -e '/^	[	 ]*[^	;]*$/d' |
    sed -n -e 's/^	.*(\*\([a-z_]*\))(.*/\1/p' \
    -e 's/^	[a-z].*[	 *]\([a-z_]*\);.*/\1/p')
[ "$(echo "$members" | wc -l)" -ge 22 ]
status=$?
check "struct outlive_config has $(echo "$members" | wc -l) members" [ $status = 0 ]
unknown=
for name in $members; do
	grep -Eq "^\.It Vt .*[ ,]$name( |,|\$)" "$page" ||
		unknown="$unknown $name"
done
while read -r name; do
	grep -q "^\.Fn $name " "$page" || unknown="$unknown $name()"
done <"$place/declared"
[ -z "$unknown" ]
check "outlive(3) knows them, and each function${unknown:+, but$unknown}" [ $? = 0 ]
sed -n '/^#include <outlive.h>/,/^\.Ed/p' "$page" | sed -e '/^\.Ed/d' \
    -e 's/\\e/\\/g' >"$place/hello.c"
# shellcheck disable=SC2086
holds 'its example' $cc $flags -Wall -Wextra -Werror $cflags \
    -o "$place/hello" "$place/hello.c" $libs

for example in echo kv; do
	# shellcheck disable=SC2086
	holds "$example.c" $cc $flags -Wall -Wextra -Werror $cflags \
	    -o "$place/$example" "$src/doc/examples/$example.c" $libs
done

# shellcheck disable=SC2086
if command -v ip >/dev/null && may_own; then
	timeout -k 5 100 $own bash "$0" talk "$place" </dev/null >"$place/talk" 2>&1
	while read -r line; do
		case $line in
		'ok - '*) check "${line#ok - }" true ;;
		'not ok - '*) check "${line#not ok - }" false ;;
		*) echo "# $line" ;;
		esac
	done <"$place/talk"
	grep -q '^done$' "$place/talk"
	check 'all was said' [ $? = 0 ]
else
	skip 'the examples serve' 'no namespaces are allowed here'
fi
finish
