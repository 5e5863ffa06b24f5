# SPDX-License-Identifier: Apache-2.0
"""Gates are files: overridden, masked, dropped in, broken and reloaded while the daemon goes on."""

import json
import os
import pathlib
import re
import subprocess
import threading
import time

import pytest

from harness import guide, process
from harness.daemon import NotifySocket
from harness.varlink import Varlink

SHIPPED = {path.stem: path.read_text() for path in sorted((process.REPOSITORY / "units/gates").glob("*.gate"))}
REQUIRED = {name: SHIPPED[name] for name in ("api", "node", "ovn", "dns")}


def states(daemon):
    return {g["name"]: g["state"] for g in daemon.describe()["gates"]}


def definition(daemon, name):
    return next((d for d in daemon.call("ListGates")["definitions"] if d["name"] == name), None)


def reload(daemon, refused=False):
    mark = len(re.findall("Configuration reloaded|Cannot reload", daemon.log()))
    daemon.reload()
    process.eventually(
        lambda: len(re.findall("Configuration reloaded|Cannot reload", daemon.log())) > mark, 10, 0.02, "a reload"
    )
    assert refused == ("Cannot reload" in daemon.log().split("Configuration reloaded")[-1])


@pytest.fixture
def ready(edge):
    """A cluster that is ready by gates of which each file can be changed."""
    edge.up()
    edge.start(gates={**REQUIRED, "resolver": SHIPPED["resolver"]})
    edge.expect_ready()
    edge.daemon.expect_gate("resolver", "ready")
    edge.expect_settled()
    return edge


def expect_no_edge(daemon, names, during):
    """A client that watches these gates sees nothing."""
    since = {name: daemon.gate(name)["changedBoottimeUSec"] for name in names}
    deadline = time.monotonic() + during
    while time.monotonic() < deadline:
        for g in daemon.describe()["gates"]:
            if g["name"] in since:
                assert g["state"] == "ready" and g["changedBoottimeUSec"] == since[g["name"]], g
        time.sleep(0.01)


def test_dead_container_whose_group_stays_costs_nothing(ready):
    daemon = ready.daemon
    ready.kubelet.container_dies("dns-default")
    daemon.expect_gate("dns", "lost")
    before = daemon.cpu_seconds()
    time.sleep(2)
    assert daemon.cpu_seconds() - before < 0.2
    ready.kubelet.container_restarts("dns-default")
    daemon.expect_gate("dns", "ready")


def test_no_cgroup_is_looked_for_where_none_proves(edge):
    """A runtime may give its containers no groups: where observation is the proof, the daemon looks for none."""
    dns = "[Workload]\nKind=DaemonSet\nNamespace=openshift-dns\nName=dns-default\nProof=observed\n"
    edge.kubelet.new_boot_node()
    edge.start(gates={"node": "[Gate]\nRequired=yes\n[Node]\n", "dns": dns})
    edge.expect_ready()
    edge.kubelet.pod_up("dns-default")
    edge.daemon.expect_gate("dns", "ready")
    edge.kubelet.cgroups.clear()
    edge.kubelet.pod_ready("dns-default", False)
    edge.kubelet.pod_ready("dns-default")
    time.sleep(2)
    status = pathlib.Path(f"/proc/{edge.daemon.pid}/status")

    def wake_ups():
        return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.M).group(1))

    before = wake_ups()
    time.sleep(5)
    assert wake_ups() - before < 3
    assert edge.daemon.gate("dns")["state"] == "ready"


# Reload


def readiness(daemon, **keys):
    daemon.write_config({**daemon.config, "Readiness": {**daemon.config["Readiness"], **keys}})


def test_reload_leaves_no_gap(ready):
    daemon = ready.daemon
    for _ in range(5):
        reload(daemon)
        expect_no_edge(daemon, ("api", "node", "ovn", "dns", "resolver"), 0.2)
    assert len(daemon.notified("READY=1")) == 6  # the first, and the end of each reload
    reloading = daemon.notify.find(lambda n: "RELOADING=1" in n)
    assert len(reloading) == 5 and all(int(n.value("MONOTONIC_USEC")) > 0 for n in reloading)


def test_a_new_gate_waits_for_what_nobody_looked_at(ready):
    """Pods that no gate looked at were dropped as they came: what is known of the others is not all."""
    daemon, server, kubelet = ready.daemon, ready.server, ready.kubelet
    kubelet.pod_waiting("service-ca", "CrashLoopBackOff", "back-off 5m0s")
    answers = threading.Event()
    server.cue("watch", times=None, until=answers)
    mark = server.mark()
    daemon.write_gate("everything.gate", "[Pods]\n")
    reload(daemon)
    server.expect("watch", "pods", since=mark, count=2)
    deadline = time.monotonic() + 0.7
    while time.monotonic() < deadline:
        gate = daemon.gate("everything")
        assert gate["state"] == "waiting" and [b["reason"] for b in gate["blockers"]] == ["NotSynced"], gate
    server.clear_cues()
    answers.set()
    process.eventually(lambda: daemon.gate("everything")["blockers"][0]["reason"] == "CrashLoopBackOff", 10, 0.05)
    assert "firstReadyBoottimeUSec" not in daemon.gate("everything")
    expect_no_edge(daemon, ("api", "node", "ovn", "dns", "resolver"), 0.3)


def test_reload_within_a_reload(ready):
    """Streams that were to take the place of the first ones go before they did: what they brought stays."""
    daemon, server = ready.daemon, ready.server
    mark = server.mark()
    for resource in ("pods", "daemonsets"):
        server.cue("watch", resource, times=3, no_end_mark=True)
    reload(daemon)
    server.expect("watch", "pods", since=mark, count=2)
    server.expect("watch", "daemonsets", since=mark)
    time.sleep(0.3)
    server.clear_cues()
    answers = threading.Event()
    server.cue("watch", times=None, until=answers)
    reload(daemon)
    deadline = time.monotonic() + 0.8
    while time.monotonic() < deadline:
        assert not any(gate["blockers"] for gate in daemon.describe()["gates"])
        time.sleep(0.02)
    server.clear_cues()
    answers.set()
    expect_no_edge(daemon, ("api", "node", "ovn", "dns", "resolver"), 2)


def test_other_checks_are_judged_at_once_and_an_open_gate_holds(ready):
    daemon = ready.daemon
    readiness(daemon, HoldSec="6s")
    reload(daemon)
    daemon.write_gate("resolver.gate.d/10-more.conf", "[Pods]\nNamespace=nowhere\n")
    started = time.monotonic()
    reload(daemon)
    gate = process.eventually(
        lambda: (gate := daemon.gate("resolver"))["blockers"][0]["reason"] == "NoPods" and gate, 5, 0.01, "a listing"
    )
    assert gate["state"] == "ready" and gate["clock"] == "hold"
    assert [b["reason"] for b in gate["blockers"]] == ["NoPods"]
    row = next(line for line in daemon.client("status").stdout.splitlines() if line.startswith("resolver"))
    assert re.search(r"ready \(lost in [\d.a-z]+\)", row), row
    daemon.expect_gate("resolver", "lost")
    assert 5.9 < time.monotonic() - started
    (daemon.gates_folder / "resolver.gate.d/10-more.conf").unlink()
    reload(daemon)
    assert definition(daemon, "resolver")["checks"] == ["DaemonSet openshift-dns/node-resolver"]
    # Once lost, it settles as long as it holds.
    process.eventually(lambda: daemon.gate("resolver").get("clock") == "settle", 5, 0.01, "a listing")
    assert "(ready in " in daemon.client("status").stdout
    daemon.expect_gate("resolver", "ready")


def test_hold_of_a_required_gate_is_told_to_systemd(ready):
    daemon = ready.daemon
    readiness(daemon, HoldSec="12s")
    reload(daemon)
    mark = daemon.notify.mark()

    def expect_told(pattern):
        """At any time since: what ends by itself is not to be missed."""
        assert daemon.notify.wait(lambda n: re.search(pattern, n.value("STATUS") or ""), 20, mark), daemon.status()

    ready.kubelet.container_dies("dns-default")
    expect_told(r"dns: Unproven .*, lost at \d\d:\d\d:\d\d")
    ready.kubelet.container_restarts("dns-default")
    daemon.expect_status("4 of 4 gates open$")
    ready.server.stop_serving()
    expect_told(r"ApiUnreachable .*, unknown at \d\d:\d\d:\d\d")
    ready.server.resume_serving()


def test_broken_configuration_leaves_the_old_one(ready):
    daemon = ready.daemon
    good = daemon.config_file.read_text()
    daemon.config_file.write_text(good + "[Readiness]\nHoldSec=soon\n")
    line = good.count("\n") + 2
    mark = daemon.notify.mark()
    reload(daemon, refused=True)
    daemon.expect_log(f"keeping the old configuration: {re.escape(str(daemon.config_file))}:{line}: .*HoldSec")
    expect_no_edge(daemon, ("api", "node", "ovn", "dns", "resolver"), 0.3)
    assert daemon.notified("RELOADING=1", mark) and daemon.notified("READY=1", mark)
    done = daemon.client("reload")
    assert done.returncode == 1 and not done.stdout
    told = f"not loaded; the daemon keeps the old one: {daemon.config_file}:{line}: "
    assert told in done.stderr and "HoldSec" in done.stderr and "check-config" in done.stderr, done.stderr
    reply = daemon.client("reload", "-j")
    assert reply.returncode == 1 and told in reply.stderr
    # A long value is cut, and not within a character.
    daemon.config_file.write_text(good + "[Readiness]\nHoldSec=x" + "\u00e4" * 200 + "\n")
    told = daemon.client("reload").stderr
    assert f"{daemon.config_file}:{line}: HoldSec=x\u00e4" in told and len(told) < 500, told
    daemon.config_file.write_text(good)
    assert daemon.client("reload").returncode == 0


def test_invalid_gate_is_named_and_never_dropped(ready):
    daemon = ready.daemon
    for name in ("resolver", "dns"):
        daemon.write_gate(f"{name}.gate.d/10-odd.conf", "[Workload]\nKind=CronJob\n")
    daemon.write_gate("odd", "[Gate]\nDescription=Nothing to look at\n")
    reload(daemon)
    for name in ("resolver", "dns", "odd"):
        gate = daemon.gate(name)
        assert gate["state"] == "waiting" and [b["reason"] for b in gate["blockers"]] == ["InvalidGate"]
    assert "dns.gate.d/10-odd.conf:2: " in daemon.gate("dns")["blockers"][0]["message"]
    assert daemon.gate("dns")["required"] and not daemon.gate("odd")["required"]
    assert daemon.verdict() == "waiting"
    checks = {d["name"]: d["checks"] for d in daemon.call("ListGates")["definitions"]}
    assert [checks[name] for name in ("resolver", "dns", "odd")] == [[], [], []] and checks["api"]
    daemon.expect_log("Gate odd is invalid and waits: .*no checks")
    for name in ("resolver", "dns"):
        (daemon.gates_folder / f"{name}.gate.d/10-odd.conf").unlink()
    reload(daemon)
    daemon.expect_gate("resolver", "ready")
    daemon.expect_verdict("ready")


VALUES = {
    "app": ("[Workload]\nKind=Deployment\nNamespace=shop\n", 'Name="edge-app"', "takes quotes as part of the value"),
    "router": ("[Api]\n[Gate]\n", 'ConditionMicroShift=ingress.status="Removed"', "takes quotes as part of the value"),
    "host": ("[Node]\n", "Name=%H", "does not expand specifiers such as %H: write what is meant, local for this"),
    "broker": ("[Socket]\n", "Connect=localhost:70000", "not a port: a number from 1 to 65535"),
    "where": ("[Api]\n[Gate]\n", "ConditionPathExists=/usr # installed", "write the comment on a line of its own"),
}


def test_value_that_can_never_hold(ready):
    """It is told with file, line, key and value wherever a gate is shown, and its gate is required as before."""
    daemon = ready.daemon
    for name, (begin, value, _) in VALUES.items():
        daemon.write_gate(name, f"[Gate]\nRequired=yes\n{begin}{value}\n")
    done = daemon.client("reload")
    assert done.returncode == 1 and "InvalidGate" in daemon.client().stdout, "a gate that is invalid refuses no reload"
    told = {f"gates {name}": daemon.client("gates", name).stdout for name in VALUES}
    told |= {f"explain {name}": daemon.client("explain", name).stdout for name in VALUES}
    for name, (begin, value, why) in VALUES.items():
        place = f"{daemon.gates_folder}/{name}.gate:{3 + begin.count(chr(10))}: {value}: "
        gate = daemon.gate(name)
        assert gate["required"] and gate["state"] == "waiting"
        assert gate["blockers"][0]["message"].startswith(place) and why in gate["blockers"][0]["message"], gate
        for verb in ("gates", "explain"):
            text = " ".join(told[f"{verb} {name}"].split())
            assert place in text and why in text, text
    assert daemon.verdict() == "waiting"


def test_who_is_required(ready):
    daemon = ready.daemon

    def required():
        return {g["name"] for g in daemon.describe()["gates"] if g["required"]}

    assert required() == set(REQUIRED)
    readiness(daemon, Require="+resolver")
    reload(daemon)
    assert required() == set(REQUIRED) | {"resolver"}
    readiness(daemon, Require="api node")
    reload(daemon)
    assert required() == {"api", "node"} and daemon.verdict() == "ready"
    readiness(daemon, Require="api +shop")
    reload(daemon)
    assert required() == {"api", "shop"} and daemon.verdict() == "waiting"
    blocker = daemon.gate("shop")["blockers"][0]
    assert blocker["reason"] == "InvalidGate"
    assert re.fullmatch(r".*/msready.conf:\d+: Require= names shop, but there is no such gate", blocker["message"])
    # Masked is no better than not there; disabled is not asked for.
    mask = daemon.gates_folder / "shop.gate"
    mask.symlink_to("/dev/null")
    reload(daemon)
    blocker = daemon.gate("shop")["blockers"][0]
    assert blocker["reason"] == "InvalidGate" and blocker["message"].endswith(f"which is masked by {mask}")
    mask.unlink()
    daemon.write_gate("shop", "[Gate]\nConditionPathExists=/nonexistent/shop\n[Pods]\nNamespace=shop\n")
    reload(daemon)
    assert required() == {"api"} and daemon.verdict() == "ready"
    assert daemon.describe(["shop"])["gates"][0]["state"] == "disabled"
    assert definition(daemon, "shop")["cause"] == "ConditionPathExists= not met, line 2"
    assert definition(daemon, "shop")["conditions"] == [f"ConditionPathExists=/nonexistent/shop ({mask}:2)"]


def test_gate_that_is_removed_while_somebody_waits_for_it(ready, tmp_path, closing):
    daemon = ready.daemon
    notify = closing(NotifySocket(tmp_path / "notify"))
    daemon.write_gate("shop", "[Pods]\nNamespace=shop\n")
    reload(daemon)
    program = process.build_folder() / "cli/msready"
    waiting = [
        process.spawn([str(program), f"--socket={daemon.socket}", *words], stdout=subprocess.PIPE,
                      stderr=subprocess.STDOUT, text=True, env=dict(os.environ, NOTIFY_SOCKET=str(notify.path)))
        for words in (("wait", "shop"), ("hold", "resolver"))
    ]
    try:
        # Both have been told of their gates.
        assert notify.wait(lambda n: "shop: " in (n.value("STATUS") or ""), 20)
        assert notify.wait(lambda n: "READY=1" in n, 20)
        assert [child.poll() for child in waiting] == [None, None]
        for name in ("shop", "resolver"):
            (daemon.gates_folder / f"{name}.gate").unlink()
        reload(daemon)
        assert waiting[1].wait(10) == 0, "what holds a gate ends with it"
        assert waiting[0].wait(10) == 4
        assert "no gate" in waiting[0].stdout.read().lower()
        assert daemon.client("status", "shop").returncode == 4
    finally:
        for child in waiting:
            child.kill()
            child.wait()
            child.stdout.close()


def test_another_cluster_is_connected_to_beside_the_old_one(ready):
    """Node= is a part of [Cluster]: every stream is replaced, and no gate sees it."""
    daemon, server = ready.daemon, ready.server
    mark = server.mark()
    daemon.write_config({**daemon.config, "Cluster": {"Node": guide.NODE}})
    reload(daemon)
    expect_no_edge(daemon, ("api", "node", "ovn", "dns", "resolver"), 1.5)
    assert server.expect("watch", "daemonsets", since=mark) and server.expect("watch", "pods", since=mark)
    process.eventually(lambda: len(server.open_streams("daemonsets")) == 1, 10, 0.05, "one stream, not two")


# Events


def test_events_are_read_while_a_gate_is_shut_and_only_then(ready):
    server, daemon = ready.server, ready.daemon
    process.eventually(lambda: not server.open_streams("events"), 10, 0.05, "no stream of events")
    mark = server.mark()
    time.sleep(1)
    assert not server.asked("watch", "events", mark) and not server.asked("list", "events", mark)
    ready.kubelet.pod_ready("node-resolver", ready=False)
    server.expect_streams("events", 1)
    ready.kubelet.pod_ready("node-resolver")
    daemon.expect_gate("resolver", "ready")
    process.eventually(lambda: not server.open_streams("events"), 10, 0.05, "no stream of events any more")


# msreadyd --check-config, and what msready reload tells


# Without a word of gates that are not there.
ALONE = {name: re.sub("(?m)^After=.*\n", "", text) for name, text in REQUIRED.items()}


def expect_the_same(daemon, status):
    """check-config and reload print the same; returns that. The daemon of these tests may be without capabilities."""
    checked = subprocess.run([*daemon.command(), "--check-config"], stdout=subprocess.PIPE, text=True, timeout=20)
    reloaded, quiet = daemon.client("reload"), daemon.client("reload", "-q")
    assert (checked.returncode, reloaded.returncode, quiet.returncode) == (status,) * 3, (checked, reloaded)
    assert checked.stdout == reloaded.stdout and not reloaded.stderr
    assert not quiet.stdout and not quiet.stderr
    return reloaded.stdout


def test_reload_prints_what_check_config_prints(edge):
    daemon = edge.start(gates=ALONE)
    assert expect_the_same(daemon, 0) == "4 gates, no errors\n"
    daemon.write_gate("dns.gate.d/10-x.conf", "[Gate]\nAfter=nodes\nDescription=DNS # ours\n")
    assert expect_the_same(daemon, 0) == (
        f"warning: {daemon.gates_folder}/dns.gate.d/10-x.conf:3: Description=DNS # ours: "
        "msready takes all of the line as the value: write the comment on a line of its own\n"
        f"warning: {daemon.gates_folder}/dns.gate.d/10-x.conf:2: After=nodes: there is no such gate, ignoring; "
        "did you mean node?\n"
        "4 gates, no errors, see the warnings\n")
    daemon.write_gate("shop", "[Workloads]\nKind=Deployment\n")
    readiness(daemon, Require="+ingres +dns")
    line = daemon.config_file.read_text().split("\n").index("Require=+ingres +dns") + 1
    told = expect_the_same(daemon, 1)
    assert f"error: gate shop: {daemon.gates_folder}/shop.gate:1: unknown section [Workloads], did you mean " \
        "[Workload]?\n" in told
    place = f"{daemon.config_file}:{line}"
    assert f"error: gate ingres: {place}: Require= names ingres, but there is no such gate\n" in told
    reply = json.loads(daemon.client("reload", "-j").stdout)
    assert set(reply) == {"errors", "warnings"} and len(reply["errors"]) == 2 and len(reply["warnings"]) == 2


def test_reload_says_that_host_needs_a_restart(edge):
    """As after CgroupRoot= was set because pods are Unproven."""
    daemon = edge.start(gates=ALONE)
    before = daemon.config
    daemon.write_config({**before, "Host": {**before.get("Host", {}), "CgroupRoot": "/sys/fs/cgroup/x"}})
    told = daemon.client("reload")
    assert (told.returncode, told.stdout) == (
        0, "warning: [Host] has changed, and is not in use until the daemon is restarted: "
        "systemctl restart --no-block msready.service\n4 gates, no errors, see the warnings\n")
    assert "[Host] has changed" in daemon.log()
    daemon.write_config(before)
    assert daemon.client("reload").stdout == "4 gates, no errors\n"


def test_a_gate_file_that_only_its_owner_may_read(edge):
    """The daemon has no capabilities, so root needs the right to read, and check-config says so, too."""
    if os.geteuid() != 0:
        pytest.skip("to give the daemon's capabilities away needs root")
    no_capabilities = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]
    daemon = edge.start(gates=ALONE, wrapper=no_capabilities)
    path = daemon.write_gate("shop", "[Pods]\nNamespace=shop\n")
    path.chmod(0o600)
    os.chown(path, 65534, 65534)
    daemon.wrapper = []
    assert expect_the_same(daemon, 1) == f"error: gate shop: {path}: cannot be read: Permission denied\n"


def test_masked_gates_are_known(edge, tmp_path):
    """As the administrator masks what the vendor ships."""
    daemon = edge.start(gates={}, arguments=("--gates-dir", tmp_path))
    for name, text in {**ALONE, "storage": SHIPPED["storage"]}.items():
        (tmp_path / f"{name}.gate").write_text(text)
    masks = {name: daemon.gates_folder / f"{name}.gate" for name in ("storage", "ovn")}
    for mask in masks.values():
        mask.symlink_to("/dev/null")
    assert expect_the_same(daemon, 0) == "3 gates, no errors\n"
    edge.up()
    edge.expect_ready()

    told = daemon.client()
    assert told.returncode == 0
    assert "3 of 3 required gates ready; ovn is masked and not required\n" in told.stdout
    assert daemon.describe()["verdict"]["maskedGates"] == ["ovn"]
    daemon.notify.wait(lambda n: "; ovn is masked" in (n.value("STATUS") or ""), 10)
    for name, mask in masks.items():
        told = daemon.client("status", name)
        assert told.returncode == 1 and f"gate {name} is masked by {mask}\n" in told.stdout
        assert f"masked by {mask}" in daemon.client("explain", name).stdout
        row = next(row for row in daemon.client("gates").stdout.split("\n") if row.startswith(name)).split()
        assert row[:4] == [name, "masked", "no", str(mask)]
        told = daemon.client("gates", name).stdout
        assert "Enabled: masked\n" in told and f"Files: {mask}\n" in told
        told = daemon.client("wait", name)
        assert told.returncode == 1 and f"gate '{name}' is disabled on this host: masked by {mask}.\n" in told.stderr

    # What waits for it goes on once it is unmasked, and ends once it is masked again; who watches is told of either.
    with Varlink(daemon.socket) as watcher:
        replies = watcher.more("io.msready.Readiness.Monitor")
        assert next(replies)["verdict"]["maskedGates"] == ["ovn"]
        (tmp_path / "storage.gate").write_text("[Gate]\nRequired=yes\n[Api]\n")
        assert daemon.client("reload").returncode == 0
        assert next(r for r in replies if "verdict" in r)["verdict"]["maskedGates"] == ["ovn", "storage"]
    masks["ovn"].unlink()
    (tmp_path / "storage.gate").write_text(SHIPPED["storage"])
    assert daemon.client("reload").returncode == 0
    assert daemon.client("wait", "ovn", "--timeout=20").returncode == 0
    assert "masked" not in daemon.client().stdout and "maskedGates" not in daemon.describe()["verdict"]
    masks["ovn"].symlink_to("/dev/null")
    assert daemon.client("reload").returncode == 0
    assert daemon.describe(["ovn"])["gates"][0]["state"] == "disabled"


def check_config(built, folder, config="", **gates):
    """gates: texts by name below admin and vendor: admin_dns="...". Returns status and output."""
    (folder / "msready.conf").write_text(config)
    for place in ("admin", "vendor"):
        (folder / place).mkdir(exist_ok=True)
    for name, text in gates.items():
        place, gate = name.split("_", 1)
        (folder / place / f"{gate}.gate").write_text(text)
    done = subprocess.run(
        [built / "daemon/msreadyd", "--check-config", "--config", folder / "msready.conf", "--gates-dir",
         folder / "admin", "--gates-dir", folder / "vendor"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20,
    )
    return done.returncode, done.stdout


def test_check_config(built, tmp_path):
    required = "[Gate]\nRequired=yes\n[Pods]\nNamespace="
    status, text = check_config(built, tmp_path, vendor_dns=required + "x\n", vendor_api="[Api]\n")
    assert (status, text) == (0, "2 gates, no errors\n")

    # The administrator's file takes the place of the vendor's, a drop-in goes with either, a mask takes it away.
    (tmp_path / "vendor/dns.gate").write_text("[Nonsense]\n")
    status, text = check_config(built, tmp_path, admin_dns=required + "y\n")
    assert (status, text) == (0, "2 gates, no errors\n")
    (tmp_path / "admin/api.gate.d").mkdir()
    (tmp_path / "admin/api.gate.d/a.conf").write_text("[Gate]\nColour=red\n")
    status, text = check_config(built, tmp_path)
    assert "2 gates, no errors, see the warnings" in text
    assert f"warning: {tmp_path}/admin/api.gate.d/a.conf:2: unknown key Colour= in [Gate], ignoring" in text
    (tmp_path / "admin/api.gate").symlink_to("/dev/null")
    status, text = check_config(built, tmp_path)
    assert (status, text) == (0, "1 gate, no errors\n")
    (tmp_path / "admin/api.gate").unlink()

    condition = "[Condition]\nResource=cert-manager.io/v1/certificates\nNamespace=a\nName=b\nType=Ready\n"
    status, text = check_config(built, tmp_path, admin_tls=condition)
    assert f"{tmp_path}/admin/tls.gate:1: [Condition] without its controller" in text
    (tmp_path / "admin/tls.gate").unlink()

    status, text = check_config(
        built, tmp_path, admin_a="[Gate]\nAfter=b\n[Api]\n", admin_b="[Gate]\nAfter=a\n[Api]\n"
    )
    assert f"warning: {tmp_path}/admin/b.gate:2: After=a makes a cycle, ignoring it\n" in text
    assert "no errors, see the warnings" in text
    status, text = check_config(built, tmp_path, admin_bad="[Gate]\nHoldSec=never ever\n[Api]\n")
    assert status != 0 and f"error: gate bad: {tmp_path}/admin/bad.gate:2: " in text
    (tmp_path / "admin/bad.gate").unlink()
    status, text = check_config(built, tmp_path, admin_dns="[Pods]\nNamespace=y\n")
    assert status == 0 and "warning: no gate is required" in text and "no errors, see the warnings" in text
    status, text = check_config(built, tmp_path, "[Readiness]\nRequire=nobody\n")
    assert status != 0 and f"error: gate nobody: {tmp_path}/msready.conf:2: Require= names nobody" in text
    status, text = check_config(built, tmp_path, "[Readiness]\nHoldSec=x\n")
    assert status != 0 and f"error: {tmp_path}/msready.conf:2: " in text
    # The gates are judged as well, by default settings.
    slip = "[Gate]\nRequired=maybe\n[Api]\n"
    status, text = check_config(built, tmp_path, "[Readiness]\nHoldSec=x\n", admin_slip=slip)
    assert status != 0 and f"error: {tmp_path}/msready.conf:2: " in text
    assert f"error: gate slip: {tmp_path}/admin/slip.gate:2: Required=maybe: " in text


def test_check_config_tells_values(built, tmp_path):
    gates = {f"admin_{name}": begin + value + "\n" for name, (begin, value, _) in VALUES.items()}
    status, text = check_config(built, tmp_path, **gates)
    assert status != 0
    for name, (begin, value, why) in VALUES.items():
        line = 1 + begin.count("\n")
        assert re.search(f"^error: gate {name}: .*/{name}.gate:{line}: {re.escape(value)}: .*{why}", text, re.M), text
    for section, value, why in (
        ("Metrics", "Textfile=/var/lib/msready.txt", "names end in .prom"),
        ("Metrics", f"Textfile={tmp_path}/x.prom", "a folder"),
        ("Cluster", 'Context="main"', "takes quotes as part of the value"),
        ("Cluster", "Node=%H", "local for this host's node"),
        ("Readiness", "Require=dns # only", "write the comment on a line of its own"),
    ):
        (tmp_path / "x.prom").mkdir(exist_ok=True)
        status, text = check_config(built, tmp_path, f"[{section}]\n{value}\n")
        assert status != 0 and text.startswith(f"error: {tmp_path}/msready.conf:2: {value}: ") and why in text, text


def test_check_config_looks_for_the_kubeconfig(built, tmp_path):
    """What a reload would refuse. The default one is MicroShift's to write."""
    gate = "[Gate]\nRequired=yes\n[Api]\n"
    kubeconfig = tmp_path / "kubeconfig"
    config = f"[Cluster]\nKubeconfig={kubeconfig}\nContext=nowhere\n"
    status, text = check_config(built, tmp_path, config, vendor_api=gate)
    assert status == 0 and f"warning: {tmp_path}/msready.conf:2: {kubeconfig}: No such file or directory\n" in text
    kubeconfig.write_text("contexts: [{name: c, context: {cluster: c, user: u}}]\ncurrent-context: c\n"
                          "clusters: [{name: c, cluster: {server: 'https://localhost'}}]\n"
                          "users: [{name: u, user: {token: t}}]\n")
    status, text = check_config(built, tmp_path, config)
    assert status == 0 and f"warning: {tmp_path}/msready.conf:3: {kubeconfig}:1: no context \"nowhere\"" in text
    status, text = check_config(built, tmp_path, config.replace("nowhere", "c"))
    assert (status, text) == (0, "1 gate, no errors\n")
    status, text = check_config(built, tmp_path)
    assert (status, text) == (0, "1 gate, no errors\n")


def test_a_folder_that_is_asked_for_should_be_there(built, tmp_path):
    (tmp_path / "msready.conf").write_text("")
    done = subprocess.run(
        [built / "daemon/msreadyd", "--check-config", "--config", tmp_path / "msready.conf", "--gates-dir",
         tmp_path / "nowhere"], stdout=subprocess.PIPE, text=True, timeout=20,
    )
    assert f"warning: --gates-dir={tmp_path}/nowhere: No such file or directory, loading no gates" in done.stdout
