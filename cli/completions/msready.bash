# SPDX-License-Identifier: Apache-2.0
# bash completion for msready(1)

# Asks the daemon that the line names, whose words bash has parted at '='.
_msready_ask() {
        local i socket=()

        for ((i = 1; i < COMP_CWORD; i++)); do
                case ${COMP_WORDS[i]} in
                --socket=*) socket=("${COMP_WORDS[i]}") ;;
                --socket)
                        [[ ${COMP_WORDS[i + 1]} == '=' ]] && ((i++))
                        socket=("--socket=${COMP_WORDS[i + 1]}")
                        ;;
                esac
        done
        msready "${socket[@]}" --no-legend "$@" 2>/dev/null
}

_msready_gates() {
        _msready_ask gates | sed 's/ .*//'
}

# The folder of the system that the line names.
_msready_root() {
        local i root=

        for ((i = 1; i < COMP_CWORD; i++)); do
                case ${COMP_WORDS[i]} in
                --root=*) root=${COMP_WORDS[i]#--root=} ;;
                --root)
                        [[ ${COMP_WORDS[i + 1]} == '=' ]] && ((i++))
                        root=${COMP_WORDS[i + 1]}
                        ;;
                esac
        done
        printf '%s' "$root"
}

# The gates that bind has bound units to; with a gate the units that are bound to it.
_msready_bound() {
        local file gate

        for file in "$(_msready_root)"/etc/systemd/system/msready-gate@*.service.d/*.conf; do
                grep -qs '^# Written by msready bind\.$' "$file" || continue
                gate=${file##*/msready-gate@}
                gate=${gate%%.service.d/*}
                file=${file##*/}
                [[ -z $1 ]] && echo "$gate"
                [[ $1 == "$gate" ]] && echo "${file%.conf}"
        done
}

_msready() {
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= word i takes= behind=()
        local verbs='status wait watch explain objects gates timeline plot hold bind unbind check-config reload
                log-level help version'
        local options='--socket --quiet --json --all --fresh --timeout --stall --if-enabled --boot --boots --root
                --force --no-legend --no-pager --help --version'

        # bash makes '=' a word of its own.
        [[ $cur == '=' ]] && cur=
        [[ $prev == '=' ]] && prev=${COMP_WORDS[COMP_CWORD-2]}
        case $prev in
        --json)
                COMPREPLY=($(compgen -W 'pretty short off' -- "$cur"))
                return
                ;;
        --socket)
                COMPREPLY=($(compgen -f -- "$cur"))
                return
                ;;
        --root)
                COMPREPLY=($(compgen -d -- "$cur"))
                return
                ;;
        --boot)
                COMPREPLY=($(compgen -W "$(_msready_ask timeline --boots |
                        awk '{ print $1; print $2 }')" -- "$cur"))
                return
                ;;
        --timeout | --stall)
                COMPREPLY=()
                return
                ;;
        esac
        if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W "$options" -- "$cur"))
                return
        fi

        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                case $word in
                --socket | --json | --timeout | --stall | --boot | --root) takes=1 ;;
                =) ;;
                -*) takes= ;;
                *)
                        if [[ $takes ]]; then
                                takes=
                        elif [[ $verb ]]; then
                                behind+=("$word")
                        else
                                verb=$word
                        fi
                        ;;
                esac
        done

        case $verb in
        '')
                COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
                ;;
        bind)
                if ((${#behind[@]} > 0)); then
                        COMPREPLY=($(compgen -W "$(systemctl list-unit-files --no-legend --no-pager \
                                --full 2>/dev/null | sed 's/ .*//')" -- "$cur"))
                else
                        COMPREPLY=($(compgen -W "$(_msready_gates)" -- "$cur"))
                fi
                ;;
        unbind)
                if ((${#behind[@]} > 0)); then
                        COMPREPLY=($(compgen -W "$(_msready_bound "${behind[0]}")" -- "$cur"))
                else
                        COMPREPLY=($(compgen -W "$(_msready_bound | sort -u)" -- "$cur"))
                fi
                ;;
        status | wait | watch | explain | objects | gates | timeline | plot | hold)
                COMPREPLY=($(compgen -W "$(_msready_gates)" -- "$cur"))
                ;;
        log-level)
                COMPREPLY=($(compgen -W 'emerg alert crit err warning notice info debug' -- "$cur"))
                ;;
        *)
                COMPREPLY=()
                ;;
        esac
}

complete -F _msready msready
