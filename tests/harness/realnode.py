# SPDX-License-Identifier: Apache-2.0
"""A real node in a booted host: etcd, kube-apiserver, controller manager, scheduler, kubelet and containerd, none of
which knows of msready.

Three DaemonSets are named and chained as MicroShift's: the node is NotReady until ovnkube-master has written its CNI
configuration, dns-default starts after that. Images are made from busybox on the spot. The host has a network of its
own and, for the kubelet's sake, version 1 cgroups of its own; or unified ones, without controllers where this machine
has them in version 1.

The kernel is not restarted by a boot of the host, so what a kernel would forget is cleared by hand: the boot ID is
new, and groups that held containers are gone.
"""

import hashlib
import io
import json
import pathlib
import shutil
import tarfile

from . import cluster as _cluster
from . import process, recorder
from .host import Host

PACKAGES = ["containerd", "runc", "iptables", "containernetworking-plugins", "conntrack", "kmod", "busybox-static"]
CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids")
NAME = "node1"
ADDRESS = "10.99.0.1"
IMAGE = "local.test/busy:1"
KUBECONFIG = "/var/lib/microshift/resources/kubeadmin/kubeconfig"


def _unit(text, after="", requires=True):
    needs = f"After={after}\n" + (f"Requires={after}\n" if requires else "") if after else ""
    return f"[Unit]\n{needs}\n{text}\n[Install]\nWantedBy=multi-user.target\n"


# What the kubelet insists on and a container is not given: writable controllers, a network address, sysctls.
NETWORK = _unit(r"""[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -e /lab/network""")

NETWORK_SCRIPT = f"""for c in {' '.join(CONTROLLERS)}; do
        [ ! -d /sys/fs/cgroup/$c ] || mount -o remount,bind,rw /sys/fs/cgroup/$c
done
ip link add lab0 type veth peer name lab1
ip addr add {ADDRESS}/24 dev lab0
ip link set lab0 up; ip link set lab1 up
ip route add default dev lab0
mount --make-rshared /
for pair in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \\
            kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
        file=/run/sysctl-$(echo "${{pair%%=*}}" | tr / -)
        echo "${{pair##*=}}" >"$file"
        mount --bind "$file" "/proc/sys/${{pair%%=*}}"
done
"""

ETCD = _unit("""[Service]
ExecStart=/usr/local/bin/etcd --data-dir /var/lib/etcd --unsafe-no-fsync --log-level error \\
        --watch-progress-notify-interval=5s
Restart=always
RestartSec=200ms""", "lab-network.service")

APISERVER = _unit("""[Service]
ExecStart=/assets/kube-apiserver --etcd-servers http://127.0.0.1:2379 --secure-port 6443 \\
        --service-cluster-ip-range 10.43.0.0/16 --advertise-address 127.0.0.1 --endpoint-reconciler-type none \\
        --client-ca-file /lab/pki/ca.crt --tls-cert-file /lab/pki/server.crt \\
        --tls-private-key-file /lab/pki/server.key --cert-dir /run/apiserver \\
        --service-account-issuer https://kubernetes.default.svc \\
        --service-account-key-file /lab/pki/sa.pub --service-account-signing-key-file /lab/pki/sa.key \\
        --authorization-mode RBAC --allow-privileged \\
        --disable-admission-plugins ServiceAccount,DefaultStorageClass
Restart=always
RestartSec=200ms""", "lab-etcd.service", requires=False)

# For systemd it is active when the control plane answers, long before the cluster is usable.
MICROSHIFT = f"""[Unit]
After=lab-apiserver.service
Wants=lab-apiserver.service
[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=4min
ExecStart=/bin/sh -c 'until /assets/kubectl --kubeconfig {KUBECONFIG} get --raw /readyz; do sleep 0.2; done'
[Install]
WantedBy=multi-user.target
"""

CONTROLLER_MANAGER = _unit(f"""[Service]
ExecStart=/assets/kube-controller-manager --kubeconfig {KUBECONFIG} --leader-elect=false \\
        --use-service-account-credentials=false \\
        --controllers=daemonset,deployment,replicaset,statefulset,nodelifecycle,namespace,garbagecollector
Restart=always
RestartSec=1""", "microshift.service", requires=False)

SCHEDULER = _unit(f"""[Service]
ExecStart=/assets/kube-scheduler --kubeconfig {KUBECONFIG} --leader-elect=false
Restart=always
RestartSec=1""", "microshift.service", requires=False)

KUBELET = _unit(f"""[Service]
ExecStartPre=/bin/sh -c 'ctr -n k8s.io images ls -q | grep -q busy || \\
        ctr -n k8s.io images import --snapshotter native /lab/busy.tar'
ExecStart=/assets/kubelet --config /lab/kubelet.yaml --kubeconfig {KUBECONFIG} --hostname-override {NAME} \\
        --node-ip {ADDRESS} --v=1
KillMode=process
Restart=always
RestartSec=1""", "microshift.service containerd.service", requires=False)

CONTAINERD = f"""version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "{{RUNC}}"
        SystemdCgroup = {{SYSTEMD}}
"""

# A group without controllers has no limits to set, so runc must not be asked for any.
RUNC = """#!/bin/sh
previous=
for word; do
        if [ "$previous" = --bundle ]; then
                for key in cpu memory pids unified; do
                        sed -i 's/,"'$key'":{[^}]*}//; s/"'$key'":{[^}]*},//' "$word/config.json"
                done
        fi
        previous=$word
done
exec /usr/sbin/runc "$@"
"""

KUBELET_CONFIG = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: {DRIVER}
failCgroupV1: false
failSwapOn: false
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
evictionHard: {memory.available: "1Mi", nodefs.available: "0%", imagefs.available: "0%"}
imageGCHighThresholdPercent: 100
staticPodPath: /lab/static
resolvConf: ""
makeIPTablesUtilChains: false
"""

CNI = {
    "cniVersion": "0.3.1",
    "name": "lab",
    "type": "ptp",
    "ipam": {"type": "host-local", "subnet": "10.42.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]},
}


def container(name, command="sleep 100000", probe=None, mounts=()):
    made = {"name": name, "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["/bin/sh", "-c", command]}
    if probe:
        made["readinessProbe"] = {
            "exec": {"command": ["/bin/busybox", "test", "-f", probe]},
            "periodSeconds": 1,
        }
    if mounts:
        made["volumeMounts"] = [{"name": n, "mountPath": p} for n, p in mounts]
    return made


def daemon_set(namespace, name, labels, containers, host_network=False, volumes=(), **spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "hostNetwork": host_network,
                    "terminationGracePeriodSeconds": 1,
                    "tolerations": [{"operator": "Exists"}],
                    "containers": containers,
                    "volumes": [{"name": n, "hostPath": {"path": p}} for n, p in volumes],
                    **spec,
                },
            },
        },
    }


def workloads():
    """MicroShift's network and DNS, as far as their pods depend on each other."""
    cni = "/etc/cni/net.d/10-ovn-kubernetes.conf"
    return [
        daemon_set(
            "openshift-ovn-kubernetes",
            "ovnkube-master",
            {"app": "ovnkube-master"},
            [
                container("northd"),
                container("nbdb"),
                container("sbdb"),
                container(
                    "ovnkube-master",
                    f"sleep 2; cat /lab/cni.conf > {cni}; sleep 100000",
                    cni,
                    [("cni", "/etc/cni/net.d"), ("lab", "/lab")],
                ),
            ],
            True,
            [("cni", "/etc/cni/net.d"), ("lab", "/lab")],
        ),
        daemon_set(
            "openshift-ovn-kubernetes",
            "ovnkube-node",
            {"app": "ovnkube-node"},
            [container("ovn-controller")],
            True,
        ),
        daemon_set(
            "openshift-dns",
            "dns-default",
            {"dns.operator.openshift.io/daemonset-dns": "default"},
            [
                container("dns", "sleep 1; touch /tmp/ready; sleep 100000", "/tmp/ready"),
                container("kube-rbac-proxy"),
            ],
        ),
    ]


def image(busybox):
    """An image archive with a static busybox and nothing else."""

    def archive(members):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for name, data, mode in members:
                info = tarfile.TarInfo(name)
                info.mode = mode
                if data is None:
                    info.type = tarfile.DIRTYPE
                    tar.addfile(info)
                else:
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
        return out.getvalue()

    program = pathlib.Path(busybox).read_bytes()
    folders = [("bin", None, 0o755), ("tmp", None, 0o777), ("etc", None, 0o755)]
    tools = [(f"bin/{tool}", program, 0o755) for tool in ("busybox", "sh", "sleep", "cat", "touch", "rm")]
    layer = archive(folders + tools)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/bin/sleep", "1000000"]},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        }
    ).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]).encode()
    return archive([("layer.tar", layer, 0o644), ("config.json", config, 0o644), ("manifest.json", manifest, 0o644)])


class RealNode(Host):
    """with RealNode(assets_folder) as node: node.boot(); node.wait_usable()

    driver: who makes the containers' groups, "cgroupfs" (containerd) or "systemd" (the host's, when asked).
    unified: in version 2 of them, where the kubelet does not start while kubepods.slice is there.
    """

    def __init__(self, assets_folder, driver="cgroupfs", unified=False):
        self.driver = driver
        self.pki_folder = process.Folder()
        super().__init__(
            "bookworm",
            packages=PACKAGES,
            unified=unified,
            binds={
                "/assets": (assets_folder, "ro"),
                # A link to where its own release is kept.
                "/usr/local/bin/etcd": ((pathlib.Path(assets_folder) / "etcd").resolve(), "ro"),
                "/dev/kmsg": "/dev/kmsg",
            },
            boot_arguments=["--private-network", "--capability=all", "--system-call-filter=@keyring bpf"],
        )
        self._lay_out()

    def _lay_out(self):
        pki = _cluster.Pki(self.pki_folder.path / "pki", "microshift-ca")
        pki.server()
        certificate, key = pki.client("system:admin", ["system:masters"])
        process.openssl(pki.folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key")
        process.openssl(pki.folder, "ec", "-in", "sa.key", "-pubout", "-out", "sa.pub")
        shutil.copytree(pki.folder, self.path("/lab/pki"))
        self.write(KUBECONFIG, _cluster.kubeconfig_text("https://localhost:6443", pki.ca, certificate, key), 0o600)
        self.kubeconfig = self.pki_folder.path / "kubeconfig"
        shutil.copy(self.path(KUBECONFIG), self.kubeconfig)

        self.path("/lab/busy.tar").write_bytes(image(self.path("/bin/busybox")))
        self.path("/lab/static").mkdir()
        self.path("/etc/cni/net.d").mkdir(parents=True, exist_ok=True)
        self.write("/lab/network", NETWORK_SCRIPT)
        # The first process of a container ignores SIGTERM: a shutdown would wait 90 s for it.
        self.write("/etc/systemd/system.conf.d/lab.conf", "[Manager]\nDefaultTimeoutStopSec=1s\n")
        self.write("/lab/cni.conf", json.dumps(CNI))
        self.write("/lab/kubelet.yaml", KUBELET_CONFIG.replace("{DRIVER}", self.driver))
        self.write("/lab/runc", RUNC, 0o755)
        by_systemd = "true" if self.driver == "systemd" else "false"
        runc = "/lab/runc" if self.unified else "/usr/sbin/runc"
        self.write("/etc/containerd/config.toml", CONTAINERD.replace("{SYSTEMD}", by_systemd).replace("{RUNC}", runc))
        self.write("/etc/hosts", f"127.0.0.1 localhost {NAME}\n")
        self.write("/etc/hostname", NAME + "\n")
        for name, text in {
            "lab-network": NETWORK,
            "lab-etcd": ETCD,
            "lab-apiserver": APISERVER,
            "lab-controller-manager": CONTROLLER_MANAGER,
            "lab-scheduler": SCHEDULER,
            "lab-kubelet": KUBELET,
            "microshift": MICROSHIFT,
        }.items():
            self.write(f"/etc/systemd/system/{name}.service", text)
            self.enable(f"{name}.service")

    def enable(self, unit, target="multi-user.target", source=None):
        wants = self.path(f"/etc/systemd/system/{target}.wants/{unit}")
        wants.parent.mkdir(parents=True, exist_ok=True)
        wants.unlink(missing_ok=True)
        wants.symlink_to(source or f"../{unit}")

    def install(self, build, config=""):
        """msready as a user installs it, started by microshift.service. config: a drop-in of msready.conf."""
        self.install_msready(build)
        self.etc = next(p for p in ("/etc/msready", "/usr/local/etc/msready") if self.path(p).exists())
        self.write(f"{self.etc}/msready.conf.d/lab.conf", config)
        units = next(p for p in ("usr/lib/systemd/system", "lib/systemd/system", "usr/local/lib/systemd/system")
                     if (self.root / p / "msready.service").exists())
        for unit, target in (("msready.socket", "sockets.target"), ("msready.service", "microshift.service"),
                             ("microshift-ready.target", "microshift.service")):
            self.enable(unit, target, f"/{units}/{unit}")

    # The groups of the kubelet's v1 hierarchies begin where the host does.

    def _make_groups(self):
        super()._make_groups()
        for controller in CONTROLLERS if not self.unified else ():
            mount = pathlib.Path("/sys/fs/cgroup") / controller
            group = mount / f"msready-{self.name}"
            group.mkdir(exist_ok=True)
            if controller == "cpuset":
                for name in ("cpuset.cpus", "cpuset.mems"):
                    (group / name).write_text((mount / name).read_text())
            self.groups.append(group)

    def boot(self, **options):
        options.setdefault("timeout", 120)
        options.setdefault("wait", "microshift.service")
        super().boot(**options)
        self.boot_id = self.output("cat", "/proc/sys/kernel/random/boot_id")
        return self

    def kubectl(self, *words, check=True, timeout=60, input=None):
        return self.run("/assets/kubectl", "--kubeconfig", KUBECONFIG, *words, check=check, timeout=timeout,
                        input=input)

    def apply(self, *objects):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("apply", "-f", "-", input=text)

    def deploy(self):
        """The namespaces and MicroShift's three DaemonSets."""
        self.apply(*[{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                     for name in ("openshift-ovn-kubernetes", "openshift-dns", "lab")])
        self.apply(*workloads())

    def pods(self):
        """Name of the DaemonSet to (Ready, set of container IDs) of its pods."""
        found = {}
        for pod in json.loads(self.kubectl("get", "pods", "-A", "-o", "json").stdout)["items"]:
            owner = (pod["metadata"].get("ownerReferences") or [{"name": pod["metadata"]["name"]}])[0]["name"]
            status = pod["status"]
            found[owner] = (_is_ready(status), {c.get("containerID") for c in status.get("containerStatuses", [])})
        return found

    def usec(self, unit, name):
        """A monotonic time stamp of a unit in seconds; 0 where there is none. The clock is this machine's."""
        return int(self.show(unit, name) or 0) / 1e6

    def status(self):
        return self.show("msready.service", "StatusText")

    def query(self, *words):
        return json.loads(self.run("msready", *words, "--json=short", check=False).stdout)

    def describe(self):
        return self.query()

    def gate(self, name):
        return next(gate for gate in self.describe()["gates"] if gate["name"] == name)

    def verdict(self):
        return self.describe()["verdict"]["state"]

    def wait_usable(self, timeout=120):
        self.wait_active("msready.service", timeout)

    def record(self):
        """Starts a recorder of the node."""
        return recorder.Recorder(self)

    def close(self):
        super().close()
        self.pki_folder.clean()


def _is_ready(status):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
