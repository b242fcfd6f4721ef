#!/bin/sh
# SPDX-License-Identifier: ISC
# doc/security.md: each line names a check, and each of these is there.
set -u
. "${srcdir:-.}/tests/tap.sh"
src=${srcdir:-.}
page=$src/doc/security.md

# is FILE TEXT: a string there ends so; it may be broken over lines.
is() {
	sed -e ':all' -e 'N;$!b all' -e 's/"\n[	 ]*"//g' "$src/tests/$1.c" |
	    grep -qF -- "$2\""
}

rows=$(grep '^| ' "$page" | grep -vc '^| he ')
# What is no row of three columns, or has no check in the last one, is missed.
sed -n 's/^| .* | .* | \(t_[a-z_]*\): \(.*\) |$/\1 \2/p' "$page" >"security.$$"
while read -r file text; do
	check "$file: $text" is "$file" "$text"
done <"security.$$"
rm "security.$$"
check "each of $rows lines has a check: $n" [ "$n" = "$rows" ]
finish
