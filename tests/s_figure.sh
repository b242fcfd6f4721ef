# SPDX-License-Identifier: ISC
# Whether the program that measures figure 30.1 measures it: all cells, no
# connection lost.  What it says of speed is not looked at here.

. "${srcdir:-.}/tests/tap.sh"
overlook_leaks

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

figure() { timeout -k 5 100 tests/figure/figure "$@" >"$work/table" 2>"$work/error"; }
row() { grep -Eq "^$1\$" "$work/table"; }

figure --quick --svg "$work/figure.svg"
status=$?
grep '^1\.\.0 # SKIP' "$work/table" && exit
sed 's/^/# /' "$work/table" "$work/error"
check 'a quick look' [ $status -eq 0 ]
for strategy in fork shared fcntl mutex pass; do
	check "$strategy beside its bare loop" \
	    row "$strategy +30\.[5-9]( +[1-9][0-9]*){2}( +[0-9.]+){4} .*"
done
for pool in shared fcntl mutex pass 'shared, bare'; do
	check "$pool with more and more idle children" \
	    row "$pool( +[1-9][0-9]*){3}( +[0-9.]+){7} +[1-9][0-9]*"
done
check 'every connection has had its answer' \
    row 'connections without a whole answer: 0'
check 'the picture is whole' grep -q '</svg>' "$work/figure.svg"
check 'ten pairs of bars' [ "$(grep -c '<rect' "$work/figure.svg")" -eq 21 ]

figure --rounds 0
check 'no round is no figure' [ $? -eq 64 ]
check 'it says so' grep -q \
    "^figure: --rounds '0' is too small: expected 1 to 100\$" "$work/error"
finish
