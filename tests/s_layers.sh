#!/bin/sh
# SPDX-License-Identifier: ISC
# Arrows point down: who may include whom.
set -u
src=${srcdir:-.}
n=0 bad=0

# may FILES WHAT...: they include nothing of ours but these.
may() {
	n=$((n + 1))
	files=$1
	shift
	allowed=$(echo "$@" | sed 's/ /|/g')
	# shellcheck disable=SC2086 # a pattern
	found=$(cd "$src" && grep -HE '^#include "' $files |
	    grep -vE "\"($allowed)\"\$")
	if [ -n "$found" ]; then
		echo "not ok $n - $files may include only: $*"
		echo "$found" | sed 's/^/# /'
		bad=1
	else
		echo "ok $n - $files: $*"
	fi
}

may 'src/net/*.[ch]' '[a-z]+\.h'
may 'src/pool/*.[ch]' '[a-z]+\.h' 'outlive\.h' 'net/[a-z]+\.h'
may 'src/service/*.[ch]' 'service\.h' 'outlive\.h' 'net/[a-z]+\.h'
may 'src/outlived.c' 'outlive\.h' 'service/[a-z]+\.h'
may 'include/*.h' 'nothing'
echo "1..$n"
exit $bad
