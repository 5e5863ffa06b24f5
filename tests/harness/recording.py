# SPDX-License-Identifier: Apache-2.0
"""A recording of a real MicroShift, and what was true at each of its moments, by somebody who knows none of
msready's rules of when something is proven: tests/node/convert-recording makes stories of it, which unit test
ready-recording plays the rules on.
"""

import collections
import itertools
import json

KINDS = ("nodes", "leases", "daemonsets", "deployments", "replicasets", "pods")
# Of each gate its workloads. The first four are required.
GATES = {
    "api": (),
    "node": (),
    "ovn": (("daemonsets", "openshift-ovn-kubernetes/ovnkube-master"),
            ("daemonsets", "openshift-ovn-kubernetes/ovnkube-node")),
    "dns": (("daemonsets", "openshift-dns/dns-default"),),
    "resolver": (("daemonsets", "openshift-dns/node-resolver"),),
    "service-ca": (("deployments", "openshift-service-ca/service-ca"),),
    "ingress": (("deployments", "openshift-ingress/router-default"),),
    "csi-snapshot": (("deployments", "kube-system/csi-snapshot-controller"),),
}
REQUIRED = list(GATES)[:4]

# Processes were looked at five times a second: a container that a status names may have been seen that much later.
LOOK = 350
# Between two recordings of one boot.
BETWEEN = 10_000
HOLD, GRACE = 15_000, 300_000


# What is kept of an object: what msready reads of it, and what stands beside that in the same place.

CUT = {
    "metadata": ("managedFields", "generateName", "creationTimestamp"),
    "spec": ("affinity", "dnsPolicy", "enableServiceLinks", "hostNetwork", "hostPID", "imagePullSecrets",
             "preemptionPolicy", "priority", "priorityClassName", "restartPolicy", "schedulerName", "securityContext",
             "serviceAccount", "serviceAccountName", "shareProcessNamespace", "terminationGracePeriodSeconds",
             "topologySpreadConstraints", "volumes"),
    "status": ("allocatable", "capacity", "daemonEndpoints", "features", "hostIP", "hostIPs", "images", "podIP",
               "podIPs", "runtimeHandlers"),
    "nodeInfo": ("architecture", "kernelVersion", "kubeProxyVersion", "operatingSystem", "osImage", "systemUUID"),
}
CUT_CONTAINER = ("args", "command", "env", "envFrom", "image", "imagePullPolicy", "lifecycle", "livenessProbe",
                 "ports", "readinessProbe", "resources", "securityContext", "startupProbe", "terminationMessagePath",
                 "terminationMessagePolicy", "volumeMounts")
CUT_CONTAINER_STATUS = ("allocatedResources", "image", "imageID", "resources", "user", "volumeMounts")


def _cut(thing, names):
    return {name: value for name, value in (thing or {}).items() if name not in names}


def _trim_state(state):
    return {name: _cut(value, ("containerID", "startedAt")) if name == "terminated" else value
            for name, value in state.items()}


def _trim_spec(spec):
    spec = _cut(spec, CUT["spec"])
    for name in ("containers", "initContainers"):
        if spec.get(name):
            spec[name] = [_cut(c, CUT_CONTAINER) for c in spec[name]]
    if "nodeName" in spec or "containers" in spec:
        spec.pop("tolerations", None)
    if "template" in spec:
        spec["template"] = {"spec": _cut(spec["template"]["spec"], CUT["spec"] + ("containers", "initContainers"))}
    return spec


def _trim_status(status):
    status = _cut(status, CUT["status"])
    if "nodeInfo" in status:
        status["nodeInfo"] = _cut(status["nodeInfo"], CUT["nodeInfo"])
    if "conditions" in status:
        status["conditions"] = [_cut(c, ("lastProbeTime",)) for c in status["conditions"]]
    for name in ("containerStatuses", "initContainerStatuses"):
        if status.get(name):
            status[name] = [{k: _trim_state(v) if k in ("state", "lastState") else v
                             for k, v in _cut(c, CUT_CONTAINER_STATUS).items()} for c in status[name]]
    return status


def trim(thing):
    trimmed = {"metadata": _cut(thing["metadata"], CUT["metadata"])}
    if "spec" in thing:
        trimmed["spec"] = _trim_spec(thing["spec"])
    if "status" in thing:
        trimmed["status"] = _trim_status(thing["status"])
    return trimmed


def name_of(thing):
    return f"{thing['metadata'].get('namespace', '')}/{thing['metadata']['name']}"


def ready_of(thing):
    found = [c for c in thing.get("status", {}).get("conditions", ()) if c["type"] == "Ready"]
    return found[0] if found else {"status": "False"}


def controller_of(thing):
    owners = [o for o in thing["metadata"].get("ownerReferences", ()) if o.get("controller")]
    return owners[0] if owners else {"kind": "", "name": "", "uid": ""}


def short(container_id):
    return container_id.partition("://")[2][:6]


# What was recorded, as (milliseconds, what, ...) in order

def _milliseconds(text):
    return round(float(text) * 1000)


def _timeline(folder):
    api = None
    for line in (folder / "timeline.txt").read_text().splitlines():
        at, _, rest = line.strip().partition(" ")
        at, words = _milliseconds(at), rest.split(" ")
        if words[0] == "readyz":
            now = "ready" if words[1] == "200" else "not-ready" if words[1].isdigit() else "away"
            if now != api:
                yield at, "api", now
            api = now
        elif words[0] == "alive":
            yield at, "alive", *(set(filter(None, word[1:].split(","))) for word in words[2:4])
        elif words[0] == "watch" and words[2] == "ended" and words[1] in KINDS:
            yield at, "ended", words[1]
        elif words[0] == "stopped":
            yield at, "end"


def _brought(folder):
    """Of each watch: its first objects as one listing, then each change."""
    for kind in KINDS:
        file = folder / f"watch-{kind}.jsonl"
        ended = [at for at, what, *rest in _timeline(folder) if what == "ended" and rest[0] == kind]
        listing = []
        for line in file.read_text().splitlines() if file.exists() else ():
            told = json.loads(line)
            at, thing = _milliseconds(told["t"]), told["object"]
            if ended and at > ended[0]:
                ended.pop(0)
                listing = []
            if told["type"] == "BOOKMARK":
                if listing is not None and "k8s.io/initial-events-end" in thing["metadata"].get("annotations", {}):
                    yield at, "list", kind, listing
                    listing = None
                continue
            if kind == "leases" and thing["metadata"]["namespace"] != "kube-node-lease":
                continue
            if listing is None:
                yield at, told["type"].lower().replace("modified", "added"), kind, thing
            else:
                listing.append(thing)


def _named(pod, state=""):
    status = pod.get("status", {})
    for container in status.get("containerStatuses", []) + status.get("initContainerStatuses", []):
        if container.get("containerID") and state in "".join(container.get("state", {})):
            yield short(container["containerID"])


def _running(pod):
    return _named(pod, "running")


def _first_named(brought):
    named = {}
    for event in sorted(brought, key=lambda e: e[0]):
        if event[1] in ("list", "added") and event[2] == "pods":
            for pod in event[3] if event[1] == "list" else [event[3]]:
                for container in _running(pod):
                    named.setdefault(container, event[0])
    return named


def _seen_alive(event, named):
    """A container that a status names lived by then, although it was seen a look later."""
    at, _, began, over = event
    by_time = collections.defaultdict(set)
    for container in began:
        first = named.get(container, at)
        by_time[first if at - LOOK <= first < at else at].add(container)
    by_time[at] |= set()
    for when, ids in sorted(by_time.items()):
        yield when, "alive", ids, over if when == at else set()


def _told_alive(brought):
    """Where nobody looked at the processes: a container lives while a status says so, but for those of the first
    listing, which is of the boot before: no process outlives a power cut."""
    former, alive = set(), set()
    for event in sorted(brought, key=lambda e: e[0]):
        if event[1] == "list" and event[2] == "pods":
            former = {container for pod in event[3] for container in _running(pod)}
        elif event[1] == "added" and event[2] == "pods":
            began = set(_running(event[3])) - former - alive
            over = {c for c in _named(event[3]) if c in alive} - set(_running(event[3]))
            alive = (alive | began) - over
            if began or over:
                yield event[0], "alive", began, over


def events_of(folder):
    brought = list(_brought(folder))
    named = _first_named(brought)
    events = []
    for event in _timeline(folder):
        events += _seen_alive(event, named) if event[1] == "alive" else [event]
    if not any(event[1] == "alive" for event in events):
        events += _told_alive(brought)
    order = ("alive", "api")  # of one moment
    events = sorted(events + brought, key=lambda e: (e[0], order.index(e[1]) if e[1] in order else len(order)))
    return events


def asked_when_ready(events):
    """msreadyd asks for nothing before /readyz has answered 200: what came before is its first listing."""
    api, early = None, {}
    for event in events:
        at, what, *rest = event
        if what == "api":
            api = rest[0]
            yield event
            if api == "ready":
                yield from ((at, "list", kind, list(things.values())) for kind, things in early.items())
                early = {}
        elif what == "list" and api != "ready":
            early[rest[0]] = {name_of(thing): thing for thing in rest[1]}
        elif what in ("added", "deleted") and rest[0] in early:
            early[rest[0]].pop(name_of(rest[1]), None)
            if what == "added":
                early[rest[0]][name_of(rest[1])] = rest[1]
        else:
            yield event


def begun_at_once(events):
    """What is found when a recording begins in a running cluster is told at one moment."""
    if next(e for e in events if e[1] == "api")[2] != "ready":
        return events
    kinds, at = set(KINDS) - {"replicasets"}, 0
    for event in events:
        if event[1] == "list" and event[2] in kinds:
            kinds.discard(event[2])
            at = event[0]
    return [(max(event[0], at), *event[1:]) for event in events]


def _replica_set(owner, pod, deployments):
    """ReplicaSets were not watched: they follow from the pods that they own."""
    deployment = next((d for d in deployments.values()
                       if d["metadata"]["namespace"] == pod["metadata"]["namespace"]
                       and owner["name"].rpartition("-")[0] == d["metadata"]["name"]), None)
    if not deployment:
        return None
    return {"metadata": {
        "name": owner["name"], "namespace": pod["metadata"]["namespace"], "uid": owner["uid"],
        "resourceVersion": pod["metadata"]["resourceVersion"],
        "annotations": {"deployment.kubernetes.io/revision": "1"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment["metadata"]["name"],
                             "uid": deployment["metadata"]["uid"], "controller": True}]}}


def with_replica_sets(events):
    deployments, pods, told, listed = {}, {}, {}, False
    for event in events:
        at, what, *rest = event
        yield event
        if what == "list" and rest[0] in ("deployments", "pods"):
            known = deployments if rest[0] == "deployments" else pods
            known.clear()
            known.update((name_of(thing), thing) for thing in rest[1])
            if rest[0] == "deployments":
                told, listed = {}, True
                yield at, "list", "replicasets", []
        elif what == "ended" and rest[0] == "deployments":
            listed = False
            yield at, "ended", "replicasets"
        elif what in ("added", "deleted") and rest[0] in ("deployments", "pods"):
            known = deployments if rest[0] == "deployments" else pods
            known.pop(name_of(rest[1]), None)
            if what == "added":
                known[name_of(rest[1])] = rest[1]
            elif rest[0] == "deployments":
                for name, one in list(told.items()):
                    if controller_of(one)["uid"] == rest[1]["metadata"]["uid"]:
                        yield at, "deleted", "replicasets", told.pop(name)
        for pod in pods.values() if listed else ():
            owner = controller_of(pod)
            one = _replica_set(owner, pod, deployments) if owner["kind"] == "ReplicaSet" else None
            if one and name_of(one) not in told:
                told[name_of(one)] = one
                yield at, "added", "replicasets", one


# What is true

class Truth:
    """Of each gate: usable; unusable; silent, as nobody has written since the API server is back what would make it
    usable (its kubelet is a part of MicroShift); untold, as the API server does not answer, or does not say it."""

    def __init__(self, boot_id):
        self.boot_id, self.told = boot_id, False
        self.api, self.alive, self.listed = "away", set(), set()
        self.things = {kind: {} for kind in KINDS}

    def feed(self, event):
        what, *rest = event[1:]
        if what == "api":
            self.api = rest[0]
            self.told = self.told and self.api == "ready"
        elif what == "alive":
            self.alive = (self.alive | rest[0]) - rest[1]
        elif what == "ended":
            self.listed.discard(rest[0])
        elif what == "list":
            self.things[rest[0]] = {name_of(thing): thing for thing in rest[1]}
            self.listed.add(rest[0])
        elif what in ("added", "deleted"):
            old = self.things[rest[0]].pop(name_of(rest[1]), None)
            if what == "added":
                self.things[rest[0]][name_of(rest[1])] = rest[1]
                self.told = self.told or (self.api == "ready" and rest[0] == "nodes" and self._wrote(old, rest[1]))

    @staticmethod
    def _wrote(old, new):
        return (not old or old["status"]["nodeInfo"]["bootID"] != new["status"]["nodeInfo"]["bootID"]
                or ready_of(old).get("lastHeartbeatTime") != ready_of(new).get("lastHeartbeatTime"))

    def gates(self):
        found = {gate: self._all(self._workload(*w) for w in workloads) for gate, workloads in GATES.items()}
        return dict(found, api="usable" if self.api == "ready" else "untold", node=self._node())

    @staticmethod
    def _all(values):
        values = list(values)
        return next((v for v in ("unusable", "untold", "silent") if v in values), "usable")

    def _known(self, *kinds):
        return self.api == "ready" and self.listed.issuperset(kinds)

    def _node(self):
        if not self._known("nodes"):
            return "untold"
        node = next(iter(self.things["nodes"].values()), None)
        if (not node or node["status"]["nodeInfo"]["bootID"] != self.boot_id or ready_of(node)["status"] != "True"
                or node["metadata"].get("deletionTimestamp")):
            return "unusable"
        return "usable" if self.told else "silent"

    def _workload(self, kind, name):
        workload = self.things[kind].get(name)
        pods = list(self._pods(kind, workload)) if workload else []
        ready = [pod for pod in pods if self._is_ready(pod)]
        alive = [pod for pod in ready if self._is_alive(pod)]
        if not workload and self._known(kind):
            return "unusable"
        if not self._known("nodes", "pods", kind):
            # The processes are there to be seen.
            return "unusable" if ready and not alive else "untold"
        if not self.things["nodes"]:
            return "untold"
        return ("usable" if self.told else "silent") if alive else "unusable"

    def _pods(self, kind, workload):
        uid = workload["metadata"]["uid"]
        for pod in self.things["pods"].values():
            owner = controller_of(pod)
            if kind == "deployments":
                owner = next((controller_of(s) for s in self.things["replicasets"].values()
                              if s["metadata"]["uid"] == owner["uid"]), owner)
            if owner["uid"] == uid and not pod["metadata"].get("deletionTimestamp"):
                yield pod

    @staticmethod
    def _statuses(pod):
        """Of the containers that have to run."""
        status = pod.get("status", {})
        told = {c["name"]: c for c in status.get("containerStatuses", []) + status.get("initContainerStatuses", [])}
        lasting = [c for c in pod["spec"].get("initContainers", []) if c.get("restartPolicy") == "Always"]
        return [told.get(c["name"], {}) for c in pod["spec"]["containers"] + lasting]

    def _is_ready(self, pod):
        return (pod["status"].get("phase") == "Running" and ready_of(pod)["status"] == "True"
                and all("running" in c.get("state", {}) and c.get("containerID") for c in self._statuses(pod)))

    def _is_alive(self, pod):
        return all(short(c["containerID"]) in self.alive for c in self._statuses(pod))


class Gate:
    """The state that follows from the truth and from the default times: open at once, lost when unusable for the
    hold, open again after as long of the contrary."""

    def __init__(self):
        self.state, self.truth = "waiting", "untold"
        self.usable_for = self.unusable_for = self.untold_for = 0

    def due(self):
        """Milliseconds to the next change of state, where the truth stays as it is."""
        if self.state == "lost" and self.truth == "usable":
            return HOLD - self.usable_for
        if self.state in ("ready", "unknown") and self.truth == "unusable":
            return HOLD - self.unusable_for
        if self.state == "ready" and self.truth in ("silent", "untold"):
            return GRACE - self.untold_for
        return None

    def passes(self, milliseconds):
        if self.truth == "usable":
            self.usable_for += milliseconds
        elif self.truth == "unusable":
            self.unusable_for += milliseconds
        else:
            self.untold_for += milliseconds
        if self.due() is not None and self.due() <= 0:
            self.state = {"usable": "ready", "unusable": "lost"}.get(self.truth, "unknown")

    def turns(self, truth):
        self.truth = truth
        if truth == "usable":
            self.unusable_for = self.untold_for = 0
            self.state = "ready" if self.state in ("waiting", "unknown") else self.state
        else:
            self.usable_for = 0
            if truth == "unusable":
                self.untold_for = 0


def verdict_of(states, was_ready):
    if not was_ready:
        return "ready" if set(states) == {"ready"} else "waiting"
    return next((s for s in ("lost", "unknown", "waiting") if s in states), "ready")


# The story

def _dump(value):
    return json.dumps(value, separators=(",", ":"))


def _without_version(thing):
    thing = trim(thing)
    thing["metadata"].pop("resourceVersion")
    return thing


class Parts:
    """What occurs twice is told once, as "= NUMBER TEXT", and stands for itself as @NUMBER@."""

    def __init__(self, things):
        self.count, self.numbers = collections.Counter(), {}
        for thing in things:
            self._see(thing)

    def _see(self, value):
        if not isinstance(value, (dict, list)):
            return
        text = _dump(value)
        self.count[text] += 1
        if self.count[text] == 1:
            for inner in value.values() if isinstance(value, dict) else value:
                self._see(inner)

    def put(self, value, out):
        if isinstance(value, dict):
            text = "{" + ",".join(f"{_dump(k)}:{self.put(v, out)}" for k, v in value.items()) + "}"
        elif isinstance(value, list):
            text = "[" + ",".join(self.put(v, out) for v in value) + "]"
        else:
            return _dump(value)
        whole = _dump(value)
        if self.count[whole] < 2 or len(whole) <= 40:
            return text
        if whole not in self.numbers:
            self.numbers[whole] = len(self.numbers) + 1
            out.append(f"= {self.numbers[whole]} {text}")
        return f"@{self.numbers[whole]}@"


class Story:
    """What was recorded, told after the story of the recording before, where that is of the same boot."""

    def __init__(self, folder, after=None, host_name=None):
        self.name, self.after = folder.name, after
        events = events_of(folder)
        self.looked = any(event[1] == "alive" for event in _timeline(folder))
        nodes = [n for e in events if e[1] in ("added", "list") and e[2] == "nodes"
                 for n in (e[3] if e[1] == "list" else [e[3]])]
        # Its last version: only the kubelet of the boot that was recorded can have written that boot ID.
        newest = max(nodes, key=lambda node: int(node["metadata"]["resourceVersion"]))
        info = newest["status"]["nodeInfo"]
        self.host = [info["bootID"], info["machineID"], host_name or newest["metadata"]["name"]]
        self.events = list(with_replica_sets(asked_when_ready(begun_at_once(events) if after else events)))
        self.parts = Parts(_without_version(thing) for e in self.events if e[1] in ("added", "list")
                           for thing in (e[3] if e[1] == "list" else [e[3]]))
        if after:
            after.told("")
            self.truth, self.gates, self.was_ready = after.truth, after.gates, after.was_ready
            self.truth.alive = set()
            for gate in self.gates.values():
                gate.passes(BETWEEN)
        else:
            self.truth, self.was_ready = Truth(self.host[0]), False
            self.gates = {gate: Gate() for gate in GATES}
        self.stated = self._states()

    def told(self, title):
        now = 0
        lines = ["# Told by tests/node/convert-recording; the verbs are explained in test-ready-recording.c.",
                 f"# {title}."]
        if not self.looked:
            lines.append("# Nobody looked at the processes: a container that was not in the first listing lives while "
                         "a status says so.")
        lines.append(" ".join(["0.000 host", *self.host]))
        if self.after:
            lines.append(f"0.000 after {self.after.name}.txt")
        for at, events in itertools.groupby(self.events, key=lambda e: e[0]):
            now = self._pass(lines, now, at)
            for event in events:
                lines += self._lines_of(event)
                self.truth.feed(event)
            turned = {n: value for n, value in self.truth.gates().items() if value != self.gates[n].truth}
            for name, value in turned.items():
                self.gates[name].turns(value)
            if turned:
                lines.append(f"{at / 1000:.3f} truth " + " ".join(f"{n}={v}" for n, v in turned.items()))
            self._tell_states(lines, at)
        return "\n".join(lines) + "\n"

    def _pass(self, lines, now, then):
        while now < then:
            due = min([then - now] + [g.due() for g in self.gates.values() if g.due() is not None])
            now += due
            for gate in self.gates.values():
                gate.passes(due)
            if now < then:
                self._tell_states(lines, now)
        return now

    def _states(self):
        states = {name: gate.state for name, gate in self.gates.items()}
        states["verdict"] = verdict_of([states[name] for name in REQUIRED], self.was_ready)
        return states

    def _tell_states(self, lines, now):
        states = self._states()
        changed = [f"{name}={state}" for name, state in states.items() if state != self.stated[name]]
        if changed:
            lines.append(f"{now / 1000:.3f} state {' '.join(changed)}")
        self.was_ready = self.was_ready or states["verdict"] == "ready"
        self.stated = states

    def _lines_of(self, event):
        at, what, *rest = event
        when, out = f"{at / 1000:.3f}", []
        if what == "list":
            out.append(f"{when} list {rest[0]}")
            for thing in rest[1]:
                out += self._lines_of((at, "added", rest[0], thing))
            out.append(f"{when} listed {rest[0]}")
        elif what == "added":
            text = self.parts.put(_without_version(rest[1]), out)
            out.append(f"{when} added {rest[0]} {name_of(rest[1])} {rest[1]['metadata']['resourceVersion']} {text}")
        elif what == "deleted":
            out.append(f"{when} deleted {rest[0]} {name_of(rest[1])}")
        elif what == "alive":
            changes = [sign + ",".join(sorted(ids)) for sign, ids in zip("+-", rest) if ids]
            out += [f"{when} alive {' '.join(changes)}"] if changes else []
        else:
            out.append(" ".join([when, what, *rest]))
        return out
