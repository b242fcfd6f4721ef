# SPDX-License-Identifier: ISC
# Whether the program that measures figure 30.1 measures it: all cells, no
# connection lost.  What it says of speed is not looked at here.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
say() { n=$((n + 1)); echo "$1 $n - $2"; }
check() { if [ "$1" -eq 0 ]; then say ok "$2"; else say 'not ok' "$2"; fi; }

figure() { timeout -k 5 100 tests/figure/figure "$@" 2>"$work/error"; }

figure --quick --svg "$work/figure.svg" >"$work/table"
status=$?
if grep -q '^1\.\.0 # SKIP' "$work/table"; then
	grep '^1\.\.0 # SKIP' "$work/table"
	exit 0
fi
check $status 'a quick look'
sed 's/^/# /' "$work/table" "$work/error"
for strategy in fork shared fcntl mutex pass; do
	grep -Eq "^$strategy +30\.[5-9] +[1-9][0-9]* +[1-9][0-9]* +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ " \
	    "$work/table"
	check $? "$strategy beside its bare loop"
done
for pool in shared fcntl mutex pass 'shared, bare'; do
	grep -Eq "^$pool( +[1-9][0-9]*){3}( +[0-9.]+){7} +[1-9][0-9]*\$" \
	    "$work/table"
	check $? "$pool with more and more idle children"
done
grep -q '^connections without a whole answer: 0$' "$work/table"
check $? 'every connection has had its answer'
grep -q '</svg>' "$work/figure.svg" && [ "$(grep -c '<rect' "$work/figure.svg")" -eq 21 ]
check $? 'ten pairs of bars'

figure --rounds 0 >"$work/out"
[ $? -eq 64 ] && grep -q "^figure: --rounds '0' is too small: expected 1 to 100\$" "$work/error"
check $? 'no round is no figure'
echo "1..$n"
