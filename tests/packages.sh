# SPDX-License-Identifier: Apache-2.0
# For bash, in the folder of the sources.

# missing_packages [SECTION]...: what is missing of these sections of packages.txt, of all where none is named.
missing_packages() {
        local line package command section= only=" $* "
        while read -r line; do
                case $line in
                '' | '#'*) continue ;;
                '['*) section=${line//[\[\]]/} && continue ;;
                esac
                [ $# -eq 0 ] || [[ $only = *" $section "* ]] || continue
                command=${line#*\?} line=${line%%\?*}
                if [ "$command" != "$line" ] && command -v "$command" >/dev/null; then continue; fi
                if [ "$command" = go ] && [ -n "${KUBEBUILDER_ASSETS:-}" ]; then continue; fi
                for package in ${line//|/ }; do
                        if dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
                                continue 2
                        fi
                        if apt-cache show "$package" >/dev/null 2>&1; then
                                echo "$package"
                                continue 2
                        fi
                done
                echo "${line%%|*}"
        done <tests/packages.txt
}
