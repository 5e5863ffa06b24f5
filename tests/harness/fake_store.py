# SPDX-License-Identifier: Apache-2.0
"""The objects of a made-up cluster, with versions and a history, as an API server keeps them."""

import copy
import datetime
import itertools
import threading
import uuid


class Resource:
    def __init__(self, api_version, plural, kind, namespaced=True):
        self.api_version = api_version
        self.plural = plural
        self.kind = kind
        self.namespaced = namespaced

    @property
    def prefix(self):
        return ("/apis/" if "/" in self.api_version else "/api/") + self.api_version

    def path(self, namespace, name=None):
        middle = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return self.prefix + middle + "/" + self.plural + (f"/{name}" if name else "")

    def bookmark(self, version, end=False):
        """What a BOOKMARK holds: an empty object of the kind, as Go prints one."""
        metadata = {"resourceVersion": str(version), "creationTimestamp": None}
        if end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        made = {"kind": self.kind, "apiVersion": self.api_version, "metadata": metadata}
        if self.kind == "Pod":
            made.update(spec={"containers": None}, status={})
        return made


RESOURCES = (
    Resource("v1", "nodes", "Node", False),
    Resource("v1", "namespaces", "Namespace", False),
    Resource("v1", "pods", "Pod"),
    Resource("v1", "events", "Event"),
    Resource("v1", "configmaps", "ConfigMap"),
    Resource("v1", "secrets", "Secret"),
    Resource("apps/v1", "daemonsets", "DaemonSet"),
    Resource("apps/v1", "deployments", "Deployment"),
    Resource("apps/v1", "statefulsets", "StatefulSet"),
    Resource("apps/v1", "replicasets", "ReplicaSet"),
    Resource("coordination.k8s.io/v1", "leases", "Lease"),
)


class Gone(Exception):
    """The version asked for is not in the history any more."""


class TooLarge(Exception):
    """The version asked for is one that was never given."""


def field(obj, path):
    for name in path.split("."):
        obj = (obj or {}).get(name)
    return "" if obj is None else str(obj)


class Selector:
    """fieldSelector and labelSelector, as far as equality goes; KEY, !KEY and KEY in (A,B) for labels too."""

    def __init__(self, namespace="", fields="", labels=""):
        self.namespace = namespace
        self.fields = [self._equality(part) for part in fields.split(",") if part]
        self.labels = self._label_terms(labels)

    @staticmethod
    def _equality(part):
        for mark, wanted in (("!=", False), ("==", True), ("=", True)):
            if mark in part:
                key, value = part.split(mark, 1)
                return key.strip(), value.strip(), wanted
        raise ValueError(f"not a selector: {part}")

    @classmethod
    def _label_terms(cls, text):
        terms, depth, part = [], 0, ""
        for letter in text + ",":
            depth += (letter == "(") - (letter == ")")
            if letter == "," and depth == 0:
                if part.strip():
                    terms.append(cls._label_term(part.strip()))
                part = ""
            else:
                part += letter
        return terms

    @classmethod
    def _label_term(cls, part):
        for mark, wanted in ((" notin ", False), (" in ", True)):
            if mark in part:
                key, values = part.split(mark, 1)
                among = {v.strip() for v in values.strip().strip("()").split(",")}
                return lambda labels: (labels.get(key.strip()) in among) == wanted
        if "=" in part:
            key, value, wanted = cls._equality(part)
            return lambda labels: (labels.get(key) == value) == wanted
        if part.startswith("!"):
            return lambda labels: part[1:] not in labels
        return lambda labels: part in labels

    def matches(self, obj):
        if obj is None:
            return False
        metadata = obj["metadata"]
        if self.namespace and metadata.get("namespace") != self.namespace:
            return False
        if any((field(obj, key) == value) != wanted for key, value, wanted in self.fields):
            return False
        return all(term(metadata.get("labels") or {}) for term in self.labels)


def merge(target, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


class Store:
    """`changed` is notified with each change, and by the server when it has news for the streams."""

    def __init__(self):
        self.changed = threading.Condition(threading.RLock())
        self.version = 1000
        self.compacted = 1000
        self.history = []  # (version, resource, old, new)
        self.resources = {}
        self.objects = {}
        for resource in RESOURCES:
            self.register(resource)

    def register(self, resource):
        self.resources[(resource.api_version, resource.plural)] = resource
        self.objects.setdefault(resource, {})
        return resource

    def unregister(self, resource):
        """With its objects, and without a word of each."""
        with self.changed:
            del self.resources[(resource.api_version, resource.plural)]
            self.objects[resource].clear()

    def resource_of(self, what):
        """By object, by plural or by kind."""
        for resource in self.resources.values():
            if isinstance(what, dict):
                if resource.kind == what.get("kind") and resource.api_version == what.get("apiVersion", "v1"):
                    return resource
            elif what in (resource.plural, resource.kind):
                return resource
        raise KeyError(f"no such resource: {what}")

    @staticmethod
    def _key(obj):
        return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]

    def _record(self, resource, key, old, new):
        self.version += 1
        if new is not None:
            new["metadata"]["resourceVersion"] = str(self.version)
            self.objects[resource][key] = new
        else:
            old = copy.deepcopy(old)
            old["metadata"]["resourceVersion"] = str(self.version)
            del self.objects[resource][key]
        self.history.append((self.version, resource, old, new))
        self.changed.notify_all()

    def put(self, obj, resource=None):
        """Creates or replaces the object, with the fields that the API server adds; returns a copy."""
        resource = resource or self.resource_of(obj)
        new = copy.deepcopy(obj)
        new.setdefault("apiVersion", resource.api_version)
        new.setdefault("kind", resource.kind)
        metadata = new["metadata"]
        with self.changed:
            key = self._key(new)
            old = self.objects[resource].get(key)
            was = old["metadata"] if old else {}
            metadata.setdefault("uid", was.get("uid") or str(uuid.uuid4()))
            now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            metadata.setdefault("creationTimestamp", was.get("creationTimestamp") or now)
            if "spec" in new and "generation" not in metadata:
                same = bool(old) and old.get("spec") == new["spec"]
                metadata["generation"] = was.get("generation", 0) + (0 if same else 1)
            elif old and "generation" in was and old.get("spec") == new.get("spec"):
                metadata["generation"] = was["generation"]
            if resource.kind == "Pod":
                new.setdefault("status", {}).setdefault("phase", "Pending")
                new["status"].setdefault("qosClass", "Burstable")
            self._record(resource, key, old, new)
            return copy.deepcopy(new)

    def patch(self, resource, namespace, name, change):
        with self.changed:
            old = self.objects[resource][(namespace, name)]
            new = merge(old, change)
            if new.get("spec") != old.get("spec"):
                new["metadata"].pop("generation", None)
            return self.put(new, resource)

    def delete(self, what, namespace="", name=None):
        """delete(object), or delete("pods", namespace, name)."""
        resource = self.resource_of(what)
        key = self._key(what) if isinstance(what, dict) else (namespace, name)
        with self.changed:
            self._record(resource, key, self.objects[resource][key], None)

    def get(self, what, namespace="", name=None):
        """A copy, or None."""
        with self.changed:
            return copy.deepcopy(self.objects[self.resource_of(what)].get((namespace, name)))

    def list(self, resource, selector=None):
        """The version and the objects, in the order of etcd's keys."""
        with self.changed:
            found = [o for _, o in sorted(self.objects[resource].items())]
            return self.version, [copy.deepcopy(o) for o in found if selector is None or selector.matches(o)]

    def compact(self):
        """Forgets the history: a client that resumes gets 410."""
        with self.changed:
            self.history.clear()
            self.version += 1
            self.compacted = self.version

    def skip_versions(self, count):
        """As if a lot had happened elsewhere in etcd. Negative: as if it was restored from a backup."""
        with self.changed:
            self.version += count
            if count < 0:
                self.history.clear()
                self.compacted = self.version

    def events_since(self, resource, selector, version):
        """[(version, type, object)], as a watch with that selector sees them. Objects that move in or out of
        the selector are ADDED and DELETED."""
        with self.changed:
            if version < self.compacted:
                raise Gone
            if version > self.version:
                raise TooLarge
            made = []
            # The newest stand last; a watch that keeps up looks at few.
            later = itertools.takewhile(lambda entry: entry[0] > version, reversed(self.history))
            for number, where, old, new in reversed(list(later)):
                if where is not resource:
                    continue
                before, after = selector.matches(old), selector.matches(new)
                if after:
                    made.append((number, "MODIFIED" if before else "ADDED", new))
                elif before:
                    gone = copy.deepcopy(new or old)
                    gone["metadata"]["resourceVersion"] = str(number)
                    made.append((number, "DELETED", gone))
            return made
