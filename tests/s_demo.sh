#!/bin/sh
# SPDX-License-Identifier: ISC
# make demo holds, and says so if it does not.
set -u
src=${srcdir:-.}
out=$(timeout -k 5 60 bash "$src/tests/demo.sh" </dev/null 2>&1)
status=$?
echo "$out" | sed 's/^/# /'
[ $status = 0 ] || printf 'not '
echo "ok 1 - every step of the demo holds"

# Without a server that works it must fail, and soon.
if OUTLIVED=/bin/false timeout -k 5 60 bash "$src/tests/demo.sh" \
    </dev/null >/dev/null 2>&1; then
	bad=1
	printf 'not '
fi
echo "ok 2 - the demo of a server that does not start fails"
echo "1..2"
exit "$((status != 0 || ${bad:-0}))"
