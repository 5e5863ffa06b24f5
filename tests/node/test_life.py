# SPDX-License-Identifier: Apache-2.0
"""What happens to a real node in its life: each story begins and ends with a usable cluster."""

import json
import time

import pytest

from harness import process, realnode

HOLD = 6
GRACE = 25
# A node turns Unknown when its kubelet has not reported for 40 s, checked every 5 s.
MONITOR = 40

DNS = ("-n", "openshift-dns")
STATIC = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "static", "namespace": "lab"},
    "spec": {"hostNetwork": True, "terminationGracePeriodSeconds": 1, "containers": [realnode.container("web")]},
}
STATIC_GATE = """[Gate]
Description=A pod of the kubelet's own
[Pods]
Namespace=lab
Name=static-*
"""
WORKER_GATE = """[Gate]
Description=Workers
[Pods]
Namespace=lab
Selector=app=worker
"""


@pytest.fixture(scope="module")
def running(make_real_node):
    node = make_real_node(f"[Readiness]\nHoldSec={HOLD}s\nUnknownSec={GRACE}s\n")
    kubelet = node.path("/etc/systemd/system/multi-user.target.wants/lab-kubelet.service")
    kubelet.unlink()
    node.boot()
    # The first boot ever, before the kubelet has said a word.
    process.eventually(lambda: "NodeNotRegistered" in reasons(node, "node"), 20, 0.2, "NodeNotRegistered")
    assert node.gate("dns")["blockers"] and node.verdict() == "waiting"
    node.deploy()
    process.eventually(lambda: "NotFound" not in reasons(node, "dns"), 10, 0.2, "the DaemonSet")
    assert node.verdict() == "waiting"
    node.systemctl("start", "lab-kubelet.service")
    node.wait_usable(120)
    return node


@pytest.fixture
def node(running):
    running.systemctl("start", "lab-apiserver.service", "lab-kubelet.service")
    wait_ready(running)
    return running


def reasons(node, gate):
    return {blocker["reason"] for blocker in node.gate(gate)["blockers"]}


def wait_ready(node, timeout=90):
    def ready():
        told = node.describe()
        return told["verdict"]["state"] == "ready" and not any(g["blockers"] for g in told["gates"] if g["required"])

    process.eventually(ready, timeout, 0.3, "a usable cluster")


def expect_state(node, gate, *states, timeout=30):
    return process.eventually(lambda: node.gate(gate)["state"] in states, timeout, 0.2, f"{gate} is {states}")


def expect_reason(node, gate, *wanted, timeout=30):
    try:
        return process.eventually(lambda: reasons(node, gate) & set(wanted), timeout, 0.1, f"{wanted} at {gate}")
    except AssertionError as error:
        raise AssertionError(f"{error}; {gate}: {node.gate(gate)}") from None


def states(node, since=0):
    """The new states of gates and verdict, in order, after so many transitions."""
    found = [t for t in node.query("timeline")["transitions"] if "object" not in t]
    return [(t.get("gate", "verdict"), t["to"]) for t in found][since:]


def container(node, name, part):
    """The ID of that container in a DaemonSet's newest pod that is not being deleted."""
    pods = [p for p in json.loads(node.kubectl("get", "pods", "-A", "-o", "json").stdout)["items"]
            if p["metadata"]["name"].startswith(name + "-") and not p["metadata"].get("deletionTimestamp")]
    pods.sort(key=lambda p: p["metadata"]["creationTimestamp"])
    status, = [c for c in pods[-1]["status"]["containerStatuses"] if c["name"] == part]
    return status.get("containerID", "").partition("://")[2]


def kill(node, container_id="*"):
    """The processes of a container, or of all of them and of their pods, are dead at once."""
    node.run("sh", "-c", f"cat /sys/fs/cgroup/systemd/kubepods/*/*/{container_id}/cgroup.procs | xargs kill -9")


def test_the_first_boot_is_on_the_timeline(node):
    """Each pod appears, waits, passes, and is never gone in between; so are the workload and the node."""
    ways = {}
    for told in node.query("timeline")["transitions"]:
        if "object" in told and told["gate"] in ("node", "ovn", "dns"):
            ways.setdefault((told["object"]["kind"], told["object"]["name"]), []).append((told["from"], told["to"]))
    assert [kind for kind, _ in ways].count("Pod") == 3 and ("DaemonSet", "dns-default") in ways
    for what, way in ways.items():
        assert way[0] == ("absent", "waiting") and way[-1] == ("waiting", "ready"), f"{what}: {way}"
        assert set(way[1:-1]) <= {("waiting", "waiting")}, f"{what}: {way}"
    assert node.run("msready", "plot").stdout.startswith("<svg ")


def test_a_kubelet_restarts(node):
    before = len(states(node))
    node.systemctl("restart", "lab-kubelet.service")
    time.sleep(8)
    assert states(node, before) == []
    assert node.verdict() == "ready"


def test_a_container_dies_and_returns(node):
    before = len(states(node))
    dead = container(node, "ovnkube-node", "ovn-controller")
    kill(node, dead)
    process.eventually(lambda: container(node, "ovnkube-node", "ovn-controller") != dead, 20, 0.2, "another one")
    wait_ready(node)
    assert states(node, before) == [], "within the hold"


def test_a_container_keeps_dying(node):
    dead = container(node, "dns-default", "kube-rbac-proxy")
    kill(node, dead)
    process.eventually(lambda: container(node, "dns-default", "kube-rbac-proxy") not in ("", dead), 20, 0.2, "another")
    # The second time the kubelet takes its time, and says Error first and CrashLoopBackOff at its next look.
    kill(node, container(node, "dns-default", "kube-rbac-proxy"))
    expect_state(node, "dns", "lost")
    assert node.verdict() == "lost"
    assert reasons(node, "dns") & {"Error", "CrashLoopBackOff"}
    told = node.journal("-b", "-u", "msready.service", "MSREADY_GATE=dns").splitlines()[-1]
    assert "lost" in told and "kube-rbac-proxy" in told and ("CrashLoopBackOff" in told or "Error" in told)
    assert node.run("msready", "status", "--quiet", check=False).returncode == 3
    wait_ready(node)


@pytest.mark.parametrize("how", ["deleted", "rolled"])
def test_a_pod_is_replaced(node, how):
    before, told = len(states(node)), len(node.query("timeline")["transitions"])
    old = container(node, "dns-default", "dns")
    if how == "deleted":
        node.kubectl(*DNS, "delete", "pods", "--all", "--wait=false")
    else:
        node.kubectl(*DNS, "rollout", "restart", "daemonset/dns-default")
    # A gap, which may be over before the test looks.
    process.eventually(lambda: node.query("timeline")["transitions"][told:], 20, 0.1, "a gap")
    process.eventually(lambda: container(node, "dns-default", "dns") not in ("", old), 60, 0.3, "another pod")
    wait_ready(node)
    # Whether it was back within the hold is the kubelet's business; no other gate may have noticed.
    assert [gate for gate, _ in states(node, before)].count("dns") in (0, 2)
    assert not {gate for gate, _ in states(node, before)} & {"node", "ovn", "api"}


def test_what_is_left_over_blocks_nothing(node):
    def pod(name, command, **spec):
        return {"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "namespace": "lab", "labels": {"app": "worker"}},
                "spec": {"containers": [realnode.container("worker", command)],
                         "terminationGracePeriodSeconds": 1, "hostNetwork": True, **spec}}

    # One that ends at once, and which the kubelet may have called ready before: the gate comes when it has ended.
    node.apply(pod("completed", "exit 0", restartPolicy="Never"),
               # Not running, like a pod that the kubelet has evicted.
               pod("evicted", "sleep 1000", nodeSelector={"no": "where"}))
    evicted = {"status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."}}
    node.kubectl("-n", "lab", "patch", "pod", "evicted", "--subresource=status", "--type=merge", "--patch",
                 json.dumps(evicted))
    node.kubectl("-n", "lab", "wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/completed", "--timeout=30s")
    node.write(f"{node.etc}/gates.d/worker.gate", WORKER_GATE)
    node.run("msready", "reload")
    expect_reason(node, "worker", "NoPods")
    time.sleep(1)
    assert node.gate("worker")["state"] == "waiting", "leftovers are nobody's readiness"
    node.apply(pod("worker", "sleep 1000"))
    expect_state(node, "worker", "ready")
    assert not node.gate("worker")["blockers"]
    node.kubectl("-n", "lab", "delete", "pods", "--all", "--wait=false")
    expect_state(node, "worker", "lost")
    assert reasons(node, "worker") == {"NoPods"}
    node.run("rm", f"{node.etc}/gates.d/worker.gate")
    node.run("msready", "reload")


def test_a_daemon_set_that_no_node_is_for(node):
    node.kubectl(*DNS, "patch", "daemonset", "dns-default", "--patch",
                 '{"spec":{"template":{"spec":{"nodeSelector":{"no":"where"}}}}}')
    expect_reason(node, "dns", "NoEligibleNode")
    expect_state(node, "dns", "lost")
    node.kubectl(*DNS, "patch", "daemonset", "dns-default", "--patch",
                 '{"spec":{"template":{"spec":{"nodeSelector":null}}}}')
    wait_ready(node)


def test_a_static_pod(node):
    node.write(f"{node.etc}/gates.d/static.gate", STATIC_GATE)
    node.run("msready", "reload")
    expect_reason(node, "static", "NoPods")
    node.write("/lab/static/static.yaml", json.dumps(STATIC))
    expect_state(node, "static", "ready", timeout=60)
    told, = [o for o in node.query("objects")["objects"] if o["object"]["name"].startswith("static-")]
    assert told["proof"] == "cgroup"
    node.run("rm", "/lab/static/static.yaml")
    expect_state(node, "static", "lost", timeout=60)
    node.run("rm", f"{node.etc}/gates.d/static.gate")
    node.run("msready", "reload")


def test_all_containers_die_while_the_api_is_away(node):
    before = len(states(node))
    node.systemctl("stop", "lab-kubelet.service")
    node.systemctl("stop", "lab-apiserver.service")
    expect_reason(node, "api", "ApiUnreachable")
    kill(node)
    expect_state(node, "dns", "lost", timeout=GRACE)
    expect_state(node, "ovn", "lost", timeout=15)
    assert node.verdict() == "lost"
    assert ("dns", "unknown") not in states(node, before)
    node.systemctl("start", "lab-apiserver.service")
    process.eventually(lambda: "ApiUnreachable" not in reasons(node, "api"), 60, 0.3, "the API server")
    # It serves a dead cluster as a live one.
    assert all(ready for ready, _ in node.pods().values())
    time.sleep(3)
    assert node.verdict() == "lost"
    node.systemctl("start", "lab-kubelet.service")
    wait_ready(node)


def test_a_dead_kubelet_behind_a_new_api_server(node):
    node.systemctl("stop", "lab-kubelet.service")
    stopped = time.monotonic()
    node.systemctl("restart", "lab-apiserver.service")
    expect_reason(node, "node", "KubeletSilent", timeout=60)
    silent = time.monotonic()
    assert silent - stopped < MONITOR - 5, "this machine is too slow for this test"
    expect_reason(node, "dns", "KubeletSilent", timeout=20)
    assert node.verdict() == "ready"
    # A daemon that has just started and remembers nothing does not believe it either.
    node.systemctl("stop", "msready.service")
    node.run("sh", "-c", "rm -rf /run/msready/state/*")
    node.systemctl("start", "--no-block", "msready.service")
    expect_reason(node, "node", "KubeletSilent", timeout=20)
    ready, _ = node.pods()["dns-default"]
    if ready:
        assert node.state("msready.service") == "activating"
        assert node.gate("node")["state"] == "waiting"
    # A node that turns Unknown is evidence too, and no better. A controller manager that lost its API server may have
    # ended, and then counts from the beginning.
    expect_reason(node, "node", "NodeStatusUnknown", timeout=2 * MONITOR + 30)
    assert node.state("msready.service") == "activating"
    node.systemctl("start", "lab-kubelet.service")
    node.wait_active("msready.service", 60)


def test_an_open_gate_ends_with_its_grace(node):
    before = len(states(node))
    node.systemctl("stop", "lab-kubelet.service")
    node.systemctl("restart", "lab-apiserver.service")
    expect_reason(node, "node", "KubeletSilent", timeout=60)
    # By its grace, or because the node turned Unknown before that.
    expect_state(node, "node", "unknown", "lost", timeout=MONITOR + 30)
    assert node.verdict() in ("unknown", "lost")
    node.systemctl("start", "lab-kubelet.service")
    wait_ready(node)
    assert ("node", "ready") in states(node, before)


def test_the_node_is_registered_under_another_name(node):
    """The last story: it leaves the old name's pods behind, Ready for ever, as no controller deletes them here."""
    text = node.path("/etc/systemd/system/lab-kubelet.service").read_text()
    start = text[text.index("ExecStart=/assets/kubelet"):text.index("KillMode")].replace(realnode.NAME, "node2")
    node.systemctl("stop", "lab-kubelet.service")
    node.kubectl("delete", "node", realnode.NAME)
    expect_reason(node, "node", "NodeNotRegistered")
    node.write("/etc/systemd/system/lab-kubelet.service.d/name.conf", "[Service]\nExecStart=\n" + start)
    node.systemctl("daemon-reload")
    node.systemctl("start", "lab-kubelet.service")
    process.eventually(lambda: node.describe()["verdict"].get("node") == "node2", 60, 0.3, "node2")
    wait_ready(node, 120)
    for told in node.query("objects")["objects"]:
        assert told["object"]["kind"] != "Pod" or told["node"] == "node2"
