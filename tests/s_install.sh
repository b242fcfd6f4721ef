#!/bin/sh
# SPDX-License-Identifier: ISC
# Everyone can read what make install has put there, whatever the umask.
set -u
umask 077
place=$(mktemp -d) || exit 1
n=0 bad=0

# Not as a part of the make that runs this test: its options are not for here.
unset MAKEFLAGS MFLAGS MAKELEVEL
install() {
	said=$(make -s install DESTDIR="$place" 2>&1)
	status=$?
	echo "$said" | sed 's/^/# /'
	return $status
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

# holds WHAT COMMAND...: it succeeds.
holds() {
	n=$((n + 1))
	what=$1
	shift
	"$@" || { bad=1; printf 'not '; }
	echo "ok $n - $what"
}

holds 'make install' install
# At least: below a folder with the set-group-ID bit they have it, too.
holds 'folders: 755' all -0755 -type d
holds 'programs: 755' all 0755 -type f ! -name '*.[1-8]' ! -path '*/systemd/*'
holds 'what is in a systemd folder: 644' all 0644 -type f -path '*/systemd/*'
holds 'pages: 644' all 0644 -type f -name '*.[1-8]'
find "$place" -mindepth 1 -type d -exec chmod g+w {} +
holds 'make install, again' install
holds 'folders that were there keep their mode' all -0775 -type d
rm -r "$place"
echo "1..$n"
exit $bad
