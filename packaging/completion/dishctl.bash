# SPDX-License-Identifier: BSD-3-Clause
# bash's completion of dishctl. What may stand where is dishctl's own knowledge: it is asked, and asks the daemon.

_dishctl() {
    local word typed=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    [[ $typed == = ]] && typed=
    while IFS=$'\t' read -r word _; do
        if [[ $word == :files ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$typed")
        else
            COMPREPLY+=("$word")
        fi
    done < <("$1" complete "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$typed" 2>/dev/null)
}
complete -F _dishctl dishctl
