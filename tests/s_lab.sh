#!/bin/sh
# SPDX-License-Identifier: ISC
# Every experiment holds on this kernel; what outlive-lab prints can be read, and
# what it is told in error it says.
set -u
. "${srcdir:-.}/tests/tap.sh"
overlook_leaks
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# What takes its time is for .ci/run.
quick=--quick
[ -z "${OUTLIVE_PATIENT:-}" ] || quick=
names=$(./outlive-lab list | sed 's/ .*//')
check "list names the experiments: $(echo $names)" [ -n "$names" ]

# shellcheck disable=SC2086 # none, or one word
LC_ALL=C.UTF-8 TERM=xterm timeout 250 ./outlive-lab run $quick --all >"$dir/all" 2>"$dir/err"
status=$?
if [ $status = 77 ]; then
	skip 'the experiments' "$(tail -n 1 "$dir/all")"
else
	[ $status = 0 ] || sed 's/^/# /' "$dir/all"
	check 'every prediction of every experiment held' [ $status = 0 ]
	check 'nothing is said on standard error' [ ! -s "$dir/err" ]
	for name in $names; do
		check "$name is among them" grep -q "^$name: all [1-9][0-9]* " "$dir/all"
	done
	many=$(echo "$names" | wc -l)
	check 'it ends with all of them' grep -q "^$many experiments:\
 $many held, 0 did not, 0 could not run\$" "$dir/all"
	# Box-drawing characters are one column, and three bytes.
	wide=$(sed 's/[─│→←]/-/g' "$dir/all" | awk 'length > 80')
	[ -z "$wide" ] || echo "$wide" | sed 's/^/# /'
	check 'no line has more than 80 columns' [ -z "$wide" ]
	check 'segments are drawn with box-drawing characters' \
	    grep -q '│── SYN seq 0 ─*→│' "$dir/all"
	esc=$(printf '\033')
	check 'nothing is in colour: it is no terminal' \
	    [ "$(grep -c "$esc" "$dir/all")" = 0 ]
fi

# What is another one at each run.
mask() {
	sed -E 's/ *[0-9]+\.[0-9] ms/ # ms/; s/\([0-9]+\)/(#)/g; s/ [0-9]+ s / # s /g
	    s/^( *\$ kill -[A-Z0-9]+) [0-9]+/\1 #/; s/^ +//; s/ +/ /g'
}
# The page has the claims and sources of the list, in its order, and shows what is
# printed: SECTION, a tab, a line.
page=${srcdir:-.}/doc/experiments.md
sed -n 's/^## //p; s/^\*Claim:\* \(.*\)\.$/; \1/p; s/^\*Source:\* \(.*\)\.$/; \1/p' "$page" |
    tr -d '\n' >"$dir/claims"
./outlive-lab list | sed 's/  */; /; s/; [0-9]* s, quick [0-9]* s$//' |
    tr -d '\n' >"$dir/list"
cmp -s "$dir/claims" "$dir/list" || {
	diff "$dir/list" "$dir/claims" | tr ';' '\n' | sed 's/^/# /'; false; }
check 'doc/experiments.md has every claim and source' [ $? = 0 ]
for name in $names; do
	check "and how to run $name" \
	    [ "$(grep -cx "    \$ outlive-lab run $name" "$page")" = 1 ]
done
if [ -s "$dir/all" ]; then
	awk '/^## / { s = $2 } /^    / && !/\$ outlive-lab/ {
	    print s "\t" substr($0, 5) }' "$page" | mask >"$dir/page"
	awk -v names=" $(echo $names) " '/^[a-z0-9-]+: / {
	    name = $1; sub(/:/, "", name)
	    if (index(names, " " name " ")) s = name } { print s "\t" $0 }' \
	    "$dir/all" | mask >"$dir/printed"
	awk -F '\t' 'NR == FNR { line[$1, ++n[$1]] = $2; next }
	    { do i[$1]++; while (i[$1] <= n[$1] && line[$1, i[$1]] != $2)
	      if (i[$1] > n[$1] && !said[$1]++) {
		print "# " $1 " does not print (there): " $2; bad = 1 } }
	    END { exit bad }' "$dir/printed" "$dir/page"
	check 'what it shows is printed, in that order' [ $? = 0 ]
fi

# says WORDS ARGUMENT...: one line on standard error with them, status 64.
says() {
	words=$1
	shift
	./outlive-lab "$@" >"$dir/out" 2>"$dir/err"
	status=$?
	check "$*: 64" [ $status = 64 ]
	check "$*: $words" grep -qF -- "$words" "$dir/err"
	check "$*: in one line, and no other output" \
	    [ "$(cat "$dir/err" "$dir/out" | wc -l)" = 1 ]
}
says 'expected list or run'
says 'expected list or run' article
says 'expected the names of experiments, or --all' run
says "'nothing' is no experiment" run nothing
says "'article' beside --all" run --all article
says "'now' behind list" list now
says "'--fast'" run --fast article
if ./outlive-lab run --pcap /nowhere/file article 2>&1 | grep -q libpcap; then
	skip --pcap 'built without libpcap'
else
	says 'expected one name' run --pcap "$dir/capture" article article
	./outlive-lab run --pcap "$dir/no/file" article >"$dir/out" 2>&1
	check '--pcap where nothing can be written: 73' [ $? = 73 ]
	check 'and it is named' grep -q "$dir/no/file: No such file" "$dir/out"
fi
finish
