#!/bin/sh
# SPDX-License-Identifier: ISC
# The wrong edits of make mutants: each can be made in the sources as they are
# now, names a test that there is, and is in the list of what is shipped; and
# doc/exercises.md names the same tests for those that it has students make.
set -u
src=${srcdir:-.}
command -v patch >/dev/null || {
	echo '1..0 # SKIP there is no patch'
	exit 0
}
n=0 bad=0

check() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1: $2"
		bad=1
	fi
}

# listed FILE: it stands in Makefile.am, as an item of a list.
items=" $(tr -s '\\\t\n ' ' ' <"$src/Makefile.am") "
listed() {
	case $items in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

for file in "$src"/tests/mutants/*; do
	name=tests/mutants/${file##*/}
	{ read -r sentence && read -r _ && read -r test; } <"$file"
	test=${test#Test: }
	wrong=
	case $name in
	*.patch) ;;
	*) wrong='is no patch' ;;
	esac
	case $sentence in
	[A-Z]*.) ;;
	*) wrong='does not begin with a sentence that says what is wrong' ;;
	esac
	listed "tests/$test" || wrong="names no test of ours: '$test'"
	listed "$name" || wrong='is not in Makefile.am'
	patch -d "$src" -p1 -F0 -s --dry-run <"$file" >/dev/null 2>&1 ||
	    wrong='does not apply any more'
	check "$name, $test" "$wrong"
done

# And what is in the list is there.
wrong=$(grep -o 'tests/mutants/[^ ]*\.patch' "$src/Makefile.am" |
    while read -r name; do
	[ -f "$src/$name" ] || echo "$name is not there"
    done)
check 'all that are listed are there' "$wrong"
# The exercises: for each edit that is linked, a line says which test notices.
page=$src/doc/exercises.md
noticed() {
	# shellcheck disable=SC2016 # backquotes of the page
	sed -n 's/^The test that notices `\([^`]*\)`: tests\/\([a-z0-9_.]*[a-z0-9_]\).*/\1 \2/p' \
	    "$page"
}
wrong=$(noticed | while read -r name test; do
	grep -qx "Test: $test" "$src/tests/mutants/$name.patch" ||
	    echo "$test does not notice $name"
    done)
[ -n "$(noticed)" ] || wrong='it names none'
check 'doc/exercises.md names the test of each edit' "$wrong"

# Those that are linked, those in the table, and their tests there.
linked=$(grep -o 'mutants/[^ )]*\.patch)' "$page" |
    sed 's/^mutants\/\(.*\)\.patch)$/\1/' | sort -u)
[ "$linked" = "$(noticed | cut -d' ' -f1 | sort -u)" ] && wrong= ||
    wrong='they are not those for which it names a test'
check 'all edits that doc/exercises.md links' "$wrong"
rows=$(sed -n 's/^| *[0-9][^|]*|[^|]*|[^|]*|[^|]*|\([^|]*\)|\([^|]*\)|$/\1|\2/p' \
    "$page" | awk -F'|' '{ n = split($1, names, /, */)
	split($2, tests, /, */)
	for (i = 1; i <= n; i++) {
		gsub(/ /, "", names[i])
		gsub(/ /, "", tests[i])
		if (names[i] != "none")
			print names[i], tests[i]
	} }' | sort)
[ "$rows" = "$(noticed | sort)" ] && wrong= || wrong='it says something else'
check 'the table of doc/exercises.md' "$wrong"

# What it links to is there.
wrong=
for link in $(grep -oE '\]\([^)#]+\)' "$page" | tr -d '])('); do
	[ -e "$src/doc/$link" ] || wrong="$wrong $link"
done
check 'all links of doc/exercises.md lead to files' "$wrong"
echo "1..$n"
exit $bad
