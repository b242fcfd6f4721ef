#!/bin/sh
# SPDX-License-Identifier: ISC
# What bash offers behind the programs' names; zsh's file can be parsed.
set -u
src=$(cd "${srcdir:-.}" && pwd)
if [ -z "${BASH_VERSION:-}" ] || [ -z "${COMPLETES:-}" ]; then
	command -v bash >/dev/null || {
		echo '1..0 # SKIP there is no bash'
		exit 0
	}
	COMPLETES=1 srcdir=$src exec bash --norc "$0"
fi

. "${srcdir:-.}/tests/tap.sh"
overlook_leaks
# complete_line LINE: as bash does when TAB is typed at its end.
complete_line() {
	COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
	COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
	read -ra COMP_WORDS <<<"$1"
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_outlive "${COMP_WORDS[0]}"
}
# offers LINE WORDS: these, in any order, and nothing else.
offers() {
	complete_line "$1"
	local found expected
	found=$(printf '%s\n' "${COMPREPLY[@]}" | sort | xargs)
	expected=$(printf '%s\n' $2 | sort | xargs)
	[ "$found" = "$expected" ]
	local status=$?
	[ $status = 0 ] || echo "# expected $expected, found $found"
	check "'${1//$place/...}': ${expected:-nothing}" [ $status = 0 ]
}

place=$(mktemp -d) || exit 1
trap 'rm -r "$place"' EXIT
. "$src/completion/outlive.bash"
for program in outlived outlivectl outlive-lab outlive-load outlive-why; do
	complete -p $program | grep -q -- '-F _outlive '
	check "$program has a completion" [ $? = 0 ]
	# Wherever the page has them.
	options=$(./$program --help | grep -oE '^ +-.*|--help, --version' |
	    grep -oE '(^|[ ,])(-[a-zA-Z0-9]|--[a-z-]+)' | tr -d ' ,' | sort -u)
	found=
	for action in '' 'status ' 'stop ' 'drain ' 'run '; do
		case $program:$action in
		outlivectl:run*) continue ;;
		outlivectl:* | outlive-lab:run* | *:) ;;
		*) continue ;;
		esac
		complete_line "./$program $action-"
		found="$found ${COMPREPLY[*]}"
	done
	missing=
	for option in $options; do
		case " $found " in *" $option "*) ;; *) missing="$missing $option" ;; esac
	done
	[ -z "$missing" ] && [ "$(echo $options | wc -w)" -ge 6 ]
	status=$?
	check "$program: all of its $(echo $options | wc -w) options${missing:+ but$missing}" [ $status = 0 ]
done

for line in '-a ' '--accept ' '--accept=' '-1va '; do
	offers "./outlived $line" 'fork shared fcntl mutex pass'
done
offers './outlived -a p' pass
services=$(./outlived --help | sed -n '/^services:/,$s/^  \([a-z]*\) .*/\1/p')
offers './outlived 127.0.0.1:9999 ' "$services"
offers './outlived -m 10 --name=x 9999 ' "$services"
offers './outlived 9999 da' daytime
offers './outlived 9999 echo ' ''
offers './outlived 9999 -' ''
offers './outlived -m ' ''
offers './outlived --name' --name
offers './outlivectl ' 'status stop drain'
offers './outlivectl -n 9999 st' 'status stop'
offers './outlivectl status --' \
    '--name --state-dir --json --watch --help --version'
offers './outlive-why --reuse' '--reuseaddr --reuseport'
offers './outlive-load -s ' 'bytes daytime echo'
offers './outlive-load --service=e' echo
offers './outlive-load 9999 ' ''
offers './outlive-lab ' 'list run'
offers './outlive-lab run --quick art' article
offers './outlive-lab run article book' book-servers
offers './outlive-lab list ' ''
mkdir -p "$place/127.0.0.1:9999" "$place/main" "$place/not-one"
touch "$place/127.0.0.1:9999/lock" "$place/main/lock" "$place/a-log"
offers "./outlivectl -S $place -n " '127.0.0.1:9999 main'
offers "./outlivectl --state-dir=$place -n 127.0.0.1:" 9999
OUTLIVE_STATE_DIR=$place
export OUTLIVE_STATE_DIR
offers './outlivectl -n m' main
offers "./outlivectl -S $place/" "$place/127.0.0.1:9999 $place/main $place/not-one"
offers "./outlived -l $place/a" "$place/a-log"
offers './outlived -l std' stderr
offers "./outlived 9999 exec cat $place/a" "$place/a-log"
complete_line './outlived 9999 exec bas'
case " ${COMPREPLY[*]} " in *' bash '*) true ;; *) false ;; esac
check 'exec is followed by a command' [ $? = 0 ]

if command -v zsh >/dev/null; then
	said=$(zsh -n "$src/completion/_outlived" 2>&1)
	[ $? = 0 ] && [ -z "$said" ]
	check "zsh's can be parsed${said:+: $said}" [ $? = 0 ]
else
	skip "zsh's can be parsed" 'there is no zsh'
fi
head -1 "$src/completion/_outlived" |
    grep -qx '#compdef outlived outlivectl outlive-lab outlive-load outlive-why'
check 'and says for which commands it is' [ $? = 0 ]
finish
