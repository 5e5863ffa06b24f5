# SPDX-License-Identifier: Apache-2.0
"""The cluster that the tests play: one node and the 13 pods of a MicroShift 4.15 with OLM and GitOps.

Everything here is a plain dict as the API takes it. Names, labels and containers are MicroShift's own.
"""

import copy
import dataclasses

from . import cluster as _cluster

NODE = "microshift-dev.lab.example.com"
VERSION = "v1.28.12"
MACHINE_ID = "5d0a3f0c6e2b4b0e9f3a7c1d2e4f6a8b"
# An address that the host of the tests has.
NODE_ADDRESS = "127.0.0.1"


@dataclasses.dataclass
class Workload:
    """A workload with one pod. `pod` is the pod's whole name."""

    kind: str
    namespace: str
    name: str
    pod: str
    containers: tuple
    labels: dict
    init_containers: tuple = ()
    host_network: bool = False
    min_ready_seconds: int = 0
    # Containers that have a readiness probe; the others are ready as soon as they run.
    probed: tuple = ()

    @property
    def key(self):
        return f"{self.namespace}/{self.pod}"

    @property
    def path(self):
        return f"/apis/apps/v1/namespaces/{self.namespace}/{self.kind.lower()}s/{self.name}"

    @property
    def pod_path(self):
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}"

    @property
    def replica_set(self):
        return self.pod.rsplit("-", 1)[0] if self.kind == "Deployment" else None


_OLM = "openshift-operator-lifecycle-manager"

WORKLOADS = (
    Workload(
        "DaemonSet",
        "openshift-ovn-kubernetes",
        "ovnkube-master",
        "ovnkube-master-rmn9q",
        ("northd", "nbdb", "sbdb", "ovnkube-master"),
        {"app": "ovnkube-master", "component": "network", "ovn-db-pod": "true", "type": "infra"},
        host_network=True,
        probed=("ovnkube-master",),
    ),
    Workload(
        "DaemonSet",
        "openshift-ovn-kubernetes",
        "ovnkube-node",
        "ovnkube-node-zkznm",
        ("ovn-controller",),
        {"app": "ovnkube-node", "component": "network", "type": "infra"},
        host_network=True,
    ),
    Workload(
        "DaemonSet",
        "openshift-dns",
        "node-resolver",
        "node-resolver-2gj2m",
        ("dns-node-resolver",),
        {"dns.operator.openshift.io/daemonset-node-resolver": ""},
        host_network=True,
    ),
    Workload(
        "DaemonSet",
        "openshift-dns",
        "dns-default",
        "dns-default-28m2q",
        ("dns", "kube-rbac-proxy"),
        {"dns.operator.openshift.io/daemonset-dns": "default"},
        min_ready_seconds=9,
        probed=("dns",),
    ),
    Workload(
        "Deployment",
        "openshift-service-ca",
        "service-ca",
        "service-ca-686b8b5949-wxt6v",
        ("service-ca-controller",),
        {"app": "service-ca", "service-ca": "true"},
    ),
    Workload(
        "Deployment",
        "openshift-ingress",
        "router-default",
        "router-default-6c8b458f6-zw6n2",
        ("router",),
        {"ingresscontroller.operator.openshift.io/deployment-ingresscontroller": "default"},
        min_ready_seconds=30,
        probed=("router",),
    ),
    Workload(
        "Deployment",
        "kube-system",
        "csi-snapshot-controller",
        "csi-snapshot-controller-dd744ffb7-tcz9r",
        ("snapshot-controller",),
        {"app": "csi-snapshot-controller"},
    ),
    Workload(
        "Deployment",
        "kube-system",
        "csi-snapshot-webhook",
        "csi-snapshot-webhook-86cd54f8f7-pt76s",
        ("webhook",),
        {"app": "csi-snapshot-webhook"},
    ),
    Workload(
        "Deployment",
        _OLM,
        "olm-operator",
        "olm-operator-6586b4c6fb-t52bd",
        ("olm-operator",),
        {"app": "olm-operator"},
        probed=("olm-operator",),
    ),
    Workload(
        "Deployment",
        _OLM,
        "catalog-operator",
        "catalog-operator-7fc7fc48dd-b2pnr",
        ("catalog-operator",),
        {"app": "catalog-operator"},
        probed=("catalog-operator",),
    ),
    Workload(
        "StatefulSet",
        "openshift-gitops",
        "argocd-application-controller",
        "argocd-application-controller-0",
        ("argocd-application-controller",),
        {"app.kubernetes.io/name": "argocd-application-controller"},
        probed=("argocd-application-controller",),
    ),
    Workload(
        "Deployment",
        "openshift-gitops",
        "argocd-redis",
        "argocd-redis-769db95b95-gg4xs",
        ("redis",),
        {"app.kubernetes.io/name": "argocd-redis"},
    ),
    Workload(
        "Deployment",
        "openshift-gitops",
        "argocd-repo-server",
        "argocd-repo-server-f9b57f9f9-p5pkh",
        ("argocd-repo-server",),
        {"app.kubernetes.io/name": "argocd-repo-server"},
        ("copyutil",),
        probed=("argocd-repo-server",),
    ),
)

_CERT_MANAGER = "cert-manager"
_GATEWAY = "openshift-gateway-api"
_MONITORING = "openshift-monitoring"
_STORAGE = "openshift-storage"

# Workloads of other packages and later versions, so that every shipped gate has objects to look at.
OPTIONAL = (
    Workload("DaemonSet", "openshift-multus", "multus", "multus-7xk4d", ("kube-multus",), {"app": "multus"},
             ("cni-plugins",), host_network=True),
    Workload("DaemonSet", "openshift-multus", "dhcp-daemon", "dhcp-daemon-5tq9z", ("dhcp-daemon",),
             {"app": "dhcp-daemon"}, host_network=True),
    Workload("Deployment", _GATEWAY, "servicemesh-operator3", "servicemesh-operator3-6f7c9d5b8-h2xkq",
             ("manager", "kube-rbac-proxy"), {"control-plane": "servicemesh-operator3"}, probed=("manager",)),
    Workload("Deployment", _GATEWAY, "istiod-openshift-gateway-api", "istiod-openshift-gateway-api-5b6d7f8c9-k8r2w",
             ("discovery",), {"app": "istiod"}, probed=("discovery",)),
    Workload("Deployment", "cert-manager-operator", "cert-manager-operator-controller-manager",
             "cert-manager-operator-controller-manager-7d9f8b6c5-q4z7n", ("cert-manager-operator",),
             {"name": "cert-manager-operator"}),
    Workload("Deployment", _CERT_MANAGER, "cert-manager", "cert-manager-8f6d5c4b7-x9l2m",
             ("cert-manager-controller",), {"app": "cert-manager"}),
    Workload("Deployment", _CERT_MANAGER, "cert-manager-webhook", "cert-manager-webhook-6c5b4d7f8-v3n8p",
             ("cert-manager-webhook",), {"app": "webhook"}, probed=("cert-manager-webhook",)),
    Workload("Deployment", _CERT_MANAGER, "cert-manager-cainjector", "cert-manager-cainjector-5d4c6b8f7-w7j5t",
             ("cert-manager-cainjector",), {"app": "cainjector"}),
    Workload("Deployment", "redhat-ods-applications", "kserve-controller-manager",
             "kserve-controller-manager-76d8c9f5b-m6h4s", ("manager",),
             {"control-plane": "kserve-controller-manager"}, probed=("manager",)),
    Workload("Deployment", _STORAGE, "topolvm-controller", "topolvm-controller-78cbfc4867-qg95n",
             ("topolvm-controller", "csi-provisioner", "csi-resizer", "csi-snapshotter", "liveness-probe"),
             {"app.kubernetes.io/component": "topolvm-controller"}),
    Workload("DaemonSet", _STORAGE, "topolvm-node", "topolvm-node-9bnp5",
             ("lvmd", "topolvm-node", "csi-registrar", "liveness-probe"),
             {"app.kubernetes.io/component": "topolvm-node"}),
    Workload("Deployment", "sriov-network-operator", "sriov-network-operator",
             "sriov-network-operator-6d8f7c5b9-b2v6k", ("sriov-network-operator",),
             {"name": "sriov-network-operator"}, probed=("sriov-network-operator",)),
    Workload("Deployment", _MONITORING, "metrics-server", "metrics-server-7b5c8d9f6-p4j2x", ("metrics-server",),
             {"app.kubernetes.io/name": "metrics-server"}, probed=("metrics-server",)),
    Workload("Deployment", _MONITORING, "kube-state-metrics", "kube-state-metrics-5f6b7d8c9-t8n3z",
             ("kube-state-metrics", "kube-rbac-proxy-main", "kube-rbac-proxy-self"),
             {"app.kubernetes.io/name": "kube-state-metrics"}),
    Workload("DaemonSet", _MONITORING, "node-exporter", "node-exporter-c6h9w", ("node-exporter", "kube-rbac-proxy"),
             {"app.kubernetes.io/name": "node-exporter"}, ("init-textfile",), host_network=True),
)

# The network of community builds, which takes the place of OVN-Kubernetes.
COMMUNITY = (
    Workload("DaemonSet", "kube-kindnet", "kube-kindnet-ds", "kube-kindnet-ds-x7d4p", ("kube-kindnet",),
             {"app": "kindnet", "k8s-app": "kindnet"}, host_network=True),
    Workload("DaemonSet", "kube-proxy", "kube-proxy", "kube-proxy-m5k8q", ("kube-proxy",), {"k8s-app": "kube-proxy"},
             host_network=True),
)

# The workloads of the gates that are required by default.
REQUIRED = ("ovnkube-master", "ovnkube-node", "dns-default")


def workload(name):
    """The workload of this name, or the workload of the pod of this name."""
    for candidate in WORKLOADS + OPTIONAL + COMMUNITY:
        if name in (candidate.name, candidate.pod):
            return candidate
    raise KeyError(name)


def namespaces(workloads=WORKLOADS):
    names = sorted({w.namespace for w in workloads} - {"kube-system"})
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]


def node(name=NODE):
    """The node as the kubelet registers it; its status is the kubelet's to write."""
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.openshift.io/os_id": "rhel",
    }
    labels.update({f"node-role.kubernetes.io/{role}": "" for role in ("control-plane", "master", "worker")})
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def pod_spec(w, node_name=None):
    """The pod's spec; without a node it is a template's."""

    def container(name):
        made = {
            "name": name,
            "image": f"quay.io/microshift/{name}:4.15.31",
            "imagePullPolicy": "IfNotPresent",
            "resources": {"requests": {"cpu": "10m", "memory": "20Mi"}},
        }
        if name in w.probed:
            made["readinessProbe"] = {"exec": {"command": ["/usr/bin/probe"]}}
        return made

    spec = {
        "containers": [container(name) for name in w.containers],
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "tolerations": [{"operator": "Exists"}],
    }
    if w.kind == "DaemonSet":
        spec["nodeSelector"] = {"kubernetes.io/os": "linux"}
    if w.init_containers:
        spec["initContainers"] = [container(name) for name in w.init_containers]
    if w.host_network:
        spec["hostNetwork"] = True
    if node_name:
        spec["nodeName"] = node_name
    return spec


def controller(w, replicas=1):
    """The DaemonSet, Deployment or StatefulSet."""
    spec = {
        "selector": {"matchLabels": dict(w.labels)},
        "template": {"metadata": {"labels": dict(w.labels)}, "spec": pod_spec(w)},
    }
    if w.min_ready_seconds:
        spec["minReadySeconds"] = w.min_ready_seconds
    if w.kind != "DaemonSet":
        spec["replicas"] = replicas
    if w.kind == "StatefulSet":
        spec["serviceName"] = w.name
    return {
        "apiVersion": "apps/v1",
        "kind": w.kind,
        "metadata": {"name": w.name, "namespace": w.namespace},
        "spec": spec,
    }


def owned_by(owner):
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def _pod_labels(w):
    labels = dict(w.labels)
    if w.kind == "Deployment":
        labels["pod-template-hash"] = w.replica_set.rsplit("-", 1)[1]
    elif w.kind == "DaemonSet":
        labels["controller-revision-hash"] = "5c9c6d7b8f"
        labels["pod-template-generation"] = "1"
    else:
        labels["controller-revision-hash"] = f"{w.name}-6b7f9d8c4"
        labels["statefulset.kubernetes.io/pod-name"] = w.pod
    return labels


def replica_set(w, deployment, replicas=1):
    labels = _pod_labels(w)
    template = copy.deepcopy(deployment["spec"]["template"])
    template["metadata"]["labels"] = labels
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": w.replica_set,
            "namespace": w.namespace,
            "labels": labels,
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "ownerReferences": owned_by(deployment),
        },
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def pod(w, owner, node_name=NODE, name=None):
    """The pod as the controller makes it and the scheduler binds it. owner: a whole object, with its uid."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name or w.pod,
            "namespace": w.namespace,
            "labels": _pod_labels(w),
            "ownerReferences": owned_by(owner),
        },
        "spec": pod_spec(w, node_name),
    }


def create_workload(rest, w, node_name=NODE, with_pod=True):
    """Creates a workload down to its pod; returns the pod as the API server has it (or None)."""
    base = f"/apis/apps/v1/namespaces/{w.namespace}"
    owner = rest.create(f"{base}/{w.kind.lower()}s", controller(w))
    owner.setdefault("apiVersion", "apps/v1")
    if w.kind == "Deployment":
        owner = rest.create(f"{base}/replicasets", replica_set(w, owner))
    if not with_pod:
        return None
    return rest.create(f"/api/v1/namespaces/{w.namespace}/pods", pod(w, owner, node_name))


def create_all(rest, node_name=NODE, workloads=WORKLOADS):
    """Creates node, namespaces, workloads and pods, all without a status; the pods by namespace/name."""
    for namespace in namespaces(workloads):
        try:
            rest.create("/api/v1/namespaces", namespace)
        except _cluster.ApiError as error:
            if error.status != 409:
                raise
    rest.create("/api/v1/nodes", node(node_name))
    return {w.key: create_workload(rest, w, node_name) for w in workloads}
