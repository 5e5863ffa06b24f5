# SPDX-License-Identifier: Apache-2.0
"""What a kubelet, a container runtime and the kernel would show of a node, all controlled by a test.

The API server gets the status of node and pods, and the Lease; a folder gets the host's side: boot ID,
machine ID and the cgroups of the containers. The two sides are moved apart at will: that is how a boot goes.
"""

import datetime
import http.client
import os
import pathlib
import secrets
import shutil
import threading
import uuid

from . import cluster as _cluster
from . import guide

EVENTS_EMPTY = b"populated 0\nfrozen 0\n"
EVENTS_ALIVE = b"populated 1\nfrozen 0\n"


# The kubelet's reason and words while all is well (None: then it has no such condition), and while not.
PRESSURES = {
    "MemoryPressure": (
        ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
    ),
    "DiskPressure": (
        ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("KubeletHasDiskPressure", "kubelet has disk pressure"),
    ),
    "PIDPressure": (
        ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
    ),
    "NetworkUnavailable": (None, ("NoRouteCreated", "Node created without a route")),
}


def now(ago=0.0):
    """A time as the API writes it: whole seconds. Clocks prove nothing; tests may pass any."""
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=ago)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def new_boot_id():
    return str(uuid.uuid4())


def new_container_id():
    return secrets.token_hex(32)


class Cgroups:
    """The part of a cgroup file system that container proofs look at, laid out in a folder.

    version: "v2" or "v1"; driver: "systemd" or "cgroupfs"; runtime: "crio" or "containerd". parent: the kubelet's
    --cgroup-root=, one name, or none.
    """

    V1_CONTROLLERS = ("systemd", "memory", "pids")

    def __init__(self, root, version="v2", driver="systemd", runtime="crio", parent=""):
        self.root = pathlib.Path(root)
        self.parent = parent
        self.version = version
        self.driver = driver
        self.runtime = runtime
        self.alive = {}
        self.clear()

    @property
    def trees(self):
        return [self.root] if self.version == "v2" else [self.root / name for name in self.V1_CONTROLLERS]

    def clear(self):
        """As the kernel starts: no pod's group is left."""
        self.alive = {}
        for tree in self.trees:
            tree.mkdir(parents=True, exist_ok=True)
            for name in ("kubepods.slice", "kubepods", f"{self.parent}.slice", self.parent or "kubepods"):
                shutil.rmtree(tree / name, ignore_errors=True)
        if self.version == "v2":
            (self.root / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
        else:
            for tree in self.trees:
                (tree / "cgroup.procs").write_text("1\n")

    def pod_group(self, pod):
        """Where the pod's group is, relative to a tree."""
        annotations = pod["metadata"].get("annotations", {})
        uid = annotations.get("kubernetes.io/config.mirror") or pod["metadata"]["uid"]
        qos = pod.get("status", {}).get("qosClass", "Burstable").lower()
        quality = "" if qos == "guaranteed" else qos
        if self.driver == "cgroupfs":
            return pathlib.PurePath(self.parent, "kubepods", *([quality] if quality else []), f"pod{uid}")
        # Each slice is named after all that it is in.
        names = [*([self.parent] if self.parent else []), "kubepods", *([quality] if quality else []),
                 f"pod{uid.replace('-', '_')}"]
        return pathlib.PurePath(*("-".join(names[:n + 1]) + ".slice" for n in range(len(names))))

    def group(self, pod, container_id):
        container_id = container_id.split("//")[-1]
        if self.driver == "cgroupfs":
            name = container_id
        else:
            name = ("crio-" if self.runtime == "crio" else "cri-containerd-") + container_id + ".scope"
        return self.pod_group(pod) / name

    def _monitor(self, pod, container_id):
        """CRI-O's conmon lives in a group beside the container's, and outlives it."""
        return self.pod_group(pod) / f"crio-conmon-{container_id.split('//')[-1]}.scope"

    def _write(self, group, alive):
        for tree in self.trees:
            folder = tree / group
            folder.mkdir(parents=True, exist_ok=True)
            if self.version == "v2":
                # In one write of the same length: no reader sees half of it, and inotify reports it once.
                file = os.open(folder / "cgroup.events", os.O_WRONLY | os.O_CREAT, 0o644)
                os.pwrite(file, EVENTS_ALIVE if alive else EVENTS_EMPTY, 0)
                os.close(file)
                (folder / "cgroup.type").write_text("domain\n")
            procs = folder / "cgroup.procs"
            if not alive:
                procs.write_text("")
            elif self.version == "v2" or not procs.exists() or not procs.read_text():
                procs.write_text("4711\n")

    def _refresh_parents(self, group):
        for parent in group.parents:
            if parent == pathlib.PurePath("."):
                continue
            alive = any(state for path, state in self.alive.items() if parent in path.parents)
            for tree in self.trees:
                folder = tree / parent
                if self.version == "v2":
                    file = os.open(folder / "cgroup.events", os.O_WRONLY | os.O_CREAT, 0o644)
                    os.pwrite(file, EVENTS_ALIVE if alive else EVENTS_EMPTY, 0)
                    os.close(file)
                (folder / "cgroup.procs").touch()

    def start(self, pod, container_id):
        self._set(self.group(pod, container_id), True)
        if self.driver == "systemd" and self.runtime == "crio":
            self._set(self._monitor(pod, container_id), True)

    def start_sandbox(self, pod):
        """The pod's sandbox has a process, as containerd's has, and CRI-O's in some pods."""
        self._set(self.group(pod, new_container_id()), True)

    def die(self, pod, container_id, remove=False, monitor_stays=True):
        """The container's last process ends. The group stays as an empty one unless it is removed too."""
        group = self.group(pod, container_id)
        self._set(group, False)
        if self.driver == "systemd" and self.runtime == "crio" and not monitor_stays:
            self._set(self._monitor(pod, container_id), False)
        if remove:
            self.alive.pop(group, None)
            for tree in self.trees:
                shutil.rmtree(tree / group, ignore_errors=True)

    def _set(self, group, alive):
        self.alive[group] = alive
        self._write(group, alive)
        self._refresh_parents(group)

    def all_die(self):
        """`systemctl stop kubepods.slice`: every group empties."""
        for group in [path for path, state in self.alive.items() if state]:
            self._set(group, False)


class FakeKubelet:
    """The kubelet of one node.

    rest: the administrator's connection. folder: where the host's files go (boot_id, machine-id, cgroup/).
    """

    def __init__(
        self,
        rest,
        folder,
        node_name=guide.NODE,
        version="v2",
        driver="systemd",
        runtime="crio",
        machine_id=guide.MACHINE_ID,
    ):
        self.rest = rest
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.node_name = node_name
        self.machine_id = machine_id
        self.scheme = "cri-o://" if runtime == "crio" else "containerd://"
        self.cgroups = Cgroups(self.folder / "cgroup", version, driver, runtime)
        self.boot_id = new_boot_id()
        self.pods = {}
        self.restarts = {}
        self.heartbeat = None
        self.heartbeat_stops = threading.Event()
        (self.folder / "machine-id").write_text(machine_id + "\n")
        self._write_boot_id()

    # The host

    @property
    def boot_id_file(self):
        return self.folder / "boot_id"

    @property
    def machine_id_file(self):
        return self.folder / "machine-id"

    def _write_boot_id(self):
        self.boot_id_file.write_text(self.boot_id + "\n")

    def reboot_host(self, boot_id=None):
        """The host has a new boot ID and no containers; the API server does not know it yet."""
        self.boot_id = boot_id or new_boot_id()
        self._write_boot_id()
        self.cgroups.clear()
        return self.boot_id

    def close(self):
        self.stop_heartbeat()

    # The node

    @property
    def node_path(self):
        return f"/api/v1/nodes/{self.node_name}"

    @property
    def lease_path(self):
        return f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{self.node_name}"

    def patch_node(self, ready=True, boot_id=None, reason=None, message=None, ago=0.0, pressure=None,
                   address=guide.NODE_ADDRESS):
        """Writes the node's status. ready: True, False or None (Unknown). boot_id: the host's by default.

        pressure: what it is short of, a name in PRESSURES.
        """
        status = {True: "True", False: "False", None: "Unknown"}[ready]
        reason = reason or {True: "KubeletReady", False: "KubeletNotReady", None: "NodeStatusUnknown"}[ready]
        message = (
            message
            or {
                True: "kubelet is posting ready status",
                False: "container runtime network not ready: NetworkReady=false "
                "reason:NetworkPluginNotReady message:"
                "Network plugin returns error: No CNI configuration file in /etc/cni/net.d/. "
                "Has your network provider started?",
                None: "Kubelet stopped posting node status.",
            }[ready]
        )
        rows = [(kind, "True", *bad) if kind == pressure else (kind, "False", *good)
                for kind, (good, bad) in PRESSURES.items() if kind == pressure or good]
        conditions = [
            {
                "type": kind,
                "status": value,
                "reason": why,
                "message": words,
                "lastHeartbeatTime": now(ago),
                "lastTransitionTime": now(ago),
            }
            for kind, value, why, words in [*rows, ("Ready", status, reason, message)]
        ]
        return self.rest.patch_status(
            self.node_path,
            {
                "conditions": conditions,
                "addresses": [
                    {"type": "InternalIP", "address": address},
                    {"type": "Hostname", "address": self.node_name},
                ],
                "capacity": {"cpu": "4", "memory": "8Gi", "pods": "250"},
                "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "250"},
                "nodeInfo": {
                    "machineID": self.machine_id,
                    "systemUUID": str(uuid.UUID(self.machine_id)),
                    "bootID": boot_id or self.boot_id,
                    "kernelVersion": "5.14.0-362.8.1.el9_3.x86_64",
                    "osImage": "Red Hat Enterprise Linux 9.3 (Plow)",
                    "containerRuntimeVersion": "cri-o://1.28.10",
                    "kubeletVersion": guide.VERSION,
                    "kubeProxyVersion": guide.VERSION,
                    "operatingSystem": "linux",
                    "architecture": "amd64",
                },
            },
        )

    def renew_lease(self, rest=None):
        """The kubelet's sign of life, as it gives one every ten seconds."""
        rest = rest or self.rest
        moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        try:
            return rest.patch(self.lease_path, {"spec": {"renewTime": moment}})
        except _cluster.ApiError as error:
            if error.status != 404:
                raise
        return rest.create(
            self.lease_path.rsplit("/", 1)[0],
            {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": self.node_name, "namespace": "kube-node-lease"},
                "spec": {"holderIdentity": self.node_name, "leaseDurationSeconds": 40, "renewTime": moment},
            },
        )

    def start_heartbeat(self, interval=1.0):
        """Renews the Lease by itself, on a connection of its own, until stop_heartbeat()."""

        def beat():
            rest = _cluster.Rest(self.rest.address[1], self.rest.context)
            while not self.heartbeat_stops.wait(interval):
                try:
                    self.renew_lease(rest)
                except (OSError, http.client.HTTPException, _cluster.ApiError):
                    # Like the kubelet, which goes on trying while the API server is away.
                    rest.close()
            rest.close()

        if not self.heartbeat:
            self.heartbeat_stops.clear()
            self.heartbeat = threading.Thread(target=beat, daemon=True)
            self.heartbeat.start()

    def stop_heartbeat(self):
        if self.heartbeat:
            self.heartbeat_stops.set()
            self.heartbeat.join()
            self.heartbeat = None

    # Pods

    def adopt(self, pods=None):
        """Takes these pods (a dict or a list of whole objects), or all bound to the node, as its own."""
        if pods is None:
            pods = self.rest.list(f"/api/v1/pods?fieldSelector=spec.nodeName%3D{self.node_name}")
        for pod in pods.values() if isinstance(pods, dict) else pods:
            self.pods[f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"] = pod
        return self.pods

    def find(self, name):
        """A pod by namespace/name, name, or its workload's name in the guide."""
        if name in self.pods:
            return self.pods[name]
        for key, pod in self.pods.items():
            if key.split("/")[1] == name:
                return pod
        return self.pods[guide.workload(name).key]

    def path(self, pod):
        return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"

    def _patch_pod(self, pod, status):
        key = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        self.pods[key] = self.rest.patch_status(self.path(pod), status)
        return self.pods[key]

    def containers(self, name):
        """The containers' IDs as the API server has them, by container."""
        pod = self.find(name)
        return {c["name"]: c.get("containerID") for c in pod.get("status", {}).get("containerStatuses", [])}

    def _conditions(self, ready, initialized=True, ago=0.0, unready=()):
        why = (
            {}
            if ready
            else {
                "reason": "ContainersNotReady",
                "message": f"containers with unready status: [{' '.join(unready)}]",
            }
        )
        rows = [
            ("PodScheduled", True, {}),
            ("Initialized", initialized, {}),
            ("ContainersReady", ready, why),
            ("Ready", ready, why),
        ]
        return [
            {
                "type": kind,
                "status": "True" if value else "False",
                "lastTransitionTime": now(ago),
                **(extra if not value else {}),
            }
            for kind, value, extra in rows
        ]

    def _running(self, name, container_id, ready, restarts, ago=0.0):
        return {
            "name": name,
            "containerID": container_id,
            "image": f"quay.io/microshift/{name}:4.15.31",
            "imageID": f"quay.io/microshift/{name}@sha256:{'0' * 64}",
            "ready": ready,
            "started": True,
            "restartCount": restarts,
            "state": {"running": {"startedAt": now(ago)}},
        }

    def pod_status(self, name, ready=True, ids=None, alive=True, ago=0.0, unready=None):
        """Every container runs under a new ID (or `ids`, in order), with or without a live group behind it.

        unready: the containers whose probe fails, where not all shall be ready.
        """
        pod = self.find(name)
        names = [c["name"] for c in pod["spec"]["containers"]]
        ids = ids or [self.scheme + new_container_id() for _ in names]
        unready = list(unready or ([] if ready else names))
        if alive:
            for container_id in ids:
                self.cgroups.start(pod, container_id)
        statuses = []
        for container, container_id in zip(names, ids):
            key = (pod["metadata"]["uid"], container)
            statuses.append(
                self._running(
                    container, container_id, container not in unready, self.restarts.get(key, 0), ago
                )
            )
        status = {
            "phase": "Running",
            "conditions": self._conditions(not unready, True, ago, unready),
            "containerStatuses": statuses,
            "startTime": now(ago),
            "hostIP": guide.NODE_ADDRESS,
            "podIP": "10.42.0.9",
            "podIPs": [{"ip": "10.42.0.9"}],
            "hostIPs": [{"ip": guide.NODE_ADDRESS}],
        }
        if pod["spec"].get("initContainers"):
            status["initContainerStatuses"] = [
                {
                    "name": c["name"],
                    "image": c["image"],
                    "imageID": c["image"],
                    "ready": True,
                    "restartCount": 0,
                    "containerID": self.scheme + new_container_id(),
                    "state": {
                        "terminated": {
                            "exitCode": 0,
                            "reason": "Completed",
                            "startedAt": now(ago),
                            "finishedAt": now(ago),
                        }
                    },
                }
                for c in pod["spec"]["initContainers"]
            ]
        return self._patch_pod(pod, status)

    def pod_up(self, name):
        """The pod runs and is ready: new IDs, groups that hold a process, one patch."""
        return self.pod_status(name)

    def pod_started(self, name):
        """The pod runs and its probe has not passed yet."""
        return self.pod_status(name, ready=False)

    def pod_ready(self, name, ready=True):
        """A started pod's probe passes (or fails): same IDs."""
        pod = self.find(name)
        statuses = [dict(c, ready=ready) for c in pod["status"]["containerStatuses"]]
        unready = [] if ready else [c["name"] for c in statuses]
        return self._patch_pod(
            pod, {"containerStatuses": statuses, "conditions": self._conditions(ready, True, 0, unready)}
        )

    def pod_waiting(self, name, reason="ContainerCreating", message=None, containers=None):
        """Containers (all, or those named) wait for this reason: ContainerCreating, ImagePullBackOff, ..."""
        pod = self.find(name)
        known = {c["name"]: c for c in pod.get("status", {}).get("containerStatuses", [])}
        names = [c["name"] for c in pod["spec"]["containers"]]
        statuses, unready = [], []
        for container in names:
            if containers and container not in containers and container in known:
                statuses.append(known[container])
                continue
            waiting = {"reason": reason, **({"message": message} if message else {})}
            statuses.append(
                {
                    "name": container,
                    "image": f"quay.io/microshift/{container}:4.15.31",
                    "imageID": "",
                    "ready": False,
                    "started": False,
                    "restartCount": self.restarts.get((pod["metadata"]["uid"], container), 0),
                    "state": {"waiting": waiting},
                }
            )
            unready.append(container)
        running = any("running" in c["state"] for c in statuses)
        return self._patch_pod(
            pod,
            {
                "phase": "Running" if running else "Pending",
                "containerStatuses": statuses,
                "conditions": self._conditions(False, True, 0, unready),
            },
        )

    def container_dies(self, name, container=None, report=False, remove=False):
        """A container's process ends (the first one unless named). report: the kubelet says so as well."""
        pod = self.find(name)
        container = container or pod["spec"]["containers"][0]["name"]
        container_id = self.containers(name)[container]
        self.cgroups.die(pod, container_id, remove)
        if not report:
            return pod
        statuses = []
        for status in pod["status"]["containerStatuses"]:
            if status["name"] == container:
                ended = {
                    "terminated": {
                        "exitCode": 137,
                        "reason": "Error",
                        "containerID": container_id,
                        "startedAt": now(),
                        "finishedAt": now(),
                    }
                }
                status = dict(status, ready=False, started=False, state=ended)
            statuses.append(status)
        return self._patch_pod(
            pod, {"containerStatuses": statuses, "conditions": self._conditions(False, True, 0, [container])}
        )

    def container_starts_again(self, name):
        """A container's successor lives, and the kubelet has not said so: returns its ID."""
        container_id = self.scheme + new_container_id()
        self.cgroups.start(self.find(name), container_id)
        return container_id

    def container_restarts(self, name, container=None, ready=True, container_id=None):
        """The kubelet starts a container again: a new ID, one more restart, a live group. container_id: of one that
        has started."""
        pod = self.find(name)
        container = container or pod["spec"]["containers"][0]["name"]
        key = (pod["metadata"]["uid"], container)
        self.restarts[key] = self.restarts.get(key, 0) + 1
        container_id = container_id or self.container_starts_again(name)
        statuses = [
            (
                self._running(container, container_id, ready, self.restarts[key])
                if c["name"] == container
                else c
            )
            for c in pod["status"]["containerStatuses"]
        ]
        unready = [c["name"] for c in statuses if not c["ready"]]
        return self._patch_pod(
            pod,
            {"containerStatuses": statuses, "conditions": self._conditions(not unready, True, 0, unready)},
        )

    # A boot, step by step

    def previous_boot(self):
        """What the API server serves after a power cut: all Ready since yesterday, of a boot long over."""
        self.patch_node(ready=True, boot_id=new_boot_id(), ago=86400)
        for name in list(self.pods):
            self.pod_status(name, alive=False, ago=86400)
        self.reboot_host()

    def new_boot_node(self, ready=True):
        """The kubelet of this boot writes its first status."""
        self.patch_node(ready=ready)
        self.renew_lease()

    def report_dead(self):
        """The kubelet has looked: no pod is Ready, and all have dead IDs."""
        for name in list(self.pods):
            self.pod_ready(name, ready=False)

    def steps(self, names=None):
        """The steps that make a stale cluster usable: (label, function), node first. Any order is fair."""
        made = [("node", self.new_boot_node)]
        for name in names or list(self.pods):
            made.append((name, lambda name=name: self.pod_up(name)))
        return made

    def all_up(self):
        """The whole cluster usable, at once."""
        for _, step in self.steps():
            step()
