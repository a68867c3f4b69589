# Completes helm's commands in bash, by asking helm itself.

__helm_ask() {
    local word=$1 line directive
    shift
    __helm_words=() __helm_help=()
    __helm_directive=0
    while IFS= read -r line; do
        case $line in
        :[0-9]*) __helm_directive=${line#:} ;;
        _activeHelp_\ *) __helm_help+=("${line#_activeHelp_ }") ;;
        *) __helm_words+=("$line") ;;
        esac
    done < <("$@" "$word" 2>/dev/null)
}

__helm_complete() {
    local current before index line word
    local -a matching plain
    COMPREPLY=()
    if declare -F _get_comp_words_by_ref >/dev/null; then
        local cur prev words cword
        _get_comp_words_by_ref -n =: cur prev words cword
        current=$cur
        before=("${words[@]:1:cword-1}")
    else
        current=${COMP_WORDS[COMP_CWORD]}
        before=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
    fi

    local -a __helm_words __helm_help
    local __helm_directive
    __helm_ask "$current" "${COMP_WORDS[0]}" __complete "${before[@]}"
    # 1: an error. 2: no space follows. 4: no files. 32: the order is to be kept.
    ((__helm_directive & 1)) && return
    if type -t compopt >/dev/null; then
        ((__helm_directive & 2)) && compopt -o nospace
        ((__helm_directive & 4)) && compopt +o default
        ((__helm_directive & 32)) && compopt -o nosort 2>/dev/null
    fi

    # Of `--flag=val`, only what follows the `=` is a word of bash.
    local typed=$current
    [[ $current == -*=* ]] && typed=${current#*=}
    for line in "${__helm_words[@]}"; do
        word=${line%%$'\t'*}
        [[ $word == "$typed"* ]] || continue
        plain+=("$word")
        matching+=("$line")
    done
    if ((${#plain[@]} == 0)); then
        if ((${#__helm_help[@]})) && ((COMP_TYPE == 63)); then
            printf '\n%s\n' "${__helm_help[@]}" >&2
            printf '%s' "${COMP_LINE}" >&2
        fi
        ((__helm_directive & 4)) || mapfile -t COMPREPLY < <(compgen -f -- "$typed")
    elif ((${#plain[@]} == 1)) || ((COMP_TYPE != 63 && COMP_TYPE != 9)); then
        COMPREPLY=("${plain[@]}")
    else
        # Several: shown with what they are for, unless they have a beginning in common that is longer than what is typed.
        local common=${plain[0]}
        for word in "${plain[@]}"; do
            while [[ $word != "$common"* ]]; do common=${common%?}; done
        done
        if [[ $common != "$typed" && -n $common ]]; then
            COMPREPLY=("${plain[@]}")
        else
            local width=0
            for word in "${plain[@]}"; do ((${#word} > width)) && width=${#word}; done
            for index in "${!matching[@]}"; do
                line=${matching[index]}
                if [[ $line == *$'\t'* ]]; then
                    printf -v line '%-*s  (%s)' "$width" "${plain[index]}" "${line#*$'\t'}"
                fi
                COMPREPLY+=("$line")
            done
        fi
    fi
    declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$current"
}

complete -o default -F __helm_complete helm
