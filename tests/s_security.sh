#!/bin/sh
# SPDX-License-Identifier: ISC
# doc/security.md: each line names a check, and each of these is there.
set -u
src=${srcdir:-.}
page=$src/doc/security.md
n=0 bad=0

# is FILE TEXT: a string there ends so; it may be broken over lines.
is() {
	sed -e ':all' -e 'N;$!b all' -e 's/"\n[	 ]*"//g' "$src/tests/$1.c" |
	    grep -qF -- "$2\""
}

rows=$(grep '^| ' "$page" | grep -vc '^| he ')
# What is no row of three columns, or has no check in the last one, is missed.
sed -n 's/^| .* | .* | \(t_[a-z_]*\): \(.*\) |$/\1 \2/p' "$page" >"security.$$"
while read -r file text; do
	n=$((n + 1))
	is "$file" "$text" || { bad=1; printf 'not '; }
	echo "ok $n - $file: $text"
done <"security.$$"
rm "security.$$"
[ "$n" = "$rows" ] || { bad=1; printf 'not '; }
echo "ok $((n + 1)) - each of $rows lines has a check: $n"
echo "1..$((n + 1))"
exit $bad
