# SPDX-License-Identifier: Apache-2.0
"""Applications that are bound to gates, with the real daemon and client, under systemd 252 and 257."""

import time

import pytest

from harness import process
from host import node as _node
from host import standin

application = standin.application
BOUND = {
    "msready-gate@dns.service.d/kiosk.conf": "[Unit]\nUpholds=kiosk.service\n",
    "kiosk.service": application("kiosk", "BindsTo=msready-gate@dns.service\nAfter=msready-gate@dns.service"),
}

# The other way to have systemd start it again: the gate wants it.
WANTED = {"kiosk.service": application("kiosk", "BindsTo=msready-gate@dns.service\nAfter=msready-gate@dns.service",
                                       "WantedBy=msready-gate@dns.service")}


@pytest.mark.parametrize("units,enable", [(BOUND, []), (WANTED, ["kiosk.service"])], ids=["upheld", "wanted"])
def test_an_application_follows_its_gate(make_node, units, enable):
    node = make_node(units=units, enable=["msready-gate@dns.service", *enable]).boot()
    assert node.host.state("kiosk.service") == "inactive"
    node.usable()
    for _ in range(2):
        node.host.wait_active("kiosk.service")
        node.kubelet.container_dies("dns-default", report=True)
        node.host.wait_state("kiosk.service", "inactive", timeout=_node.HOLD + 10)
        node.host.wait_state("msready-gate@dns.service", "activating")
        node.kubelet.container_restarts("dns-default")


def test_a_blip_and_a_restart_of_microshift_stop_nothing(make_node):
    node = make_node(units=BOUND, enable=["msready-gate@dns.service"],
                     config=_node.CONFIG.replace("HoldSec=1s", "HoldSec=5s")).boot().usable()
    node.host.wait_active("kiosk.service")
    pid = node.pid("kiosk.service")
    # Shorter than the hold.
    node.kubelet.container_dies("dns-default", report=True)
    time.sleep(1.5)
    node.kubelet.container_restarts("dns-default")
    # Shorter than the grace.
    node.cluster.restart(kill=True)
    node.kubelet.renew_lease()
    node.expect_gate("dns", "ready")
    time.sleep(6)
    # And the daemon's own.
    node.host.systemctl("kill", "--signal=KILL", "msready.service")
    process.eventually(lambda: node.restarts() == 1, 10, 0.1)
    node.host.wait_active("msready.service")
    assert node.pid("kiosk.service") == pid
    assert node.host.state("msready-gate@dns.service") == "active"


@pytest.mark.parametrize("policy,state", [("hold", "active"), ("close", "inactive")])
def test_on_unknown(make_node, policy, state):
    node = make_node(units=BOUND, enable=["msready-gate@dns.service"])
    node.write_gate("dns.gate.d/policy.conf", f"[Gate]\nOnUnknown={policy}\n")
    node.boot().usable()
    node.host.wait_active("kiosk.service")
    node.cluster.kill()
    node.expect_gate("dns", "unknown", timeout=_node.GRACE + 20)
    assert node.msready("status", "--quiet").returncode == 6
    if state == "active":
        time.sleep(2)
        assert node.host.state("kiosk.service") == "active"
    else:
        node.host.wait_state("kiosk.service", "inactive")


def test_a_daemon_out_of_reach_counts_as_unknown(make_node):
    node = make_node(units=BOUND, enable=["msready-gate@dns.service"])
    node.write_gate("dns.gate.d/policy.conf", "[Gate]\nOnUnknown=close\n")
    node.boot().usable()
    node.host.wait_active("kiosk.service")
    node.host.systemctl("stop", "msready.socket", "msready.service")
    assert node.host.state("kiosk.service") == "active"
    node.host.wait_state("kiosk.service", "inactive", timeout=_node.GRACE + 15)


def test_gates_that_cannot_open_are_waited_for(make_node):
    node = make_node()
    node.write_gate("broken.gate", "[Gate]\nRequired=perhaps\n")
    node.write_gate("off.gate", "[Gate]\nConditionPathExists=/nowhere\n[Api]\n")
    node.boot()
    words = {"nowhere": "no such gate", "broken": "Required=", "off": "ConditionPathExists= not met, line 2"}
    units = {f"msready-gate@{gate}.service": word for gate, word in words.items()}
    node.host.systemctl("start", "--no-block", *units)
    for unit, word in units.items():
        process.eventually(lambda: word in node.host.show(unit, "StatusText"), 20, 0.1, f"{word} at {unit}")
    time.sleep(2)
    for unit in units:
        assert node.host.state(unit) == "activating" and node.host.show(unit, "NRestarts") == "0"


@pytest.mark.parametrize("target", ["multi-user.target", "graphical.target"])
def test_bind_and_unbind(make_node, target):
    node = make_node(units={"kiosk.service": application("kiosk", "", f"WantedBy={target}")},
                     enable=["kiosk.service"]).boot().usable()

    def tree():
        return node.host.output("find", "/etc/systemd/system", "-printf", "%p %l\\n").splitlines()

    before = sorted(tree())
    assert node.msready("bind", "dns", "kiosk.service", timeout=20).returncode == 0
    node.host.wait_active("kiosk.service")
    node.kubelet.container_dies("dns-default", report=True)
    node.host.wait_state("kiosk.service", "inactive", timeout=_node.HOLD + 10)
    # Enabled in what is booted into, and yet the boot does not wait for it.
    node.kubelet.previous_boot()
    node.host.poweroff()
    node.boot(wait=target)
    assert node.host.state("kiosk.service") != "active"
    node.usable()
    node.host.wait_active("kiosk.service")
    assert node.msready("unbind", "dns", "kiosk.service", timeout=20).returncode == 0
    assert sorted(tree()) == before
    assert node.host.show("kiosk.service", "BindsTo") == ""


def test_bind_disturbs_nothing_while_the_gate_is_open(make_node):
    """Nor does unbind, nor a gate that was mistyped."""
    node = make_node(units={"kiosk.service": application("kiosk", "", "WantedBy=multi-user.target")}).boot()
    node.host.systemctl("start", "kiosk.service")
    node.usable()
    node.expect_gate("dns", "ready")
    pid = node.pid("kiosk.service")

    def undisturbed():
        # Long enough for a stop, and for a start that follows it.
        time.sleep(2)
        return node.host.state("kiosk.service") == "active" and node.pid("kiosk.service") == pid

    done = node.msready("bind", "dsn", "kiosk.service", timeout=20)
    assert done.returncode == 4 and "there is no gate 'dsn'. Did you mean dns?" in done.stderr
    assert undisturbed()
    for _ in range(2):
        done = node.msready("bind", "dns", "kiosk.service", timeout=20)
        assert (done.returncode, done.stderr) == (0, "")
        assert "\nkiosk.service runs while gate dns is open." in done.stdout
        assert undisturbed() and node.host.state("msready-gate@dns.service") == "active"
    assert node.msready("unbind", "dns", "kiosk.service", timeout=20).returncode == 0
    assert undisturbed()
    node.host.wait_state("msready-gate@dns.service", "inactive")
    # One that does not run is started.
    node.host.systemctl("stop", "kiosk.service")
    assert node.msready("bind", "dns", "kiosk.service", timeout=20).returncode == 0
    node.host.wait_active("kiosk.service")


def test_bind_while_the_gate_is_shut(make_node):
    """It says what becomes of the unit. One that is enabled afterwards does not hold up the next boot."""
    node = make_node(units={"kiosk.service": application("kiosk", "", "WantedBy=multi-user.target"),
                            "idle.service": application("idle")}).boot()
    node.host.systemctl("start", "kiosk.service")
    node.expect_gate("dns", "waiting")
    done = node.msready("bind", "dns", "kiosk.service", timeout=20)
    assert done.stdout.endswith("\nkiosk.service is stopped until gate dns opens; the gate is waiting now. "
                                "See: msready explain dns\n")
    node.host.wait_state("kiosk.service", "inactive")
    done = node.msready("bind", "dns", "idle.service", timeout=20)
    assert "\nidle.service starts when gate dns opens; the gate is waiting now." in done.stdout
    done = node.msready("bind", "later", "idle.service", "--force", timeout=20)
    assert done.returncode == 0 and done.stdout.endswith("\nidle.service starts when gate later opens.\n")
    node.host.systemctl("enable", "kiosk.service")
    node.host.poweroff()
    node.boot(wait="multi-user.target")
    node.usable()
    node.host.wait_active("kiosk.service")
    assert node.host.state("idle.service") == "inactive"


def test_a_bound_unit_by_hand(make_node):
    """As msready(1) has it."""
    # More starts than a unit may have by default.
    kiosk = application("kiosk", "StartLimitIntervalSec=0", "WantedBy=multi-user.target")
    node = make_node(units={"kiosk.service": kiosk}).boot().usable()
    node.expect_gate("dns", "ready")
    assert node.msready("bind", "dns", "kiosk.service", timeout=20).returncode == 0
    node.host.wait_active("kiosk.service")
    gate = "msready-gate@dns.service"

    def is_another(before):
        return node.host.state("kiosk.service") == "active" and node.pid("kiosk.service") not in ("0", before)

    # Restart, stop, and what disable --now does: it runs again at once.
    for words in ["restart"], ["stop"], ["disable", "--now"], ["kill", "--signal=KILL"]:
        pid = node.pid("kiosk.service")
        node.host.systemctl(*words, "kiosk.service")
        process.eventually(lambda: is_another(pid), 10, 0.1, words[0])
    # Its gate's unit stops it; who starts the unit starts that, too.
    node.host.systemctl("stop", gate)
    node.host.wait_state("kiosk.service", "inactive")
    time.sleep(2)
    assert node.host.state("kiosk.service") == node.host.state(gate) == "inactive"
    node.host.systemctl("start", "kiosk.service")
    assert node.host.state("kiosk.service") == node.host.state(gate) == "active"
    # A start waits for the gate; a stop takes it back.
    node.kubelet.container_dies("dns-default", report=True)
    node.host.wait_state("kiosk.service", "inactive", timeout=_node.HOLD + 10)
    node.host.wait_state(gate, "activating")
    node.host.systemctl("start", "--no-block", "kiosk.service")
    time.sleep(1)
    assert node.host.state("kiosk.service") == "inactive" and "kiosk.service" in standin.jobs(node.host)
    node.host.systemctl("stop", "kiosk.service")
    assert "kiosk.service" not in standin.jobs(node.host)
    # The gate's opening starts it all the same, after a boot as well, and though it is disabled.
    node.kubelet.container_restarts("dns-default")
    node.host.wait_active("kiosk.service")
    node.kubelet.previous_boot()
    node.host.poweroff()
    node.boot(wait="multi-user.target")
    assert node.host.state("kiosk.service") == "inactive"
    node.usable()
    node.host.wait_active("kiosk.service")


def test_applications_stop_before_microshift(make_node):
    node = make_node(units=BOUND | {"edge.service": application("edge", "After=microshift-ready.target",
                                                                "WantedBy=microshift-ready.target")},
                     enable=["msready-gate@dns.service", "edge.service"]).boot().usable()
    node.host.wait_active("kiosk.service")
    node.host.wait_active("edge.service")
    node.host.poweroff()
    stopped = node.host.path("/var/stopped").read_text().split()
    assert sorted(stopped[:-1]) == ["edge", "kiosk"] and stopped[-1] == "microshift"


def test_one_gate_alone(make_node):
    node = make_node(units={"edge.service": application("edge", "Wants=msready-wait@api.service\n"
                                                        "After=msready-wait@api.service")}).boot()
    node.host.systemctl("start", "edge.service", timeout=30)
    assert node.host.state("microshift-ready.target") == "inactive"


def test_the_boot_check_and_greenboot(make_node):
    node = make_node(units={"msready-boot-check.service.d/limit.conf": "[Service]\nEnvironment=MSREADY_TIMEOUT=3s\n"},
                     enable=["msready-boot-check.service"]).boot()
    # It has three seconds, and tells what is known by then.
    node.expect_status("Unproven")
    assert node.host.run("systemctl", "start", "boot-complete.target", check=False).returncode != 0
    assert "Unproven" in node.host.journal("-u", "msready-boot-check.service")
    script, = node.host.root.glob("**/greenboot/check/required.d/*.sh")
    # Its shortest time limit is a minute.
    node.host.write("/root/short.sh", script.read_text().replace(" 60 9999 ", " 3 9999 "))
    script = "/" + str(script.relative_to(node.host.root))
    node.host.write("/etc/greenboot/greenboot.conf", "MICROSHIFT_WAIT_TIMEOUT_SEC=3\n")
    failed = node.host.run("bash", "/root/short.sh", check=False)
    assert "at most 3 s" in failed.stdout
    assert failed.returncode == 1 and "Unproven" in failed.stdout + failed.stderr
    node.usable()
    assert node.host.run("bash", script).returncode == 0
    node.host.systemctl("start", "boot-complete.target")
    node.host.systemctl("disable", "msready.service", "msready.socket")
    assert "is ready" in node.host.output("bash", script)
    node.host.systemctl("stop", "msready.service", "msready.socket")
    done = node.host.run("bash", script)
    assert (done.stdout, "msready is not enabled" in done.stderr) == ("", True)
    node.host.systemctl("disable", "microshift.service")
    assert "nothing to check" in node.host.output("bash", script)


@pytest.mark.parametrize("way", ["stop", "poweroff"])
def test_a_boot_check_that_is_stopped_reboots_nothing(make_node, way):
    """Who stops it, or powers off while it waits, has not seen a boot fail."""
    drop_in = (process.REPOSITORY / "units/drop-ins/boot-check-reboot.conf").read_text()
    node = make_node(units={"msready-boot-check.service.d/reboot.conf": drop_in}).boot()
    node.host.systemctl("start", "--no-block", "msready-boot-check.service")
    node.host.wait_state("msready-boot-check.service", "activating")
    process.eventually(lambda: "gates ready" in node.host.show("msready-boot-check.service", "StatusText"), 20, 0.1)
    if way == "stop":
        node.host.systemctl("stop", "msready-boot-check.service")
        time.sleep(3)
        assert node.host.is_running
        assert node.host.state("msready-boot-check.service") == "inactive"
    else:
        node.host.poweroff()
        # How systemd-nspawn --keep-unit tells of a reboot is 133.
        assert node.host.nspawn.returncode == 0


def test_a_wait_that_is_stopped_has_not_failed(make_node):
    node = make_node().boot()
    units = "msready-wait.service", "msready-wait@dns.service"
    for blow, state in (["stop"], "inactive"), (["kill", "--signal=TERM"], "failed"):
        node.host.systemctl("start", "--no-block", *units)
        for unit in units:
            node.host.wait_state(unit, "activating")
            process.eventually(lambda: "gates ready" in node.host.show(unit, "StatusText"), 20, 0.1)
            node.host.systemctl(*blow, unit)
            node.host.wait_state(unit, state)


def test_the_pods_of_the_guide(make_node):
    """All that the guide runs, not only what is required."""
    node = make_node()
    for name in ("001-microshift-olm", "020-microshift-gitops"):
        node.host.write(f"/usr/lib/microshift/manifests.d/{name}/kustomization.yaml", "resources: []\n")
    node.boot()
    node.kubelet.all_up()
    node.kubelet.start_heartbeat()
    node.expect_ready()
    for gate in ("resolver", "service-ca", "ingress", "csi-snapshot", "olm", "gitops"):
        node.expect_gate(gate, "ready")
    names = {gate["name"] for gate in node.describe()["gates"]}
    assert {"api", "ovn", "node", "dns", "storage"} <= names and not {"multus", "kserve"} & names
