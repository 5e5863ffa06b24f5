# SPDX-License-Identifier: Apache-2.0
"""The main job on the real API server: from a stale cluster to READY=1, and never before."""

import base64
import contextlib
import os
import random
import re
import time

import pytest

from harness import fakekubelet, guide, process
from harness.daemon import Daemon

# 1.28 has no WatchList.
pytestmark = pytest.mark.parametrize("own_cluster", ["current", "old"], indirect=True)
REQUIRED = guide.REQUIRED
QUICK = {"Readiness": {"HoldSec": "1s", "UnknownSec": "6s"}}


def reasons(daemon, gate):
    return {reason for _, _, reason in daemon.blockers(gate)}


def required_blockers(daemon):
    return [b for gate in ("api", "node", "ovn", "dns") for b in daemon.blockers(gate)]


def come_up(daemon, kubelet):
    """All up, and a Lease now and then, as a kubelet renews it: what comes before a stream is in sync is no sign of
    life."""
    kubelet.all_up()
    process.eventually(lambda: daemon.is_ready or not kubelet.renew_lease(), 20, 0.3, "READY=1")


def boot(cluster, tmp_path, **options):
    kubelet = fakekubelet.FakeKubelet(cluster.admin, tmp_path / "host", **options)
    kubelet.adopt(guide.create_all(cluster.admin))
    return kubelet


def test_boot_after_power_cut(built, own_cluster, guide_kubelet):
    """Everything Ready of the previous boot, then this boot step by step."""
    kubelet = guide_kubelet
    kubelet.previous_boot()
    with Daemon(kubeconfig=own_cluster.kubeconfig, kubelet=kubelet) as daemon:
        daemon.expect_gate("api", "ready")
        process.eventually(lambda: "StaleBoot" in reasons(daemon, "node"), 10, 0.05, "StaleBoot")
        process.eventually(lambda: "Unproven" in reasons(daemon, "dns"), 10, 0.05, "Unproven")
        process.eventually(lambda: "Unproven" in reasons(daemon, "ovn"), 10, 0.05, "Unproven")
        assert daemon.verdict() == "waiting"

        kubelet.new_boot_node()
        daemon.expect_gate("node", "ready")
        assert daemon.verdict() == "waiting" and not daemon.is_ready

        kubelet.report_dead()
        process.eventually(lambda: "Unproven" not in reasons(daemon, "dns"), 10, 0.05, "the kubelet's own word")
        for name in REQUIRED:
            assert not daemon.is_ready and daemon.verdict() == "waiting"
            kubelet.pod_started(name)
            kubelet.pod_ready(name)
        daemon.expect_notify("READY=1")
        daemon.expect_verdict("ready")
        done = daemon.client("status")
        assert done.returncode == 0 and "ready" in done.stdout
        time.sleep(1)
        assert len(daemon.notified("READY=1")) == 1


@pytest.mark.parametrize("layout", [("v2", "systemd", "crio"), ("v2", "cgroupfs", "containerd"),
                                    ("v1", "systemd", "crio"), ("v1", "cgroupfs", "containerd")])
def test_layouts_of_cgroups(built, own_cluster, tmp_path, layout):
    version, driver, runtime = layout
    kubelet = boot(own_cluster, tmp_path, version=version, driver=driver, runtime=runtime)
    kubelet.previous_boot()
    with Daemon(kubeconfig=own_cluster.kubeconfig, kubelet=kubelet, config=QUICK) as daemon:
        daemon.expect_gate("api", "ready")
        come_up(daemon, kubelet)
        kubelet.container_dies("dns-default", report=version == "v1")
        daemon.expect_gate("dns", "lost")


def test_random_interleavings(built, own_cluster, guide_kubelet):
    """The steps of a boot in any order: never ready before the last one, always ready after it."""
    kubelet = guide_kubelet
    seed = int(os.environ.get("MSREADY_SEED", random.randrange(1 << 32)))
    print(f"MSREADY_SEED={seed}")
    dice = random.Random(seed)
    for round_ in range(int(os.environ.get("MSREADY_ROUNDS", "12"))):
        kubelet.previous_boot()
        steps = kubelet.steps(REQUIRED)
        dice.shuffle(steps)
        late = dice.randrange(len(steps))
        daemon = Daemon(kubeconfig=own_cluster.kubeconfig, kubelet=kubelet)
        try:
            done = []
            for i, (label, step) in enumerate(steps):
                if i == late:
                    daemon.start()
                assert not daemon.is_ready, f"seed {seed}, round {round_}: ready after {done}"
                step()
                done.append(label)
                time.sleep(dice.choice((0, 0, 0.02, 0.1)))
            # If the daemon started after the node's own step, the kubelet's next Lease is its sign of life.
            process.eventually(lambda: daemon.is_ready or kubelet.renew_lease() is None, 20, 0.3,
                               f"READY=1, seed {seed}, round {round_}, steps {done}")
        finally:
            daemon.close()


def test_api_server_comes_late_and_goes(built, own_cluster, tmp_path):
    cluster = own_cluster
    kubelet = boot(cluster, tmp_path)
    kubelet.all_up()
    cluster.stop()
    with Daemon(kubeconfig=cluster.kubeconfig, kubelet=kubelet, config=QUICK) as daemon:
        process.eventually(lambda: "ApiUnreachable" in reasons(daemon, "api"), 10, 0.05, "ApiUnreachable")
        assert daemon.client("status", "--quiet").returncode == 3
        cluster.start()
        daemon.expect_gate("api", "ready", timeout=30)
        kubelet.renew_lease()
        process.eventually(lambda: kubelet.renew_lease() and daemon.is_ready, 20, 0.3, "READY=1")

        cluster.kill()
        daemon.expect_verdict("unknown", timeout=30)
        assert daemon.client("status", "--quiet").returncode == 6
        cluster.start()
        process.eventually(lambda: kubelet.renew_lease() and daemon.verdict() == "ready", 30, 0.3, "ready")
        assert len(daemon.notified("READY=1")) == 1


def test_short_absence_of_the_api_server_is_nobodys_business(built, own_cluster, guide_kubelet):
    kubelet = guide_kubelet
    with Daemon(kubeconfig=own_cluster.kubeconfig, kubelet=kubelet) as daemon:
        daemon.expect_gate("api", "ready")
        come_up(daemon, kubelet)
        own_cluster.restart(kill=True)
        process.eventually(lambda: kubelet.renew_lease() and not required_blockers(daemon), 20, 0.3,
                           "no blockers")
        assert {t["to"] for t in daemon.call("io.msready.Readiness.GetTimeline")["transitions"]
                if "object" not in t} == {"ready"}


def test_dead_container_counts_while_the_api_is_away(built, own_cluster, guide_kubelet):
    kubelet = guide_kubelet
    with Daemon(kubeconfig=own_cluster.kubeconfig, kubelet=kubelet,
                config={"Readiness": {"HoldSec": "1s", "UnknownSec": "60s"}}) as daemon:
        daemon.expect_gate("api", "ready")
        come_up(daemon, kubelet)
        own_cluster.kill()
        daemon.expect_status("ApiUnreachable")
        kubelet.cgroups.all_die()
        daemon.expect_verdict("lost", timeout=20)


def test_restart_of_the_daemon_keeps_what_it_knew(built, own_cluster, guide_kubelet):
    kubelet = guide_kubelet
    with Daemon(kubeconfig=own_cluster.kubeconfig, kubelet=kubelet) as daemon:
        daemon.expect_gate("api", "ready")
        come_up(daemon, kubelet)
        since = daemon.gate("dns")["changedBoottimeUSec"]
        own_cluster.stop()
        daemon.restart(kill=True)
        gate = daemon.gate("dns")
        assert gate["state"] == "ready" and gate["changedBoottimeUSec"] == since and gate["clock"] == "grace"
        mark = daemon.notify.mark()
        daemon.expect_no_notify("READY=1", during=1, since=mark)
        own_cluster.start()
        process.eventually(
            lambda: kubelet.renew_lease() and daemon.notified("READY=1", since=mark), 20, 0.3, "READY=1"
        )
        assert daemon.gate("dns")["changedBoottimeUSec"] == since


def expect_trouble(daemon, reason, log):
    process.eventually(lambda: reason in reasons(daemon, "api"), 10, 0.05, reason)
    daemon.expect_status(reason)
    daemon.expect_log(log)
    before = daemon.cpu_seconds()
    time.sleep(2)
    assert daemon.cpu_seconds() - before < 0.25, "a busy loop"
    assert not daemon.is_ready and daemon.process.poll() is None


def test_half_a_kubeconfig(built, own_cluster, guide_kubelet, tmp_path):
    kubelet = guide_kubelet
    kubelet.all_up()
    whole = own_cluster.kubeconfig.read_text()
    path = tmp_path / "deep" / "er" / "kubeconfig"
    with Daemon(kubeconfig=path, kubelet=kubelet) as daemon:
        expect_trouble(daemon, "KubeconfigMissing", "kubeconfig")
        path.parent.mkdir(parents=True)
        path.write_text("")
        process.eventually(lambda: "KubeconfigInvalid" in reasons(daemon, "api"), 10, 0.05, "KubeconfigInvalid")
        path.write_text(whole[: len(whole) // 2])
        expect_trouble(daemon, "KubeconfigInvalid", "kubeconfig")
        path.write_text(whole)
        daemon.expect_gate("api", "ready")
        # MicroShift truncates and rewrites it at each start: the daemon keeps what it has read.
        path.write_text("")
        time.sleep(0.5)
        assert daemon.gate("api")["state"] == "ready"
        path.write_text(whole)
        process.eventually(lambda: kubelet.renew_lease() and daemon.is_ready, 20, 0.3, "READY=1")


def test_wrong_ca(built, own_cluster, guide_kubelet, tmp_path):
    from harness.cluster import Pki

    kubelet = guide_kubelet
    kubelet.all_up()
    other = Pki(tmp_path / "other", name="another-ca")
    path = tmp_path / "kubeconfig"
    own_cluster.write_kubeconfig(path, ca=other.folder / "ca.crt")
    with Daemon(kubeconfig=path, kubelet=kubelet) as daemon:
        expect_trouble(daemon, "ApiUnreachable", "certificate")
        path.write_text(own_cluster.kubeconfig.read_text())
        daemon.expect_gate("api", "ready")


def test_refused_certificate(built, own_cluster, guide_kubelet, tmp_path):
    """A certificate of a CA that the server does not know: 401 on resources."""
    from harness.cluster import Pki, kubeconfig_text

    kubelet = guide_kubelet
    kubelet.all_up()
    other = Pki(tmp_path / "other", name="another-ca")
    certificate, key = other.client("admin", ["system:masters"])
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig_text(own_cluster.url, own_cluster.pki.folder / "ca.crt", certificate, key))
    with Daemon(kubeconfig=path, kubelet=kubelet) as daemon:
        process.eventually(lambda: "Unauthorized" in reasons(daemon, None), 10, 0.05,
                           "Unauthorized")
        daemon.expect_status("Unauthorized")
        before = daemon.cpu_seconds()
        time.sleep(2)
        assert daemon.cpu_seconds() - before < 0.25, "a busy loop"
        assert not daemon.is_ready
        path.write_text(own_cluster.kubeconfig.read_text())
        process.eventually(lambda: kubelet.renew_lease() and daemon.is_ready, 20, 0.3, "READY=1")


def test_secrets_stay_secret(built, own_cluster, guide_kubelet, tmp_path):
    """Key and token of the kubeconfig are in no log, no process list, no file and no environment."""
    kubelet = guide_kubelet
    kubelet.all_up()
    text = own_cluster.kubeconfig.read_text()
    key = base64.b64decode(re.search(r"client-key-data: (\S+)", text).group(1)).decode()
    path = tmp_path / "kubeconfig"
    token = "msready-test-token-0123456789abcdef"
    path.write_text(text.replace("    client-key-data:", f"    token: {token}\n    client-key-data:"))
    secrets = [token, *[line for line in key.splitlines() if len(line) > 40], *re.findall(r"key-data: (\S{60})", text)]
    with Daemon(kubeconfig=path, kubelet=kubelet, arguments=["--log-level", "debug"]) as daemon:
        process.eventually(lambda: kubelet.renew_lease() and daemon.is_ready, 20, 0.3, "READY=1")
        daemon.reload()
        path.write_text("users: [" + token)
        time.sleep(1)
        pid = daemon.pid
        places = {"log": daemon.log()}
        for name in ("cmdline", "environ"):
            places[name] = open(f"/proc/{pid}/{name}", "rb").read().decode(errors="replace")
        for file in daemon.folder.rglob("*"):
            # The daemon writes its state to a temporary file first, which is gone in a moment.
            with contextlib.suppress(FileNotFoundError):
                if file.is_file():
                    places[str(file)] = file.read_text(errors="replace")
        for place, content in places.items():
            for secret in secrets:
                assert secret not in content, place
