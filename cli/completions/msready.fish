# SPDX-License-Identifier: Apache-2.0
# fish completion for msready(1)

set -l verbs status wait watch explain objects gates timeline plot hold bind unbind check-config reload \
    log-level help version

# Asks the daemon that the line names.
function __msready_ask
    set -l words (commandline -opc)
    set -l socket (string match -- '--socket=*' $words)
    if set -l i (contains -i -- --socket $words)
        set socket --socket=$words[(math $i + 1)]
    end
    msready $socket --no-legend $argv 2>/dev/null
end

function __msready_gates
    __msready_ask gates | string replace -r ' .*' ''
end

function __msready_boots
    __msready_ask timeline --boots | awk '{ print $1; print $2 }'
end

function __msready_units
    systemctl list-unit-files --no-legend --no-pager --full 2>/dev/null | string replace -r ' .*' ''
end

# The gates that bind has bound units to; with "units" the units that are bound to the gate that the line names.
function __msready_bound
    set -l words (commandline -opc)
    set -l root (string match -- '--root=*' $words | string replace -- '--root=' '')
    set -l i (contains -i -- --root $words); and set root $words[(math $i + 1)]
    set -q root[1]; or set root ''
    for file in $root/etc/systemd/system/msready-gate@*.service.d/*.conf
        grep -qs '^# Written by msready bind\.$' $file; or continue
        set -l gate (string replace -r '.*/msready-gate@(.*)\.service\.d/.*' '$1' $file)
        if test "$argv" != units
            echo $gate
        else if contains -- $gate $words
            string replace -r '.*/(.*)\.conf$' '$1' $file
        end
    end
end

# How many words stand behind the verb.
function __msready_behind
    set -l words (string match -v -- '-*' (commandline -opc))
    test (math (count $words) - 2) -eq $argv[1]
end

complete -c msready -f
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a status -d 'Show whether the cluster is usable, and why not'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a wait -d 'Wait until the gates are ready'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a watch -d 'Show each change as it happens'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a explain -d 'Show which objects keep gates shut'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a objects -d 'List the objects the gates check'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a gates -d 'Show how the gates are defined'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a timeline -d 'Show what happened in a boot'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a plot -d 'Draw a boot as a picture'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a hold -d 'Run while the gate is open'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a bind -d 'Make a unit run while a gate is open'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a unbind -d 'Undo bind'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a check-config -d 'Check the configuration'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a reload -d 'Make the daemon read its configuration again'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a log-level -d 'Set the log level'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a help -d 'Show the help'
complete -c msready -n "not __fish_seen_subcommand_from $verbs" -a version -d 'Show the version'

complete -c msready -n '__fish_seen_subcommand_from status wait watch explain gates timeline plot' -a '(__msready_gates)'
complete -c msready -n '__fish_seen_subcommand_from objects hold; and __msready_behind 0' -a '(__msready_gates)'
complete -c msready -n '__fish_seen_subcommand_from bind; and __msready_behind 0' -a '(__msready_gates)'
complete -c msready -n '__fish_seen_subcommand_from bind; and __msready_behind 1' -a '(__msready_units)'
complete -c msready -n '__fish_seen_subcommand_from unbind; and __msready_behind 0' -a '(__msready_bound)'
complete -c msready -n '__fish_seen_subcommand_from unbind; and __msready_behind 1' -a '(__msready_bound units)'
complete -c msready -n '__fish_seen_subcommand_from log-level' \
    -a 'emerg alert crit err warning notice info debug'

complete -c msready -l socket -r -F -d 'Socket of the daemon'
complete -c msready -s q -l quiet -d 'Print nothing, only set the exit status'
complete -c msready -l json -x -a 'pretty short off' -d 'Print the reply as JSON'
complete -c msready -s j -d 'Print the reply as JSON'
complete -c msready -l all -d 'Include disabled gates and objects'
complete -c msready -l fresh -d 'Fail where what is ready has no evidence for it now'
complete -c msready -l timeout -x -d 'Give up after this time'
complete -c msready -l stall -x -d 'Give up when there is no progress for this time'
complete -c msready -l if-enabled -d 'Do not fail on gates that are disabled on this host'
complete -c msready -l boot -x -a '(__msready_boots)' -d 'Show an earlier boot'
complete -c msready -l boots -d 'Show one line for each boot on record'
complete -c msready -l root -r -a '(__fish_complete_directories)' -d 'Work on the offline system below this folder'
complete -c msready -l force -d 'Bind even to a gate that cannot open'
complete -c msready -l no-legend -d 'Omit headings and summary'
complete -c msready -l no-pager -d 'Do not pipe into a pager'
complete -c msready -s h -l help -d 'Show the help'
complete -c msready -l version -d 'Show the version'
