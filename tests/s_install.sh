#!/bin/sh
# SPDX-License-Identifier: ISC
# What make install puts there, all of it, for everyone to read whatever the
# umask; and make uninstall leaves nothing.
set -u
. "${srcdir:-.}/tests/tap.sh"
umask 077
place=$(mktemp -d) || exit 1

make_it() {
	said=$(make_alone "$1" DESTDIR="$place" prefix=/usr exec_prefix=/usr \
	    libdir=/usr/lib libexecdir=/usr/libexec mandir=/usr/share/man \
	    datadir=/usr/share docdir=/usr/share/doc/outlive \
	    systemdsystemunitdir=/usr/lib/systemd/system 2>&1)
	status=$?
	echo "$said" | sed 's/^/# /'
	return $status
}

files() { (cd "$place" && find . ! -type d | sed 's|^\./usr/||' | sort); }
expected() {
	sort <<'EOF'
bin/outlive-lab
bin/outlive-load
bin/outlive-why
bin/server1
bin/server2
include/outlive.h
lib/liboutlive.a
lib/pkgconfig/outlive.pc
lib/systemd/system/outlived@.service
lib/systemd/system/outlived@.socket
libexec/outlive/book
libexec/outlive/unp75
sbin/outlivectl
sbin/outlived
share/bash-completion/completions/outlive-lab
share/bash-completion/completions/outlive-load
share/bash-completion/completions/outlive-why
share/bash-completion/completions/outlivectl
share/bash-completion/completions/outlived
share/doc/outlive/LICENSE
share/doc/outlive/NEWS
share/doc/outlive/README.md
share/doc/outlive/architecture.md
share/doc/outlive/article.md
share/doc/outlive/article.zh.md
share/doc/outlive/examples/echo.c
share/doc/outlive/examples/kv.c
share/doc/outlive/examples/unp75.c
share/doc/outlive/exercises.md
share/doc/outlive/experiments.md
share/doc/outlive/figure-30.1.svg
share/doc/outlive/performance.md
share/doc/outlive/restart.pml
share/doc/outlive/security.md
share/doc/outlive/unp.md
share/doc/outlive/why.md
share/man/man1/outlive-lab.1
share/man/man1/outlive-load.1
share/man/man1/outlive-why.1
share/man/man1/server1.1
share/man/man1/server2.1
share/man/man3/outlive.3
share/man/man8/outlivectl.8
share/man/man8/outlived.8
share/zsh/site-functions/_outlived
EOF
}
whole() {
	expected >"$place.expected" && files >"$place.found" &&
		diff -u "$place.expected" "$place.found" | sed 's/^/# /'
	cmp -s "$place.expected" "$place.found"
}
# Of the folders that stay none is ours alone.
nothing() {
	files | sed 's/^/# left: /'
	[ -z "$(files)" ] && ! find "$place" -name '*outlive*' | grep .
}

# all MODE TEST...: something in the place passes find's TEST, and all of that
# has this MODE.
all() {
	mode=$1
	shift
	find "$place" -mindepth 1 "$@" | grep -q . || return 1
	other=$(find "$place" -mindepth 1 "$@" ! -perm "$mode" -printf '# %M %P\n')
	[ -z "$other" ] || { echo "$other"; return 1; }
}

check 'make install' make_it install
check 'all that is ours is there, and nothing else' whole
# At least: below a folder with the set-group-ID bit they have it, too.
check 'folders: 755' all -0755 -type d
check 'programs: 755' all 0755 -type f \( -path '*bin/*' -o -path '*/libexec/*' \)
check 'all else: 644' all 0644 -type f ! -path '*bin/*' ! -path '*/libexec/*'
find "$place" -mindepth 1 -type d -exec chmod g+w {} +
check 'make install, again' make_it install
check 'folders that were there keep their mode' all -0775 -type d
check 'make uninstall' make_it uninstall
check 'it leaves nothing' nothing
rm -r "$place" "$place.expected" "$place.found"
finish
