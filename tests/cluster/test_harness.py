# SPDX-License-Identifier: Apache-2.0
"""The harness itself: an API server, the guide's cluster on it, and what a client sees of both."""

import json
import subprocess

import pytest

from harness import fakekubelet, guide
from harness.cluster import ApiError

READY = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
POD_SLICE = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid_}.slice"


def test_guide_as_kubectl_shows_it(own_cluster, guide_kubelet):
    guide_kubelet.new_boot_node()
    guide_kubelet.all_up()
    node = own_cluster.kubectl("get", "nodes", "--no-headers").stdout.split()
    assert node[:3] == [guide.NODE, "Ready", "control-plane,master,worker"] and node[4] == guide.VERSION
    rows = [
        line.split()[:4]
        for line in own_cluster.kubectl("get", "pods", "-A", "--no-headers").stdout.splitlines()
    ]
    ready = {"dns-default-28m2q": "2/2", "ovnkube-master-rmn9q": "4/4"}
    assert sorted(rows) == sorted(
        [w.namespace, w.pod, ready.get(w.pod, "1/1"), "Running"] for w in guide.WORKLOADS
    )
    assert len(rows) == 13


def test_previous_boot_is_believed_by_others(own_cluster, guide_kubelet):
    """The lie that msready is made for: nothing runs, and kubectl wait succeeds at once."""
    guide_kubelet.previous_boot()
    done = own_cluster.kubectl("wait", "--for=condition=Ready", "--timeout=30s", "node", guide.NODE)
    assert "condition met" in done.stdout
    node = own_cluster.admin.get(guide_kubelet.node_path)
    assert node["status"]["nodeInfo"]["bootID"] != guide_kubelet.boot_id
    assert not list(guide_kubelet.cgroups.root.glob("**/crio-*"))
    guide_kubelet.report_dead()
    answer = own_cluster.kubectl("get", "pods", "-A", "-o", "jsonpath=" + READY).stdout.split()
    assert all(line.endswith("=False") for line in answer) and len(answer) == 13


def test_watch_by_curl(own_cluster, guide_kubelet):
    """A patch arrives in a watch of curl's, without our own client."""
    pki = own_cluster.pki.folder
    path = "/api/v1/nodes?watch=1&allowWatchBookmarks=true&sendInitialEvents=true"
    path += "&resourceVersionMatch=NotOlderThan"
    curl = subprocess.Popen(
        [
            "curl",
            "-sSN",
            "--max-time",
            "60",
            "--cacert",
            str(pki / "ca.crt"),
            "--cert",
            str(own_cluster.admin_certificate),
            "--key",
            str(own_cluster.admin_key),
            own_cluster.url + path,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert json.loads(curl.stdout.readline())["type"] == "ADDED"
        bookmark = json.loads(curl.stdout.readline())
        assert bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"
        guide_kubelet.new_boot_node()
        event = json.loads(curl.stdout.readline())
        assert event["type"] == "MODIFIED"
        assert event["object"]["status"]["nodeInfo"]["bootID"] == guide_kubelet.boot_id
    finally:
        curl.kill()
        curl.wait()


def test_restart_keeps_what_etcd_has(own_cluster, guide_kubelet):
    guide_kubelet.patch_node()
    before = own_cluster.admin.get(guide_kubelet.node_path)["metadata"]["resourceVersion"]
    own_cluster.restart(kill=True)
    assert own_cluster.admin.get(guide_kubelet.node_path)["metadata"]["resourceVersion"] == before
    guide_kubelet.renew_lease()
    guide_kubelet.renew_lease()


def test_paused_server_answers_nothing(own_cluster):
    own_cluster.pause()
    try:
        own_cluster.admin.close()
        with pytest.raises(OSError):
            own_cluster.admin._connect(timeout=0.5)
    finally:
        own_cluster.resume()
    assert own_cluster.admin.get("/version")["gitVersion"].startswith("v1.")


def test_old_release_has_no_watch_list(make_cluster, tmp_path):
    old = make_cluster("old").start()
    assert old.admin.get("/version")["gitVersion"].startswith("v1.28.")
    kubelet = fakekubelet.FakeKubelet(old.admin, tmp_path)
    kubelet.adopt(guide.create_all(old.admin))
    kubelet.all_up()
    with pytest.raises(ApiError) as error:
        next(
            old.admin.watch(
                "/api/v1/nodes",
                sendInitialEvents="true",
                resourceVersionMatch="NotOlderThan",
                allowWatchBookmarks="true",
            )
        )
    assert error.value.status == 422


@pytest.mark.parametrize(
    "version,driver,runtime,place",
    [
        ("v2", "systemd", "crio", POD_SLICE + "/crio-{id}.scope"),
        ("v2", "systemd", "containerd", POD_SLICE + "/cri-containerd-{id}.scope"),
        ("v2", "cgroupfs", "crio", "kubepods/burstable/pod{uid}/{id}"),
        ("v1", "cgroupfs", "containerd", "systemd/kubepods/burstable/pod{uid}/{id}"),
        ("v1", "systemd", "crio", "systemd/" + POD_SLICE + "/crio-{id}.scope"),
    ],
)
def test_cgroup_layouts(tmp_path, version, driver, runtime, place):
    uid = "3b1f8f0e-0d55-4c34-9d39-0f6b1ad2a4f1"
    pod = {"metadata": {"uid": uid}, "status": {"qosClass": "Burstable"}}
    container = fakekubelet.new_container_id()
    groups = fakekubelet.Cgroups(tmp_path, version, driver, runtime)
    groups.start(pod, "cri-o://" + container)
    group = tmp_path / place.format(uid=uid, uid_=uid.replace("-", "_"), id=container)

    def alive():
        if version == "v2":
            return "populated 1" in (group / "cgroup.events").read_text()
        return (group / "cgroup.procs").read_text() != ""

    assert alive()
    groups.die(pod, container)
    assert not alive()
    groups.clear()
    assert not group.exists()
