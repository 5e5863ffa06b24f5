#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""syntax.py COMPILER KEPT [FLAG]...: has clang look for warnings in every file of build/compile_commands.json.

Run in a tree that has this compiler. KEPT: a file of the keys of what was found good before, which is written anew.
"""

import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

# Those that come with a value of their own.
OF_OUTPUT = {"-o", "-MF", "-MQ"}

# Where files of ours are included from, beside the including file's own folder.
FOLDERS = [pathlib.Path("/mnt/sources", name) for name in ("lib", "", "daemon", "cli", "tests/unit", "tests/fuzz")]


def words_of(command, compiler, flags):
    words = shlex.split(command)
    words = iter(words[2 if words[0] == "ccache" else 1 :])
    # gcc's own warnings are unknown to clang; meson would have left them out.
    result = [compiler, "-fsyntax-only", "-Wno-unknown-warning-option"]
    for word in words:
        if word in OF_OUTPUT:
            next(words)
        elif word not in ("-c", "-MD"):
            result.append(word)
    return [*result, *flags]


@functools.cache
def contents(path):
    return path.read_bytes() if path.is_file() else None


@functools.cache
def included(path):
    """This file and all of ours that it includes, at whatever remove."""
    reached, waiting = {path}, [path]
    while waiting:
        path = waiting.pop()
        for name in re.findall(rb'^ *# *include "([^"]+)"', contents(path), re.M):
            for folder in (path.parent, *FOLDERS):
                other = (folder / name.decode()).resolve()
                if contents(other) is not None and other not in reached:
                    reached.add(other)
                    waiting.append(other)
    return sorted(reached)


def main(compiler, kept, *flags):
    commands = json.loads(pathlib.Path("build/compile_commands.json").read_text())
    kept = pathlib.Path(kept)
    known = set(kept.read_text().split()) if kept.exists() else set()
    version = subprocess.run([compiler, "--version"], check=True, stdout=subprocess.PIPE).stdout

    def look(command):
        words = words_of(command["command"], compiler, flags)
        total = hashlib.sha256(version + "\0".join(words).encode())
        for path in included(pathlib.Path(command["directory"], command["file"]).resolve()):
            total.update(f"\0{path}\0".encode() + contents(path))
        key = total.hexdigest()
        if key in known:
            return key, ""
        done = subprocess.run(words, cwd=command["directory"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace")
        return (None if done.returncode or done.stdout else key), done.stdout

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(look, commands))
    kept.write_text("\n".join(key for key, _ in results if key))
    print("".join(said for _, said in results), end="")
    bad = sum(key is None for key, _ in results)
    print(f"{compiler}: {len(results)} files, {bad} with warnings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
