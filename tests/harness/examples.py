# SPDX-License-Identifier: Apache-2.0
"""The examples of README.md and of the man pages, each with its kind: tests run every example that is added.

An example is a block, or a command in the text of README.md. A block of several paragraphs is as many examples, but
for the sections of one file.
"""

import re

from . import process

SECTIONS = {
    "unit": {"Unit", "Service", "Socket", "Install"},
    "gate": {"Gate", "Api", "Node", "Pods", "Workload", "Condition", "Endpoint", "Socket"},
    "conf": {"Cluster", "Readiness", "Host", "Metrics", "Log"},
}
# Commands in the text that are examples when something stands behind them.
# How to get and build msready, and images with it: on machines of all kinds, and not on a host that has it.
BUILDING = {"apt", "dnf", "meson", "ninja", "subscription-manager", "tests/demo", "tests/run", "FROM", "COPY", "RUN",
            "podman"}
# Other programs and verbs, which the text only mentions.
NAMED_ONLY = {"oc get pods", "systemctl stop", "msready bind", "msready unbind"}
# The sections that are played as a whole, by tests/package/test_readme_packages.py, by test_images.py beside it and by
# tests/host/test_install.py.
INSTALLING = ("Install", "In an image", "From source", "Uninstall", "IN AN IMAGE")
NAMED = re.compile(r"\.Pa (\S+\.(?:conf|service|gate))( :)?\n(?:\.\S\S$\n)?\Z", re.M)
COMMANDS = {"journalctl", "ln", "meson", "msready", "systemctl", "tests/demo", "tests/run", "varlinkctl"}


class Example:
    """kind: "unit", "gate", "conf", "python" or "shell". path: the file's, where a comment or the text names it.
    section: the heading above it in README.md, or the section's in a man page."""

    def __init__(self, source, line, text, before=""):
        self.source = source
        self.line = line
        headings = re.findall(r"^##+ (.*)" if source == "README.md" else r"^\.Sh (.*)", before, re.M)
        self.section = headings[-1] if headings else None
        self.text = text.strip("\n") + "\n"
        named = re.match(r"# (\S+\.(?:conf|service|gate))\n", self.text) or NAMED.search(before)
        self.path = named[1].removeprefix("/etc/systemd/system/") if named else None
        self.kind = self._kind()

    def _kind(self):
        sections = set(re.findall(r"^\[(\w+)", self.text, re.M))
        if not sections:
            return "python" if re.match(r"(import|from) \w+", self.text) else "shell"
        # Units and gates both have a [Socket]; a gate with nothing else is not shown.
        kinds = [kind for kind, names in SECTIONS.items() if sections <= names]
        if sections == {"Socket"}:
            kinds.remove("gate")
        assert len(kinds) == 1, f"{self}: sections {sections} make no file"
        return kinds[0]

    def commands(self):
        """The command lines of a shell example, without comments and sudo."""
        text = self.text.replace("\\\n", " ")
        lines = [re.sub(r"\s+# .*|^sudo ", "", line.strip()) for line in text.splitlines()]
        return [" ".join(line.split()) for line in lines if line and not line.startswith("#")]

    def __repr__(self):
        return f"{self.source}:{self.line}"


def _paragraphs(source, line, text, before=""):
    """The examples of a block: paragraphs, those of one file together."""
    found = []
    for match in re.finditer(r"(?:.+\n)+", text):
        paragraph = match[0]
        begins_section = re.match(r"\[\w", paragraph)
        if found and begins_section and re.search(r"^\[\w", found[-1][1], re.M):
            found[-1][1] += "\n" + paragraph
        else:
            found.append([line + text.count("\n", 0, match.start()), paragraph])
    return [Example(source, number, paragraph, before) for number, paragraph in found]


def _of_readme():
    text = (process.REPOSITORY / "README.md").read_text()
    # A fenced block is output, a sample of what msready prints.
    text = re.sub(r"^```\n(?:.*\n)*?```$", lambda block: "\n" * block[0].count("\n"), text, flags=re.M)
    for match in re.finditer(r"^(?: {4}.*\n|\n(?= {4}))+", text, re.M):
        block = re.sub(r"^ {4}", "", match[0], flags=re.M)
        yield from _paragraphs("README.md", text.count("\n", 0, match.start()) + 1, block, text[: match.start()])
    for match in re.finditer(r"`([^`\n]+)`", text):
        first, _, rest = match[1].partition(" ")
        if first in COMMANDS and rest:
            yield Example("README.md", text.count("\n", 0, match.start()) + 1, match[1], text[: match.start()])


def _of_man(page):
    text = page.read_text()
    for match in re.finditer(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed|^\.D[l1] (.*)$", text, re.M):
        line = text.count("\n", 0, match.start()) + 1
        block = match[1] if match[2] is None else match[2] + "\n"
        yield from _paragraphs(page.name, line, re.sub(r"\\&", "", block.replace("\\e", "\\")), text[: match.start()])


def all_examples():
    found = list(_of_readme())
    for page in sorted((process.REPOSITORY / "man").glob("*.[1-8]")):
        found += _of_man(page)
    return found


def of_kind(kind):
    return [example for example in all_examples() if example.kind == kind]


def whole_units():
    """The units of README.md that can be enabled: path below /etc/systemd/system to text."""
    found = [e for e in of_kind("unit") if e.source == "README.md" and "[Install]" in e.text]
    return {e.path: e.text for e in found}
