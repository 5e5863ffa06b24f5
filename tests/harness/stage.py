# SPDX-License-Identifier: Apache-2.0
"""A real API server, a kubelet that the test controls, and the daemon: shared by the tests of a module."""

from . import cluster as _cluster
from . import fakekubelet, guide, process
from .daemon import Daemon


class Stage:
    """folder: of the kubelet's host. daemon: options of Daemon. Nothing runs before start()."""

    def __init__(self, folder, **daemon):
        self.cluster = _cluster.Cluster()
        self.rest = self.cluster.admin
        self.kubelet = fakekubelet.FakeKubelet(self.rest, folder / "host")
        self.daemon = Daemon(kubeconfig=self.cluster.kubeconfig, kubelet=self.kubelet, **daemon)

    def close(self):
        try:
            self.daemon.close()
        finally:
            self.kubelet.close()
            self.cluster.close()

    # Verbs

    def make_namespaces(self, *names):
        for name in names:
            self.rest.create("/api/v1/namespaces", {"metadata": {"name": name}})

    def node_up(self, gate):
        """The node is ready in this boot; returns when the gate that asks for it is open."""
        # The status may come before the daemon watches nodes: then a later Lease is the sign of life.
        self.kubelet.new_boot_node()
        process.eventually(
            lambda: self.kubelet.renew_lease() and self.daemon.gate(gate)["state"] == "ready", 20, 0.2, "the node"
        )

    def load(self, name, text):
        """A gate of the administrator's, and a reload. Other gates keep their state."""
        self.daemon.write_gate(name, text)
        self.daemon.reload()
        process.eventually(lambda: self.daemon.gate(name), 10, 0.02, name)

    def bare_pod(self, namespace, name, node=guide.NODE, change=None):
        """A pod that no controller made. change: a function that may change it before."""
        w = guide.Workload("StatefulSet", namespace, "app", name, ("app",), {"app": "app"})
        made = guide.pod(w, {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "uid": "1"}}, node)
        del made["metadata"]["ownerReferences"]
        if change:
            change(made)
        made = self.rest.create(f"/api/v1/namespaces/{namespace}/pods", made)
        self.kubelet.adopt([made])
        return made


def play(stage):
    """For a fixture: yield from play(...). Starts it, and ends it."""
    try:
        yield stage.start()
    finally:
        stage.close()
