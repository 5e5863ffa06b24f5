# SPDX-License-Identifier: Apache-2.0
"""Files of the host, in the places where MicroShift has them, decide which of the shipped gates apply."""

import os
import re
import shutil
import subprocess

import pytest

from harness import mounts, process

SHIPPED = {path.stem for path in (process.REPOSITORY / "units/gates").glob("*.gate")}
# If nothing is configured and no further package is installed.
USUAL = {"api", "node", "ovn", "dns", "resolver", "service-ca", "ingress", "csi-snapshot", "storage"}
# The folder of manifests that a package brings.
PACKAGES = {
    "multus": "000-microshift-multus",
    "gateway-api": "000-microshift-gateway-api",
    "olm": "001-microshift-olm",
    "kserve": "010-microshift-ai-model-serving-kserve",
    "gitops": "020-microshift-gitops",
    "cert-manager": "060-microshift-cert-manager",
    "sriov": "070-microshift-sriov",
    "metrics-server": "080-microshift-metrics-server",
    "kube-state-metrics": "081-microshift-kube-state-metrics",
    "node-exporter": "082-microshift-node-exporter",
}
# Of community builds, where MicroShift's own network is switched off.
COMMUNITY = {"kindnet": "000-microshift-kindnet", "kube-proxy": "000-microshift-kube-proxy"}
# They need MicroShift's configuration on every host, those of packages only where these are installed.
ASKING = {"ovn", "ingress", "csi-snapshot", "storage", "multus"}
# A setting of MicroShift's, and which gates it takes away or brings.
SETTINGS = (
    ("ingress: {status: Removed}", {"ingress"}, set()),
    ("ingress:\n  status: Managed\n", set(), set()),
    ("storage: {optionalCsiComponents: [none]}", {"csi-snapshot"}, set()),
    ("storage: {optionalCsiComponents: [snapshot-controller]}", set(), set()),
    ("storage: {driver: none}", {"storage"}, set()),
    ("network: {cniPlugin: none}", {"ovn"}, set()),
    ("network: {multus: {status: Enabled}}", set(), {"multus"}),
    ("dns: {baseDomain: lab.example.com}", set(), set()),
)


class Host:
    """MicroShift's folders, as the daemon finds them."""

    def __init__(self, edge, folder):
        self.edge = edge
        self.etc, self.manifests = folder / "etc", folder / "manifests.d"
        (self.etc / "config.d").mkdir(parents=True)
        self.manifests.mkdir()

    def start(self):
        places = {"/etc/microshift": self.etc, "/usr/lib/microshift/manifests.d": self.manifests}
        self.edge.start(wrapper=mounts.wrapper(places))
        return self

    def write(self, name, text):
        (self.etc / name).write_text(text)

    def install(self, folder, file="kustomization.yaml"):
        (self.manifests / folder).mkdir(exist_ok=True)
        (self.manifests / folder / file).write_text("resources: []\n")

    def remove(self, folder):
        shutil.rmtree(self.manifests / folder)

    def restart_microshift(self):
        """As far as files go: the same kubeconfig is written once more."""
        path = self.edge.server.kubeconfig
        path.write_text(path.read_text())

    def definitions(self):
        return {d["name"]: d for d in self.edge.daemon.call("ListGates")["definitions"]}

    def enabled(self):
        return {name for name, d in self.definitions().items() if d["enabled"]}

    def expect(self, names):
        self.restart_microshift()
        process.eventually(lambda: self.enabled() == names, 10, 0.02, f"{names}, not {self.enabled()}")
        for name in SHIPPED - names:
            gate = self.edge.daemon.describe([name])["gates"][0]
            assert gate["state"] == "disabled" and not gate["required"], gate

    def invalid(self):
        return {g["name"]: g["blockers"][0].get("message") for g in self.edge.daemon.describe()["gates"]
                if g["blockers"] and g["blockers"][0]["reason"] == "InvalidGate" and g["state"] == "waiting"}


@pytest.fixture
def host(edge, tmp_path):
    if not mounts.may_be_had():
        pytest.skip("MicroShift's own places on this host need root: mounts")
    return Host(edge, tmp_path / "microshift")


def test_packages(host):
    host.start()
    assert host.enabled() == USUAL
    for name, folder in PACKAGES.items():
        cause = host.definitions()[name]["cause"]
        path = f"{process.REPOSITORY}/units/gates/{name}.gate"
        assert re.fullmatch(r"ConditionMicroShiftDeploys= not met, line \d+", cause), cause
        asked = "\n".join(host.definitions()[name]["conditions"])
        assert re.search(rf"^ConditionMicroShiftDeploys=\|?{folder} \({path}:\d+\)$", asked, re.M), asked
        # It is the kustomization file that MicroShift looks for.
        (host.manifests / folder).mkdir()
        host.expect(USUAL)
        host.install(folder)
        host.expect(USUAL | {name})
        assert "cause" not in host.definitions()[name]
        host.remove(folder)
        host.expect(USUAL)
    for folder in PACKAGES.values():
        host.install(folder, "Kustomization")
    host.expect(USUAL | PACKAGES.keys())


def test_what_is_installed_and_not_deployed(host):
    for folder in PACKAGES.values():
        host.install(folder)
    host.start()
    host.expect(USUAL | PACKAGES.keys())
    paths = "/usr/lib/microshift/manifests.d/0[0-1]*"
    host.write("config.d/10-paths.yaml", f"manifests: {{kustomizePaths: [/etc/microshift/manifests.d/*, '{paths}']}}")
    host.expect(USUAL | {name for name, folder in PACKAGES.items() if folder[:2] in ("00", "01")})
    host.write("config.d/10-paths.yaml", "manifests: {kustomizePaths: []}")
    host.expect(USUAL)
    told = host.edge.daemon.client("gates", "olm").stdout
    path = f"{process.REPOSITORY}/units/gates/olm.gate"
    assert "Enabled: no" in told and re.search(r"ConditionMicroShiftDeploys= not met, line \d+\n", told), told
    assert re.search(rf"ConditionMicroShiftDeploys=001-microshift-olm \({path}:\d+\)", told), told
    # An administrator may link what is to be deployed.
    host.write("config.d/10-paths.yaml", "manifests: {kustomizePaths: [/etc/microshift/manifests.d/*]}")
    (host.etc / "manifests.d").mkdir()
    (host.etc / "manifests.d/10-lifecycle").symlink_to("/usr/lib/microshift/manifests.d/001-microshift-olm")
    host.expect(USUAL | {"olm"})


def test_a_community_build(host):
    for folder in COMMUNITY.values():
        host.install(folder)
    host.start()
    # MicroShift's own network is what counts as long as it is switched on.
    host.expect(USUAL)
    host.write("config.d/00-disableDefaultCNI.yaml", "network:\n  cniPlugin: none\n")
    host.expect(USUAL - {"ovn"} | COMMUNITY.keys())
    gates = {g["name"]: g for g in host.edge.daemon.describe()["gates"]}
    assert all(gates[name]["required"] for name in COMMUNITY)
    order = list(gates)
    assert order.index("kube-proxy") < order.index("kindnet") < order.index("node")
    # Their package of TopoLVM switches MicroShift's own driver off.
    host.install("001-microshift-topolvm")
    host.write("config.d/01-disable-storage-csi.yaml", "storage:\n    driver: \"none\"\n")
    host.expect(USUAL - {"ovn", "storage"} | COMMUNITY.keys())


def test_a_pattern_that_microshift_refuses(host):
    """Nothing is certain then but what does not depend on it."""
    host.install("001-microshift-olm")
    host.write("config.yaml", "manifests: {kustomizePaths: ['/usr/lib/microshift/manifests.d/[']}\n")
    host.edge.up()
    host.start()
    host.expect(USUAL | {"multus", "olm"})
    invalid = host.invalid()
    # multus may be MicroShift's own; what else is not installed is not in doubt.
    assert set(invalid) == {"multus", "olm"}
    assert invalid["olm"].startswith("/usr/lib/microshift/manifests.d/[: not a pattern that manifests.kustomizePaths")
    host.edge.expect_ready()
    host.write("config.yaml", "")
    process.eventually(lambda: not host.invalid(), 10, 0.02, host.invalid())
    host.expect(USUAL | {"olm"})


def test_settings(host):
    host.start()
    for text, without, with_it in SETTINGS:
        host.write("config.yaml", text)
        host.expect(USUAL - without | with_it)
        # config.d has the last word, and the default counts where it takes a word back.
        key, _, rest = text.partition(":")
        host.write("config.d/10-edge.yaml", f"{key}: null\n")
        host.expect(USUAL)
        (host.etc / "config.d/10-edge.yaml").unlink()
    host.write("config.yaml", "storage: {driver: none}")
    host.expect(USUAL - {"storage"})
    # As in MicroShift: this file enables its storage whatever the setting says.
    host.write("lvmd.yaml", "")
    host.expect(USUAL)


def test_what_is_told(host):
    host.write("config.yaml", "ingress:\n  status: Removed\n")
    host.write("config.d/20-net.yaml", "network:\n  cniPlugin: none\n")
    host.start()
    rows = {line.split()[0]: line for line in host.edge.daemon.client("gates").stdout.splitlines()[1:]}
    assert set(rows) == SHIPPED
    for name in SHIPPED:
        assert rows[name].split()[1] == ("yes" if name in USUAL - {"ingress", "ovn"} else "no"), rows[name]
    told = host.edge.daemon.client("gates", "ingress").stdout
    assert "Enabled: no" in told and "ConditionMicroShift= not met, line" in told, told
    assert "ConditionMicroShift=ingress.status!=Removed (" in told, told
    # Another network's cluster is ready without ours.
    host.edge.up()
    host.edge.expect_ready()
    assert host.edge.daemon.describe(["ovn"])["gates"][0]["state"] == "disabled"


@pytest.mark.parametrize("name", ["config.yaml", "config.d/10-edge.yaml"])
def test_what_cannot_be_parsed_disables_nothing(host, name):
    """Each gate that needs the file waits and names the line; all other gates go on."""
    host.install(PACKAGES["olm"])
    host.edge.up()
    host.start()
    host.edge.expect_ready()
    host.write(name, "ingress:\n  status: [Removed\nnetwork: x\n")
    host.expect(USUAL | {"multus", "olm"})
    process.eventually(lambda: set(host.invalid()) == ASKING | {"olm"}, 10, 0.02, host.invalid())
    for message in host.invalid().values():
        assert message.startswith(f"/etc/microshift/{name}: line 3"), message
    assert host.edge.daemon.gate("ovn")["required"] and host.edge.daemon.verdict() != "ready"
    assert host.edge.daemon.gate("dns")["state"] == "ready"
    assert f"/etc/microshift/{name}: line 3" in host.edge.daemon.client("gates", "ingress").stdout
    assert f"/etc/microshift/{name}" in host.edge.daemon.client("status").stdout
    # A gate that another condition decides already does not need the file.
    host.install(PACKAGES["multus"])
    host.write("lvmd.yaml", "")
    process.eventually(lambda: set(host.invalid()) == ASKING - {"storage"} | {"olm"}, 10, 0.02, host.invalid())
    # Nothing else tells that the file is mended.
    host.write(name, "")
    process.eventually(lambda: not host.invalid(), 10, 0.02, host.invalid())
    host.expect(USUAL | {"multus", "olm"})
    host.edge.daemon.expect_verdict("ready")


def test_drop_ins_as_microshift_finds_them(host):
    """What MicroShift takes makes no gate invalid, and what it finds deep down counts."""
    drop_ins = host.etc / "config.d"
    host.edge.up()
    (drop_ins / "10-site.yaml").symlink_to("/dev/null")
    (drop_ins / "20-site.yaml/.deep").mkdir(parents=True)
    host.write("config.d/20-site.yaml/.deep/ingress.yaml", "ingress: {status: Removed}\n")
    host.write("config.d/30-nothing.yaml", " \n")
    host.start()
    assert host.enabled() == USUAL - {"ingress"} and not host.invalid()
    host.edge.expect_ready()
    (host.etc / "elsewhere").mkdir()
    host.write("elsewhere/back.yaml", "ingress: {status: Managed}\n")
    (drop_ins / "40-linked").symlink_to(host.etc / "elsewhere")
    host.expect(USUAL - {"ingress"})
    (drop_ins / "40-linked.yaml").symlink_to(host.etc / "elsewhere/back.yaml")
    host.expect(USUAL)


@pytest.mark.parametrize("name, text, cause", [
    ("40-gone.yaml", None, "40-gone.yaml: a link that leads nowhere"),
    ("40-no.yaml", "network:\n  cniPlugin: no\n",
     "40-no.yaml: line 2: network.cniPlugin must be a string, and no is a boolean"),
    ("40-comments.yaml", "# network:\n", "40-comments.yaml: holds no settings, and is not empty either"),
], ids=["link", "boolean", "comments"])
def test_the_cause_is_told(host, name, text, cause):
    """MicroShift does not start with such a file."""
    cause = f"/etc/microshift/config.d/{cause}"
    host.write("config.yaml", "network: {cniPlugin: ovnk}\n")
    if text is None:
        (host.etc / "config.d" / name).symlink_to("/nowhere")
    else:
        host.write(f"config.d/{name}", text)
    host.start()
    assert set(host.invalid()) == ASKING
    assert all(message.startswith(cause) for message in host.invalid().values()), host.invalid()
    assert cause in host.edge.daemon.client("gates", "ovn").stdout
    assert cause in host.edge.daemon.client("status").stdout


def test_check_config_shows_the_cause(built, tmp_path):
    if not mounts.may_be_had():
        pytest.skip("MicroShift's own places on this host need root: mounts")
    (tmp_path / "config.d").mkdir()
    (tmp_path / "config.d/10.yaml").symlink_to("/dev/null")
    (tmp_path / "none.conf").write_text("")
    words = [*mounts.wrapper({"/etc/microshift": tmp_path}), built / "daemon/msreadyd", "--check-config",
             "--config", tmp_path / "none.conf", "--gates-dir", process.REPOSITORY / "units/gates"]

    def errors():
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        return [line for line in done.stdout.splitlines() if line.startswith("error: ")]

    assert errors() == []
    os.mkfifo(tmp_path / "config.d/20.yaml")
    cause = "/etc/microshift/config.d/20.yaml: neither a file nor a link to one"
    assert f"error: gate ovn: {cause}" in errors()


def test_a_network_of_ones_own(host):
    """Whatever cannot be looked through, no network that is not installed is waited for."""
    for i in range(100):
        for k in range(100):
            (host.etc / f"sites/{i}/{k}").mkdir(parents=True)
    host.write("config.yaml", "network: {cniPlugin: none}\nmanifests: {kustomizePaths: [/etc/microshift/sites/*/*]}\n")
    host.edge.up()
    host.start()
    host.expect(USUAL - {"ovn"} | {"multus"})
    assert "manifests.kustomizePaths covers too many files" in host.invalid()["multus"]
    host.edge.expect_ready()
    # Where it is installed, it may be deployed.
    host.install(COMMUNITY["kindnet"])
    host.expect(USUAL - {"ovn"} | {"multus", "kindnet"})
    assert set(host.invalid()) == {"multus", "kindnet"}
