# SPDX-License-Identifier: Apache-2.0
"""What the client shows on terminals of all widths: no row of a table wraps, and what matters most goes last."""

import re
import unicodedata

import pytest

from harness import world
from harness.client import Client, golden
from harness.fakedaemon import MINUTE, NOW, FakeDaemon, blocker, gate

WIDTHS = 40, 60, 80, 100, 132
TABLES = {
    "status": ("status",),
    "objects": ("objects",),
    "gates": ("gates",),
    "timeline": ("timeline",),
    "timeline-all": ("timeline", "--all"),
    "timeline-boots": ("timeline", "--boots"),
}
# Gate, pod, namespace, reason.
BLOCKED = [
    ("ovn", "ovnkube-master-7xk2p", "openshift-ovn-kubernetes", "CrashLoopBackOff"),
    ("ingress", "router-default-7d9f8c6b5d-x7k2p", "openshift-ingress", "ContainerCreating"),
    ("csi-snapshot", "csi-snapshot-controller-5f7b9-x7k2p", "kube-system", "ImagePullBackOff"),
    ("service-ca", "service-ca-6b5d7f9c4-x7k2p", "openshift-service-ca", "CrashLoopBackOff"),
]
PODS = ["dns-default-x7k2p"] + [pod for _, pod, _, _ in BLOCKED]


def a_boot():
    """What MicroShift has, in a boot that has got stuck."""
    told = world.waiting()
    told["gates"] = [g for g in told["gates"] if g["name"] not in [b[0] for b in BLOCKED]] + [
        gate(name, "waiting", since=9 * MINUTE + 30_000_000, objects=(0, 2),
             blockers=[blocker(name, "Pod", pod, reason, namespace)])
        for name, pod, namespace, reason in BLOCKED]
    return told


def its_objects():
    told = world.objects()
    since = told["objects"][0]["sinceBoottimeUSec"]
    told["objects"] += [
        {"object": {"kind": "Pod", "namespace": namespace, "name": pod}, "gates": [name], "isReady": False,
         "proof": "none", "ready": "0/4", "status": reason, "restarts": "12 (4m ago)", "sinceBoottimeUSec": since}
        for name, pod, namespace, reason in BLOCKED]
    return told


def its_definitions():
    told = world.definitions()
    told["definitions"] += [
        {**told["definitions"][1], "name": name, "cause": "ConditionPathExists= not met, line 6",
         "files": [f"/etc/msready/gates.d/{name}.gate"]}
        for name in ("csi-snapshot", "olm")]
    return told


@pytest.fixture
def daemon(tmp_path):
    with FakeDaemon(tmp_path / "s") as daemon:
        daemon.replies["Describe"] = a_boot()
        daemon.replies["ListGates"] = its_definitions()
        daemon.replies["ListObjects"] = lambda _: its_objects()
        daemon.replies["GetTimeline"] = world.timeline()
        yield daemon


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def shown(daemon, columns, *arguments, **more):
    text = Client(daemon.path).on_terminal(*arguments, columns=columns, NO_COLOR="1", MSREADY_PAGER="cat", **more)
    # Ages count from now, and a busy machine takes its time.
    return re.sub("1min [1-9]s", "1min 1s", text.replace("\r\n", "\n"))


def table(text):
    """The lines of the table in an answer."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if re.match(r" *[A-Z]+( |$)", line))
    return [line for line in lines[first:lines.index("") if "" in lines[first:] else None]
            if "required gates" not in line and "objects pass" not in line]


def table_of(daemon, columns, name, **more):
    text = shown(daemon, columns, *TABLES[name], **more)
    return table(text.split("\n\n")[1] if name == "status" else text)


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", TABLES)
def test_no_row_wraps(daemon, name, columns):
    for locale in "C.UTF-8", "C":
        rows = table_of(daemon, columns, name, LC_ALL=locale)
        assert len(rows) > 2 and max(width(row) for row in rows) <= columns, "\n".join(rows)


@pytest.mark.parametrize("name", TABLES)
def test_eighty_columns(daemon, name):
    golden(f"80-{name}.txt", shown(daemon, 80, *TABLES[name]))


@pytest.mark.parametrize("columns", [80, 100, 132])
def test_names_and_reasons_of_pods_are_whole(daemon, columns):
    rows = "\n".join(table_of(daemon, columns, "status"))
    for _, pod, _, reason in BLOCKED:
        assert f"{pod}: {reason}" in rows
    rows = "\n".join(table_of(daemon, columns, "objects"))
    for _, pod, _, reason in BLOCKED:
        assert re.search(rf"{pod} .* {reason}( |$)", rows, re.M)
    assert "dns-default-x7k2p: ImagePullBackOff" in "\n".join(table_of(daemon, columns, "timeline"))
    assert re.search("· (Pod openshift-dns/)?dns-default-x7k2p ", "\n".join(table_of(daemon, columns, "timeline-all")))


def test_causes_are_whole(daemon):
    rows = "\n".join(table_of(daemon, 80, "gates"))
    assert rows.count("ConditionPathExists= not met, line 6\n") == 1
    assert rows.endswith("ConditionPathExists= not met, line 6")


def test_the_namespace_goes_first(daemon):
    for columns in range(40, 140, 5):
        rows = table_of(daemon, columns, "objects")
        if "NAMESPACE" in rows[0]:
            assert all(pod in "\n".join(rows) for pod in PODS)
        rows = "\n".join(table_of(daemon, columns, "status"))
        if "openshift-dns/" in rows:
            assert "…" not in rows and "REQUIRED" in rows


@pytest.mark.parametrize("columns", WIDTHS)
def test_names_as_long_as_can_be(daemon, columns):
    """63 characters of a gate or a namespace, 253 of a name, and many gates."""
    name, pod, namespace = "g" * 63, "p" * 253, "n" * 63
    told = world.waiting()
    told["gates"].append(gate(name, "waiting", blockers=[blocker(name, "Pod", pod, "ImagePullBackOff", namespace)]))
    daemon.replies["Describe"] = told
    daemon.replies["ListObjects"] = {"objects": [
        {"object": {"kind": "Pod", "namespace": namespace, "name": pod}, "gates": [name] * 20, "proof": "none",
         "ready": "0/1", "status": "ImagePullBackOff", "restarts": "0", "sinceBoottimeUSec": 1}]}
    daemon.replies["ListGates"] = {"definitions": [
        {"name": name, "files": [f"/srv/{'x' * 300}/{name}.gate"] * 3, "cause": "It is so. " * 100}]}
    daemon.replies["GetTimeline"]["transitions"] = [
        world.transition(4_000_000, name, "waiting", "lost", blocker=told["gates"][-1]["blockers"][0]),
        world.transition(4_000_001, name, "waiting", "lost", blocker=told["gates"][-1]["blockers"][0],
                         object=told["gates"][-1]["blockers"][0]["object"])]
    daemon.replies["GetTimeline"]["boots"][0]["gates"][1] = {
        "name": name, "readyUSec": 250_000_000, "waitedFor": f"Pod {namespace}/{pod}: ImagePullBackOff"}
    for key in TABLES:
        rows = table_of(daemon, columns, key)
        assert max(width(row) for row in rows) <= columns, "\n".join(rows)
    if columns >= 60:
        assert "ImagePullBackOff" in table_of(daemon, columns, "status")[-1]
    assert re.search("p{8,}… .*ImagePull", table_of(daemon, columns, "objects")[-1])


def test_a_countdown_goes_with_narrow_terminals(daemon):
    daemon.replies["Describe"]["gates"] = [
        gate("dns", clock="grace", clockEndsBoottimeUSec=NOW + MINUTE,
             blockers=[blocker("dns", "Api", "/readyz", "ApiUnreachable")])]
    assert "ready (unknown in " in "\n".join(table_of(daemon, 80, "status"))
    row = table_of(daemon, 40, "status")[-1]
    assert re.match("dns +ready +.*ApiUnreachable$", row), row


def test_columns_come_back_where_one_that_is_wide_has_gone(daemon):
    heading = table_of(daemon, 80, "objects")[0].split()
    assert heading == ["NAME", "READY", "STATUS", "CHANGED", "PROOF"]


def test_nothing_is_cut_elsewhere(daemon):
    for arguments in TABLES.values():
        text = Client(daemon.path)(*arguments).stdout
        assert "…" not in text
        assert ("openshift-dns/dns-default-x7k2p" in text) == (arguments[0] not in ("gates", "objects")
                                                               and "--boots" not in arguments)
    assert world.EARLIER in Client(daemon.path)("timeline", "--boots").stdout


def test_a_wide_terminal_shows_all(daemon):
    daemon.replies["Describe"], daemon.replies["ListObjects"] = world.waiting(), world.objects()
    for name in TABLES:
        assert "…" not in "\n".join(table_of(daemon, 132, name))
        assert table_of(daemon, 160, name) == table_of(daemon, 1000, name)


def test_too_narrow_for_any_table(daemon):
    """Rows wrap, with whole cells."""
    rows = shown(daemon, 17, "objects")
    assert all(pod in rows for pod in PODS)


@pytest.mark.parametrize("columns", WIDTHS[1:])
def test_lines_break_at_blanks(daemon, columns):
    """But not the commands, which are to be copied, and words that are too long, such as an image's name."""
    for arguments in ("status",), ("explain",), ("gates", "dns", "storage"):
        for line in shown(daemon, columns, *arguments).splitlines():
            assert width(line) <= columns or re.match(r' *(\$ |"quay|Files: |/etc)', line), line
