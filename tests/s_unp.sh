#!/bin/sh
# SPDX-License-Identifier: ISC
# doc/unp.md says where things are: [FILE:LINE](../FILE#LLINE) `NAME`.  Each of
# these lines must hold the name, and the link must go where its text says.
set -u
src=${srcdir:-.}
page=$src/doc/unp.md
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

# One reference a line: FILE LINE, where its link goes, NAME.
# shellcheck disable=SC2016 # backquotes of the page
references=$(grep -oE '\[[^] ]+:[0-9]+\]\([^)]*\) `[A-Za-z0-9_]+`' "$page" |
    sed -E 's/^\[(.*):([0-9]+)\]\((.*)\) `(.*)`$/\1 \2 \3 \4/')
while read -r file line link name; do
	wrong=
	if [ "$link" != "../$file#L$line" ]; then
		wrong="its link goes to $link"
	elif [ ! -f "$src/$file" ]; then
		wrong='there is no such file'
	elif ! sed -n "${line}p" "$src/$file" | grep -qw -e "$name"; then
		wrong="it is in line $(grep -nw -e "$name" "$src/$file" |
		    cut -d: -f1 | tr '\n' ' ')"
	fi
	check "$file:$line $name" "$wrong"
done <<END
$references
END

# What looks like a reference, and has no name or is broken over two lines.
all=$(grep -oE '\[[^] ]+:[0-9]+\]' "$page" | wc -l)
[ "$all" -eq "$n" ] && wrong= || wrong="$((all - n)) are not"
check "all $all references are whole" "$wrong"

# Other links: the file is there.
wrong=
for link in $(grep -oE '\]\([^)#]+\)' "$page" | tr -d '])('); do
	[ -e "$src/doc/$link" ] || wrong="$wrong $link"
done
check "all other links lead to files" "$wrong"
echo "1..$n"
exit $bad
