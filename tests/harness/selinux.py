# SPDX-License-Identifier: Apache-2.0
"""The policy module, compiled and linked into the policy of Debian, and what that allows. SELinux need not run.

A store in a folder of the test's own is a copy of the one of selinux-policy-default. Types that container-selinux and
MicroShift bring to a real host are declared by a module of the test's own.
"""

import os
import pathlib
import re
import shutil
import subprocess

from . import process

SOURCES = process.REPOSITORY / "packaging/selinux"
STORE = pathlib.Path("/var/lib/selinux/default")
HEADERS = pathlib.Path("/usr/share/selinux")
DOMAIN = "msreadyd_t"

# Types of container-selinux, and what MicroShift's own module labels with them.
MICROSHIFT = {
    "container_var_lib_t": ["/var/lib/microshift(/.*)?"],
    "kubernetes_file_t": ["/etc/microshift(/.*)?", "/usr/lib/microshift(/.*)?"],
}


def missing():
    """What this machine lacks for these tests; None if nothing."""
    if os.geteuid() != 0:
        return "a policy store needs root"
    for path, package in ((STORE, "selinux-policy-default"), (HEADERS / "devel", "selinux-policy-dev")):
        if not path.exists():
            return f"{path} is missing (package {package})"
    return None


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def compile_module(folder, headers=HEADERS, name="msready", **variables):
    """Compiles the sources in this folder as packages do, with these headers. Returns the package."""
    run("make", "-f", headers / "devel/Makefile", f"{name}.pp", "NAME=default", f"SHAREDIR={headers}",
        *(f"{key}={value}" for key, value in variables.items()), cwd=folder)
    return folder / f"{name}.pp"


def copy_sources(folder, change=lambda text: text):
    """The module's sources in a new folder; change is for its rules."""
    shutil.copytree(SOURCES, folder)
    rules = folder / "msready.te"
    rules.write_text(change(rules.read_text()))
    return folder


def _stand_in(folder, has):
    """A module of the types of MICROSHIFT that the policy lacks, and of the labels of its files."""
    folder.mkdir()
    types = "".join(f"type {name};\nfiles_type({name})\n" if not has(name) else f"gen_require(`type {name};')\n"
                    for name in MICROSHIFT)
    (folder / "standin.te").write_text(f"policy_module(standin, 1.0)\n{types}")
    (folder / "standin.fc").write_text("".join(f"{path}\tgen_context(system_u:object_r:{name},s0)\n"
                                               for name, paths in MICROSHIFT.items() for path in paths))
    return compile_module(folder, name="standin")


def link(root, package):
    """Installs the module into a store in this folder, as semodule does on a host. Returns the Policy."""
    (root / "var/lib/selinux").mkdir(parents=True)
    shutil.copytree(STORE, root / "var/lib/selinux" / STORE.name)
    shutil.copytree("/etc/selinux", root / "etc/selinux", symlinks=True)
    before = Policy(root)
    stand_in = _stand_in(root / "standin", before.has_type)
    run("semodule", "--noreload", "--path", root, "--store", "default", "--priority", "200", "--install", package,
        stand_in)
    return Policy(root)


class Policy:
    """A linked policy: what it allows, by rules whose attributes are expanded."""

    def __init__(self, root):
        import setools

        self.root = root
        self.policy = setools.SELinuxPolicy(str(next((root / "etc/selinux/default/policy").glob("policy.*"))))
        self.contexts = root / "etc/selinux/default/contexts/files/file_contexts"
        self._rules = {}

    def has_type(self, name):
        try:
            self.policy.lookup_type(name)
        except Exception:  # the class for it has had several names
            return False
        return True

    def _load(self, source, booleans):
        """(type, class) -> permissions, for the domain, with these booleans set."""
        import setools

        allowed = {}
        one = self.policy.lookup_type(source)
        names = {one, *one.attributes()}
        for rule in self.policy.terules():
            if rule.ruletype != setools.TERuletype.allow or rule.source not in names:
                continue
            try:
                condition = rule.conditional
            except setools.exception.RuleNotConditional:
                pass
            else:
                states = {str(b): booleans.get(str(b), b.state) for b in condition.booleans}
                if bool(condition.evaluate(**states)) != rule.conditional_block:
                    continue
            for target in rule.target.expand():
                allowed.setdefault((str(target), str(rule.tclass)), set()).update(map(str, rule.perms))
        return allowed

    def rights(self, source=DOMAIN, **booleans):
        key = source, tuple(sorted(booleans.items()))
        if key not in self._rules:
            self._rules[key] = self._load(source, booleans)
        return self._rules[key]

    def allows(self, target, kind, *permissions, source=DOMAIN, **booleans):
        return set(permissions) <= self.rights(source, **booleans).get((target, kind), set())

    def is_permissive(self, name=DOMAIN):
        return self.policy.lookup_type(name).ispermissive

    def labels(self, paths, kind="file"):
        """path -> type, by the file contexts of the policy."""
        paths = sorted(paths)
        if not paths:
            return {}
        kind = kind if kind in ("dir", "chr_file", "sock_file", "lnk_file") else "file"
        lines = run("matchpathcon", "-n", "-f", self.contexts, "-m", kind, *paths).splitlines()
        assert len(lines) == len(paths), lines
        return {path: line.split(":")[2] if ":" in line else line for path, line in zip(paths, lines)}

    def generated(self, filesystem, path):
        """The type of a path of a file system that has no labels of its own, such as proc."""
        best = None
        for entry in self.policy.genfscons():
            where = str(entry.path)
            if entry.fs == filesystem and (path == where or path.startswith(where.rstrip("/") + "/")):
                if best is None or len(where) > len(best[0]):
                    best = where, str(entry.context.type_)
        return best[1]

    def port(self, number, protocol="tcp"):
        """The type of a port: the narrowest range that has it."""
        ranges = [(p.ports.high - p.ports.low, str(p.context.type_)) for p in self.policy.portcons()
                  if str(p.protocol) == protocol and p.ports.low <= number <= p.ports.high]
        return min(ranges)[1]

    def resolve(self, rights):
        """(type, class, permission) -> a Right that needs it."""
        by_kind = {}
        for right in rights:
            if isinstance(right.target, str) and right.target.startswith("/"):
                by_kind.setdefault("file" if right.kind == "filesystem" else right.kind, set()).add(right.target)
        labels = {kind: self.labels(paths, kind) for kind, paths in by_kind.items()}
        return {(self._target(right, labels), right.kind, right.permission): right for right in rights}

    def _target(self, right, labels):
        path = right.target
        if isinstance(path, int):
            return self.port(path)
        if path == "self":
            return DOMAIN
        if not path.startswith("/"):
            return path
        if path.startswith("/proc/self/") or re.match(r"/proc/\d+(/|$)", path):
            return DOMAIN
        for mount, filesystem in (("/proc", "proc"), ("/sys/fs/cgroup", "cgroup2"), ("/sys", "sysfs")):
            if path == mount or path.startswith(mount + "/"):
                return self.generated(filesystem, path[len(mount):] or "/")
        return labels["file" if right.kind == "filesystem" else right.kind][path]

    def lacks(self, rights):
        """What of these the domain may not do: texts that name the right, what needs it, and the call."""
        return sorted(
            f"{target}:{kind} {permission}, for {right.target}: {right.call[:160]}"
            for (target, kind, permission), right in self.resolve(rights).items()
            if not self.allows(target, kind, permission)
        )
