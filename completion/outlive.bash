# SPDX-License-Identifier: ISC
# bash's completion for outlived, outlivectl, outlive-lab, outlive-load and
# outlive-why.
# Options, services and strategies are those that --help tells when they are asked
# for, experiments those of list.

# Reads --help: into options, and into takes what their argument is; into
# strategies, services and actions the words for these; services that a client
# asks for are strategies here.  Of the options of
# actions only those of the action $2.
_outlive_read_help() {
	local line of= in_services= action='^ {2}([a-z]+) {2,}'
	local option='^ +((-[^ ,]+, )?(-[^ ,]+))( ([A-Z:]+)( |$))?'

	while IFS= read -r line; do
		if [[ -z $line ]]; then
			of=
		elif [[ $line == services: ]]; then
			in_services=1
		elif [[ $line =~ $action && -n $in_services ]]; then
			services+=("${BASH_REMATCH[1]}")
		elif [[ $line =~ $action ]]; then
			of=${BASH_REMATCH[1]}
			actions+=("$of")
		elif [[ $line =~ ^' '+--help,' '--version ]]; then
			options+=(--help --version)
		elif [[ $line =~ $option && ( -z $of || $of == "$2" ) ]]; then
			local words=${BASH_REMATCH[1]/,/} word
			for word in $words; do
				options+=("$word")
				takes[$word]=${BASH_REMATCH[5]}
				long[$word]=${words##* }
			done
			[[ $line != *@('who accepts: '|'server does: ')* ]] || {
				line=${line##*: } line=${line%' ('*}
				line=${line//,/}
				strategies=(${line/ or / })
			}
		fi
	done < <("$1" --help 2>/dev/null)
}

# Instances in the directory, or in those that are looked at without one.
_outlive_instances() {
	local lock place
	local -a places=("$1")

	[[ -n $1 ]] || places=("${OUTLIVE_STATE_DIR:-/run/outlive}" \
	    "${XDG_RUNTIME_DIR:-/nowhere}/outlive" "/tmp/outlive-$UID")
	for place in "${places[@]}"; do
		for lock in "$place"/*/lock; do
			[[ ! -e $lock ]] || basename "${lock%/lock}"
		done
	done
}

# The argument of an option, as far as it was typed.
_outlive_value() {
	case ${long[$1]} in
	--accept | --service) compgen -W "${strategies[*]}" -- "$2" ;;
	--log) compgen -W 'stderr syslog' -- "$2"; compgen -f -- "$2" ;;
	--name) compgen -W "$(_outlive_instances "$state_dir")" -- "$2" ;;
	--user) compgen -u -- "$2" ;;
	*)
		case ${takes[$1]} in
		DIR) compgen -d -- "$2" ;;
		FILE) compgen -f -- "$2" ;;
		esac
	esac
}

# Of a word like -va: the option at its end, or nothing if none takes what
# comes.
_outlive_pending() {
	local i option

	if [[ $1 == --* ]]; then
		[[ $1 == *=* || -z ${takes[$1]} ]] || printf '%s' "$1"
		return
	fi
	for ((i = 1; i < ${#1}; i++)); do
		option=-${1:i:1}
		[[ -n ${takes[$option]} ]] || continue
		((i < ${#1} - 1)) || printf '%s' "$option"
		return
	done
}

# What may come as word $1 of those that are neither options nor theirs.
_outlive_word() {
	case ${program##*/}:$1 in
	outlived:1) compgen -W "${services[*]}" -- "$current" ;;
	outlived:2) [[ ${plain[1]} != exec ]] || compgen -c -f -- "$current" ;;
	outlived:[3-9] | outlived:??*)
		[[ ${plain[1]} != exec ]] || compgen -f -- "$current" ;;
	outlive-lab:[1-9]*) [[ ${plain[0]} != run ]] || compgen \
	    -W "$("$program" list 2>/dev/null | sed 's/ .*//')" -- "$current" ;;
	outlivectl:0 | outlive-lab:0) compgen -W "${actions[*]}" -- "$current" ;;
	esac
}

_outlive() {
	local program=$1 line=${COMP_LINE:0:COMP_POINT} current word
	local pending= state_dir= only_words= action= name
	local -a words plain=() options=() services=() actions=() strategies=()
	local -A takes=() long=()

	# bash's own words end at each colon.
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=('')
	current=${words[-1]}
	for word in "${words[@]:1}"; do
		[[ $word != @(status|stop|drain|list|run) ]] || action=$word
	done
	_outlive_read_help "$program" "$action"
	for word in "${words[@]:1:${#words[@]}-2}"; do
		if [[ -n $pending ]]; then
			[[ ${long[$pending]} != --state-dir ]] || state_dir=$word
			pending=
		elif [[ -n $only_words || $word != -?* ]]; then
			plain+=("$word")
			[[ ${program##*/} != outlived ]] || only_words=1
		elif [[ $word == -- ]]; then
			only_words=1
		else
			[[ $word != --state-dir=* ]] || state_dir=${word#*=}
			pending=$(_outlive_pending "$word")
		fi
	done

	if [[ -n $pending ]]; then
		mapfile -t COMPREPLY < <(_outlive_value "$pending" "$current")
	elif [[ -n $only_words || $current != -* ]]; then
		mapfile -t COMPREPLY < <(_outlive_word "${#plain[@]}")
	elif [[ $current == --*=* ]]; then
		name=${current%%=*} current=${current#*=}
		mapfile -t COMPREPLY < <(_outlive_value "$name" "$current")
	else
		mapfile -t COMPREPLY < <(compgen -W "${options[*]}" -- "$current")
	fi
	[[ $current != *:* || $COMP_WORDBREAKS != *:* ]] ||
		COMPREPLY=("${COMPREPLY[@]#"${current%:*}:"}")
	compopt -o filenames 2>/dev/null
}
complete -F _outlive outlived outlivectl outlive-lab outlive-load outlive-why
