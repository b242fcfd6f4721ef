# SPDX-License-Identifier: ISC
# Whether the program that does a server harm at random finds nothing in a few
# seconds; and whether it would.

. "${srcdir:-.}/tests/tap.sh"
overlook_leaks

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

soak() { timeout -k 5 100 tests/soak/soak "$@" >"$work/out" 2>"$work/error"; }

soak --seconds 6 --seed 7
status=$?
grep '^1\.\.0 # SKIP' "$work/out" && exit
sed 's/^/# /' "$work/out" "$work/error"
check 'some seconds of faults, and nothing fails' [ $status -eq 0 ]
check 'the seed is told' grep -q '^seed 7$' "$work/out"
check 'an episode is told of' grep -q '^episode 1, [0-9]* s: -a ' "$work/out"
check 'clients were served' \
    grep -q '^1 episodes, failures 0; .*served [1-9]' "$work/out"

# What it has done itself it forgets: it is the server's fault then.  The first
# failure, after a second or two, ends it.
soak --seconds 60 --seed 11 --blind
status=$?
check 'an end without a reason is a failure' [ $status -eq 1 ]
check 'and the failure says how to see it again' \
    grep -q '^FAILURE: seed 11, episode 1, [0-9.]* s: ' "$work/out"
check 'and what was done before' grep -q '^# .* to the ' "$work/out"

soak --seconds none
status=$?
check 'no number of seconds' [ $status -eq 64 ]
finish
