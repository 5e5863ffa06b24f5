# SPDX-License-Identifier: Apache-2.0
"""The module of SELinux: it compiles for each policy, and allows what the daemon does and little else."""

import shutil
import subprocess

import pytest

from harness import fakekubelet, guide, host, mounts, process, selinux
from harness.endpoints import Application, Listener
from harness.fake_apiserver import FakeApiServer
from harness.syscalls import Reader, Unmapped
from harness.traced import TracedDaemon

HERE = process.REPOSITORY / "tests/package/selinux"

# Beyond what a run on this machine shows: (type, class, permissions).
NEEDED = [
    ("container_var_lib_t", "file", "open read getattr"),
    ("container_var_lib_t", "dir", "search read watch"),
    ("kubernetes_file_t", "file", "open read getattr"),
    ("kubernetes_file_t", "dir", "search read watch"),
    ("cgroup_t", "file", "open read watch"),
    ("cgroup_t", "dir", "open read search"),
    ("msready_var_run_t", "file", "create write rename unlink setattr"),
    ("msready_var_run_t", "sock_file", "create unlink setattr"),
    ("msready_var_lib_t", "file", "create write rename unlink setattr"),
    ("msready_etc_t", "file", "open read getattr"),
    ("http_port_t", "tcp_socket", "name_connect"),
    ("http_cache_port_t", "tcp_socket", "name_connect"),
    ("unreserved_port_t", "tcp_socket", "name_connect"),
    ("dns_port_t", "tcp_socket", "name_connect"),
    ("cert_t", "file", "open read"),
    ("init_t", "unix_dgram_socket", "sendto"),
    ("syslogd_t", "unix_dgram_socket", "sendto"),
    ("system_dbusd_t", "dbus", "send_msg"),
    ("init_t", "dbus", "send_msg"),
]
# What systemd does for the daemon.
BY_SYSTEMD = [
    ("msreadyd_t", "process", "transition"),
    ("msreadyd_t", "process2", "nnp_transition nosuid_transition"),
    ("msreadyd_t", "unix_stream_socket", "create bind listen"),
    ("msready_var_run_t", "dir", "create setattr"),
    ("msready_var_run_t", "sock_file", "create setattr unlink"),
    ("msready_var_lib_t", "dir", "create setattr"),
]
# None of these permissions.
FORBIDDEN = [
    ("container_var_lib_t", "file", "write append create unlink rename setattr execute map"),
    ("container_var_lib_t", "dir", "write add_name remove_name create"),
    ("kubernetes_file_t", "file", "write append create unlink execute"),
    ("kubernetes_file_t", "dir", "write add_name"),
    ("msready_etc_t", "file", "write append create unlink execute"),
    ("msready_etc_t", "dir", "write add_name"),
    ("cgroup_t", "file", "write append"),
    ("cgroup_t", "dir", "write add_name create"),
    ("etc_t", "file", "write append create unlink"),
    ("usr_t", "file", "write append create unlink"),
    ("var_lib_t", "file", "write append create unlink"),
    ("msreadyd_exec_t", "file", "write execute_no_trans"),
    ("shell_exec_t", "file", "execute execute_no_trans"),
    ("bin_t", "file", "execute_no_trans"),
    ("shadow_t", "file", "read"),
    ("user_home_t", "file", "read"),
    ("msreadyd_t", "process", "execmem execstack execheap ptrace setexec setcurrent dyntransition"),
    ("msreadyd_t", "capability", "*"),
    ("msreadyd_t", "capability2", "*"),
    ("msreadyd_t", "cap_userns", "*"),
    ("msreadyd_t", "rawip_socket", "create"),
    ("msreadyd_t", "packet_socket", "create"),
    ("msreadyd_t", "bpf", "*"),
    ("init_t", "process", "transition ptrace sigkill"),
    ("init_t", "system", "*"),
    ("kernel_t", "system", "module_request"),
    ("unreserved_port_t", "tcp_socket", "name_bind"),
    ("unreserved_port_t", "udp_socket", "name_bind"),
    ("ssh_port_t", "tcp_socket", "name_connect"),
    ("ldap_port_t", "tcp_socket", "name_connect"),
    ("security_t", "security", "load_policy setenforce setbool"),
]
CONTEXTS = {
    "/usr/bin/msreadyd": "msreadyd_exec_t",
    "/usr/bin/msready": "bin_t",
    "/etc/msready/gates.d/app.gate": "msready_etc_t",
    "/etc/msready/msready.conf": "msready_etc_t",
    "/run/msready/state/state.json": "msready_var_run_t",
    "/run/msready/msready.prom": "msready_var_run_t",
    "/var/lib/msready/boots.jsonl": "msready_var_lib_t",
    "/var/lib/msready-other/x": "var_lib_t",
    "/usr/lib/msready/gates.d/api.gate": "lib_t",
}


@pytest.fixture(scope="module", autouse=True)
def tools():
    lacking = selinux.missing() or (not shutil.which("matchpathcon") and "matchpathcon is missing (selinux-utils)")
    if lacking:
        pytest.skip(lacking)
    pytest.importorskip("setools", reason="python3-setools is missing (package setools)")


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    """Debian's policy with the module in it."""
    root = tmp_path_factory.mktemp("policy")
    return selinux.link(root, selinux.compile_module(selinux.copy_sources(root / "sources")))


def test_it_compiles_with_the_headers_of_debian(tmp_path):
    for suite in ("bookworm", "trixie"):
        headers = host.unpacked(suite, ["selinux-policy-dev"]) / "usr/share/selinux"
        selinux.compile_module(selinux.copy_sources(tmp_path / suite), headers)


def test_it_compiles_with_interfaces_of_fedora(tmp_path):
    """With nothing but stubs of those that it uses: one that only Debian has would be an error of the syntax."""
    headers = tmp_path / "headers"
    include = headers / "devel/include"
    include.mkdir(parents=True)
    for name in ("devel/Makefile", "devel/include/Makefile", "devel/include/build.conf", "devel/include/support"):
        (headers / name).symlink_to(selinux.HEADERS / name)
    for layer in (HERE / "fedora").iterdir():
        shutil.copytree(layer, include / layer.name)
    package = selinux.compile_module(selinux.copy_sources(tmp_path / "sources"), headers, DISTRO="redhat",
                                     DIRECT_INITRC="n", UBAC="n")

    converted = tmp_path / "msready.cil"
    selinux.run("/usr/libexec/selinux/hll/pp", package, converted)
    text = converted.read_text()
    # Without these the daemon would stay in init_t, and /run would be labelled at random.
    assert "(allow init_t msreadyd_t (process2 (nnp_transition nosuid_transition)))" in text
    assert '(typetransition init_t var_run_t dir "msready" msready_var_run_t)' in text, text
    assert "(typeattributeset pidfile msready_var_run_t)" in text.replace("(msready_var_run_t )", "msready_var_run_t")
    assert "(typepermissive msreadyd_t)" in text


def test_it_allows_what_is_needed_and_little_else(policy):
    for target, kind, permissions in NEEDED:
        assert policy.allows(target, kind, *permissions.split()), (target, kind, permissions)
    for target, kind, permissions in BY_SYSTEMD:
        assert policy.allows(target, kind, *permissions.split(), source="init_t"), (target, kind, permissions)
    for target, kind, permissions in FORBIDDEN:
        allowed = policy.rights().get((target, kind), set())
        found = allowed if permissions == "*" else allowed & set(permissions.split())
        assert not found, (target, kind, found)
    assert policy.is_permissive()

    anywhere = {"msready_connect_any": True}
    assert policy.allows("ssh_port_t", "tcp_socket", "name_connect", **anywhere)
    assert not policy.allows("ssh_port_t", "tcp_socket", "name_bind", **anywhere)

    assert policy.labels(CONTEXTS) == CONTEXTS
    assert policy.labels(["/run/msready/io.msready.Readiness"], "sock_file").popitem()[1] == "msready_var_run_t"
    for folder in ("/run/msready", "/var/lib/msready", "/etc/msready"):
        assert policy.labels([folder], "dir")[folder].startswith("msready_")


@pytest.fixture(scope="module")
def trace(tmp_path_factory, built):
    """The system calls of a daemon's life: it starts before MicroShift, and sees it come up, change, and go."""
    if not mounts.may_be_had() or not shutil.which("strace"):
        pytest.skip("a daemon in the places of an installed one needs root and strace")
    folder = tmp_path_factory.mktemp("edge")
    application, service = Application(), Listener(("127.0.0.1", process.free_port()))
    gates = {
        "app": f"[Gate]\n[Endpoint]\nURL=http://localhost:{application.port}/\nIntervalSec=1\n",
        "secure": f"[Gate]\n[Endpoint]\nURL=https://localhost:{application.port}/\nIntervalSec=1\n",
        "name": f"[Gate]\n[Endpoint]\nURL=http://app.example:{application.port}/\n",
        "broker": f"[Gate]\n[Socket]\nConnect=localhost:{service.port}\nIntervalSec=1\n",
    }
    with FakeApiServer() as server:
        kubelet = fakekubelet.FakeKubelet(server.rest, folder / "host")
        kubelet.adopt(guide.create_all(server.rest))
        daemon = TracedDaemon(kubeconfig=server.kubeconfig, kubelet=kubelet, gates=gates,
                              config="[Metrics]\nTextfile=/run/msready/state/msready.prom\n")
        try:
            yield _life(daemon, kubelet)
        finally:
            daemon.close()
            kubelet.close()
            application.close()
            service.__exit__()


def _life(daemon, kubelet):
    daemon.start()
    daemon.write_kubeconfig()
    kubelet.new_boot_node()
    kubelet.all_up()
    process.eventually(lambda: daemon.is_ready or kubelet.renew_lease() is None, 30, 0.2, "READY=1")
    for gate in ("app", "broker"):
        daemon.expect_gate(gate, "ready", 20)
    # MicroShift starts anew, with another configuration.
    (daemon.microshift / "config.yaml").write_text("ingress: {status: Removed}\n")
    daemon.write_kubeconfig()
    process.eventually(lambda: daemon.describe(["ingress"])["gates"][0]["state"] == "disabled", 20)
    assert daemon.client("reload").returncode == 0
    assert "ready" in daemon.client("status").stdout
    assert daemon.stop() == 0
    return daemon.calls()


def test_it_allows_every_system_call_of_the_daemon(policy, trace):
    rights = Reader().read(trace)
    lacking = policy.lacks(rights)
    assert not lacking, "the policy lacks:\n" + "\n".join(lacking)

    # The life was one: each of these has been done.
    done = {(right.target, right.kind, right.permission) for right in rights}
    for step in (
        ("/var/lib/microshift/resources/kubeadmin/kubeconfig", "file", "read"),
        ("/var/lib/microshift/resources/kubeadmin", "dir", "watch"),
        ("/etc/microshift/config.yaml", "file", "read"),
        ("/etc/msready/gates.d/app.gate", "file", "read"),
        ("/run/systemd/notify", "sock_file", "write"),
        ("/run/systemd/journal/socket", "sock_file", "write"),
        ("system_dbusd_t", "unix_stream_socket", "connectto"),
        ("self", "unix_stream_socket", "accept"),
        ("self", "udp_socket", "create"),
    ):
        assert step in done, step
    for beginning, kind, permission in (("/sys/fs/cgroup/", "file", "watch"), ("/var/lib/msready/", "file", "rename"),
                                        ("/run/msready/state/", "file", "create")):
        assert any(str(target).startswith(beginning) and (of, what) == (kind, permission) for target, of, what in done)


def test_a_new_need_is_found(policy):
    """Calls that the daemon does not make."""
    for call, right in (
        ('openat(AT_FDCWD</>, "/var/lib/microshift/x", O_WRONLY|O_CREAT, 0600) = 7</var/lib/microshift/x>',
         "container_var_lib_t:file create"),
        ('openat(AT_FDCWD</>, "/etc/shadow", O_RDONLY) = 7</etc/shadow>', "shadow_t:file read"),
        ('connect(7<TCP:[1]>, {sa_family=AF_INET, sin_port=htons(22), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
         "ssh_port_t:tcp_socket name_connect"),
        ("mmap(NULL, 4096, PROT_READ|PROT_WRITE|PROT_EXEC, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f", "execmem"),
    ):
        lacking = policy.lacks(Reader().read(["1 " + call]))
        assert any(right in text for text in lacking), (right, lacking)
    for call in (
        "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 7<NETLINK:[1]>",
        'execve("/bin/sh", ["sh"], 0x0) = 0',
        'bind(7<TCP:[1]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("0.0.0.0")}, 16) = 0',
        "io_uring_setup(8, {}) = 7",
        "setuid(0) = 0",
    ):
        with pytest.raises(Unmapped):
            Reader().read(["1 " + call])


def test_selint_finds_nothing(tmp_path):
    if not shutil.which("selint"):
        pytest.skip("selint is missing")
    sources = selinux.copy_sources(tmp_path / "sources")
    # S-001: names that differ between policies are required, and not asked for by interfaces.
    done = subprocess.run(["selint", "--source", "--disable=S-001", *sorted(map(str, sources.iterdir()))],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = [line for line in done.stdout.splitlines() if line.startswith("msready.")]
    assert done.returncode == 0 and not found, done.stdout
