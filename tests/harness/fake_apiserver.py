# SPDX-License-Identifier: Apache-2.0
"""An API server that does what it is told: it lies, stalls, cuts, refuses, and records what it was asked.

    with FakeApiServer() as server:
        server.put({"kind": "Node", "metadata": {"name": "edge"}})
        server.cue("list", "pods", times=2, **fake_cues.too_many(retry_after=1))
        server.cue("watch", "nodes", cut_after=700, how="reset")
        ... Daemon(kubeconfig=server.kubeconfig) ...
        assert server.asked("readyz")

Left alone it behaves as a kube-apiserver: lists in pages, watches with resume, WatchList with its end mark,
bookmarks, 410, merge patches. `server.rest` is the administrator's connection, for harness.fakekubelet and
harness.guide. HTTP/1.1 over TLS from Python's own library, a thread per connection.
"""

import base64
import collections
import json
import pathlib
import re
import socket
import ssl
import struct
import threading
import time

from . import cluster as _cluster
from . import fake_cues, fake_http, fake_pki, process
from .fake_cues import NO_CUE, Cue, status_object
from .fake_http import Ended
from .fake_store import Gone, Resource, Selector, Store, TooLarge

PUBLIC = ("/readyz", "/livez", "/healthz", "/version")


class Stream:
    """An open watch. Its own thread carries out what the test tells it, in order."""

    def __init__(self, server, request):
        self.server = server
        self.request = request
        self.resource = request.plural
        self.sent = 0  # events, bookmarks too
        self.commands = collections.deque()

    def _say(self, *command):
        with self.server.store.changed:
            self.commands.append(command)
            self.server.store.changed.notify_all()

    def raw(self, data):
        """These bytes as they are, in the middle of the body."""
        self._say("raw", data)

    def event(self, kind, obj):
        self.raw(json.dumps({"type": kind, "object": obj}).encode() + b"\n")

    def error(self, code=410, reason="Expired", message="too old resource version: 1 (2)"):
        self.event("ERROR", status_object(code, reason, message))

    def bookmark(self):
        self._say("bookmark")

    def end(self, how="clean"):
        """clean: as at timeoutSeconds. Else as `how` of a cue: close, eof, reset, stall."""
        self._say("end", how)


class FakeApiServer(process.Context):
    """address: where to listen; names: of the certificate. require_certificate: TLS itself insists on one.

    Attributes that may be set at any time:
      ready: what /readyz says; not_ready: the checks it then names.
      closed_until_ready: as MicroShift does, all but health answers 503 until /readyz has been 200 once.
      watch_list: "on"; "off" (422, the feature gate), "old" (422, before 1.27), "storage" (200, then ERROR 500),
        "ignored" (200 and ADDED, and never an end mark).
      unasked_end_marks: plain watches without a version get an end mark too.
      bookmark_interval: seconds. accept_certificates, tokens: who is let in. forbidden: plurals that are 403.
      split: how answers are written: None whole, 1 byte by byte, N in pieces of N bytes.
      version: what /version says.
    """

    def __init__(self, address="127.0.0.1", names=("localhost",), require_certificate=False, port=None, folder=None):
        self._folder = None if folder else process.Folder()
        self.folder = pathlib.Path(folder or self._folder.path)
        self.address = address
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.port = port or process.free_port(self.family, address)
        self.store = Store()
        self.pki = fake_pki.Pki(self.folder / "pki", names)
        self.require_certificate = require_certificate
        self.certificate = "good"

        self.ready = True
        self.not_ready = ("poststarthook/rbac/bootstrap-roles",)
        self.closed_until_ready = False
        self.has_been_ready = False
        self.watch_list = "on"
        self.unasked_end_marks = False
        self.bookmark_interval = 60.0
        self.accept_certificates = True
        self.tokens = {}
        self.forbidden = set()
        self.split = None
        self.version = "v1.36.3"

        self.requests = []
        self.cues = []
        self.streams = []
        self.connections = {}
        self.drops = []  # how, of each drop_connections()
        self.handshake_errors = []
        self.pages = {}
        self.running = True
        self.flowing = threading.Event()
        self.flowing.set()
        self.listener = None
        self.others = []
        self.lock = threading.Lock()
        self.kubeconfig = self.write_kubeconfig(self.folder / "kubeconfig")
        self.rest = _cluster.Rest(self.port, self.admin_context(), host=address, server_name=names[0])

    # Life

    @property
    def url(self):
        host = f"[{self.address}]" if self.family == socket.AF_INET6 else self.address
        name = "localhost" if self.address in ("127.0.0.1", "::1") else host
        return f"https://{name}:{self.port}"

    def admin_context(self):
        context = ssl.create_default_context(cafile=str(self.pki.ca))
        context.check_hostname = False
        context.load_cert_chain(*map(str, self.pki.client))
        return context

    def write_kubeconfig(self, path, server=None, certificate=True, token=None, ca=None):
        """Writes a kubeconfig for this server, as MicroShift would; returns its path."""
        pair = self.pki.client if certificate else (None, None)
        path = pathlib.Path(path)
        path.write_text(_cluster.kubeconfig_text(server or self.url, ca or self.pki.ca, *pair, token))
        path.chmod(0o600)
        return path

    def start(self):
        self.open_port()
        threading.Thread(target=self._accept, args=(lambda: self.listener,), daemon=True).start()
        return self

    def listen_also(self, listener):
        """Serves the connections of this socket too, perhaps of another network; it is closed with the server."""
        listener.settimeout(0.1)
        self.others.append(listener)
        threading.Thread(target=self._accept, args=(lambda: listener,), daemon=True).start()

    def close(self):
        self.running = False
        self.flowing.set()
        self.close_port()
        for listener in self.others:
            listener.close()
        self.drop_connections("reset")
        with self.store.changed:
            self.store.changed.notify_all()
        self.rest.close()
        if self._folder:
            self._folder.clean()

    # What a test plays

    def put(self, obj):
        return self.store.put(obj)

    def delete(self, what, namespace="", name=None):
        self.store.delete(what, namespace, name)

    def register(self, api_version, plural, kind, namespaced=True):
        """A CRD appears."""
        return self.store.register(Resource(api_version, plural, kind, namespaced))

    def unregister(self, plural):
        """A CRD goes, and the watches of its objects end."""
        self.store.unregister(self.store.resource_of(plural))
        self.end_streams("clean", plural)

    def cue(self, what=None, resource=None, times=1, match=None, **answer):
        """The next `times` requests of that sort (what: readyz, version, list, watch, get, write; resource: a
        plural; match: a question to the request) are answered so:

          status, body (text, bytes or an object), headers, content_type: instead of the usual answer
          delay: seconds before it; until: an Event that is waited for before it. gzip: compressed, asked for or not
          cut_after: after so many bytes of the answer, status line and chunk sizes counted, the connection ends;
          how: "close" (TLS and TCP end well), "eof" (TCP only), "reset", "stall" (it stays, nothing more comes)
          split: bytes per write
          error: a watch is answered with 200 and this Status in an ERROR event
          no_end_mark: a WatchList without its mark
          lines: a watch is answered with 200 and the bytes that this iterable gives
        """
        made = Cue(what, resource, times, match, answer)
        with self.lock:
            self.cues.append(made)
        return made

    def clear_cues(self):
        with self.lock:
            self.cues.clear()

    def asked(self, what=None, resource=None, since=0):
        """The requests of that sort, oldest first."""
        with self.lock:
            return [
                r for r in self.requests[since:] if what in (None, r.what) and resource in (None, r.plural)
            ]

    def mark(self):
        """The number of requests so far, for `since`."""
        with self.lock:
            return len(self.requests)

    def expect(self, what=None, resource=None, count=1, timeout=10, since=0):
        """Waits until it was asked so often, and returns the requests."""

        def enough():
            found = self.asked(what, resource, since)
            return found if len(found) >= count else None

        return process.eventually(enough, timeout, 0.005, f"{count} x {what} {resource}; asked: {self.requests[-20:]}")

    def open_streams(self, resource=None):
        with self.store.changed:
            return [s for s in self.streams if resource in (None, s.resource)]

    def expect_streams(self, resource=None, count=1, timeout=10):
        """Waits for so many open watches."""

        def enough():
            found = self.open_streams(resource)
            return found if len(found) >= count else None

        return process.eventually(enough, timeout, 0.005, f"{count} watches of {resource}")

    def expect_new_stream(self, resource, known, timeout=10):
        """Waits for an open watch that is none of the known ones, which may close meanwhile."""
        return process.eventually(
            lambda: next((s for s in self.open_streams(resource) if s not in known), None),
            timeout,
            0.005,
            f"a new watch of {resource}",
        )

    def end_streams(self, how="clean", resource=None):
        for stream in self.open_streams(resource):
            stream.end(how)

    def bookmark(self, resource=None):
        for stream in self.open_streams(resource):
            stream.bookmark()

    def use_certificate(self, which):
        """good, expired, early (not yet valid), other-ca, other-name: from the next handshake on."""
        self.pki.server(which)
        self.certificate = which

    def open_port(self):
        self.listener = socket.create_server((self.address, self.port), family=self.family, backlog=64)
        self.listener.settimeout(0.1)

    def close_port(self):
        """New connections are refused; open ones stay."""
        listener, self.listener = self.listener, None
        if listener:
            # A thread may be waiting in accept(): shutdown() refuses at once, close() alone only when the wait ends.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def drop_connections(self, how="reset"):
        with self.lock:
            # Also those that are about to be open: see _serve().
            self.drops.append(how)
            open_now = list(self.connections.values())
        for wire in open_now:
            wire.abort(how)
        with self.store.changed:
            self.store.changed.notify_all()

    def stop_serving(self, how="reset"):
        """The server is gone: port and connections."""
        self.close_port()
        self.drop_connections(how)

    def resume_serving(self):
        if not self.listener:
            self.open_port()

    def freeze(self):
        """As SIGSTOP: the kernel goes on accepting and acknowledging, but the server does not answer."""
        self.flowing.clear()

    def thaw(self):
        self.flowing.set()

    # Connections

    def _accept(self, which):
        while self.running:
            listener = which()
            if not listener or not self.flowing.is_set():
                time.sleep(0.01)
                continue
            try:
                peer, _ = listener.accept()
            except (socket.timeout, OSError):
                continue
            drops = len(self.drops)
            if which() is not listener:
                # The port was closed while this connection came.
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
                continue
            threading.Thread(target=self._serve, args=(peer, drops), daemon=True).start()

    def _server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, self.pki.server(self.certificate)))
        context.load_verify_locations(str(self.pki.ca))
        context.verify_mode = ssl.CERT_REQUIRED if self.require_certificate else ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _serve(self, peer, drops):
        """drops: how often connections had been dropped when this connection came."""
        try:
            context = self._server_context()
        except OSError:
            # Closed with its folder while a connection came.
            peer.close()
            return
        peer.settimeout(30)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            tls = context.wrap_socket(peer, server_side=True)
        except (OSError, ssl.SSLError, ValueError) as error:
            self.handshake_errors.append(error)
            peer.close()
            return
        tls.settimeout(None)
        wire = fake_http.Wire(tls, self.flowing)
        with self.lock:
            self.connections[id(wire)] = wire
            if len(self.drops) > drops:
                wire.abort(self.drops[drops])
        try:
            while self.running and not wire.closing:
                request = wire.read_request()
                if not request:
                    break
                self._dispatch(wire, request)
        except (Ended, OSError, ssl.SSLError, ValueError):
            pass
        finally:
            wire.drop("close")
            with self.lock:
                self.connections.pop(id(wire), None)

    def _classify(self, request):
        """Says what the request is: its verb, its resource, namespace and name."""
        request.what, request.plural, request.resource = "other", None, None
        path = request.path
        for name in ("readyz", "livez", "healthz", "version"):
            if path == "/" + name:
                request.what = name
        match = re.fullmatch(
            r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+/[^/]+))(?:/namespaces/(?P<namespace>[^/]+)(?=/))?"
            r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>status))?",
            path,
        )
        if not match:
            return
        api_version = match["core"] or match["group"]
        request.plural = match["plural"]
        request.resource = self.store.resources.get((api_version, match["plural"]))
        request.namespace = match["namespace"] or ""
        request.name = match["name"]
        if request.method != "GET":
            request.what = "write"
        elif request.name:
            request.what = "get"
        else:
            request.what = "watch" if request.query.get("watch") in ("1", "true") else "list"

    def _dispatch(self, wire, request):
        self._classify(request)
        with self.lock:
            self.requests.append(request)
            cue = next((c for c in self.cues if c.fits(request)), NO_CUE)
            if cue is not NO_CUE:
                cue.used += 1
        wire.begin_answer(cue.cut_after, cue.how or "close", cue.split or self.split)
        if cue.delay:
            time.sleep(cue.delay)
        while cue.until and self.running and not cue.until.wait(0.1):
            pass
        if request.method == "GET" and request.what == "watch" and (cue.error or cue.lines is not None):
            return self._scripted_watch(wire, request, cue)
        if cue.status:
            return self._answer(wire, request, cue.status, cue.body, cue.content_type, cue.headers, cue.gzip)
        return self._usual(wire, request, cue)

    def _answer(self, wire, request, status, body=b"", content_type=None, headers=None, gzip=False):
        request.status = status
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode() + b"\n"
        elif isinstance(body, str):
            body = body.encode()
        wire.answer(status, body or b"", content_type or "application/json", headers, gzip)

    def _refuse(self, wire, request, refusal):
        self._answer(
            wire, request, refusal["status"], refusal["body"], refusal.get("content_type"), refusal.get("headers")
        )

    # The usual answers

    def _may_not(self, request):
        """Why the server refuses the request before it looks at the resource, or None."""
        if "reject" == request.headers.get("x-openshift-internal-if-not-ready") and not self.has_been_ready:
            return fake_cues.too_many(5)
        if request.path in PUBLIC:
            return None
        if self.closed_until_ready and not self.has_been_ready:
            return fake_cues.unavailable()
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not (request.peer and self.accept_certificates) and token not in self.tokens:
            return fake_cues.unauthorized()
        if request.plural in self.forbidden:
            return fake_cues.forbidden(request.plural)
        return None

    def _usual(self, wire, request, cue):
        refusal = self._may_not(request)
        if refusal:
            return self._refuse(wire, request, refusal)
        if request.what in ("readyz", "livez", "healthz"):
            return self._health(wire, request)
        if request.what == "version":
            major, minor = self.version.lstrip("v").split(".")[:2]
            body = {"major": major, "minor": minor, "gitVersion": self.version, "platform": "linux/amd64"}
            return self._answer(wire, request, 200, body)
        if not request.resource:
            return self._refuse(wire, request, fake_cues.not_found())
        try:
            if request.what == "watch":
                return self._watch(wire, request, cue)
            if request.what == "list":
                return self._list(wire, request, cue)
            if request.what == "get":
                return self._get(wire, request, cue)
            return self._write(wire, request)
        except KeyError:
            message = f'{request.plural} "{request.name}" not found'
            return self._answer(wire, request, 404, status_object(404, "NotFound", message))

    def _health(self, wire, request):
        if self.ready or request.what == "livez":
            if request.what == "readyz":
                self.has_been_ready = True
            return self._answer(wire, request, 200, "ok", "text/plain; charset=utf-8")
        lines = ["[+]ping ok", "[+]etcd ok"]
        lines += [f"[-]{check} failed: reason withheld" for check in self.not_ready]
        return self._answer(wire, request, 500, "\n".join(lines + ["readyz check failed", ""]), "text/plain")

    def _get(self, wire, request, cue):
        obj = self.store.get(request.plural, request.namespace, request.name)
        if obj is None:
            raise KeyError(request.name)
        self._answer(wire, request, 200, obj, gzip=cue.gzip)

    def _selector(self, request):
        query = request.query
        return Selector(request.namespace, query.get("fieldSelector", ""), query.get("labelSelector", ""))

    def _list(self, wire, request, cue):
        query, resource = request.query, request.resource
        token, limit = query.get("continue"), int(query.get("limit") or 0)
        wanted = query.get("resourceVersion", "")
        if token:
            version, start = json.loads(base64.urlsafe_b64decode(token))
            items = self.pages.get((version, resource))
            if items is None:
                return self._refuse(wire, request, fake_cues.gone())
        else:
            if wanted.isdigit() and int(wanted) > self.store.version:
                body = status_object(
                    504,
                    "Timeout",
                    f"Too large resource version: {wanted}, current: {self.store.version}",
                    details={"causes": [{"reason": "ResourceVersionTooLarge"}], "retryAfterSeconds": 1},
                )
                return self._answer(wire, request, 504, body)
            version, items = self.store.list(resource, self._selector(request))
            start = 0
        metadata = {"resourceVersion": str(version)}
        page = items[start : start + limit] if limit else items[start:]
        if start + len(page) < len(items):
            self.pages[(version, resource)] = items
            metadata["continue"] = base64.urlsafe_b64encode(
                json.dumps([version, start + len(page)]).encode()
            ).decode()
            metadata["remainingItemCount"] = len(items) - start - len(page)
        body = {"kind": resource.kind + "List", "apiVersion": resource.api_version, "metadata": metadata}
        # Items of a list do not say what they are.
        body["items"] = [{k: v for k, v in o.items() if k not in ("kind", "apiVersion")} for o in page]
        self._answer(wire, request, 200, body, gzip=cue.gzip)

    def expire_pages(self):
        """Tokens of lists that were begun are too old from now on."""
        self.pages.clear()

    def _write(self, wire, request):
        body = json.loads(request.body) if request.body else {}
        resource, namespace, name = request.resource, request.namespace, request.name
        if request.method == "POST":
            body.setdefault("kind", resource.kind)
            body["apiVersion"] = resource.api_version
            if namespace:
                body["metadata"]["namespace"] = namespace
            if self.store.get(request.plural, namespace, body["metadata"]["name"]):
                return self._answer(wire, request, 409, status_object(409, "AlreadyExists", "it exists"))
            return self._answer(wire, request, 201, self.store.put(body, resource))
        if request.method == "PUT":
            return self._answer(wire, request, 200, self.store.put(body, resource))
        if request.method == "PATCH":
            return self._answer(wire, request, 200, self.store.patch(resource, namespace, name, body))
        if request.method == "DELETE":
            self.store.delete(request.plural, namespace, name)
            return self._answer(wire, request, 200, {"kind": "Status", "status": "Success"})
        return self._answer(wire, request, 405, status_object(405, "MethodNotAllowed", "no"))

    # Watches

    def _scripted_watch(self, wire, request, cue):
        request.status = 200
        wire.begin_chunks("application/json")
        if cue.error:
            wire.chunk(json.dumps({"type": "ERROR", "object": cue.error}).encode() + b"\n")
            return wire.end_chunks()
        for data in cue.lines:
            wire.chunk(data)
        stream = self._open_stream(request)
        return self._follow(wire, stream, Selector(), None, None)

    def _watch(self, wire, request, cue):
        resource, query = request.resource, request.query
        version = query.get("resourceVersion", "")
        asks_for_list = query.get("sendInitialEvents") == "true"
        if asks_for_list and self.watch_list in ("off", "old"):
            what = {
                "off": 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList '
                "feature gate is enabled",
                "old": "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch",
            }[self.watch_list]
            message = f'ListOptions.meta.k8s.io "" is invalid: {what}'
            return self._answer(wire, request, 422, status_object(422, "Invalid", message))
        if asks_for_list and self.watch_list == "storage":
            message = (
                "a watch stream was requested by the client but the required storage feature "
                "RequestWatchProgress is disabled"
            )
            return self._scripted_watch(
                wire, request, Cue(None, None, None, None, {"error": status_object(500, "InternalError", message)})
            )

        selector = self._selector(request)
        initial = asks_for_list or version in ("", "0")
        # Before the first byte: a client that has the status line sees everything from then on.
        version, objects = self.store.list(resource, selector) if initial else (int(version), [])
        marked = asks_for_list and self.watch_list == "on" and not cue.no_end_mark
        stream = self._open_stream(request)
        request.status = 200
        try:
            wire.begin_chunks("application/json")
            for obj in objects:
                self._send(wire, stream, "ADDED", obj)
            if marked or (initial and self.unasked_end_marks):
                self._send(wire, stream, "BOOKMARK", resource.bookmark(version, end=True))
        except BaseException:
            self._close_stream(stream)
            raise
        return self._follow(wire, stream, selector, resource, version)

    def _open_stream(self, request):
        stream = Stream(self, request)
        with self.store.changed:
            self.streams.append(stream)
        return stream

    def _close_stream(self, stream):
        with self.store.changed:
            if stream in self.streams:
                self.streams.remove(stream)

    @staticmethod
    def _send(wire, stream, kind, obj):
        wire.chunk(json.dumps({"type": kind, "object": obj}).encode() + b"\n")
        stream.sent += 1

    def _follow(self, wire, stream, selector, resource, version):
        """Until the client or the test ends it: events as they happen, and what the test says in between."""
        query = stream.request.query
        now = time.monotonic()
        ends = now + float(query.get("timeoutSeconds") or 3600)
        # Events are not cached by an API server, and have no bookmarks.
        marks = resource and query.get("allowWatchBookmarks") in ("1", "true") and resource.plural != "events"
        next_mark = now + self.bookmark_interval if marks else None
        try:
            while self.running:
                with self.store.changed:
                    command = stream.commands.popleft() if stream.commands else None
                    events = []
                    if not command and resource:
                        try:
                            events = self.store.events_since(resource, selector, version)
                        except (Gone, TooLarge):
                            message = f"too old resource version: {version} ({self.store.compacted})"
                            self._send(wire, stream, "ERROR", status_object(410, "Expired", message))
                            return wire.end_chunks()
                    if not command and not events:
                        now = time.monotonic()
                        if now >= ends:
                            return wire.end_chunks()
                        if next_mark and now >= next_mark:
                            command, next_mark = ("bookmark",), now + self.bookmark_interval
                        else:
                            # A connection that the peer has closed is looked at now and then.
                            self.store.changed.wait(min(ends - now, (next_mark or ends) - now, 0.2))
                            if wire.is_abandoned():
                                raise Ended
                            continue
                for number, kind, obj in events:
                    self._send(wire, stream, kind, obj)
                    version = number
                if command and command[0] == "raw":
                    wire.chunk(command[1])
                elif command and command[0] == "bookmark" and marks:
                    version = max(version, self.store.version)
                    self._send(wire, stream, "BOOKMARK", resource.bookmark(version))
                elif command and command[0] == "end":
                    return wire.end_chunks() if command[1] == "clean" else wire.finish(command[1])
        finally:
            self._close_stream(stream)
        return None
