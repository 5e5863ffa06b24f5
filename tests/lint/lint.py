#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""lint.py [ROOT]: checks the rules of the house that no compiler knows. Prints each breach; exit status 1 if any.
lint.py --arrows: prints the table of folders as HACKING.md shows it.

The arrows between folders point down, files call each other without circles, one folder includes each foreign
library, and some functions are banned: parts that these rules keep apart can be tested apart. The tables below
are the only place where the rules stand.
"""

import os
import pathlib
import re
import subprocess
import sys

# Each folder, what it is, and which other folders it may include. kube and the folders built on it are pure: no
# loop, no network, no clock.
FOLDERS = {
    "base": ("macros, bounded buffers, strings, maps, clocks, files, logging", set()),
    "event": ("the event loop, over libev", {"base"}),
    "json": ("bounded, checked JSON, over cJSON", {"base"}),
    "conf": ("files in systemd's syntax, with drop-ins", {"base"}),
    "yaml": ("bounded YAML, over libyaml", {"base"}),
    "http": ("HTTP requests and streams, over libcurl", {"base", "event"}),
    "kube": ("kubeconfig, URLs, objects, the list and watch machine; pure", {"base", "json", "yaml"}),
    "gates": (
        "what gates ask: their files, keys and conditions, MicroShift's configuration; pure",
        {"base", "conf", "yaml", "kube"},
    ),
    "diagnosis": ("kubectl's columns, what events tell, hints; pure", {"base", "kube"}),
    "history": ("blockers on record, the time line, earlier boots; pure", {"base", "json"}),
    "ready": (
        "the rules: world, nodes, pods, checks, gates' clocks, the board, the Readiness; pure",
        {"base", "json", "kube", "gates", "diagnosis", "history"},
    ),
    "varlink": ("varlink server and client, the interface files", {"base", "event", "json"}),
}
LIBRARY = set(FOLDERS)
FOLDERS["daemon"] = ("msreadyd: the manager on top, sources (`source-*`), publishers (`publish-*`)", set(LIBRARY))
FOLDERS["cli"] = ("msready: one file per verb", {"base", "json", "conf", "gates", "varlink"})
MAY_INCLUDE = {folder: others for folder, (_, others) in FOLDERS.items()}

# One object, cut into files by its length: the only files that may call each other in a circle.
MAY_CIRCLE = (
    {"lib/http/client.c", "lib/http/request.c"},
    {"lib/kube/reflector.c", "lib/kube/reflector-answer.c"},
    {f"lib/varlink/{name}.c" for name in ("call", "connection", "server", "service")},
)

# Headers of foreign libraries, and the folders that may include them.
FOREIGN = (
    (re.compile(r"^ev(\+\+)?\.h$"), {"event"}),
    (re.compile(r"^cjson/|^cJSON"), {"json"}),
    (re.compile(r"^yaml\.h$"), {"yaml"}),
    (re.compile(r"^curl/"), {"http"}),
    (re.compile(r"^ares(_.*)?\.h$"), {"http"}),
    (re.compile(r"^systemd/"), {"daemon", "cli"}),
    (re.compile(r"^libsmartcols/"), {"cli"}),
    (re.compile(r"^uthash\.h$"), {"base"}),
)

BANNED = {
    "strcpy": "knows no size",
    "strcat": "knows no size",
    "sprintf": "knows no size",
    "vsprintf": "knows no size",
    "gets": "knows no size",
    "strtok": "keeps state between calls",
    "atoi": "takes anything for a number",
    "atol": "takes anything for a number",
    "atoll": "takes anything for a number",
    "sscanf": "takes anything for a number",
    "gmtime": "keeps state between calls",
    "localtime": "keeps state between calls",
    "alloca": "has no limit",
}
# Leaving is for main() alone: code that exits cannot be tested, and its cleanups do not run.
MAY_EXIT = {"daemon/main.c", "cli/main.c"}

# A longer file holds more than one concept. Tests may have longer tables and stories.
FILE_LENGTH = 600
FILE_LENGTH_OF_TESTS = 1000

# clang-format wraps code at 109; ten more are for the comments and literals that it leaves alone.
LINE_LENGTH = 119
SPDX = "SPDX-License-Identifier: Apache-2.0"

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
CLEANUP = re.compile(r"^(?!#).*\b_cleanup_(?:\w+|\([^)]*\))([^;]*)", re.M)
BRACKETS = re.compile(r"\([^()]*\)|\{[^{}]*\}|\[[^][]*\]")
CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")
NAME = re.compile(r"(?<![\w.])(?<!->)[A-Za-z_]\w*")
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def without_noise(text):
    """The code alone: comments and literals become blanks, line for line."""
    return NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def layer(path):
    """The folder whose rules hold for a file: lib/kube/x.c -> kube, daemon/x.c -> daemon; None for tests."""
    parts = pathlib.PurePath(path).parts
    if parts[0] == "lib" and len(parts) > 2:
        return parts[1]
    return parts[0] if parts[0] in ("daemon", "cli") else None


def check_includes(path, text):
    own = layer(path)
    if own is None:
        return
    if own not in MAY_INCLUDE:
        yield 1, f"lib/{own}/ is not in the table of folders: say in lint.py what it may include"
        return
    for number, line in enumerate(text.split("\n"), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        kind, name = found.groups()
        for header, folders in FOREIGN:
            if header.match(name) and own not in folders:
                yield number, f"<{name}> may be included in {', '.join(sorted(folders))} only"
        first, slash, _ = name.partition("/")
        if kind == '"' and not slash:
            # A program is one folder, whose files need not name it.
            if own not in LIBRARY:
                continue
            yield number, f'"{name}": includes name their folder'
        elif (
            first in MAY_INCLUDE
            and first != own
            and first not in MAY_INCLUDE[own]
            and (kind == '"' or first in LIBRARY)
        ):
            yield number, f"{own} may not include {first}: the arrows point down"
        elif kind == '"' and first not in MAY_INCLUDE:
            yield number, f'"{name}" is of no folder of lib/, daemon/ or cli/'


def check_parts(path, text):
    """Sources and publishers know the hub: only main.c knows the manager, only the manager knows the sources, and no
    source knows another one but the kubeconfig."""
    source = re.match(r"daemon/(source-[\w-]+)\.[ch]$", path)
    for number, line in enumerate(text.split("\n"), 1):
        found = INCLUDE.match(line)
        name = pathlib.PurePath(found[2]).name if found else ""
        if name == "manager.h" and path not in ("daemon/main.c", "daemon/manager.c"):
            yield number, "manager.h is for daemon/main.c alone"
        elif not name.startswith("source-") or not path.startswith("daemon/") or path == "daemon/manager.c":
            continue
        elif not source:
            yield number, f"{name} is for daemon/manager.c and the sources"
        elif name not in (f"{source[1]}.h", f"{source[1]}-internal.h", "source-kubeconfig.h"):
            yield number, f"{name}: a source may include no other source but source-kubeconfig.h"


def check_calls(path, text):
    code = without_noise(text)
    for number, line in enumerate(code.split("\n"), 1):
        if "__int128" in line:
            yield number, "__int128 is banned: machines of 32 bits have none"
        for match in CALL.finditer(line):
            name = match.group(1)
            if name in BANNED:
                yield number, f"{name}() is banned: it {BANNED[name]}"
            elif name == "exit" and layer(path) and path not in MAY_EXIT:
                yield number, "exit() is for main.c alone"


def check_cleanups(path, text):
    """A cleanup runs at every return, also at one before its variable is set."""
    code = without_noise(text)
    for match in CLEANUP.finditer(code):
        declaration, n = match.group(1), 1
        while n:
            declaration, n = BRACKETS.subn("", declaration)
        if any("=" not in variable for variable in declaration.split(",")):
            number = code.count("\n", 0, match.start()) + 1
            yield number, "_cleanup_ without a value: a return before it is set cleans up garbage"


def may_be_long(path):
    """Lists of files, scripts, and the tables of C tests: a row is a case, whatever bytes it holds."""
    return not path.endswith((".c", ".h", ".py")) or (path.startswith("tests/") and not path.endswith(".py"))


def check_layout(path, text):
    lines = text.split("\n")
    limit = FILE_LENGTH_OF_TESTS if path.startswith("tests/") else FILE_LENGTH
    if len(lines) - 1 > limit:
        yield limit, f"{len(lines) - 1} lines, {limit} are the limit"
    head = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    if SPDX not in head:
        yield 1, f"the first line says {SPDX}"
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield number, "a tab"
        # A macro's continuation sign stands where it likes.
        columns = len(re.sub(r"\s*\\?$", "", line))
        if columns > LINE_LENGTH and not may_be_long(path):
            yield number, f"{columns} columns, {LINE_LENGTH} are the limit"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end"


def check_python(path, text):
    try:
        compile(text, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        yield getattr(error, "lineno", 1) or 1, f"does not compile: {error}"


def check_shell(path, text):
    shell = "bash" if re.match(r"#!.*bash", text) or str(path).endswith(".bash") else "sh"
    done = subprocess.run(
        [shell, "-n"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        yield 1, f"{shell} -n: {done.stdout.strip()}"


def kind_of(path, text):
    """c, python, shell, meson, or None for what is not looked at."""
    name = pathlib.PurePath(path).name
    if name.endswith((".c", ".h")):
        return "c"
    if name.endswith(".py") or re.match(r"#!.*python", text):
        return "python"
    if name.endswith((".sh", ".bash")) or re.match(r"#!.*\b(ba|da)?sh\b", text):
        return "shell"
    return "meson" if name in ("meson.build", "meson_options.txt") else None


TEST = re.compile(r"tests/\w+/(?:test_(\w+)\.py|(?:test|fuzz)-([\w-]+)\.c)")


def check_is_run(path, meson):
    """A test that its folder's meson.build does not name passes for ever. meson: the text of that file."""
    match = TEST.fullmatch(path)
    if not match:
        return
    names = {next(filter(None, match.groups())), pathlib.PurePath(path).name, pathlib.PurePath(path).stem}
    if not names & set(re.findall(r"'([^']*)'", re.sub(r"#.*", "", meson))):
        yield 1, "no suite runs this test: its folder's meson.build does not name it"


CHECKS = {
    "c": (check_includes, check_parts, check_calls, check_cleanups, check_layout),
    "python": (check_layout, check_python),
    "shell": (check_layout, check_shell),
    "meson": (check_layout,),
}


def check(path, text):
    """Yields (line, message) for each breach in a file, which need not exist. path: from the tree's root."""
    for rule in CHECKS.get(kind_of(path, text), ()):
        yield from rule(path, text)


DEFINED = re.compile(r"^(?:(static) )?(?! )[\w *]*?[ *]([a-z]\w*)\s*\([^;{}]*\)\s*\{", re.M)
OBJECT = re.compile(r"^(?:(static) )?(?!extern |typedef |[ #])[\w *]*?[ *]([a-z]\w*)(?:\[[^]]*\])*(?: =|;)", re.M)
EXTERN = re.compile(r"^extern [\w *]*?[ *]([a-z]\w*)(?:\[[^]]*\])*;", re.M)
# What a header makes of other names: a macro, an inline function, and f##p of DEFINE_CLEANUP(type, f).
MACRO = re.compile(r"^#define (\w+)((?:.*\\\n)*.*)", re.M)
INLINE = re.compile(r"^static inline [\w *]*?[ *](\w+)(\([^;{}]*\) \{(?:.*\}$|[\s\S]*?^\}))", re.M)
CLEANER = re.compile(r"^DEFINE_CLEANUP\([^,]*, (\w+)\)", re.M)


def arrows(texts):
    """Which files of lib/ and daemon/ a file needs: a .c file those whose public functions or objects it names,
    whether it calls them, reads them or takes their address, by itself or through what a header makes of them;
    a header the headers that it includes. texts: path -> text. Returns path -> set of paths."""
    code = {path: without_noise(text) for path, text in texts.items()
            if path.startswith(("lib/", "daemon/")) and path.endswith((".c", ".h"))}
    headers = "\n".join(text for path, text in code.items() if path.endswith(".h"))
    public = set(CALL.findall(headers)) | set(EXTERN.findall(headers))
    defined = {path: DEFINED.findall(text) + OBJECT.findall(text)
               for path, text in code.items() if path.endswith(".c")}
    home = {name: path for path, names in defined.items() for static, name in names
            if name in public and not static}
    through = {name: set(NAME.findall(body)) for name, body in MACRO.findall(headers) + INLINE.findall(headers)}
    through.update({f"{name}p": {name} for name in CLEANER.findall(headers)})
    needs = {}
    for path in code:
        if path.endswith(".c"):
            named, news = set(), set(NAME.findall(code[path]))
            while news:
                named |= news
                news = set().union(*(through[name] for name in news if name in through)) - named
            named -= {name for static, name in defined[path] if static}
            found = {home[name] for name in named if name in home}
        else:
            included = [match[2] for match in map(INCLUDE.match, texts[path].split("\n")) if match]
            found = {f"lib/{name}" for name in included} | {str(pathlib.PurePath(path).parent / name)
                                                            for name in included}
        needs[path] = (found & set(code)) - {path}
    return needs


def circles(needs):
    """The largest sets of files that lead to each other, each sorted."""
    reach = {}
    for start in needs:
        reach[start], waiting = set(), [start]
        while waiting:
            news = needs[waiting.pop()] - reach[start]
            reach[start] |= news
            waiting += news
    found = {tuple(sorted(other for other in reach[path] if path in reach[other])) for path in needs}
    return sorted(circle for circle in found if circle)


def check_circles(texts):
    """Yields (path, line, message) for each circle that is not allowed, and for each allowed one that is not
    there any more."""
    found = circles(arrows(texts))
    for circle in found:
        if not any(set(circle) <= allowed for allowed in MAY_CIRCLE):
            yield circle[0], 1, f"a circle: {', '.join(circle)}"
    for allowed in MAY_CIRCLE:
        if allowed <= set(texts) and not any(set(circle) <= allowed for circle in found):
            yield min(allowed), 1, "no circle any more: remove it from MAY_CIRCLE in lint.py"


def print_arrows():
    print("| folder | what | may include |")
    print("| --- | --- | --- |")
    for folder, (what, others) in FOLDERS.items():
        path = f"lib/{folder}" if folder in LIBRARY else folder
        names = "all of lib" if others == LIBRARY else ", ".join(o for o in FOLDERS if o in others)
        print(f"| `{path}` | {what} |{' ' + names if names else ''} |")


def files(root):
    """The tree's own files: no builds, no caches, no hidden folders but .ci."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            f
            for f in folders
            if f == ".ci" or not f.startswith((".", "build", "__pycache__", "subprojects"))
        )
        for name in sorted(names):
            path = pathlib.Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path


def main(arguments):
    if arguments == ["--arrows"]:
        print_arrows()
        return 0
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parents[2]).resolve()
    breaches = looked_at = 0
    texts = {}
    for file in files(root):
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        path = str(file.relative_to(root))
        texts[path] = text
        if kind_of(path, text):
            looked_at += 1
        meson = file.parent / "meson.build"
        beside = meson.read_text() if meson.exists() else ""
        for number, message in [*check(path, text), *check_is_run(path, beside)]:
            print(f"{path}:{number}: {message}")
            breaches += 1
    for path, number, message in check_circles(texts):
        print(f"{path}:{number}: {message}")
        breaches += 1
    print(f"{looked_at} files, {breaches} breaches")
    return 1 if breaches or not looked_at else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
