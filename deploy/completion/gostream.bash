# bash completion for gostream(8)

_gostream() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
	case $before in
	-s) mapfile -t COMPREPLY < <(compgen -W "stop quit reopen reload" -- "$word") ;;
	-p) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
	-c) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	-e) mapfile -t COMPREPLY < <(compgen -f -W stderr -- "$word") ;;
	-g) COMPREPLY=() ;;
	*) mapfile -t COMPREPLY < <(compgen -W "-? -h -v -V -t -T -q -s -p -e -c -g" -- "$word") ;;
	esac
}
complete -o filenames -F _gostream gostream
