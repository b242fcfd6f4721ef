# SPDX-License-Identifier: ISC
# Whether the program that measures restarts under thousands of sessions
# measures them: with a hundred, all of which answer afterwards.  How long it
# takes is not looked at here.

. "${srcdir:-.}/tests/tap.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sessions() {
	timeout -k 5 100 tests/sessions/sessions "$@" >"$work/table" 2>"$work/error"
}
row() { grep -Eq "^$1\$" "$work/table"; }

sessions -q
status=$?
grep '^1\.\.0 # SKIP' "$work/table" && exit
sed 's/^/# /' "$work/table" "$work/error"
check 'the parent of a hundred sessions is killed' [ $status -eq 0 ]
# old parent gone, next one accepts, first byte, worst, opened in, last words
# shellcheck disable=SC2016 # backquotes of the table
check 'each has a first word and a last one, and none is lost' \
    row '\| `pass` \| 100 \|( [0-9]+\.[0-9] \|){6} (2[0-9][0-9]|[3-9][0-9]{2}|[0-9]{4,}) \| 0 \| [0-9.]+ \|'
check 'and nothing else was asked for' \
    [ "$(grep -c '^| `' "$work/table")" -eq 1 ]

sessions -r 0
status=$?
check 'no round is none to measure' [ $status -eq 64 ]
check 'and it says so' \
    grep -q "^sessions: -r '0' is too small: expected 1 to 100\$" "$work/error"

# A limit that can be lowered here.
# shellcheck disable=SC3045 # dash and bash have it
few() { (ulimit -n 150 && sessions -q); }
few
status=$?
check 'fewer descriptors than sessions: no measurement' [ $status -eq 77 ]
check 'and it says how many' grep -q \
    '^1\.\.0 # SKIP no room for 100 sessions: descriptors (ulimit -Hn): 150, wanted 300$' \
    "$work/table"
finish
