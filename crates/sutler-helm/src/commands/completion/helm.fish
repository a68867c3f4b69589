# Completes helm's commands in fish, by asking helm itself.

function __helm_ask
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l answers ($program __complete $words "$typed" 2>/dev/null)
    set -g __helm_directive 0
    set -g __helm_words
    # Of `--flag=val`, fish wants the whole word.
    set -l before (string match -r '^-.*=' -- $typed)
    for line in $answers
        if string match -qr '^:[0-9]+$' -- $line
            set -g __helm_directive (string sub -s 2 -- $line)
        else if not string match -q '_activeHelp_ *' -- $line
            set -ga __helm_words $before$line
        end
    end
    # 1: an error.
    test (math $__helm_directive % 2) -eq 0
end

# Whether helm leaves the files to the shell: not where it forbids them (4), nor where it has words of its own.
function __helm_wants_files
    __helm_ask; or return 1
    test (count $__helm_words) -eq 0; and test (math "floor($__helm_directive / 4) % 2") -eq 0
end

function __helm_answers
    __helm_ask; or return 1
    printf '%s\n' $__helm_words
end

complete -c helm -e
complete -c helm -n __helm_wants_files -F
complete -c helm -n 'not __helm_wants_files' -f -a '(__helm_answers)'
