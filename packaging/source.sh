# SPDX-License-Identifier: Apache-2.0
# For bash, in the folder of the sources.

project_version() { sed -n "s/^ *version: '\(.*\)',$/\1/p;T;q" meson.build; }

# make_tarball FOLDER: writes msready-VERSION.tar.xz there. Of a clone it has what is committed, and the same commit gives
# the same bytes; what is not committed is named on stderr. Of a tree without git it has the tree.
# Not by meson dist, which wants the whole build configured first, and with it every library's headers.
make_tarball() {
        local name tarball
        name=msready-$(project_version)
        tarball=$1/$name.tar.xz
        mkdir -p "$1"
        if [ ! -e .git ]; then
                tar --create --sort=name --owner=0 --group=0 --numeric-owner --exclude=./packaging/out \
                        --exclude='./build*' --exclude=__pycache__ --exclude=.pytest_cache --transform="s,^\.,$name,S" . |
                        xz --threads=1 >"$tarball.$$" || return
        elif ! command -v git >/dev/null; then
                echo "packaging: this is a clone, and git is missing: install git" >&2
                return 1
        else
                not_committed || return
                our_git -c tar.umask=0022 archive --format=tar --prefix="$name/" HEAD |
                        xz --threads=1 >"$tarball.$$" || return
        fi
        mv "$tarball.$$" "$tarball"
}

# Root builds in a clone of another user, which git refuses without this. The index remains that user's.
our_git() { git --no-optional-locks -c safe.directory='*' "$@"; }

not_committed() {
        local files
        files=$(our_git status --porcelain) || return
        [ -n "$files" ] || return 0
        printf 'packaging: NOT in the source tarball, because it is not committed:\n%s\n' "$files" | sed -n 1,20p >&2
}
