# SPDX-License-Identifier: Apache-2.0
"""packaging/release refuses what is not fit, naming the place, and makes a tarball that builds without git.

It is played in a clone made for the test, of the tree as it is, committed or not.
"""

import os
import re
import shutil
import subprocess

import pytest

from harness import process

LEFT_OUT = shutil.ignore_patterns(".git", "build*", "out", "__pycache__", ".pytest_cache")


class Clone:
    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(process.REPOSITORY, folder, ignore=self._left_out, symlinks=True)
        self.day = re.search(r"^## \S+ \((\S+)\)$", self.path("NEWS.md").read_text(), re.M)[1]
        self.git("init", "--quiet")
        self.commit()

    @staticmethod
    def _left_out(folder, names):
        """packaging/build and its like are sources; what is built is at the top, or in packaging/out."""
        if os.path.samefile(folder, process.REPOSITORY):
            return LEFT_OUT(folder, names)
        return {name for name in names if name in ("out", "__pycache__", ".pytest_cache")}

    def path(self, name):
        return self.folder / name

    def git(self, *words, day="2026-11-01"):
        when = f"{day}T12:00:00+0000"
        environment = {**os.environ, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        return subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *words], cwd=self.folder,
                              env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    def commit(self, day="2026-11-01"):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x", day=day)

    def release(self, *words):
        """(exit status, what it says)"""
        environment = {**os.environ, "CCACHE_NOHASHDIR": "1", "CCACHE_DIR": str(process.cache_folder() / "ccache")}
        if os.path.isdir("/usr/lib/ccache"):
            environment["PATH"] = "/usr/lib/ccache:" + environment["PATH"]
        done = subprocess.run(["packaging/release", *words], cwd=self.folder, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def replaced(self, name, old, new):
        text = self.path(name).read_text()
        assert old in text, f"{old} in {name}"
        self.path(name).write_text(text.replace(old, new, 1))

    def tarball(self, folder):
        """The bytes of make_tarball(), and what it says."""
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", f". packaging/source.sh; make_tarball {folder}"],
                              cwd=self.folder, check=True, stderr=subprocess.PIPE, text=True)
        (made,) = folder.glob("*.tar.xz")
        return made.read_bytes(), done.stderr


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path / "clone")


def test_it_names_each_place_that_is_wrong(clone):
    clone.replaced("README.md", "Version 0.1.0.", "Version 0.0.9.")
    clone.replaced("packaging/rpm/msready.spec", "0.1.0", "0.0.9")
    clone.replaced("packaging/deb/changelog", ") unstable;", ") UNRELEASED;")
    clone.commit("2031-01-02")
    clone.replaced("man/msready.1", ".Sh NAME", ".Sh NAME\n.\\\" more")
    clone.commit("2031-02-03")
    clone.git("tag", "v0.1.0", "HEAD~1")
    clone.path("left-over").write_text("x")
    status, said = clone.release("--date=2031-02-04")
    assert status == 1
    for line in (r"^README\.md:\d+: version 0\.0\.9, but meson\.build says 0\.1\.0\n    Write Version 0\.1\.0\.",
                 r"^packaging/rpm/msready\.spec:\d+: version 0\.0\.9",
                 r"^packaging/deb/changelog:1: the entry is not released",
                 r"^NEWS\.md:\d+: its date is \S+, the release's is 2031-02-04",
                 r"^man/msready\.1:\d+: \.Dd .* last changed on 2031-02-03\n    Write \.Dd February 3, 2031",
                 r"^meson\.build:\d+: v0\.1\.0 is the tag of another commit",
                 r"left-over",
                 r"^packaging/release: 7 to mend before 0\.1\.0"):
        assert re.search(line, said, re.M), f"{line} in\n{said}"
    assert not clone.path("packaging/out").exists()


def test_a_release_and_its_tarball(clone, tmp_path):
    status, said = clone.release(f"--date={clone.day}")
    assert status == 0, said
    assert "Not checked here" in said and "git tag --annotate" in said
    assert clone.git("tag", "--list") == "" and clone.git("status", "--porcelain") == ""
    out = clone.path("packaging/out")
    subprocess.run(["sha256sum", "--check", "--quiet", "msready-0.1.0.tar.xz.sha256"], cwd=out, check=True)

    # The same commit gives the same bytes: in another clone, a shallow one, and in a worktree, of another user.
    first = (out / "msready-0.1.0.tar.xz").read_bytes()
    clone.git("clone", "--quiet", "--depth=1", f"file://{clone.folder}", str(tmp_path / "shallow"))
    clone.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "worktree"))
    for name in ("shallow", "worktree"):
        other = object.__new__(Clone)
        other.folder = tmp_path / name
        if os.geteuid() == 0:
            os.chown(other.folder, 65534, 65534)
        assert other.tarball(tmp_path / f"of-{name}") == (first, "")

    # What is not committed is not in it, and is named.
    clone.path("left-over").write_text("x")
    same, warning = clone.tarball(tmp_path / "of-changed")
    assert same == first and "NOT in the source tarball" in warning and "left-over" in warning

    # And from the tarball, where there is no git, one with the same files is made.
    subprocess.run(["tar", "--extract", "--file", out / "msready-0.1.0.tar.xz", "--directory", tmp_path], check=True)
    unpacked = object.__new__(Clone)
    unpacked.folder = tmp_path / "msready-0.1.0"
    unpacked.tarball(tmp_path / "of-unpacked")
    listed = [subprocess.run(["tar", "--list", "--file", path], check=True, stdout=subprocess.PIPE, text=True)
              for path in (out / "msready-0.1.0.tar.xz", tmp_path / "of-unpacked/msready-0.1.0.tar.xz")]
    assert sorted(listed[0].stdout.split()) == sorted(listed[1].stdout.split())
