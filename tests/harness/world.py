# SPDX-License-Identifier: Apache-2.0
"""A cluster on its way up, as a daemon would describe it, for the tests of the client."""

import time

from .fakedaemon import MINUTE, NOW, REALTIME, blocker, gate, verdict

BOOT = "0f2a4c6e81b3d5f70f2a4c6e81b3d5f7"
EARLIER = "5c1d9b0e7a2f4863b1c2d3e4f5061728"

PULL = blocker(
    "dns", "Pod", "dns-default-x7k2p", "ImagePullBackOff", "openshift-dns",
    message='Back-off pulling image "quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:0123456789abcdef"',
    hint="Run crictl pull IMAGE on this host to see the registry's answer; check /etc/crio/openshift-pull-secret.",
)
CREATING = blocker("dns", "Pod", "dns-default-x7k2p", "ContainerCreating", "openshift-dns")
NODE_FACTS = {"node": "edge-1", "server": "https://127.0.0.1:6443", "serverVersion": "v1.30.5"}


def waiting():
    """All is well but DNS, and the router after it."""
    return {
        "verdict": verdict("waiting", since=9 * MINUTE, typicalReadyUSec=250_000_000, **NODE_FACTS),
        "gates": [
            gate("api", since=3 * MINUTE, containers=(0, 0)),
            gate("node", containers=(0, 0)),
            gate("dns", "waiting", since=9 * MINUTE, objects=(0, 1), containers=(1, 2), blockers=[PULL]),
            gate("ingress", "waiting", since=9 * MINUTE, required=False, objects=(0, 1), containers=(0, 1),
                 blockers=[PULL]),
            gate("service-ca", since=MINUTE, required=False),
        ],
    }


def ready():
    told = waiting()
    told["verdict"] = verdict("ready", since=MINUTE, **NODE_FACTS)
    told["gates"] = [gate(g["name"], since=MINUTE, required=g["required"]) for g in told["gates"]]
    return told


def definitions():
    common = {"settleUSec": 0, "holdUSec": 15_000_000, "unknownUSec": 5 * MINUTE, "onUnknown": "hold"}
    folder = "/usr/lib/msready/gates.d/"
    return {
        "definitions": [
            {"name": "dns", "description": "Cluster DNS (CoreDNS)", "required": True, "enabled": True,
             "files": [folder + "dns.gate", "/etc/msready/gates.d/dns.gate.d/slow.conf"],
             "checks": ["DaemonSet openshift-dns/dns-default"], **common},
            {"name": "storage", "description": "Local storage (LVMS)", "required": False, "enabled": False,
             "cause": "ConditionMicroShift= not met, line 11", "files": [folder + "storage.gate"],
             "conditions": [f"ConditionMicroShift=storage.driver!=none ({folder}storage.gate:11)"],
             "checks": ["Deployment openshift-storage/lvms-operator"], **common,
             "unknownUSec": -1, "onUnknown": "close"},
        ],
        "errors": [],
        "warnings": [],
    }


def objects():
    now = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1_000_000)
    since = now - 61_300_000  # "1min 1s", or a little more when it is printed
    return {
        "objects": [
            {"object": {"kind": "Node", "name": "edge-1"}, "gates": ["node"], "isReady": True, "proof": "bootId",
             "status": "Ready", "sinceBoottimeUSec": since},
            {"object": {"kind": "Pod", "namespace": "openshift-dns", "name": "dns-default-x7k2p"},
             "gates": ["dns", "ingress"], "isReady": False, "proof": "none", "ready": "1/2",
             "status": "ImagePullBackOff", "restarts": "3 (4m ago)", "node": "edge-1", "sinceBoottimeUSec": since},
        ]
    }


def transition(at, gate_name, before, after, **more):
    """at: seconds after the kernel started; a gate_name of None is the verdict."""
    return {
        "boottimeUSec": at * 1_000_000,
        "realtimeUSec": REALTIME - NOW + at * 1_000_000,
        **({"gate": gate_name} if gate_name else {}),
        "from": before,
        "to": after,
        **more,
    }


def timeline():
    pod = PULL["object"]
    return {
        "transitions": [
            transition(60, "api", "waiting", "ready", blocker=blocker("api", "Api", "/readyz", "ApiUnreachable")),
            transition(70, "dns", "absent", "waiting", object=pod, blocker=CREATING),
            transition(110, "dns", "waiting", "waiting", object=pod, blocker=PULL),
            transition(140, "node", "waiting", "ready"),
            transition(300, "dns", "waiting", "ready", object=pod, blocker=PULL),
            transition(300, "dns", "waiting", "ready", blocker=PULL),
            transition(300, None, "waiting", "ready", blocker=PULL),
            transition(480, "dns", "ready", "lost", object=pod, blocker=PULL),
            transition(500, "dns", "ready", "lost", blocker=PULL),
        ],
        "boots": [
            {"bootId": EARLIER, "startedRealtimeUSec": REALTIME - 86_400_000_000, "readyUSec": 250_000_000,
             "pulledImages": False,
             "gates": [{"name": "api", "readyUSec": 60_000_000},
                       {"name": "dns", "readyUSec": 250_000_000, "waitedFor": "Pod dns-x: ContainerCreating"}]},
            {"bootId": BOOT, "startedRealtimeUSec": REALTIME - NOW, "pulledImages": True, "gates": []},
        ],
    }
