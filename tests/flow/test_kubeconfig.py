# SPDX-License-Identifier: Apache-2.0
"""Kubeconfigs as other distributions and administrators write them, and what is not supported."""

import errno
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest

from harness import guide, mounts, process
from harness.fake_apiserver import FakeApiServer


def parts(edge):
    """The fields of the server's own kubeconfig, by name."""
    fields = {}
    for line in pathlib.Path(edge.server.kubeconfig).read_text().splitlines():
        key, _, value = line.strip().removeprefix("- ").partition(": ")
        if value:
            fields.setdefault(key, value)
    return fields


def write(path, cluster, user, contexts=(("main", "here", "me"),), current="main"):
    """cluster, user: fields. contexts: (name, cluster, user)."""
    lines = ["apiVersion: v1", "kind: Config", f"current-context: {current}"]
    lines += ["clusters:", "- name: here", "  cluster:"]
    lines += [f"    {key}: {value}" for key, value in cluster.items()]
    lines += ["- name: elsewhere", "  cluster: {server: 'https://127.0.0.1:1'}", "users:", "- name: me", "  user:"]
    lines += [f"    {key}: {value}" for key, value in user.items()]
    lines += ["contexts:"]
    lines += [f"- {{name: {name}, context: {{cluster: {c}, user: {u}}}}}" for name, c, u in contexts]
    path.write_text("\n".join(lines) + "\n")
    return path


def trust(edge, **more):
    fields = parts(edge)
    return {
        "server": fields["server"],
        "certificate-authority-data": fields["certificate-authority-data"],
        **more,
    }


def certificate(edge):
    fields = parts(edge)
    return {key: fields[key] for key in ("client-certificate-data", "client-key-data")}


def message(edge):
    blockers = edge.daemon.gate("api")["blockers"]
    return f"{blockers[0]['reason']}: {blockers[0].get('message')}" if blockers else ""


def test_files_beside_it(edge, tmp_path):
    """Relative paths start at the kubeconfig's folder, whatever the daemon's working folder is."""
    pki = edge.server.pki
    pair = pki.client
    folder = tmp_path / "kube"
    folder.mkdir()
    for name, source in (("ca.crt", pki.ca), ("me.crt", pair[0]), ("me.key", pair[1])):
        (folder / name).write_bytes(pathlib.Path(source).read_bytes())
    path = write(
        folder / "config",
        {"server": parts(edge)["server"], "certificate-authority": "ca.crt"},
        {"client-certificate": "me.crt", "client-key": "me.key"},
    )
    edge.up()
    edge.start(kubeconfig=path)
    edge.expect_ready()


def test_token_file_is_swapped(edge, tmp_path):
    """Projected tokens change by a link that is swapped; the new one counts without a restart."""
    folder = tmp_path / "projected"
    for generation, token in (("1", "first"), ("2", "second")):
        (folder / generation).mkdir(parents=True)
        (folder / generation / "token").write_text(token)
    (folder / "..data").symlink_to("1")
    (folder / "token").symlink_to("..data/token")
    edge.server.tokens["first"] = "system:admin"
    path = write(tmp_path / "config", trust(edge), {"tokenFile": folder / "token"})
    edge.up()
    edge.start(kubeconfig=path)
    edge.expect_ready()

    edge.server.tokens = {"second": "system:admin"}
    (folder / "..new").symlink_to("2")
    os.rename(folder / "..new", folder / "..data")
    edge.server.drop_connections("reset")
    edge.expect_settled()
    process.eventually(lambda: edge.kubelet.renew_lease() and not edge.reasons("dns"), 15, 0.3)
    assert edge.daemon.verdict() == "ready"


def test_context_is_chosen(edge, tmp_path):
    contexts = (("wrong", "elsewhere", "me"), ("right", "here", "me"))
    path = write(tmp_path / "config", trust(edge), certificate(edge), contexts, "wrong")
    edge.up()
    edge.start(kubeconfig=path, config={"Cluster": {"Context": "right"}})
    edge.expect_ready()


def test_context_that_is_not_there_is_told_with_its_line(edge, tmp_path):
    path = write(tmp_path / "config", trust(edge), certificate(edge))
    edge.start({"Cluster": {"Kubeconfig": path, "Context": "nowhere"}}, kubeconfig=None)
    edge.expect_reason("KubeconfigInvalid", "api")
    line = edge.daemon.config_file.read_text().split("\n").index("Context=nowhere") + 1
    assert f"{edge.daemon.config_file}:{line}: {path}:" in message(edge) and 'no context "nowhere"' in message(edge)
    edge.daemon.expect_log(f"{re.escape(str(edge.daemon.config_file))}:{line}: .*no context .*waiting for it")


def test_name_of_the_certificate(edge, tmp_path):
    """An address that the certificate does not name, and the name that it does."""
    port = parts(edge)["server"].rsplit(":", 1)[1]
    named = trust(edge, server=f"https://127.0.0.1:{port}")
    named["tls-server-name"] = "localhost"
    edge.up()
    edge.start(kubeconfig=write(tmp_path / "config", named, certificate(edge)))
    edge.expect_ready()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_kubectl_takes(edge, tmp_path, encoding):
    """A byte order mark, aliases, a scheme in capitals; of a key given twice the last counts, and is told."""
    fields = parts(edge)
    port = fields["server"].rsplit(":", 1)[1]
    lines = [
        "apiVersion: v1",
        "current-context: nowhere",
        "trust: &trust {server: 'https://127.0.0.1:1',",
        f"  certificate-authority-data: {fields['certificate-authority-data']}}}",
        "clusters:",
        f"- cluster: {{<<: *trust, server: 'HTTPS://LocalHost:{port}/'}}",
        "  name: here",
        "users:",
        f"- user: &me {{{', '.join(f'{key}: {value}' for key, value in certificate(edge).items())}}}",
        "  name: me",
        "- {name: again, user: *me}",
        "contexts: [{name: main, context: {cluster: here, user: again}}]",
        "current-context: main",
    ]
    path = tmp_path / "config"
    path.write_bytes("\r\n".join([*lines, ""]).encode(encoding))
    edge.up()
    edge.start({"Cluster": {"Kubeconfig": path}}, kubeconfig=None)
    edge.expect_ready()
    twice = f'{path}:13: key "current-context" was already given on line 2; the last one counts'
    edge.daemon.expect_log(re.escape(twice))
    assert edge.daemon.log().count(twice) == 1
    done = subprocess.run([edge.daemon.binary, "--check-config", "--config", edge.daemon.config_file],
                          stdout=subprocess.PIPE, text=True, timeout=20)
    assert twice in done.stdout


class Plain:
    """Lets plain HTTP through to the server, as kubectl proxy does."""

    def __init__(self, server):
        self.server, self.asked = server, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            above = socket.create_connection(("127.0.0.1", self.server.port))
            above = self.server.admin_context().wrap_socket(above)
            threading.Thread(target=self._pump, args=(peer, above, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(above, peer, False), daemon=True).start()

    def _pump(self, source, target, asks):
        try:
            while data := source.recv(65536):
                if asks:
                    self.asked += data
                target.sendall(data)
        except OSError:
            pass
        target.close()


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_server_without_https(edge, tmp_path, scheme):
    """As to kubectl it is plain HTTP, which no credential is sent over."""
    plain = Plain(edge.server)
    server = f"{scheme}127.0.0.1:{plain.port}"
    path = write(tmp_path / "config", trust(edge, server=server), {"token": "t0k"})
    edge.up()
    edge.start(kubeconfig=path)
    edge.expect_ready()
    edge.daemon.expect_log(f'{path}:7: server of cluster "here" has no https:// in front')
    assert b"/readyz" in plain.asked and b"uthorization" not in plain.asked
    edge.daemon.close()
    edge.daemon = None
    plain.listener.close()


@pytest.mark.parametrize(
    "cluster,user,words",
    [
        ({}, {"exec": "{apiVersion: client.authentication.k8s.io/v1, command: x}"}, ("not supported", "me")),
        ({}, {"auth-provider": "{name: gcp}"}, ("not supported", "me")),
        ({"certificate-authority": "/nowhere"}, None, ("certificate-authority",)),
        ({"server": "ftp://localhost"}, None, (":7: server", "does not begin with https:// or http://")),
        ({"server": "*elsewhere"}, None, ("line 7: an alias without an anchor",)),
        ({"tls-server-name": "a: b"}, None, ("line 9: ", "mapping values are not allowed")),
    ],
    ids=["exec", "auth-provider", "data-and-file", "scheme", "alias", "syntax"],
)
def test_what_cannot_be_used_is_named(edge, tmp_path, cluster, user, words):
    path = write(tmp_path / "config", trust(edge, **cluster), user or certificate(edge))
    edge.start(kubeconfig=path)
    edge.expect_reason("KubeconfigInvalid", "api")
    process.eventually(lambda: all(word in message(edge) for word in words), 5, 0.05, message(edge))
    assert "being written" not in message(edge)
    before = edge.daemon.cpu_seconds()
    time.sleep(1.5)
    assert edge.daemon.cpu_seconds() - before < 0.2
    # Once the file is fixed, the daemon uses it at once.
    write(path, trust(edge), certificate(edge))
    edge.up()
    edge.expect_ready()


def test_a_list_in_the_environment(edge):
    """$KUBECONFIG with several paths is not merged, and says so."""
    edge.daemon = None
    from harness.daemon import Daemon

    daemon = Daemon(kubelet=edge.kubelet, env={"KUBECONFIG": "/a:/b"})
    try:
        daemon.start(wait=False)
        assert daemon.process.wait(10) == 1
        assert "KUBECONFIG" in daemon.log() and "not supported" in daemon.log()
    finally:
        daemon.close()


def test_folders_come_and_go(edge, tmp_path):
    """Any folder above the kubeconfig may vanish: the daemon keeps what it has read, and reads what comes."""
    path = tmp_path / "a/b/c/config"
    path.parent.mkdir(parents=True)
    write(path, trust(edge), certificate(edge))
    edge.up()
    edge.start(kubeconfig=path)
    edge.expect_ready()
    (tmp_path / "a").rename(tmp_path / "gone")
    time.sleep(0.5)
    assert edge.daemon.verdict() == "ready" and not edge.reasons("dns")
    edge.server.tokens["t"] = "system:admin"
    path.parent.mkdir(parents=True)
    write(path, trust(edge), {"token": "t"})
    edge.daemon.expect_log("Read .*config")


def test_replaced_while_it_is_read(edge, tmp_path):
    """The daemon does not miss a change between opening and reading the file: no later event would report it."""
    path = write(tmp_path / "kubeconfig", {"server": "https://127.0.0.1:1"}, certificate(edge))
    right = write(tmp_path / "right", trust(edge), certificate(edge))
    edge.up()
    # -D: the daemon is our child, and the tracer its.
    slow = ["strace", "-D", "-o", tmp_path / "trace", "-P", path, "-e", "trace=openat"]
    slow += ["-e", "inject=openat:delay_exit=2s:when=1"]
    options = f"{os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0"  # which cannot be done while traced
    edge.start(kubeconfig=path, wrapper=slow, env={"ASAN_OPTIONS": options}, wait=False)
    folder = pathlib.Path(f"/proc/{edge.daemon.pid}/fd")
    process.eventually(lambda: any(link.resolve() == path for link in folder.iterdir()), 10, 0.01, "it is open")
    right.rename(path)
    edge.expect_ready()
    assert "DELAYED" in (tmp_path / "trace").read_text()


def test_another_server(edge):
    """What the former server said about itself and its objects does not count for the one that is named now."""
    former, kubelet = edge.server, edge.kubelet
    former.register("cert-manager.io/v1", "certificates", "Certificate")
    former.put(
        {
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": {"namespace": "shop", "name": "tls"},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }
    )
    condition = "[Condition]\nResource=cert-manager.io/v1/certificates\nNamespace=shop\nName=tls\nType=Ready\n"
    edge.start(gates={"live": "[Api]\nPath=/livez\n[Node]\n", "tls": condition + "[Node]\n", "node": "[Node]\n"})
    former.expect_streams("certificates")
    process.eventually(lambda: {name for _, name, _ in edge.daemon.blockers("live")} == {guide.NODE}, 5, 0.05)

    with FakeApiServer() as other:
        other.register("cert-manager.io/v1", "certificates", "Certificate")
        other.forbidden.add("certificates")
        other.cue("livez", times=None, status=500)
        kubelet.rest = other.rest
        kubelet.adopt(guide.create_all(other.rest))
        kubelet.new_boot_node()
        other.write_kubeconfig(former.kubeconfig)
        process.eventually(
            lambda: edge.daemon.gate("node")["state"] == "ready" or kubelet.renew_lease(), 10, 0.1, "the node"
        )
        edge.expect_reason("ApiNotReady", "live")
        edge.expect_reason("Forbidden", "tls")
        for name in ("live", "tls"):
            assert "firstReadyBoottimeUSec" not in edge.daemon.gate(name)
        edge.daemon.close()
        edge.daemon = None


def test_file_that_comes_late(edge, tmp_path):
    """Another program may write the files that the kubeconfig names, long after it: the daemon reads them then."""
    edge.server.tokens["t"] = "system:admin"
    path = write(tmp_path / "config", trust(edge), {"tokenFile": "secrets/token"})
    edge.up()
    edge.start(kubeconfig=path)
    edge.expect_reason("KubeconfigInvalid", "api")
    process.eventually(lambda: "secrets/token" in message(edge), 5, 0.05)
    time.sleep(6)  # it was tried again for a while
    before = edge.daemon.cpu_seconds()
    time.sleep(1)
    assert edge.daemon.cpu_seconds() - before < 0.05
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/token").write_text("t")
    edge.expect_ready()


def register_again(edge):
    """The node gets another UID, as in a cluster that is made once more."""
    edge.server.delete("nodes", name=guide.NODE)
    edge.server.put(guide.node())


def expect_begun_again(edge, why, since):
    """Every gate waits, and the journal says why, once."""
    edge.daemon.expect_log(f"Forgetting all states.*: .*{why}")
    edge.daemon.expect_verdict("waiting")
    edge.daemon.expect_gate("dns", "waiting")
    assert "firstReadyBoottimeUSec" not in edge.daemon.gate("dns")
    assert edge.daemon.log().count("Forgetting all states") == 1
    assert not edge.daemon.notified("READY=1", since)
    told = [(t.get("gate"), t["from"], t["to"]) for t in edge.daemon.call("GetTimeline")["transitions"]
            if "object" not in t]
    assert {("dns", "waiting", "ready"), ("dns", "ready", "waiting"), (None, "ready", "waiting")} <= set(told), told


def restart(edge):
    """Stops and starts the daemon. Returns a mark in what it notifies."""
    edge.daemon.stop()
    since = edge.daemon.notify.mark()
    edge.daemon.start()
    return since


def test_restarted_on_another_cluster(edge):
    """What was kept is of a cluster where all was ready: on its word nothing is in another."""
    edge.up()
    edge.start()
    edge.expect_ready()
    with FakeApiServer() as other:
        edge.daemon.kubeconfig = other.kubeconfig
        since = restart(edge)
        expect_begun_again(edge, "its server was https://localhost:.* and is https://localhost:", since)
        edge.daemon.close()
        edge.daemon = None


@pytest.mark.parametrize("key,value", [("Context", "second"), ("Node", "another"), ("Scope", "cluster")])
def test_restarted_with_other_settings(edge, tmp_path, key, value):
    contexts = (("main", "here", "me"), ("second", "here", "me"))
    path = write(tmp_path / "config", trust(edge), certificate(edge), contexts)
    edge.up()
    edge.start(kubeconfig=path)
    edge.expect_ready()
    edge.server.stop_serving()
    edge.daemon.write_config({**edge.daemon.config, "Cluster": {key: value}})
    since = restart(edge)
    expect_begun_again(edge, f"{key}= was .* and is {value}", since)


def test_restarted_on_a_cluster_made_again(edge):
    """Address and authority are the same: the node tells, once it is listed. Until then what was kept stands."""
    edge.up()
    edge.start()
    edge.expect_ready()
    edge.daemon.stop()
    register_again(edge)
    edge.server.stop_serving()
    since = edge.daemon.notify.mark()
    edge.daemon.start()
    edge.expect_reason("ApiUnreachable", "api")
    assert edge.daemon.verdict() == "ready"
    edge.server.resume_serving()
    expect_begun_again(edge, "the node of this host has another UID", since)


def test_restarted_before_the_kubeconfig_is_written(edge):
    """Nothing is known of the cluster: what was kept stands, and the same cluster finds it so."""
    text = edge.server.kubeconfig.read_text()
    edge.up()
    edge.start()
    edge.expect_ready()
    edge.server.kubeconfig.write_text("")
    restart(edge)
    edge.expect_reason("KubeconfigInvalid", "api")
    assert edge.daemon.verdict() == "ready"
    edge.server.kubeconfig.write_text(text)
    edge.expect_settled()
    edge.expect_steady(0.5)
    assert "Forgetting" not in edge.daemon.log()


def test_another_authority_while_running(edge, tmp_path):
    """A cluster may change its authority, and nothing is lost. But it may be another cluster, at the same address."""
    edge.up()
    edge.start({"Readiness": {"UnknownSec": "60s"}})
    edge.expect_ready()
    second = tmp_path / "ca.crt"
    ca = pathlib.Path(edge.server.pki.ca).read_text()
    second.write_text(ca + ca)
    known = edge.server.open_streams("nodes")
    edge.server.write_kubeconfig(edge.server.kubeconfig, ca=second)
    edge.server.expect_new_stream("nodes", known)  # listed by the server as it is now
    edge.expect_settled()
    edge.expect_steady(0.5)
    process.eventually(lambda: edge.kubelet.renew_lease() or not edge.reasons("dns"), 15, 0.3)

    edge.daemon.pause()
    edge.server.stop_serving()
    register_again(edge)
    edge.server.write_kubeconfig(edge.server.kubeconfig)
    edge.daemon.resume()
    since = edge.daemon.notify.mark()
    edge.expect_reason("ApiUnreachable", "api")
    assert edge.daemon.verdict() == "ready"
    edge.server.resume_serving()
    expect_begun_again(edge, "the node of this host has another UID", since)


def in_namespace(edge, *words):
    """Runs a command where the daemon sees its mounts."""
    subprocess.run(["nsenter", f"--target={edge.daemon.pid}", "--mount", *map(str, words)], check=True)


@pytest.fixture
def late(edge, tmp_path):
    """A folder that something is mounted over later, and what that is. The daemon has mounts of its own."""
    if not mounts.may_be_had():
        pytest.skip("mounts need root")
    folder, content = tmp_path / "var/lib", tmp_path / "disk"
    folder.mkdir(parents=True)
    (content / "kube").mkdir(parents=True)
    edge.up()
    yield folder, content


def start_in_namespace(edge, folder):
    edge.start(kubeconfig=folder / "kube/config", wrapper=["unshare", "--mount", "--propagation=slave"])


def test_mounted_late(edge, late):
    """The kubeconfig is on a file system that is mounted after the daemon has started."""
    folder, content = late
    start_in_namespace(edge, folder)
    edge.expect_reason("KubeconfigMissing", "api")
    in_namespace(edge, "mount", "--bind", content, folder)
    write(content / "kube/config", trust(edge), certificate(edge))
    edge.expect_ready()


def test_mounted_over_another(edge, late):
    """The one beneath is hidden then, and the mount is all that happens."""
    folder, content = late
    (folder / "kube").mkdir()
    write(folder / "kube/config", {"server": "https://127.0.0.1:1"}, certificate(edge))
    write(content / "kube/config", trust(edge), certificate(edge))
    start_in_namespace(edge, folder)
    edge.expect_reason("ApiUnreachable", "api")
    in_namespace(edge, "mount", "--bind", content, folder)
    edge.expect_ready()


def test_gates_mounted_late(edge, late):
    """So are the gate files: they count as soon as they are there, and no longer when they are gone."""
    folder, content = late
    (content / "late.gate").write_text("[Gate]\nRequired=yes\n[Api]\n")
    edge.start(wrapper=["unshare", "--mount", "--propagation=slave"], arguments=["--gates-dir", folder])
    edge.expect_ready()
    assert "late" not in {gate["name"] for gate in edge.daemon.describe()["gates"]}
    in_namespace(edge, "mount", "--bind", content, folder)
    edge.daemon.expect_gate("late", "ready")
    in_namespace(edge, "umount", folder)
    process.eventually(lambda: "late" not in {gate["name"] for gate in edge.daemon.describe()["gates"]}, 10, 0.1)
    edge.expect_steady()


def refused(edge, *words):
    """The reload is refused for these reasons, and all goes on as before."""
    (edge.daemon.gates_folder / "new.gate").write_text("[Api]\n")
    done = edge.daemon.client("reload")
    assert done.returncode == 1 and all(str(word) in done.stderr for word in words), done.stderr
    assert "new" not in {gate["name"] for gate in edge.daemon.describe()["gates"]}
    edge.expect_steady(0.3)


def test_reload_refuses_what_is_not_there(edge, tmp_path):
    """A context or a file that is not there is no reason to go on in silence, on the cluster of before."""
    path = write(tmp_path / "config", trust(edge), certificate(edge))
    config = {"Cluster": {"Kubeconfig": path}}
    edge.up()
    edge.start(config, kubeconfig=None, gates={"api": "[Gate]\nRequired=yes\n[Api]\n"})
    edge.expect_ready()
    edge.expect_steady(0.5)
    daemon, mark = edge.daemon, edge.server.mark()

    daemon.write_config({**daemon.config, "Cluster": {"Kubeconfig": path, "Context": "nowhere"}})
    line = daemon.config_file.read_text().split("\n").index("Context=nowhere") + 1
    refused(edge, f"{daemon.config_file}:{line}: ", path, 'no context "nowhere"')
    other = tmp_path / "other"
    daemon.write_config({**daemon.config, "Cluster": {"Kubeconfig": other}})
    line = daemon.config_file.read_text().split("\n").index(f"Kubeconfig={other}") + 1
    refused(edge, f"{daemon.config_file}:{line}: ", other, os.strerror(errno.ENOENT))
    assert not edge.server.asked("watch", since=mark)

    # That the same one is not there now is no fault of the settings.
    path.rename(other)
    daemon.write_config({**daemon.config, **config})
    assert daemon.client("reload").returncode == 0
    assert "new" in {gate["name"] for gate in daemon.describe()["gates"]}
    edge.expect_steady(0.3)
    daemon.write_config({**daemon.config, "Cluster": {"Kubeconfig": other, "Context": "main"}})
    assert daemon.client("reload").returncode == 0
    edge.expect_steady(0.3)


def test_reload_reads_again(edge, late):
    """Whatever the watches have missed."""
    folder, content = late
    (folder / "kube").mkdir()
    path = write(folder / "kube/config", {"server": "https://127.0.0.1:1"}, certificate(edge))
    writer = os.open(path, os.O_WRONLY)  # while it is open no event is told
    try:
        edge.start(kubeconfig=path)
        edge.expect_reason("ApiUnreachable", "api")
        right = write(content / "right", trust(edge), certificate(edge)).read_bytes()
        os.pwrite(writer, right, 0)
        os.ftruncate(writer, len(right))
        time.sleep(0.5)
        assert not edge.daemon.is_ready
        assert edge.daemon.client("reload").returncode == 0
        edge.expect_ready()
    finally:
        os.close(writer)
