# SPDX-License-Identifier: Apache-2.0
"""The daemon under systemd 252 and 257: starting, hanging, crashing, reloading, stopping, and its sandbox."""

import json
import re
import select
import socket
import subprocess
import time

from harness import cluster as _cluster
from harness import guide, process
from host import node as _node
from host import standin

application = standin.application
EDGE = {"edge.service": application("edge", "After=microshift-ready.target", "WantedBy=microshift-ready.target")}
DEPENDENTS = {
    "wants.service": application("wants", "Wants=microshift-ready.target\nAfter=microshift-ready.target"),
    "requires.service": application("requires", "Requires=microshift-ready.target\nAfter=microshift-ready.target"),
    "bound.service": application("bound", "BindsTo=msready-gate@dns.service\nAfter=msready-gate@dns.service"),
}


# Starting

def test_the_application_starts_when_the_cluster_is_usable(make_node):
    # The daemon outlasts the start time-out, because it extends it as long as it runs.
    limit = {"msready.service.d/limit.conf": "[Service]\nTimeoutStartSec=3s\n"}
    node = make_node(units=EDGE | limit, enable=["edge.service"]).boot()
    node.expect_status("1 of 4 gates open", "ovn: Unproven")
    time.sleep(5)
    assert node.host.state("msready.service") == "activating"
    assert "ovn: Unproven" in node.host.run("systemctl", "status", "msready.service", check=False).stdout
    assert node.gate("node")["blockers"][0]["reason"] == "StaleBoot"
    node.kubelet.new_boot_node()
    node.kubelet.start_heartbeat()
    node.expect_gate("node", "ready")
    for name in guide.REQUIRED:
        assert node.host.state("edge.service") == "inactive"
        assert node.msready("status", "--quiet").returncode == 3
        node.kubelet.pod_up(name)
    node.host.wait_active("edge.service")
    assert node.msready("status", "--quiet").returncode == 0
    assert node.restarts() == 0
    assert node.host.output("systemctl", "--failed", "--no-legend") == ""


def test_the_console_says_what_is_waited_for(make_node):
    node = make_node()
    # A terminal without a login: systemd is silent while a getty has the console.
    node.host.boot_arguments.append("--console=read-only")
    standin.systemctl(node.host, "mask", "console-getty.service")
    node.boot()

    # systemd cuts the line's middle out where it is longer than 80 columns: its end is the blocker's reason.
    def told():
        lines = node.host.console_text(400).splitlines()
        return [line for line in lines if "Job msready" in line and "Unproven since" in line]

    process.eventually(told, 30, 0.5, "the blocker on the console")


def test_a_daemon_that_hangs_while_it_waits_fails(make_node_of):
    # Both at once: the daemon has asked for a minute.
    limit = {"msready.service.d/limit.conf": "[Service]\nTimeoutStartSec=3s\n"}
    nodes = [make_node_of(suite, units=limit).boot() for suite in ("bookworm", "trixie")]
    for node in nodes:
        node.expect_status("Unproven")
        node.host.systemctl("kill", "--signal=STOP", "msready.service")
    for node in nodes:
        process.eventually(lambda: node.restarts() >= 1, 150, 0.5, "an end of the hung daemon")
        node.expect_status("Unproven", timeout=30)


def test_a_daemon_that_hangs_later_is_restarted(make_node):
    # Longer than a busy machine delays a daemon that does not hang.
    limit = {"msready.service.d/limit.conf": "[Service]\nWatchdogSec=5s\n"}
    node = make_node(units=DEPENDENTS | limit).boot().usable()
    node.host.systemctl("start", *DEPENDENTS)
    before = [node.pid(unit) for unit in DEPENDENTS]
    node.host.systemctl("kill", "--signal=STOP", "msready.service")
    process.eventually(lambda: node.restarts() == 1, 30, 0.1, "the watchdog")
    node.host.wait_active("msready.service")
    assert [node.pid(unit) for unit in DEPENDENTS] == before


def test_nobody_notices_a_restart_of_the_daemon(make_node):
    node = make_node(units=DEPENDENTS).boot().usable()
    node.host.systemctl("start", *DEPENDENTS)
    before = [node.pid(unit) for unit in DEPENDENTS]
    since = node.gate("dns")["changedBoottimeUSec"]
    for how in ("kill", "restart", "stop"):
        if how == "kill":
            node.host.systemctl("kill", "--signal=KILL", "msready.service")
            process.eventually(lambda: node.restarts() == 1, 10, 0.1)
        elif how == "restart":
            node.host.systemctl("restart", "msready.service")
        else:
            node.host.systemctl("stop", "msready.service")
            assert node.host.state("msready.socket") == "active"
            # Asking starts it, and the question waits for the answer.
            assert node.gate("dns")["state"] in ("ready", "unknown")
        node.expect_ready()
        assert node.gate("dns")["changedBoottimeUSec"] == since
        assert [node.pid(unit) for unit in DEPENDENTS] == before
    # And no second line about a state that has not changed.
    assert len([line for line in node.lines("GATE_READY") if line["MSREADY_GATE"] == "dns"]) == 1


# Which gates apply

def test_the_host_is_read_in_the_sandbox(make_node):
    """MicroShift's own files, closed to all but root as its package may have them."""
    node = make_node()
    node.host.write("/etc/microshift/config.yaml", "ingress: {status: Removed}\n", 0o600)
    node.host.write("/usr/lib/microshift/manifests.d/001-microshift-olm/kustomization.yaml", "")
    node.boot()

    def enabled():
        told = json.loads(node.msready("gates", "-j", check=True).stdout)["definitions"]
        return {d["name"]: d["enabled"] for d in told}

    usual = {"api", "node", "ovn", "dns", "resolver", "service-ca", "csi-snapshot", "storage"}
    assert {name for name, is_so in enabled().items() if is_so} == usual | {"olm"}
    # The administrator changes it and restarts MicroShift, which rewrites its kubeconfig.
    node.host.write("/etc/microshift/config.yaml", "ingress: {status: Managed}\n", 0o600)
    node.write_kubeconfig(node.cluster.kubeconfig.read_text())
    process.eventually(lambda: enabled()["ingress"], 10, 0.1, "ingress")
    node.host.write("/etc/microshift/config.yaml", "ingress: {status\n", 0o600)
    node.write_kubeconfig(node.cluster.kubeconfig.read_text())
    process.eventually(lambda: node.gate("ovn")["blockers"][0]["reason"] == "InvalidGate", 10, 0.1, "InvalidGate")
    assert "/etc/microshift/config.yaml: line" in node.gate("ovn")["blockers"][0]["message"]
    assert enabled()["ingress"] and node.gate("node")["blockers"][0]["reason"] == "StaleBoot"
    # So are the host's addresses.
    assert "address of this host" not in node.gate("node")["blockers"][0]["message"]
    node.kubelet.patch_node(False, address="192.0.2.7")
    words = "InternalIP 192.0.2.7 is not an address of this host"
    process.eventually(lambda: words in str(node.gate("node")), 10, 0.1)


# Reloading

def test_a_reload_while_it_waits_is_no_readiness(make_node):
    node = make_node().boot()
    node.expect_status("Unproven")
    pid = node.pid("msready.service")
    node.host.systemctl("kill", "--signal=HUP", "msready.service")
    assert node.msready("reload").returncode == 0
    node.write_config(_node.CONFIG + "HoldSec=broken\n")
    node.host.systemctl("kill", "--signal=HUP", "msready.service")
    refused = node.msready("reload")
    line = _node.CONFIG.count("\n") + 1
    assert refused.returncode == 1
    assert f"{node.etc}/msready.conf.d/test.conf:{line}: HoldSec=broken" in refused.stderr
    time.sleep(2)
    assert node.host.state("msready.service") == "activating"
    assert node.host.state("microshift-ready.target") == "inactive"
    node.write_config(_node.CONFIG)
    node.usable()
    assert node.pid("msready.service") == pid


def test_a_reload_when_it_is_ready(make_node):
    node = make_node().boot().usable()
    pid = node.pid("msready.service")
    node.write_config(_node.CONFIG + "Require=+ingress\n")
    node.host.systemctl("reload", "msready.service", timeout=20)
    assert node.gate("ingress")["required"] and node.describe()["verdict"]["state"] == "waiting"
    node.write_config(_node.CONFIG + "HoldSec=broken\n")
    refused = node.host.run("systemctl", "reload", "msready.service", check=False, timeout=20)
    assert refused.returncode != 0
    # What the client says; that it was the client the journal need not know of a process that has ended by then.
    told = node.host.journal("-b", "-u", "msready.service", "-o", "cat")
    assert re.search("the daemon keeps the old one: .*HoldSec=broken", told), told
    assert node.lines("CONFIG_REFUSED")
    assert node.host.state("msready.service") == "active" and node.pid("msready.service") == pid
    assert node.gate("ingress")["required"], "the old configuration stays"


# Stopping

def test_a_stop_takes_less_than_a_second(make_node):
    """Also where a connection hangs, or a look-up of a name."""
    node = make_node()
    node.host.write("/etc/resolv.conf", "nameserver 127.0.0.77\n")
    with socket.socket() as silent, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        # They accept what is sent, and never answer.
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        nobody.bind(("127.0.0.77", 53))
        node.boot()
        hanging = f"https://localhost:{silent.getsockname()[1]}"

        def stop():
            """Seconds from before the question to the daemon's end."""
            node.host.systemctl("start", "--no-block", "msready.service")
            node.expect_status("waiting:")
            time.sleep(1)
            pid = node.pid("msready.service")
            watch = node.host.spawn("msready", "watch", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert watch.stdout.readline().startswith("cluster: ")
            # Without the socket, or the watching client would start it again.
            started = time.monotonic()
            node.host.systemctl("stop", "msready.socket", "msready.service")
            ended = int(node.host.show("msready.service", "ExecMainExitTimestampMonotonic")) / 1e6
            assert started < ended
            said = node.host.journal("-b", f"_PID={pid}", "-o", "cat")
            assert node.host.show("msready.service", "Result") == "success", said
            assert node.host.show("msready.service", "ExecMainStatus") == "0", said
            # The watching client was told, and waits for the daemon to come back.
            assert select.select([watch.stderr], [], [], 20)[0]
            assert "closed the connection" in watch.stderr.readline()
            # What it has started in the host ends by its next word.
            watch.kill()
            watch.wait()
            watch.stdout.close()
            watch.stderr.close()
            return ended - started

        for server in (node.cluster.url, hanging, "https://far.example.org:6443"):
            node.write_kubeconfig(_cluster.kubeconfig_text(server, node.cluster.pki.ca,
                                                           node.cluster.admin_certificate, node.cluster.admin_key))
            process.quickest(stop, 1)


# What the cluster says

def test_the_cluster_cannot_speak_to_systemd(make_node):
    node = make_node().boot()
    node.kubelet.new_boot_node()
    for name in guide.REQUIRED:
        node.kubelet.pod_waiting(name, "ImagePullBackOff", "no\nREADY=1\nSTOPPING=1\nMAINPID=1\x1b[2J\r\nERRNO=1")
    node.expect_status("ImagePullBackOff")
    time.sleep(2)
    assert node.host.state("msready.service") == "activating"
    assert node.host.state("microshift-ready.target") == "inactive"
    assert all(character >= " " for character in node.status())


def test_an_unchanged_state_is_said_once(make_node):
    node = make_node().boot().usable()
    for _ in range(5):
        node.kubelet.renew_lease()
        node.kubelet.patch_node()
        time.sleep(0.3)
    gates = [line["MSREADY_GATE"] for line in node.lines("GATE_READY")]
    assert len(gates) == len(set(gates)) >= 4
    verdict, = node.lines("VERDICT_READY")
    assert verdict["MSREADY_STATE"] == "ready"
    # No debug lines, and few lines in all.
    assert len(node.host.journal("-b", "-u", "msready.service").splitlines()) < 60


# The sandbox

def test_it_reads_real_cgroups_in_its_sandbox(make_node):
    node = make_node(config=_node.REAL_CGROUPS).boot()
    node.kubelet.new_boot_node()
    node.kubelet.start_heartbeat()
    scopes = []
    for name in guide.REQUIRED:
        node.kubelet.pod_up(name)
        pod = node.kubelet.find(name)
        for container_id in node.kubelet.containers(name).values():
            group = node.kubelet.cgroups.group(pod, container_id)
            scopes.append((group, container_id))
    node.expect_gate("node", "ready")
    node.expect_status("ovn: Unproven")
    runners = []
    for group, _ in scopes:
        runners.append(node.host.spawn("systemd-run", "--scope", "--quiet", f"--slice={group.parent.name}",
                                       f"--unit={group.name}", "sleep", "1000"))
    node.expect_ready()
    # One container dies, and the API server has not heard of it.
    node.host.systemctl("kill", "--signal=KILL", scopes[-1][0].name)
    node.expect_gate("dns", "lost")
    for runner in runners:
        runner.kill()
        runner.wait()


def test_it_needs_nobody_but_this_host(make_node):
    """The address filter that ships beside the unit."""
    node = make_node()
    drop_in, = node.host.root.rglob("drop-ins/msready.service.d/localhost-only.conf")
    node.host.write("/etc/systemd/system/msready.service.d/localhost-only.conf", drop_in.read_text())
    node.boot().usable()
    assert set(node.host.show("msready.service", "IPAddressDeny").split()) == {"0.0.0.0/0", "::/0"}


def test_a_kubeconfig_out_of_reach_is_told_with_the_setting(make_node):
    node = make_node(config=_node.CONFIG + "[Cluster]\nKubeconfig=/root/kubeconfig\n")
    node.host.write("/root/kubeconfig", node.cluster.kubeconfig.read_text(), 0o600)
    node.boot()
    node.expect_status("KubeconfigInvalid")
    assert "ProtectHome=read-only" in node.host.journal("-b", "-u", "msready.service")
    assert "ProtectHome=read-only" in node.msready("explain", "node").stdout
    # And what it says helps.
    node.host.write("/etc/systemd/system/msready.service.d/home.conf", "[Service]\nProtectHome=read-only\n")
    node.host.systemctl("daemon-reload")
    node.host.systemctl("stop", "msready.service")
    node.host.systemctl("start", "--no-block", "msready.service")
    node.usable()


def test_a_kubeconfig_that_is_mounted_late(make_node):
    """The sandbox has mounts of its own, and what the host mounts later is among them."""
    node = make_node(config=_node.CONFIG + "[Cluster]\nKubeconfig=/srv/late/kubeconfig\n")
    beneath = _cluster.kubeconfig_text("https://127.0.0.1:1", node.cluster.pki.ca, token="none")
    node.host.write("/srv/late/kubeconfig", beneath, 0o600)
    node.boot()
    node.expect_status("ApiUnreachable")
    node.host.run("sh", "-c", "umask 077; mkdir /run/disk; cat >/run/disk/kubeconfig",
                  input=node.cluster.kubeconfig.read_text())
    node.host.run("mount", "--bind", "/run/disk", "/srv/late")
    node.expect_gate("api", "ready", timeout=15)  # before the daemon looks by itself
    node.usable()


def exposure(node):
    told = node.host.output("systemd-analyze", "security", "--no-pager", "msready.service")
    return float(told.splitlines()[-1].partition(": ")[2].split()[0])


def test_the_localhost_drop_in(make_node):
    drop_in = (process.REPOSITORY / "units/drop-ins/localhost-only.conf").read_text()
    node = make_node().boot()
    assert exposure(node) <= 1.6
    node.host.write("/etc/systemd/system/msready.service.d/localhost.conf", drop_in)
    node.host.systemctl("daemon-reload")
    assert exposure(node) <= 1.5
    node.host.systemctl("stop", "msready.service")
    node.host.systemctl("start", "--no-block", "msready.service")
    node.usable()


def test_metrics_go_where_the_drop_in_lets_them(make_node):
    file = "/var/lib/node_exporter/textfile_collector/msready.prom"
    node = make_node(config=_node.CONFIG + f"[Metrics]\nTextfile={file}\n")
    node.host.path(file).parent.mkdir(parents=True)
    node.boot()
    node.expect_status("waiting:")
    told = process.eventually(lambda: node.host.journal("-b", "-u", "msready.service", "--grep=Textfile="), 10, 0.1)
    assert "ReadWritePaths=" in told and "node-exporter.conf" in told
    assert node.host.run("test", "-e", file, check=False).returncode == 1
    drop_in = (process.REPOSITORY / "units/drop-ins/node-exporter.conf").read_text()
    node.host.write("/etc/systemd/system/msready.service.d/metrics.conf", drop_in)
    node.host.systemctl("daemon-reload")
    node.host.systemctl("stop", "msready.service")
    node.host.systemctl("start", "--no-block", "msready.service")
    waiting = 'msready_verdict{state="waiting"} 1'
    process.eventually(lambda: waiting in node.host.output("cat", file, check=False), 10, 0.1)
    assert node.host.output("stat", "-c", "%a", file) == "644"


def test_a_user_of_its_own(make_node):
    drop_in = (process.REPOSITORY / "units/drop-ins/own-user.conf").read_text()
    node = make_node(units={"msready.service.d/own-user.conf": drop_in},
                     config=_node.CONFIG + "[Cluster]\nKubeconfig=/etc/msready-account\n")
    node.cluster.kubectl("apply", "-k", process.REPOSITORY / "units/manifests/090-msready")
    # Before MicroShift has applied the manifests there is no such token.
    text = _cluster.kubeconfig_text(node.cluster.url, node.cluster.pki.ca, token="none")
    node.host.write("/etc/msready-account", text, 0o644)
    node.boot()
    node.expect_status("Unauthorized")
    token = node.cluster.kubectl("create", "token", "msready", "--namespace=msready").stdout.strip()
    text = _cluster.kubeconfig_text(node.cluster.url, node.cluster.pki.ca, token=token)
    node.host.write("/etc/msready-account", text)
    node.usable()
    assert node.host.output("ps", "-o", "user=", "-p", node.pid("msready.service")) == "msready"
