# SPDX-License-Identifier: Apache-2.0
"""An observer of a real node that knows none of msready's rules: it asks the API server and the kernel
many times a second, and records what changes.

It writes its recording as a story of tests/data/boots/, on which a unit test replays the pure rules.
"""

import base64
import http.client
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import time

if __package__:
    from . import process

GATES = {"node": (), "ovn": ("ovnkube-master", "ovnkube-node"), "dns": ("dns-default",)}
PODS = [name for names in GATES.values() for name in names]
INTERVAL = 0.03


class Recorder:
    """Records a RealNode that runs, until stop()."""

    def __init__(self, node):
        self.node = node
        self.boot_id = node.boot_id
        self.began = time.monotonic()
        self.notes = []
        self.file = node.folder / "recording"
        self.file.write_text("")
        # Of version 1, systemd's own hierarchy is there without any controller.
        group = next(g for g in node.groups if node.unified or g.parent.name == "systemd")
        self.process = process.spawn(
            ["nsenter", "--target", str(node.leader), "--net", sys.executable, __file__, str(node.kubeconfig),
             str(group), str(self.file)],
            stdout=subprocess.DEVNULL,
        )

    def note(self, text):
        """Notes what the test does to the node now: a comment in the story."""
        self.notes.append((time.monotonic(), text))

    def seen(self):
        """What it saw so far, as (before, at, state): what was asked for at `before` was answered with the state
        above, and this state was seen at `at`. Monotonic seconds."""
        lines = [line.split(" ", 2) for line in self.file.read_text().splitlines(True) if line.endswith("\n")]
        return [(float(before), float(at), json.loads(state)) for before, at, state in lines]

    def stop(self):
        process.end(self.process)
        return self.seen()

    def story(self, title, since=None):
        """The recording as one of tests/data/boots/, in seconds since `since` (default: since it began)."""
        return story(self.seen(), self.boot_id, self.began if since is None else since, title, self.notes)


def usable_gates(state, boot_id, old_ids=frozenset()):
    """What of the cluster is usable: Ready by the words of the API server, told apart from the boot before by the boot
    ID and by container IDs, and alive in the eyes of the kernel."""

    def runs(name):
        pod = state["pods"].get(name)
        ids = {c["id"] for c in pod["containers"]} if pod else set()
        return (pod and pod["ready"] == "True" and not pod["deleted"] and not ids & set(old_ids)
                and ids <= set(state["alive"]))

    node = state["node"]
    if state["api"] != "ready" or not node:
        return []
    found = ["node"] if node["boot"] == boot_id and node["ready"] == "True" else []
    return found + [gate for gate, names in GATES.items() if names and all(map(runs, names))]


def usable(state, boot_id, old_ids=frozenset()):
    """Whether all of it is usable: msready must not say so earlier."""
    return len(usable_gates(state, boot_id, old_ids)) == len(GATES)


# A recording as a story

def _short(container_id):
    return container_id[:6]


def _pod_line(name, pod):
    ids = ",".join((_short(c["id"]) or "-") + ("" if c["state"] == "running" else "!") for c in pod["containers"])
    waiting = next((c["reason"] for c in pod["containers"] if c["state"] == "waiting"), "")
    return (f"pod {name} Ready={pod['ready']} ids={ids}" + (f" waiting={waiting}" if waiting else "")
            + (f" phase={pod['phase']}" if pod["phase"] != "Running" else "") + (" deleted" if pod["deleted"] else ""))


def _host_lines(old, new, named):
    for verb, one, other in (("start", new, old), ("kill", old, new)):
        ids = [_short(i) for i in one["alive"] if i in named and i not in other["alive"]]
        if ids:
            yield f"{verb} {','.join(ids)}"


def _object_lines(old, new, boot_id, beats):
    if new["sets"] != old["sets"]:
        yield "sets " + (",".join(new["sets"]) or "-")
    node = new["node"]
    if node and node != old["node"]:
        beats.setdefault(node["beat"], len(beats))
        yield (f"node Ready={node['ready']} boot={'new' if node['boot'] == boot_id else 'old'}"
               f" beat={beats[node['beat']]}")
    for name in sorted(old["pods"].keys() - new["pods"].keys()):
        yield f"gone {name}"
    for name, pod in sorted(new["pods"].items()):
        if pod != old["pods"].get(name):
            yield _pod_line(name, pod)


NOTHING = {"api": "away", "node": None, "lease": None, "sets": PODS, "pods": {}, "alive": []}


def story(recording, boot_id, since, title, notes=()):
    named = {c["id"] for _, _, state in recording for pod in state["pods"].values() for c in pod["containers"]}
    told = ["# SECONDS VERB ARGUMENTS: the verbs are explained in test-ready-boot.c.\n",
            f"# Recorded: {title}.\n", "0.00 usable -\n"]
    notes, old, beats = list(notes), NOTHING, {}
    life, renewals, was_away, was_usable = False, 0, False, []
    for _, at, new in recording:
        while notes and notes[0][0] < at:
            told.append(f"# {notes.pop(0)[1]}\n")
        lines = list(_host_lines(old, new, named))
        back = new["api"] == "ready" != old["api"]
        if new["api"] != old["api"]:
            lines += [f"api {new['api']}"] + (["lose all"] if old["api"] == "ready" else [])
        # A change that was not watched is no sign of life, nor does it show that the kubelet was given up. A kubelet
        # that has just started may renew its Lease once before it has looked at anything.
        was_away = was_away or new["api"] != "ready"
        reported = not back and new["node"] and (
            not old["node"] or any(new["node"][key] != old["node"][key] for key in ("beat", "boot")))
        renewals += not back and new["lease"] != old["lease"]
        if new["api"] != "ready" or new["node"] and new["node"]["ready"] == "Unknown":
            life, renewals = False, 0
        else:
            life = bool(life or reported or renewals > was_away)
        if new["api"] == "ready":
            lines += _object_lines(old, new, boot_id, beats)
            if new["lease"] and new["lease"] != old["lease"]:
                lines.append("lease")
            if back:
                lines.append("list all")
        now_usable = usable_gates(new, boot_id) if life else []
        if now_usable != was_usable:
            lines.append("usable " + (",".join(now_usable) or "-"))
            was_usable = now_usable
        told += [f"{at - since:.2f} {line}\n" for line in lines]
        old = new
    return "".join(told)


# The program that asks

def _ready(thing):
    found = [c for c in thing["status"].get("conditions", []) if c["type"] == "Ready"]
    return found[0] if found else {"status": "False", "lastHeartbeatTime": None}


def _node(nodes):
    for node in nodes:
        ready = _ready(node)
        return {"boot": node["status"].get("nodeInfo", {}).get("bootID"), "ready": ready["status"],
                "beat": ready.get("lastHeartbeatTime")}
    return None


def _containers(pod):
    told = {c["name"]: c for c in pod["status"].get("containerStatuses", [])}
    for spec in pod["spec"]["containers"]:
        status = told.get(spec["name"], {})
        state, = status.get("state") or {"none": {}}
        yield {"id": status.get("containerID", "").partition("://")[2], "state": state,
               "reason": (status.get("state") or {}).get(state, {}).get("reason", "")}


def _pods(pods):
    """By the DaemonSet's name; one on its way out gives place to another."""
    found = {}
    for pod in sorted(pods, key=lambda p: not p["metadata"].get("deletionTimestamp")):
        name = (pod["metadata"].get("ownerReferences") or [{"name": ""}])[0]["name"]
        if name in PODS:
            found[name] = {"ready": _ready(pod)["status"], "phase": pod["status"].get("phase"),
                           "deleted": bool(pod["metadata"].get("deletionTimestamp")),
                           "containers": list(_containers(pod))}
    return found


def _alive(group):
    """The IDs of containers whose group holds a process."""
    found = set()
    for folder, _, _ in os.walk(group):
        container_id = re.search("[0-9a-f]{64}", os.path.basename(folder))
        try:
            if container_id and pathlib.Path(folder, "cgroup.procs").read_text():
                found.add(container_id.group())
        except OSError:
            pass
    return sorted(found)


class _Asker:
    def __init__(self, kubeconfig):
        text = pathlib.Path(kubeconfig).read_text()
        field = {m.group(1): base64.b64decode(m.group(2)) for m in re.finditer(r"([a-z-]+)-data: (\S+)", text)}
        self.context = ssl.create_default_context(cadata=field["certificate-authority"].decode())
        with tempfile.NamedTemporaryFile() as pem:
            pem.write(field["client-certificate"] + b"\n" + field["client-key"])
            pem.flush()
            self.context.load_cert_chain(pem.name)
        self.context.check_hostname = False
        self.connections = {}

    def ask(self, port, path):
        """Status and text; status 0 without an answer."""
        try:
            if port not in self.connections:
                self.connections[port] = (
                    http.client.HTTPSConnection("127.0.0.1", port, context=self.context, timeout=2) if port == 6443
                    else http.client.HTTPConnection("127.0.0.1", port, timeout=2))
            self.connections[port].request("GET", path)
            answer = self.connections[port].getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connections.pop(port, None)
            return 0, b""

    def items(self, path):
        status, text = self.ask(6443, path)
        return json.loads(text)["items"] if status == 200 else None

    def look(self, last):
        """The state after the state `last`."""
        status, _ = self.ask(6443, "/readyz")
        state = dict(last)
        state["api"] = "ready" if status == 200 else "not-ready" if status else "away"
        if status == 200:
            nodes, sets, leases, pods = (self.items(path) for path in (
                "/api/v1/nodes", "/apis/apps/v1/daemonsets",
                "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", "/api/v1/pods"))
            if None in (nodes, sets, leases, pods):
                state["api"] = "away"
                return state
            state.update(node=_node(nodes), pods=_pods(pods), lease=[x["spec"].get("renewTime") for x in leases],
                         sets=[x["metadata"]["name"] for x in sets if x["metadata"]["name"] in PODS])
        return state


def _record(kubeconfig, group, file):
    asker, last, before = _Asker(kubeconfig), NOTHING, time.monotonic()
    with open(file, "a", buffering=1) as out:
        while True:
            asked = time.monotonic()
            # The kernel last: what the API server names runs by now, or is dead.
            state = asker.look(last)
            state["alive"] = _alive(group)
            if state != last:
                out.write(f"{before:.3f} {time.monotonic():.3f} {json.dumps(state)}\n")
                last = state
            before = asked
            time.sleep(INTERVAL)


if __name__ == "__main__":
    _record(*sys.argv[1:])
