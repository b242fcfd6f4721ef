#!/bin/sh
# SPDX-License-Identifier: ISC
# Arrows point down: who may include whom.  And what is to be printed in a book
# fits on its pages.
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

may 'src/net/*.[ch]' '[a-z_]+\.h'
may 'src/pool/*.[ch]' '[a-z]+\.h' 'outlive\.h' 'net/[a-z]+\.h'
may 'src/service/*.[ch]' '(service|program)\.h' 'outlive\.h' 'net/[a-z]+\.h'
may 'src/lab/*.[ch]' '[a-z_]+\.h' 'net/[a-z]+\.h'
may 'src/lab/book.c' 'net/[a-z]+\.h'
may 'src/load/*.[ch]' '[a-z_]+\.h' 'net/[a-z]+\.h'
may 'src/lab/server[12].c doc/examples/*.c' 'nothing'
may 'src/ctl/*.[ch]' '[a-z]+\.h' 'pool/(generation|instance)\.h' 'net/[a-z]+\.h'
may 'src/outlivectl.c' 'ctl/[a-z]+\.h'
may 'src/outlived.c' 'outlive\.h' 'service/[a-z]+\.h'
may 'src/outlive-lab.c' 'lab/(capture|experiment|run)\.h'
may 'src/outlive-load.c' 'load/(plan|record|report|run)\.h'
may 'src/outlive-why.c' 'net/[a-z]+\.h' 'pool/orphan\.h'
may 'include/*.h' 'nothing'
# prints FILE LINES: it has fewer, of 80 columns at most.
prints() {
	n=$((n + 1))
	if expand "$src/$1" | awk -v most="$2" \
	    'length > 80 { bad = 1 } END { exit bad || NR >= most || NR == 0 }'
	then
		echo "ok $n - $1 can be printed"
	else
		echo "not ok $n - $1: under $2 lines, of 80 columns at most"
		bad=1
	fi
}
prints src/lab/server1.c 100
prints src/lab/server2.c 100
prints doc/examples/unp75.c 110
prints doc/examples/kv.c 200
echo "1..$n"
exit $bad
