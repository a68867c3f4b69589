#compdef helm
# Completes helm's commands in zsh, by asking helm itself.

_helm() {
    local line directive=0 order=()
    local -a answers described help
    # What is typed of the last word belongs to the question, also where it is nothing.
    answers=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT-1]}" "${words[CURRENT]}" 2>/dev/null)}")
    for line in "${answers[@]}"; do
        case $line in
        :<->) directive=${line#:} ;;
        '_activeHelp_ '*) help+=("${line#_activeHelp_ }") ;;
        '') ;;
        *)
            # A colon parts word and description for _describe.
            local word=${line%%$'\t'*} about=
            [[ $line == *$'\t'* ]] && about=${line#*$'\t'}
            described+=("${word//:/\\:}${about:+:$about}")
            ;;
        esac
    done
    # 1: an error. 2: no space follows. 4: no files. 32: the order is to be kept.
    ((directive & 1)) && return 1
    for line in "${help[@]}"; do compadd -x "$line"; done
    local -a options
    ((directive & 2)) && options+=(-S '')
    ((directive & 32)) && order=(-V)
    local prefix=
    [[ ${words[CURRENT]} == -*=* ]] && compset -P '*='
    if ((${#described})); then
        _describe "${order[@]}" helm described "${options[@]}" && return 0
    fi
    ((directive & 4)) || _files
}

# Sourced, it names itself; found by $fpath, it is called.
if [[ ${funcstack[1]} == _helm ]]; then
    _helm "$@"
else
    compdef _helm helm
fi
