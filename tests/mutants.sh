#!/bin/sh
# SPDX-License-Identifier: ISC
# make mutants: each wrong edit in tests/mutants is made, alone, and the test
# that it names must fail.  Arguments: the names of those that are wanted; none:
# all.  The last line counts them; the status is 0 if none survived.
set -u
src=$(cd "${srcdir:-.}" && pwd) || exit 1
make=${MAKE:-make}
# Of the make that runs this; its options are not for here.
unset MAKEFLAGS MFLAGS MAKELEVEL srcdir

# The longest that a test may take, in s.  Within it a test that waits in vain
# gives up by itself, and says for what.
LIMIT=90

work=$(mktemp -d "${TMPDIR:-/tmp}/outlive-mutants.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
# Tests that become another user start what is built here.
chmod 755 "$work"

die() {
	echo "mutants: $*" >&2
	exit 1
}

# What a mutant leaves behind ends with the process table that it has of its
# own, where that is allowed.
own='unshare --pid --fork --mount-proc --kill-child'
[ "$(id -u)" = 0 ] || own="$own --user --map-current-user"
$own true 2>/dev/null || {
	echo 'no process table of its own is allowed here: what a mutant leaves' \
	    'behind stays'
	own=
}

# run FOLDER TEST: its output is in FOLDER.said; the status is timeout's.
run() {
	case $2 in
	*.sh) command="sh tests/$2" ;;
	*) command=tests/$2 ;;
	esac
	# shellcheck disable=SC2086 # lists of words
	(cd "$1" && srcdir=. $own timeout -k 5 $LIMIT $command) \
	    </dev/null >"$1.said" 2>&1
}

# build FOLDER PROGRAM...
build() {
	folder=$1
	shift
	$make -s -C "$folder" V=0 "$@" >"$folder.log" 2>&1
}

# The program that a test is; a script is none.
program_of() {
	case $1 in
	*.sh) ;;
	*) echo "tests/$1" ;;
	esac
}

test_of() {
	sed -n 's/^Test: //p' "$src/tests/mutants/$1.patch"
}

if [ $# -eq 0 ]; then
	for patch in "$src"/tests/mutants/*.patch; do
		set -- "$@" "$(basename "$patch" .patch)"
	done
fi
tests=
for name; do
	[ -r "$src/tests/mutants/$name.patch" ] ||
	    die "there is no tests/mutants/$name.patch"
	tests="$tests $(test_of "$name")"
done
# shellcheck disable=SC2086 # a list of words
tests=$(printf '%s\n' $tests | sort -u)

# The sources as they are shipped, in one folder with what is built of them, so
# that a copy of it can be built on.  Nobody's eyes are on the warnings.
programs='outlived outlivectl outlive-why outlive-lab outlive-load tests/paused/outlived doc/examples/echo'
all="$programs tests/inside tests/pour src/lab/book doc/examples/unp75 server1 server2"
for test in $tests; do
	all="$all $(program_of "$test")"
done
whole=$work/whole
if ! $make -s distdir distdir="$whole" >"$work/log" 2>&1 ||
    ! (cd "$whole" && ./configure -q CFLAGS='-g -O2 -w' \
    CPPFLAGS=-DDEADLINE=6) >>"$work/log" 2>&1; then
	cat "$work/log"
	die 'the sources cannot be copied and configured'
fi
# shellcheck disable=SC2086 # a list of words
build "$whole" $all || {
	cat "$whole.log"
	die 'what is not changed does not compile'
}

# A test that fails anyway catches nothing.
skipped_tests=' '
for test in $tests; do
	run "$whole" "$test"
	status=$?
	if grep -q '^1\.\.0 # SKIP' "$whole.said"; then
		skipped_tests="$skipped_tests$test "
		cp "$whole.said" "$work/$test.skip"
	elif [ $status -ne 0 ] ||
	    grep -q -e '^not ok' -e '^Bail out!' "$whole.said"; then
		cat "$whole.said"
		die "$test fails, and nothing has been changed"
	fi
done

caught=0 survived=0 skipped=0 broken=0
say() { printf '%-34s %3s s  %-15s %s\n' "$@"; }

# play NAME: sets verdict, why and seconds.
play() {
	test=$(test_of "$1")
	folder=$work/$1
	began=$(date +%s)
	seconds=0
	case $skipped_tests in
	*" $test "*)
		verdict=skipped
		why=$(sed -n 's/^1\.\.0 # SKIP //p' "$work/$test.skip")
		return
		;;
	esac
	verdict=broken
	cp -a "$whole" "$folder" || return
	why='its edit does not apply'
	patch -d "$folder" -p1 -F0 -s --no-backup-if-mismatch \
	    <"$src/tests/mutants/$1.patch" >/dev/null 2>&1 || return
	why='it does not compile'
	# shellcheck disable=SC2046,SC2086 # lists of words
	build "$folder" $programs $(program_of "$test") || return
	run "$folder" "$test"
	status=$?
	seconds=$(($(date +%s) - began))
	# What a cell has waited for in vain is in a note (cells.h).
	why=$(sed -n -e 's/^not ok [0-9]* - //p' -e '/^Bail out!/p' \
	    -e 's/^# \([a-z]*, .*: Bail out!\)/\1/p' "$folder.said" | head -n 1)
	partly=$(sed -n 's/^ok .* # SKIP //p' "$folder.said" | head -n 1)
	if [ $status -eq 124 ] || [ $status -eq 137 ]; then
		# It was ended by us, whatever it says then.
		verdict=survived
		why="hangs: the test has not ended after $LIMIT s"
	elif grep -q -e '^not ok' -e '^Bail out!' "$folder.said"; then
		verdict=caught
	elif [ $status -eq 0 ] && [ -n "$partly" ]; then
		# Perhaps it is that part which would have caught it.
		verdict=skipped
		why=$partly
	else
		verdict=survived
		why="the test ended with status $status"
	fi
}

for name; do
	play "$name"
	rm -rf "${work:?}/$name" "$work/$name.said" "$work/$name.log"
	[ $verdict = caught ] || why="$verdict: $why"
	say "$name" "$seconds" "$test" "$(echo "$why" | cut -c 1-100)"
	case $verdict in
	caught) caught=$((caught + 1)) ;;
	survived) survived=$((survived + 1)) ;;
	skipped) skipped=$((skipped + 1)) ;;
	broken) broken=$((broken + 1)) ;;
	esac
done
echo "$caught caught, $survived survived, $skipped skipped, $broken broken"
[ $((survived + broken)) -eq 0 ]
