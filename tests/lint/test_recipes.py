# SPDX-License-Identifier: Apache-2.0
"""HACKING.md's recipes, followed on a copy of the tree: all steps together work, and none can be forgotten unseen."""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from harness import process

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("msready_lint", HERE / "lint.py")
lint = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lint)


def before(mark, text):
    """Puts this text in front of the mark's first line."""
    def edit(old):
        assert mark in old, f"{mark!r} is not there any more"
        place = old.rindex("\n", 0, old.index(mark)) + 1
        return old[:place] + text + old[place:]
    return edit


def instead(mark, text):
    def edit(old):
        assert mark in old, f"{mark!r} is not there any more"
        return old.replace(mark, text, 1)
    return edit


def again(mark, *changes):
    """Repeats the mark's first line, with these changes (old, new)."""
    def edit(old):
        assert mark in old, f"{mark!r} is not there any more"
        place = old.rindex("\n", 0, old.index(mark)) + 1
        line = old[place:old.index("\n", place) + 1]
        for one, other in changes:
            assert one in line, f"{one!r} is not in {line!r}"
            line = line.replace(one, other)
        return old[:place] + line + old[place:]
    return edit


def new(text):
    return lambda _: text


VERB = """/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "verbs.h"

int verb_dummy(const Options *options) {
        puts("a dummy");
        return fflush(stdout) == 0 ? 0 : -errno;
}
"""
GATE = """# SPDX-License-Identifier: Apache-2.0
[Gate]
Description=Dummy
ConditionPathExists=/etc/dummy

[Pods]
Namespace=dummy
"""
# Where the kinds of checks have their rows; HACKING.md names it too.
CHECK_TABLE = "lib/ready/check-kinds.c"
CHECK = """/* SPDX-License-Identifier: Apache-2.0 */

/* [Dummy]: is never known. */

#include "ready/check-kinds.h"

#include "base/string-util.h"
#include "base/value.h"

static int parse_word(void *p, const char *value, const char **why) {
        return value_set_text(p, value);
}

static const CheckKeyType word_type = CHECK_KEY_TEXT(parse_word);

static int describe(const CheckDefinition *d, char **ret) {
        return asprintf_ret(ret, "dummy %s", CHECK_AS(DummyDefinition, d)->word);
}

static int list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        const Watched watched = {
                .kind = "Dummy",
                .namespace = "",
                .name = CHECK_AS(DummyDefinition, c->definition)->word,
                .finding = { .evidence = EVIDENCE_NONE, .proof = PROOF_NONE, .reason = REASON_NOT_ASKED },
        };

        return callback(&watched, userdata);
}

static const CheckKey keys[] = {
        { "Word", offsetof(DummyDefinition, word), &word_type, .is_required = true },
        {},
};

const CheckKind check_kind_dummy = {
        .syntax = {
                .section = "Dummy",
                .size = sizeof(DummyDefinition),
                .keys = keys,
                .describe = describe,
        },
        .judge = check_count_listed,
        .list = list,
};
"""
CHECK_STRUCT = """typedef struct DummyDefinition {
        CheckDefinition definition;
        char *word;
} DummyDefinition;

extern const CheckKind check_kind_dummy;

"""
CHECK_SECTION = """.Ss [Dummy]
Is never known.
.Bl -tag -width Ds
.It Cm Word= Ns Ar WORD
Any word.
.El
"""
MESSAGE_ID = "0123456789abcdef0123456789abcdef"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


class Recipe:
    """steps: path -> what to do with its text, in the order of HACKING.md. build: ninja's targets. run: commands
    that succeed then. unfollowed: paths of HACKING.md whose omission is not looked for here."""

    def __init__(self, steps, run, build=(), unfollowed=()):
        self.steps = steps
        self.run = run
        self.build = build
        self.unfollowed = unfollowed


RECIPES = {
    "Add a verb": Recipe({
        "cli/dummy.c": new(VERB),
        "cli/verbs.h": again("int verb_version(", ("version", "dummy")),
        "cli/verbs.c": before('{ "version",', '        { "dummy", NULL, 0, 0, 0, "A dummy", verb_dummy },\n'),
        "cli/meson.build": instead("'explain.c'", "'dummy.c', 'explain.c'"),
        "tests/data/cli/help.txt": before("  version  ", "  dummy                   A dummy\n"),
        "cli/completions/msready.bash": instead(" help version", " dummy help version"),
        "cli/completions/_msready": again("'version:", ("version:", "dummy:")),
        "cli/completions/msready.fish": instead(" help version", " dummy help version"),
        "man/msready.1": before(".It Cm help", ".It Cm dummy\nPrint a word.\n"),
    }, build=["cli/msready"], unfollowed=["tests/flow/test_cli.py"], run=[
        ["build/cli/msready", "dummy"],
        [*PYTEST, "tests/flow/test_cli.py", "tests/flow/test_cli_tools.py", "tests/lint/test_man.py",
         "-k", "test_text and help or completions_name or every_verb"],
    ]),
    "Add a member to the interface": Recipe({
        "lib/varlink/io.msready.Readiness.varlink": instead(
            "totalContainers: int,", "dummyContainers: int, totalContainers: int,"),
        "daemon/varlink-json.c": again('"totalContainers"', ("totalContainers", "dummyContainers")),
        "man/io.msready.Readiness.7": before(".It Va readyContainers ,", ".It Va dummyContainers\nA dummy.\n"),
    }, build=["tests/unit/test-daemon-varlink-json"], unfollowed=[
        "daemon/publish-varlink.c", "lib/history/blocker.c", "lib/history/timeline.c", "lib/history/boots.c"], run=[
        ["build/tests/unit/test-daemon-varlink-json"],
        [*PYTEST, "tests/lint/test_man.py", "-k", "every_member"],
    ]),
    "Add a gate": Recipe({
        "units/gates/dummy.gate": new(GATE),
        "units/meson.build": instead("'dns',", "'dns', 'dummy',"),
        "tests/lint/test_units.py": instead('TRACKED = {', 'TRACKED = {"dummy", '),
        "man/msready.gate.5": before(".It Cm ingress", ".It Cm dummy\na dummy\n"),
    }, build=["cli/msready", "daemon/msreadyd"], unfollowed=["units/manifests/090-msready/roles.yaml"], run=[
        ["build/daemon/msreadyd", "--check-config", "--gates-dir", "units/gates"],
        [*PYTEST, "tests/lint/test_units.py", "tests/lint/test_man.py",
         "-k", "shipped_gate or gate_file or gates_are_installed"],
    ]),
    "Add a check kind": Recipe({
        "lib/ready/check-dummy.c": new(CHECK),
        "lib/ready/check-kinds.h": before("typedef struct ApiDefinition", CHECK_STRUCT),
        CHECK_TABLE: again("&check_kind_api,", ("api", "dummy")),
        "lib/ready/meson.build": again("'check-api.c'", ("api", "dummy")),
        "man/msready.gate.5": before(".Ss [Endpoint]", CHECK_SECTION),
        "man/io.msready.Readiness.7": instead(".Li Api , ", ".Li Api , Dummy , "),
        "tests/unit/test-ready-kinds.c": before('{ "Api", "Path"', '        { "Dummy", "Word", "a", "b" },\n'),
        "tests/lint/test_units.py": before('"Api": {"Path"}', '    "Dummy": {"Word"},\n'),
        "tests/harness/examples.py": instead('"gate": {', '"gate": {"Dummy", '),
    }, build=["tests/unit/test-ready-kinds"], unfollowed=[
        "daemon/ask-socket.c", "daemon/question.h", "daemon/source-questions.c", "lib/ready/world.h",
        "lib/ready/demand.c", "lib/ready/evidence.h"], run=[
        ["build/tests/unit/test-ready-kinds"],
        [*PYTEST, "tests/lint/test_units.py", "-k", "check_sections"],
    ]),
    "Add a hint": Recipe({
        "lib/diagnosis/hint-rows.c": instead(
            "HintRow hint_rows[] = {\n",
            'HintRow hint_rows[] = {\n        { .reasons = "Dummy", .hint = "Stop." },\n'),
        "tests/unit/test-diagnosis-hint.c": instead(
            "Case cases[] = {\n", 'Case cases[] = {\n        { "Stop.", { .reason = "Dummy" } },\n'),
    }, build=["tests/unit/test-diagnosis-hint"], unfollowed=["tests/cluster/test_hints.py"], run=[
        ["build/tests/unit/test-diagnosis-hint"],
    ]),
    "Add a kind of journal message": Recipe({
        "daemon/message-id.h": again("#define MESSAGE_ID_CONFIG_LOADED", ("CONFIG_LOADED", "DUMMY"),
                                     ("d0e99361c45241d8b8c5b78ad5c6bfda", MESSAGE_ID)),
        "units/msready.catalog": before("-- 51675543", f"-- {MESSAGE_ID}\nSubject: A dummy\nDefined-By: msready\n\n"),
    }, run=[
        [*PYTEST, "tests/lint/test_units.py", "-k", "catalog_knows"],
    ]),
}


class Scratch:
    """A copy of the tree, with a build folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        for path in lint.files(process.REPOSITORY):
            copy = folder / path.relative_to(process.REPOSITORY)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        # Nothing here is debugged, and without debugging information ccache knows it in any folder.
        done = self.run(["meson", "setup", "build", "-Dprefix=/usr", "-Dbuildtype=plain"])
        assert done.returncode == 0, done.stdout

    def run(self, words):
        environment = dict(os.environ, MSREADY_BUILD=str(self.folder / "build"), PYTHONDONTWRITEBYTECODE="1",
                           MSREADY_SOURCE=str(self.folder))
        return subprocess.run(words, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def read(self, path):
        return (self.folder / path).read_text() if (self.folder / path).exists() else None

    def write(self, path, text):
        if text is None:
            (self.folder / path).unlink()
        else:
            (self.folder / path).write_text(text)

    def trouble(self, recipe):
        """What is wrong with the tree, None if nothing is."""
        builds = [["ninja", "-C", "build", *recipe.build]] if recipe.build else []
        for words in builds + recipe.run:
            done = self.run(words)
            if done.returncode:
                return f"{' '.join(words)}:\n{done.stdout[-3000:]}"
        return None


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    for tool in "meson", "ninja", "mandoc":
        if not shutil.which(tool):
            pytest.skip(f"{tool} is missing")
    return Scratch(tmp_path_factory.mktemp("tree"))


def sections():
    """HACKING.md's recipes: title -> the files that the numbered steps name, in that order."""
    text = (process.REPOSITORY / "HACKING.md").read_text()
    found = {}
    for title, body in re.findall(r"^## (Add .*)\n((?:(?!^## ).*\n?)*)", text, re.M):
        steps = "".join(re.findall(r"^\d\. .*\n(?:   .*\n)*", body, re.M))
        found[title] = [path.replace("NAME", "dummy") for path in re.findall(r"`([\w.-]+/[\w./-]+)`", steps)]
    return found


def test_hacking_names_the_files():
    told = sections()
    for title, recipe in RECIPES.items():
        assert [p for p in told[title] if p not in recipe.unfollowed] == list(recipe.steps), title
        assert set(recipe.unfollowed) <= set(told[title]), title
        for path in recipe.unfollowed:
            assert (process.REPOSITORY / path).exists(), path


@pytest.mark.parametrize("title", RECIPES)
def test_recipe(scratch, title):
    recipe = RECIPES[title]
    old = {path: scratch.read(path) for path in recipe.steps}
    followed = {path: step(old[path]) for path, step in recipe.steps.items()}
    try:
        for path, text in followed.items():
            scratch.write(path, text)
        trouble = scratch.trouble(recipe)
        assert trouble is None, trouble
        for path in recipe.steps:
            scratch.write(path, old[path])
            assert scratch.trouble(recipe), f"{title}: nothing is said where {path} is forgotten"
            scratch.write(path, followed[path])
    finally:
        for path, text in old.items():
            if scratch.read(path) != text:
                scratch.write(path, text)
