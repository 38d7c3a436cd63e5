# Completion of the command `bulkhead` for bash. Looks at files only: no plugin is started by pressing TAB.

_bulkhead() {
    local current=${COMP_WORDS[COMP_CWORD]}
    local previous=${COMP_WORDS[COMP_CWORD - 1]}
    local commands="call run inspect new check completion version"
    local command="" word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ " $commands " == *" $word "* ]]; then
            command=$word
            break
        fi
    done
    COMPREPLY=()

    local options=""
    case $command in
        "") options="--help --version" ;;
        call) options="--file --timeout --repeat --json --log --help" ;;
        run) options="--json --help" ;;
        inspect) options="--no-start --symbols --json --help" ;;
        new) options="--lang --in --templates --help" ;;
        check) options="--manifest --seed --method --case --budget --keeps --json --help" ;;
        completion) options="--help" ;;
        version) options="--json --help" ;;
    esac

    case $previous in
        --file)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --in | --templates)
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            compopt -o filenames 2>/dev/null
            return
            ;;
        --lang)
            mapfile -t COMPREPLY < <(compgen -W "c cpp rust" -- "$current")
            return
            ;;
        --timeout | --repeat | --seed | --method | --case | --budget | --keeps)
            return
            ;;
    esac

    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        return
    fi
    case $command in
        "") mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current") ;;
        completion) mapfile -t COMPREPLY < <(compgen -W "bash" -- "$current") ;;
        call | run | inspect | check)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            compopt -o filenames 2>/dev/null
            ;;
    esac
}
complete -F _bulkhead bulkhead
