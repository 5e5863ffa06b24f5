# SPDX-License-Identifier: Apache-2.0
"""The daemon under systemd 252 and 257: starting, hanging, crashing, reloading, stopping, and its sandbox."""

import socket
import time

import pytest

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


@pytest.fixture(params=["bookworm", "trixie"])
def make_node(request, boot_host, built, own_cluster, guide_kubelet):
    if not (built / "cli/msready").exists():
        pytest.skip(f"msready is not built in {built}")

    def make(**options):
        guide_kubelet.previous_boot()
        return _node.Node(request.param, boot_host, built, own_cluster, guide_kubelet, **options)

    return make


# Starting

def test_the_application_starts_when_the_cluster_is_usable(make_node):
    # The daemon outlasts the start time-out, for it extends it as long as it runs.
    limit = {"msready.service.d/limit.conf": "[Service]\nTimeoutStartSec=3s\n"}
    node = make_node(units=EDGE | limit, enable=["edge.service"]).boot()
    node.expect_status("StaleBoot")
    time.sleep(5)
    assert node.host.state("msready.service") == "activating"
    assert "StaleBoot" in node.host.run("systemctl", "status", "msready.service", check=False).stdout
    node.kubelet.new_boot_node()
    node.expect_status("Unproven")
    for name in guide.REQUIRED:
        assert node.host.state("edge.service") == "inactive"
        assert node.msready("status", "--quiet").returncode == 3
        node.kubelet.pod_up(name)
    node.host.wait_active("edge.service")
    assert node.msready("status", "--quiet").returncode == 0
    assert node.restarts() == 0
    assert node.host.output("systemctl", "--failed", "--no-legend") == ""


def test_the_console_says_what_is_waited_for(make_node):
    node = make_node().boot()
    process.eventually(lambda: "StaleBoot" in node.host.console_text(400), 60, 0.5, "the blocker on the console")


def test_a_daemon_that_hangs_while_it_waits_fails(make_node):
    node = make_node(units={"msready.service.d/limit.conf": "[Service]\nTimeoutStartSec=3s\n"}).boot()
    node.expect_status("StaleBoot")
    node.host.systemctl("kill", "--signal=STOP", "msready.service")
    process.eventually(lambda: node.restarts() >= 1, 120, 0.5, "an end of the hung daemon")
    node.expect_status("StaleBoot", timeout=30)


def test_a_daemon_that_hangs_later_is_restarted(make_node):
    limit = {"msready.service.d/limit.conf": "[Service]\nWatchdogSec=2s\n"}
    node = make_node(units=DEPENDENTS | limit).boot().usable()
    node.host.systemctl("start", *DEPENDENTS)
    before = [node.pid(unit) for unit in DEPENDENTS]
    node.host.systemctl("kill", "--signal=STOP", "msready.service")
    process.eventually(lambda: node.restarts() == 1, 30, 0.1, "the watchdog")
    node.host.wait_active("msready.service")
    assert [node.pid(unit) for unit in DEPENDENTS] == before


@pytest.mark.parametrize("how", ["kill", "restart", "stop"])
def test_nobody_notices_a_restart_of_the_daemon(make_node, how):
    node = make_node(units=DEPENDENTS).boot().usable()
    node.host.systemctl("start", *DEPENDENTS)
    before = [node.pid(unit) for unit in DEPENDENTS]
    since = node.gate("dns")["changedBoottimeUSec"]
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
    node.host.wait_active("msready.service")
    assert node.gate("dns")["changedBoottimeUSec"] == since
    assert [node.pid(unit) for unit in DEPENDENTS] == before
    # And no second line about a state that has not changed.
    assert len([line for line in node.lines("GATE_READY") if line["MSREADY_GATE"] == "dns"]) == 1


# Reloading

def test_a_reload_while_it_waits_is_no_readiness(make_node):
    node = make_node().boot()
    node.expect_status("StaleBoot")
    pid = node.pid("msready.service")
    node.host.systemctl("kill", "--signal=HUP", "msready.service")
    assert node.msready("reload").returncode == 0
    node.write_config(_node.CONFIG + "HoldSec=broken\n")
    node.host.systemctl("kill", "--signal=HUP", "msready.service")
    assert node.msready("reload").returncode != 0
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
    node.host.systemctl("reload", "msready.service", timeout=20)
    assert node.host.state("msready.service") == "active" and node.pid("msready.service") == pid
    assert node.gate("ingress")["required"], "the old configuration stays"
    assert node.lines("CONFIG_REFUSED")


# Stopping

@pytest.mark.parametrize("hanging", [False, True])
def test_a_stop_takes_less_than_a_second(make_node, hanging):
    node = make_node()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        if hanging:
            # It takes connections and never says a word.
            address = f"https://localhost:{silent.getsockname()[1]}"
            node.write_kubeconfig(_cluster.kubeconfig_text(address, node.cluster.pki.ca,
                                                           node.cluster.admin_certificate, node.cluster.admin_key))
        node.boot()
        process.eventually(lambda: node.pid("msready.service") != "0", 10, 0.1)
        time.sleep(2)
        watch = node.host.spawn("msready", "watch")
        started = time.monotonic()
        node.host.systemctl("stop", "msready.service")
        assert time.monotonic() - started < 1.5
        watch.kill()
        watch.wait()
    assert node.host.show("msready.service", "ExecMainStatus") == "0"
    assert node.host.show("msready.service", "Result") == "success"


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
    # Not a line of debugging, and few in all.
    assert len(node.host.journal("-b", "-u", "msready.service").splitlines()) < 60


# The sandbox

def test_it_reads_real_cgroups_in_its_sandbox(make_node):
    config = "\n".join(line for line in _node.CONFIG.splitlines() if not line.startswith("CgroupRoot")) + "\n"
    node = make_node(config=config).boot()
    node.kubelet.new_boot_node()
    scopes = []
    for name in guide.REQUIRED:
        node.kubelet.pod_up(name)
        pod = node.kubelet.find(name)
        for container_id in node.kubelet.containers(name).values():
            group = node.kubelet.cgroups.group(pod, container_id)
            scopes.append((group, container_id))
    node.expect_status("Unproven")
    runners = []
    for group, _ in scopes:
        runners.append(node.host.spawn("systemd-run", "--scope", "--quiet", f"--slice={group.parent.name}",
                                       f"--unit={group.name}", "sleep", "1000"))
    node.host.wait_active("msready.service")
    # One container dies, and the API server has not heard of it.
    node.host.systemctl("kill", "--signal=KILL", scopes[-1][0].name)
    node.expect_gate("dns", "lost")
    for runner in runners:
        runner.kill()
        runner.wait()


def test_a_kubeconfig_out_of_reach_is_told_with_the_setting(make_node):
    node = make_node(config=_node.CONFIG + "[Cluster]\nKubeconfig=/root/kubeconfig\n")
    node.host.write("/root/kubeconfig", node.cluster.kubeconfig.read_text(), 0o600)
    node.boot()
    node.expect_status("Kubeconfig")
    assert "ProtectHome" in node.host.journal("-b", "-u", "msready.service")


def test_the_localhost_drop_in(make_node):
    drop_in = (process.REPOSITORY / "units/drop-ins/localhost-only.conf").read_text()
    make_node(units={"msready.service.d/localhost.conf": drop_in}).boot().usable()


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
