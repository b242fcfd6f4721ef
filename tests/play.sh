# SPDX-License-Identifier: ISC
# Included by tests that play a page: play PAGE [TRANSLATION], both under
# $srcdir.  It is played where the page's own names lead to what was built, in
# a process table of its own, which takes with it whatever is left.
. "${srcdir:-.}/tests/tap.sh"
play() {
	src=$(cd "${srcdir:-.}" && pwd)
	top=$(pwd)
	need bash cc ip pkg-config ps ss unshare
	may_own || skip_all 'no namespaces are allowed here'

	place=$(mktemp -d) || exit 1
	mkdir -p "$place/doc/examples"
	ln -s "$top/outlived" "$top/outlivectl" "$top/outlive-why" "$top/server1" "$top/server2" "$place"
	ln -s "$top/doc/examples/unp75" "$src/doc/examples/unp75.c" \
	    "$place/doc/examples"
	cd "$place" || exit 1
	# shellcheck disable=SC2086 # a list of words
	timeout -k 5 170 $own "$top/tests/play" "$src/$1" ${2:+"$src/$2"} </dev/null
	status=$?
	cd "$top" && rm -r "$place"
	exit $status
}
