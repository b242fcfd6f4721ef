#!/bin/sh
# SPDX-License-Identifier: ISC
# The wrong edits of make mutants: each can be made in the sources as they are
# now, names a test that there is, and is in the list of what is shipped.
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
listed() {
	awk -v item="$1" '{ for (i = 1; i <= NF; i++) if ($i == item) found = 1 }
	    END { exit !found }' "$src/Makefile.am"
}

for file in "$src"/tests/mutants/*; do
	name=tests/mutants/${file##*/}
	test=$(sed -n 's/^Test: //p' "$file")
	wrong=
	case $name in
	*.patch) ;;
	*) wrong='is no patch' ;;
	esac
	sed -n 1p "$file" | grep -q '^[A-Z].*\.$' ||
	    wrong='does not begin with a sentence that says what is wrong'
	[ -n "$test" ] && listed "tests/$test" ||
	    wrong="names no test of ours: '$test'"
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
echo "1..$n"
exit $bad
