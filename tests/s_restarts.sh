# SPDX-License-Identifier: ISC
# Whether the program that restarts servers under load measures what it should:
# a line for each way, and the zeros that are promised.  How long gaps are is
# not looked at here.

. "${srcdir:-.}/tests/tap.sh"
overlook_leaks

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

restarts() { timeout -k 5 100 tests/restarts/restarts "$@" >"$work/table" 2>"$work/error"; }
row() { grep -Eq "^$1\$" "$work/table"; }

restarts -q -a shared -i 100 -n 2 -r 500 -s 20 TERM 'TERM with heir' \
    'KILL with heir' 'KILL with standby' takeover
status=$?
grep '^1\.\.0 # SKIP' "$work/table" && exit
sed 's/^/# /' "$work/table" "$work/error"

check 'every promise is kept' [ $status -eq 0 ]
# restarts, tried, refused, reset, timed out, waited, parent away, gaps, sessions
# lost
many='[1-9][0-9]*' gaps='[0-9]+\.[0-9] +[0-9]+\.[0-9] +[0-9]+\.[0-9]'
check 'TERM: nobody is reset' \
    row "TERM +shared +2 +$many +[0-9]+ +0 +[0-9]+ +[0-9]+ +$gaps +0"
for way in 'TERM with heir' 'KILL with heir' 'KILL with standby' takeover; do
	check "$way: nobody is refused, reset or left waiting" \
	    row "$way +shared +2 +$many +0 +0 +0 +[0-9]+ +$gaps +0"
done
check 'no other way was asked for' \
    [ "$(grep -Ec '^(TERM|KILL|takeover).* shared ' "$work/table")" -eq 5 ]
check 'a gap without a restart' \
    row 'longest gap without a restart, median, ms: shared [0-9.]+'
check 'what the start of a program costs' \
    row 'start of the program, and end, ms: [0-9]+\.[0-9]'
check 'what the load costs' \
    row "CPU time of the clients: [0-9]+ % of one processor, of the delay: [0-9]+ %"

restarts -n 0
status=$?
check 'no restart is none to measure' [ $status -eq 64 ]
check 'and it says so' \
    grep -q "^restarts: -n '0' is too small: expected 1 to 1000\$" "$work/error"
restarts -q -n 1 'by magic'
status=$?
check 'another way is no way' [ $status -eq 64 ]
finish
