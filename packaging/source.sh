# SPDX-License-Identifier: Apache-2.0
# For bash, in the folder of the sources.

project_version() { sed -n "s/^ *version: '\(.*\)',$/\1/p;T;q" meson.build; }

# make_tarball FOLDER: writes msready-VERSION.tar.xz there, by meson dist; of a tree without git, of the tree itself.
make_tarball() {
        local folder=$1 name build
        name=msready-$(project_version)
        mkdir -p "$folder"
        if [ -e .git ]; then
                build=$(mktemp -d)
                meson setup "$build" >"$build.log" || { cat "$build.log" >&2; return 1; }
                meson dist -C "$build" --no-tests --allow-dirty --formats xztar >>"$build.log" 2>&1 ||
                        { cat "$build.log" >&2; return 1; }
                cp "$build/meson-dist/$name.tar.xz" "$folder"
                rm -rf "$build" "$build.log"
        else
                tar --create --xz --file "$folder/$name.tar.xz" --exclude ./packaging/out --exclude './build*' \
                        --transform "s,^\.,$name," .
        fi
}
