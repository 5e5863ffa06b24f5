# SPDX-License-Identifier: Apache-2.0
"""The boot that the demonstration plays: MicroShift 4.15 with OLM and GitOps, 13 pods, up again after a power cut.

It follows a real boot. The API server answers first, from what it had stored before the cut. The node is not
Ready until OVN runs, and pods that need the pod network come after that. Every image is pulled.
"""

import datetime
import secrets

from harness import guide

# The pods that use the host's network start before OVN does.
HOST_NETWORK = [w.name for w in guide.WORKLOADS if w.host_network]
POD_NETWORK = [w.name for w in guide.WORKLOADS if not w.host_network]
NO_CNI = (
    "network is not ready: container runtime network not ready: NetworkReady=false "
    "reason:NetworkPluginNotReady message:Network plugin returns error: No CNI configuration file in "
    "/etc/cni/net.d/. Has your network provider started?"
)
REFUSED = (
    'rpc error: code = Unknown desc = pinging container registry quay.io: Get "https://quay.io/v2/": '
    "dial tcp 34.224.196.162:443: i/o timeout"
)
# The packages of these gates are not on this host, but their pods are in this cluster. It has no storage driver.
GATES = {f"{gate}.gate.d/demo.conf": "[Gate]\nConditionPathExists=\n" for gate in ("olm", "gitops")}
MASKED = ("storage.gate",)


class Events:
    """The kubelet's events about its pods' images and sandboxes."""

    def __init__(self, kubelet):
        self.kubelet = kubelet

    def send(self, name, reason, message, container=None, kind="Normal"):
        pod = self.kubelet.find(name)["metadata"]
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        regarding = {"kind": "Pod", "apiVersion": "v1"} | {n: pod[n] for n in ("namespace", "name", "uid")}
        if container:
            regarding["fieldPath"] = f"spec.containers{{{container}}}"
        self.kubelet.rest.create(
            f"/api/v1/namespaces/{pod['namespace']}/events",
            {
                "metadata": {"name": f"{pod['name']}.{secrets.token_hex(8)}"},
                "involvedObject": regarding,
                "reason": reason,
                "message": message,
                "type": kind,
                "source": {"component": "kubelet"},
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
            },
        )

    def containers(self, name):
        return [(c["name"], c["image"]) for c in self.kubelet.find(name)["spec"]["containers"]]

    def pulling(self, *names):
        for name in names:
            for container, image in self.containers(name):
                self.send(name, "Pulling", f'Pulling image "{image}"', container)

    def pulled(self, *names):
        for name in names:
            for container, image in self.containers(name):
                self.send(name, "Pulled", f'Successfully pulled image "{image}" in 3.2s', container)

    def refused(self, name):
        for container, image in self.containers(name):
            self.send(name, "Failed", f'Failed to pull image "{image}": {REFUSED}', container, "Warning")
            self.send(name, "BackOff", f'Back-off pulling image "{image}"', container)


def play(stage):
    """stage: tells, waits and starts; see demo.Stage."""
    apiserver, kubelet = stage.apiserver, stage.kubelet
    events = Events(kubelet)

    kubelet.adopt(guide.create_all(kubelet.rest))
    kubelet.previous_boot()
    apiserver.stop_serving()

    stage.at(0, "host", "Power is back after a cut. Not one container runs.")
    stage.start_daemon()
    stage.tell("systemd", "Has started msreadyd, and waits for its READY=1.")
    stage.expect("api", "ApiUnreachable")

    stage.at(4, "API server", "Is up, with its old store: node Ready, 13 of 13 pods Ready.")
    apiserver.resume_serving()
    stage.at(4.5, "kubectl", '"kubectl wait" would report all Ready now.')
    stage.expect("node", "StaleBoot")
    stage.expect("ovn", "Unproven")
    stage.expect("dns", "Unproven")

    stage.at(10, "kubelet", "Reports. The node is NotReady: there is no pod network yet.")
    kubelet.new_boot_node(ready=False)
    kubelet.report_dead()
    for name in HOST_NETWORK + POD_NETWORK:
        kubelet.pod_waiting(name)
    for name in POD_NETWORK:
        events.send(name, "NetworkNotReady", NO_CNI, kind="Warning")
    stage.expect("node", "KubeletNotReady")

    stage.at(13, "kubelet", "Pulls the images of OVN. A first boot can take hours here.")
    events.pulling(*HOST_NETWORK)
    stage.expect("ovn", "ContainerCreating")
    stage.at(17, "kubelet", "ovnkube-node and node-resolver run.")
    events.pulled("ovnkube-node", "node-resolver")
    kubelet.pod_up("ovnkube-node")
    kubelet.pod_up("node-resolver")
    stage.at(20, "kubelet", "ovnkube-master has started; its probe has not passed yet.")
    events.pulled("ovnkube-master")
    kubelet.pod_status("ovnkube-master", unready=["ovnkube-master"])
    stage.at(23, "kubelet", "ovnkube-master is Ready, the network is up: node Ready.")
    kubelet.pod_ready("ovnkube-master")
    kubelet.patch_node(ready=True)
    stage.expect_ready("ovn", "node")

    stage.at(25, "kubelet", "Pulls the other images. The registry cannot be reached.")
    events.pulling(*POD_NETWORK)
    stage.at(28)
    events.refused("dns-default")
    kubelet.pod_waiting("dns-default", "ImagePullBackOff", f"Back-off pulling image: ErrImagePull: {REFUSED}")
    stage.expect("dns", "ImagePullBackOff")
    stage.show("explain", "dns")
    stage.at(34, "kubelet", "The registry is back; service-ca runs.")
    events.pulled("service-ca")
    kubelet.pod_up("service-ca")
    kubelet.pod_waiting("dns-default")
    events.pulling("dns-default")
    stage.at(38, "kubelet", "dns-default has started; its probe has not passed yet.")
    events.pulled("dns-default")
    kubelet.pod_status("dns-default", unready=["dns"])
    stage.at(41, "kubelet", "dns-default is Ready, the last required pod.")
    stage.last_step(lambda: kubelet.pod_ready("dns-default"))

    stage.at(43, "kubelet", "Router, CSI, OLM, Argo CD run. They are not required.")
    rest = [name for name in POD_NETWORK if name not in ("dns-default", "service-ca")]
    events.pulled(*rest)
    for name in rest:
        kubelet.pod_up(name)
    stage.expect_ready("resolver", "service-ca", "ingress", "csi-snapshot", "olm", "gitops")
