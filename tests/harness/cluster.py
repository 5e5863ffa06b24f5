# SPDX-License-Identifier: Apache-2.0
"""A real kube-apiserver with etcd on loopback, without controllers and without a kubelet."""

import base64
import http.client
import json
import os
import pathlib
import signal
import ssl
import subprocess
import urllib.parse

from . import process

PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}


def assets(release="current", *parts):
    """The folder with the parts of Kubernetes; builds those that are absent, which takes minutes."""
    command = [str(process.REPOSITORY / "tests/cluster/build-assets")]
    if release == "old":
        command.append("--old")
    done = subprocess.run(command + list(parts), check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(done.stdout.strip().splitlines()[-1])


class ApiError(Exception):
    def __init__(self, status, body, what):
        self.status = status
        self.body = body
        super().__init__(f"{what}: HTTP {status}: {body[:500]}")


class Rest:
    """The API over one kept connection. Objects are plain dicts, paths are the API's."""

    def __init__(self, port, context, host="127.0.0.1", server_name="localhost"):
        self.address = (host, port)
        self.context = context
        self.server_name = server_name
        self.connection = None

    def _connect(self, timeout=30):
        connection = http.client.HTTPSConnection(*self.address, context=self.context, timeout=timeout)
        connection.connect()
        return connection

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def request(self, method, path, body=None, content_type="application/json"):
        """Returns status and text. A connection that the server closed while idle is opened once again."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = content_type
        for attempt in (1, 2):
            kept = self.connection is not None
            try:
                if not kept:
                    self.connection = self._connect()
                self.connection.request(method, path, data, headers)
                response = self.connection.getresponse()
                return response.status, response.read().decode()
            except (OSError, http.client.HTTPException):
                self.close()
                if not kept or attempt == 2:
                    raise
        raise AssertionError("not reached")

    def _object(self, method, path, body=None, content_type="application/json"):
        status, text = self.request(method, path, body, content_type)
        if status >= 300:
            raise ApiError(status, text, f"{method} {path}")
        return json.loads(text)

    def get(self, path):
        return self._object("GET", path)

    def list(self, path):
        return self.get(path)["items"]

    def create(self, path, obj):
        return self._object("POST", path, obj)

    def put(self, path, obj):
        return self._object("PUT", path, obj)

    def patch(self, path, change, kind="merge"):
        return self._object("PATCH", path, change, PATCH_TYPES[kind])

    def patch_status(self, path, change, kind="merge"):
        return self.patch(path + "/status", {"status": change}, kind)

    def delete(self, path, grace=0):
        return self._object(
            "DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": grace}
        )

    def watch(self, path, timeout=30, **query):
        """Yields each event of a watch, on a connection of its own."""
        query.setdefault("watch", "1")
        connection = self._connect(timeout)
        try:
            connection.request("GET", path + "?" + urllib.parse.urlencode(query))
            response = connection.getresponse()
            if response.status != 200:
                raise ApiError(response.status, response.read().decode(), f"watch {path}")
            while True:
                line = response.readline()
                if not line:
                    return
                yield json.loads(line)
        finally:
            connection.close()


class Pki:
    """A throw-away CA with what it signs. Elliptic curves: a key takes milliseconds."""

    CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    def __init__(self, folder, name="test-ca"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca = self.folder / "ca.crt"
        process.openssl(
            self.folder,
            "req",
            "-x509",
            *self.CURVE,
            "-days",
            "3650",
            "-keyout",
            "ca.key",
            "-out",
            "ca.crt",
            "-subj",
            f"/CN={name}",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        )

    def sign(self, name, subject, extensions, days=365):
        """Makes NAME.crt and NAME.key; returns their paths."""
        # As RFC 5280 requires; Python insists on it from 3.13 on.
        identifiers = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        (self.folder / f"{name}.ext").write_text(identifiers + extensions + "\n")
        request = ["-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject]
        process.openssl(self.folder, "req", *self.CURVE, *request)
        process.openssl(
            self.folder,
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            str(days),
            "-out",
            f"{name}.crt",
            "-extfile",
            f"{name}.ext",
        )
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    def server(
        self, name="server", names=("localhost", "kubernetes.default.svc"), addresses=("127.0.0.1", "::1")
    ):
        alternatives = [f"DNS:{n}" for n in names] + [f"IP:{a}" for a in addresses]
        return self.sign(name, f"/CN={name}", "subjectAltName=" + ",".join(alternatives))

    def client(self, user, groups=(), days=365):
        subject = "".join(f"/O={g}" for g in groups) + f"/CN={user}"
        return self.sign(
            "client-" + user.replace(":", "-").replace("/", "-"),
            subject,
            "extendedKeyUsage=clientAuth",
            days,
        )


def kubeconfig_text(server, ca=None, certificate=None, key=None, token=None):
    """A kubeconfig as MicroShift writes one: everything inline, one context."""

    def inline(path):
        return base64.b64encode(pathlib.Path(path).read_bytes()).decode()

    lines = ["apiVersion: v1", "clusters:", "- cluster:"]
    if ca:
        lines.append(f"    certificate-authority-data: {inline(ca)}")
    lines += [
        f"    server: {server}",
        "  name: microshift",
        "contexts:",
        "- context:",
        "    cluster: microshift",
        "    namespace: default",
        "    user: user",
        "  name: microshift",
        "current-context: microshift",
        "kind: Config",
        "preferences: {}",
        "users:",
        "- name: user",
        "  user:",
    ]
    if certificate:
        lines += [
            f"    client-certificate-data: {inline(certificate)}",
            f"    client-key-data: {inline(key)}",
        ]
    if token:
        lines.append(f"    token: {token}")
    if not certificate and not token:
        lines[-1] = "  user: {}"
    return "\n".join(lines) + "\n"


class Cluster(process.Context):
    """with Cluster() as cluster: ... cluster.kubeconfig, cluster.admin

    release: "current", or "old" for 1.28. args: flags of kube-apiserver beyond the usual ones, by name;
    None takes a usual one away. Not started until start() or `with`.
    """

    def __init__(self, release="current", args=None, assets_folder=None):
        self.assets = pathlib.Path(assets_folder) if assets_folder else assets(release)
        self._folder = process.Folder()
        self.folder = self._folder.path
        self.port = process.free_port()
        self.etcd_port = process.free_port()
        self.etcd_peer_port = process.free_port()
        self.args = dict(args or {})
        self.etcd = None
        self.apiserver = None
        self.pki = Pki(self.folder / "pki", "microshift-ca")
        self.pki.server()
        self.admin_certificate, self.admin_key = self.pki.client("system:admin", ["system:masters"])
        process.openssl(self.pki.folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key")
        process.openssl(self.pki.folder, "ec", "-in", "sa.key", "-pubout", "-out", "sa.pub")
        self.kubeconfig = self.folder / "kubeconfig"
        self.write_kubeconfig(self.kubeconfig)
        self.admin = Rest(self.port, self.context())

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    def context(self, certificate=None, key=None):
        """For http.client: trusts this cluster's CA; shows the administrator's certificate by default."""
        context = ssl.create_default_context(cafile=str(self.pki.ca))
        context.load_cert_chain(str(certificate or self.admin_certificate), str(key or self.admin_key))
        return context

    def write_kubeconfig(self, path, user=None, groups=(), server=None, ca=None, mode=0o600):
        """Writes PATH for the administrator, or for USER in GROUPS, and returns it."""
        certificate, key = (
            self.pki.client(user, groups) if user else (self.admin_certificate, self.admin_key)
        )
        path = pathlib.Path(path)
        path.write_text(kubeconfig_text(server or self.url, ca or self.pki.ca, certificate, key))
        path.chmod(mode)
        return path

    def _apiserver_args(self):
        pki = self.pki.folder
        args = {
            "etcd-servers": f"http://127.0.0.1:{self.etcd_port}",
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": self.port,
            "service-cluster-ip-range": "10.43.0.0/16",
            "client-ca-file": pki / "ca.crt",
            "tls-cert-file": pki / "server.crt",
            "tls-private-key-file": pki / "server.key",
            "cert-dir": self.folder / "certs",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": pki / "sa.pub",
            "service-account-signing-key-file": pki / "sa.key",
            "authorization-mode": "RBAC",
            "allow-privileged": "true",
            # No controllers run here that would provide what these plugins ask for.
            "disable-admission-plugins": "ServiceAccount,DefaultStorageClass,TaintNodesByCondition",
            "endpoint-reconciler-type": "none",
            "profiling": "false",
            # A stop must not wait for watches to end by themselves.
            "shutdown-delay-duration": "0s",
            "shutdown-watch-termination-grace-period": "0s",
        }
        args.update(self.args)
        return [f"--{name}={value}" for name, value in args.items() if value is not None]

    def start_etcd(self):
        peer = f"http://127.0.0.1:{self.etcd_peer_port}"
        client = f"http://127.0.0.1:{self.etcd_port}"
        with open(self.folder / "etcd.log", "ab") as log:
            self.etcd = process.spawn(
                [
                    self.assets / "etcd",
                    "--data-dir",
                    self.folder / "etcd",
                    "--listen-client-urls",
                    client,
                    "--advertise-client-urls",
                    client,
                    "--listen-peer-urls",
                    peer,
                    "--initial-advertise-peer-urls",
                    peer,
                    "--initial-cluster",
                    f"default={peer}",
                    "--unsafe-no-fsync",
                    "--log-level",
                    "error",
                    # What the API server asks its watches for: without it bookmarks come every ten minutes.
                    "--watch-progress-notify-interval=5s",
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )

    def start(self, wait=True, timeout=60):
        """Starts the parts that do not run. etcd keeps its content."""
        if self.etcd is None or self.etcd.poll() is not None:
            self.start_etcd()
        with open(self.folder / "apiserver.log", "ab") as log:
            self.apiserver = process.spawn(
                [self.assets / "kube-apiserver", *self._apiserver_args()],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        if wait:
            self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout=60):
        def ready():
            for part, child in (("etcd", self.etcd), ("kube-apiserver", self.apiserver)):
                if child.poll() is not None:
                    raise AssertionError(f"{part} exited with {child.returncode}:\n{self.log(part)}")
            return self.admin.request("GET", "/readyz")[0] == 200

        process.eventually(ready, timeout, 0.02, "kube-apiserver's /readyz")

    def log(self, part="kube-apiserver", lines=20):
        name = "etcd.log" if part == "etcd" else "apiserver.log"
        return "\n".join((self.folder / name).read_text(errors="replace").splitlines()[-lines:])

    def stop(self):
        """Ends the API server as its own shutdown does; etcd stays."""
        self.admin.close()
        process.end(self.apiserver)

    def kill(self):
        """kill -9 of the API server; etcd stays."""
        self.admin.close()
        self.apiserver.kill()
        self.apiserver.wait()

    def restart(self, kill=False, **options):
        self.kill() if kill else self.stop()
        return self.start(**options)

    def pause(self):
        """SIGSTOP: the port answers, the server does not, as soon as its last thread has stopped."""
        self.apiserver.send_signal(signal.SIGSTOP)
        threads = pathlib.Path(f"/proc/{self.apiserver.pid}/task")
        process.eventually(lambda: all(") T " in stat.read_text() for stat in threads.glob("*/stat")), 10, 0.01)

    def resume(self):
        self.apiserver.send_signal(signal.SIGCONT)

    def kubectl(self, *words, check=True, timeout=60, **options):
        """Runs kubectl as the administrator; returns its CompletedProcess with text."""
        env = dict(os.environ, KUBECONFIG=str(self.kubeconfig), HOME=str(self.folder))
        return subprocess.run(
            [str(self.assets / "kubectl"), *map(str, words)],
            env=env,
            check=check,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def close(self):
        """Ends both by force: what they might still write is not needed."""
        self.admin.close()
        process.end(self.apiserver, how=signal.SIGKILL)
        process.end(self.etcd, how=signal.SIGKILL)
        self._folder.clean()
