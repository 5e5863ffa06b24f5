# SPDX-License-Identifier: Apache-2.0
"""Python packages that Debian does not have, by pip into the cache, each of one exact version."""

import os
import pathlib
import subprocess
import sys

import pytest

from harness import process


def from_pip(requirement):
    """The folder that holds this package ("name==version"); the test is skipped where pip cannot get it."""
    folder = process.cache_folder() / "python" / requirement.replace("==", "-")
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = pathlib.Path(f"{folder}.{os.getpid()}")
        done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                               "--disable-pip-version-check", f"--target={unfinished}", requirement],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            pytest.skip(f"no {requirement}: {done.stdout[-500:]}")
        unfinished.rename(folder)
    return folder
