# SPDX-License-Identifier: Apache-2.0
"""The scene of the measurements: the guide's cluster, a crowd of pods beside it, and the contestants."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import threading
import time
import uuid

from harness import fakekubelet, guide, process
from harness.cluster import Cluster
from harness.daemon import Daemon

WATCH_LIST = "watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
CROWD_NAMESPACE = "openshift-gitops"

GATES = {
    "api": "[Gate]\nRequired=yes\n[Api]\nPath=/readyz\n",
    "node": "[Gate]\nRequired=yes\n[Node]\nName=local\n",
}
# All of the guide's 13 pods by their workloads.
ALL_13 = dict(
    GATES,
    guide="[Gate]\nRequired=yes\n"
    + "".join(
        f"[Workload {w.name}]\nKind={w.kind}\nNamespace={w.namespace}\nName={w.name}\n" for w in guide.WORKLOADS
    ),
)
# Every pod of the crowd's namespace, the crowd being none that runs on this host.
WHOLE_CROWD = dict(
    GATES, crowd=f"[Gate]\nRequired=yes\n[Pods]\nNamespace={CROWD_NAMESPACE}\nProof=none\nMinimumReady=@COUNT@\n"
)


def program(name):
    return process.build_folder() / "tests/bench" / name


class Scene(process.Context):
    """with Scene() as scene: the guide's cluster, all of it usable, on an API server of its own."""

    def __init__(self):
        # As JSON, so that we can write what etcd holds.
        self.cluster = Cluster(args={"storage-media-type": "application/json"})
        self._folder = process.Folder()
        self.kubelet = None
        self.crowd = 0

    def start(self):
        self.cluster.start()
        self.kubelet = fakekubelet.FakeKubelet(self.cluster.admin, self._folder.path / "host")
        self.kubelet.adopt(guide.create_all(self.cluster.admin))
        self.kubelet.all_up()
        return self

    def close(self):
        if self.kubelet:
            self.kubelet.close()
        self.cluster.close()
        self._folder.clean()

    # A crowd

    def _etcd(self, what, body):
        self.etcd.request("POST", f"/v3/kv/{what}", json.dumps(body))
        response = self.etcd.getresponse()
        text = response.read()
        if response.status != 200:
            raise RuntimeError(f"etcd: {response.status} {text[:300]}")
        return json.loads(text)

    def add_crowd(self, count):
        """So many copies of a pod that the API server has written, in the namespace of pods that gates name.

        They go to etcd directly, where the API server finds them like objects of its own: thousands
        in a second instead of minutes.
        """
        self.etcd = http.client.HTTPConnection("127.0.0.1", self.cluster.etcd_port, timeout=60)
        model = guide.workload("argocd-redis")
        key = f"/registry/pods/{model.namespace}/{model.pod}"
        value = self._etcd("range", {"key": _base64(key)})["kvs"][0]["value"]
        text = base64.b64decode(value).decode()
        model_uid = json.loads(text)["metadata"]["uid"]
        begin = time.monotonic()
        for start in range(0, count, 100):
            puts = []
            for i in range(start, min(start + 100, count)):
                name = f"application-{i // 50}-6f5d8c7b9d-{i:05d}"
                copy = (
                    text.replace(model.pod, name)
                    .replace(model_uid, str(uuid.uuid4()))
                    .replace(model.replica_set, f"application-{i // 50}-6f5d8c7b9d")
                    .replace("argocd-redis", f"application-{i // 50}")
                )
                key = f"/registry/pods/{CROWD_NAMESPACE}/{name}"
                puts.append({"requestPut": {"key": _base64(key), "value": _base64(copy)}})
            self._etcd("txn", {"success": puts})
        self.etcd.close()
        self.crowd = count
        # The API server's cache has them a moment later.
        process.eventually(lambda: self.download() >= count * 1024, 60, 0.2, "the crowd, served")
        return len(text), time.monotonic() - begin

    # Contestants

    def watch_url(self, scope="node"):
        query = WATCH_LIST
        if scope == "node":
            query = f"fieldSelector=spec.nodeName%3D{guide.NODE}&" + query
        # As in an address that a resolver is not asked for.
        return f"https://127.0.0.1:{self.cluster.port}/api/v1/pods?{query}"

    def floor_command(self, word=None, scope="node"):
        pki = self.cluster.pki
        command = [program("floor-watch"), pki.ca, self.cluster.admin_certificate, self.cluster.admin_key]
        return [*command, self.watch_url(scope), *([word] if word else [])]

    def kubectl_command(self, *words):
        return [self.cluster.assets / "kubectl", f"--kubeconfig={self.cluster.kubeconfig}", *words]

    def kubectl_wait_command(self, w):
        return self.kubectl_command(
            "wait", "--for=condition=Ready", "--timeout=60s", f"--namespace={w.namespace}", f"pod/{w.pod}"
        )

    def download(self, scope="node"):
        """Bytes of the initial list of the pods' watch."""
        done = subprocess.run(
            self.floor_command(scope=scope),
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        return int(done.stderr)

    @contextlib.contextmanager
    def daemon(self, gates=None, scope="node", wait=True, **options):
        """The daemon on this cluster; wait: until it is ready."""
        config = options.pop("config", {})
        config = {"Cluster": {"Scope": scope}, "Log": {"Level": "notice"}, **config}
        daemon = Daemon(
            kubeconfig=self.cluster.kubeconfig,
            kubelet=self.kubelet,
            gates=gates if gates is not None else ALL_13,
            config=config,
            **options,
        )
        try:
            # It waits for a sign of life. In the scope of the cluster each further one is an event, which costs.
            self.kubelet.start_heartbeat()
            daemon.start(wait=False)
            if wait:
                daemon.expect_notify("READY=1", 60)
                self.kubelet.stop_heartbeat()
            yield daemon
        finally:
            self.kubelet.stop_heartbeat()
            daemon.close()

    def crowd_gates(self):
        # The crowd and the guide's own pods of that namespace.
        own = sum(w.namespace == CROWD_NAMESPACE for w in guide.WORKLOADS)
        return {name: text.replace("@COUNT@", str(self.crowd + own)) for name, text in WHOLE_CROWD.items()}


def _base64(text):
    return base64.b64encode(text.encode()).decode()


class Run:
    """What one run of a command took: seconds, seconds, bytes."""

    def __init__(self, line):
        wall, cpu, peak, self.switches, self.status = map(int, line.split())
        self.wall = wall / 1e6
        self.cpu = cpu / 1e6
        self.peak = peak * 1024


def measure(command, rounds=1, env=None, during=None, expect=0):
    """Runs a command under `measure`; `during` is called while it runs. Returns the runs."""
    read, write = os.pipe()
    words = [str(program("measure")), str(rounds), *map(str, command)]

    def prepare():
        process.die_with_parent()
        os.dup2(write, 3)

    child = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        close_fds=False,
        preexec_fn=prepare,
    )
    os.close(write)
    try:
        if during:
            during(child)
        with os.fdopen(read) as pipe:
            runs = [Run(line) for line in pipe]
        _, errors = child.communicate(timeout=120)
    except BaseException:
        child.kill()
        child.wait()
        raise
    bad = [run.status for run in runs if run.status != expect]
    if child.returncode or bad or len(runs) != rounds:
        raise AssertionError(f"{' '.join(words)} ended with {child.returncode} {bad}: {errors[-500:]}")
    return runs


def median(values):
    return statistics.median(values)


def cpu_of(pid):
    """Seconds of CPU that a process of one thread had so far, to the nanosecond."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def until_quiet(pid, quiet=0.3, timeout=20):
    """Waits until a process has had no CPU for a while."""
    deadline = time.monotonic() + timeout
    last, since = cpu_of(pid), time.monotonic()
    while time.monotonic() - since < quiet:
        if time.monotonic() > deadline:
            raise AssertionError(f"process {pid} never rests")
        time.sleep(0.05)
        if cpu_of(pid) != last:
            last, since = cpu_of(pid), time.monotonic()


class Patch:
    """A PATCH on an open connection, whose answer is read later: nothing waits for it."""

    def __init__(self, cluster):
        context = cluster.context()
        self.connection = http.client.HTTPSConnection("127.0.0.1", cluster.port, context=context, timeout=30)
        self.connection.connect()

    def send(self, path, status):
        """Returns when it was sent (CLOCK_MONOTONIC)."""
        data = json.dumps({"status": status}).encode()
        headers = {"Content-Type": "application/merge-patch+json"}
        before = time.monotonic()
        self.connection.request("PATCH", path + "/status", data, headers)
        return before

    def finish(self):
        response = self.connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise AssertionError(f"PATCH: {response.status} {text[:300]}")
        return json.loads(text)

    def close(self):
        self.connection.close()


def after(seconds, function):
    timer = threading.Timer(seconds, function)
    timer.daemon = True
    timer.start()
    return timer
