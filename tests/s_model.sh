#!/bin/sh
# SPDX-License-Identifier: ISC
# doc/restart.pml, a model of how the listening socket outlives a parent: it
# keeps its promises, a promise is not kept by each of its mutants, and what it
# promises does happen.  A quick look, at a few of them; make model takes a
# longer one, at all.
set -u
. "${srcdir:-.}/tests/tap.sh"
src=${srcdir:-.}
need spin
case ${BUILT_FLAGS-} in
*-fsanitize*) skip_all 'the model is not what sanitizers are for' ;;
esac
command -v "${BUILT_CC:-cc}" >/dev/null || skip_all 'there is no compiler'

# Each mutant that the model has is one that is tried.
page=$src/doc/restart.pml
mutants=$(sed -n 's/^ \*\t\([A-Z][A-Z_]*\)\t\t*[^ ].*/\1/p' "$page" |
    grep -vx -e HEIR -e TAKEOVER -e PASS -e THIRD | sort)
tried=$(sed -n 's/^\([A-Z_]*\) .* -D\1 .*/\1/p' "$src/tests/model.sh" | sort)
same() { [ -n "$mutants" ] && [ "$mutants" = "$tried" ]; }
check 'all mutants are tried' same
defined() {
	for mutant in $mutants; do
		grep -q "^#ifn*def $mutant\$" "$page" || return 1
	done
}
check 'and are there' defined

said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT
quick='restart-quick heir-takeover-quick'
few='KEEP HEIR_ANSWERS TRUSTS_SUCCESSOR'
# shellcheck disable=SC2086 # lists of words
CC=${BUILT_CC:-cc} sh "$src/tests/model.sh" $quick reached $few \
    >"$said" 2>&1
check 'what is found is what is expected' [ $? = 0 ]
sed 's/^/# /' "$said"
holds() { grep -q "^$1  *[0-9]*  nothing\$" "$said"; }
for variant in $quick; do
	check "$variant: all promises are kept" holds "$variant"
done
broken() { grep "^$1  *[0-9]*  line" "$said" | grep -qv expected; }
check 'somebody who came while nobody was parent is accepted' broken reached
for mutant in $few; do
	check "$mutant: a counter-example" broken "$mutant"
done
finish
