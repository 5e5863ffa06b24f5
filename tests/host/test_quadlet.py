# SPDX-License-Identifier: Apache-2.0
"""Units of Quadlet bound to gates. The generator is podman's own; in place of podman there is a stand-in.

The generator needs nothing but its own program, so that it runs in a host without podman; the stand-in does what the
unit that it makes asks of `podman run` and `podman kube play`: it says READY=1 and lives until it is stopped.
"""

import os
import shutil
import subprocess
import time

import pytest

from harness import client, host as _host, quadlet
from host import node as _node
from host import standin

PODMAN = """#!/bin/sh
# A stand-in for podman.
[ "$1" = run ] || [ "$1 $2" = "kube play" ] || exit 0
systemd-notify --ready
exec sleep infinity
"""
EDGE = "[Container]\nImage=localhost/edge:1\n[Install]\nWantedBy=multi-user.target default.target\n"
FOLDER = "/etc/containers/systemd"
GENERATOR = "/usr/lib/systemd/system-generators/podman-system-generator"
DROP_IN = "/etc/systemd/system/edge.service.d/msready-dns.conf"


def install_quadlet(host):
    """The generator, and the stand-in for podman."""
    generator = host.path(GENERATOR)
    generator.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(_host.generator_of_podman() / "usr/libexec/podman/quadlet", generator)
    host.write("/usr/bin/podman", PODMAN, 0o755)


def bind_offline(host, verb, *words):
    """`msready bind` of this machine, on the files of a host that is not booted."""
    return subprocess.run([client.program(), verb, *words, f"--root={host.root}"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def test_the_table_is_what_the_generator_makes(boot_host):
    """In a tree with a C library, which the generator needs."""
    host = boot_host("trixie")
    install_quadlet(host)
    for name, (files, unit, targets) in quadlet.CASES.items():
        for folder in (FOLDER, "/usr/share/containers", "/run/containers", "/srv", "/out"):
            shutil.rmtree(host.path(folder), ignore_errors=True)
            host.path(folder).mkdir(parents=True)
        quadlet.make(host.root, files)
        subprocess.run(["chroot", host.root, GENERATOR, "-no-kmsg-log", "/out"], stderr=subprocess.DEVNULL)
        assert quadlet.generated(host.path("/out"), f"{unit}.service") == targets, name


def test_a_container_of_an_image_runs_while_its_gate_is_open(make_node):
    """Bound where the image is built: the generator has not run there yet."""
    node = make_node()
    install_quadlet(node.host)
    node.host.write(f"{FOLDER}/edge.container", EDGE)
    done = bind_offline(node.host, "bind", "dns", "edge.service")
    assert (done.returncode, done.stderr) == (0, "")
    # The boot does not wait for it.
    node.boot(wait="multi-user.target")
    assert node.host.show("edge.service", "FragmentPath") == "/run/systemd/generator/edge.service"
    assert node.host.state("edge.service") == "inactive"
    node.usable()
    node.host.wait_active("edge.service")
    node.kubelet.container_dies("dns-default", report=True)
    node.host.wait_state("edge.service", "inactive", timeout=_node.HOLD + 10)
    node.kubelet.container_restarts("dns-default")
    node.host.wait_active("edge.service")
    # Taken back on the running host, it is the generator's again.
    assert node.msready("unbind", "dns", "edge.service", timeout=20).returncode == 0
    assert node.host.show("edge.service", "BindsTo") == ""
    assert "multi-user.target" in node.host.show("edge.service", "WantedBy")


@pytest.fixture(params=["bookworm", "trixie"])
def host(request, boot_host, built):
    """A booted host whose gates the test opens and shuts, with the real client for bind and unbind."""
    host = standin.prepare(boot_host(request.param), built)
    install_quadlet(host)
    target = host.path("/usr/local/sbin/msready")
    shutil.copy(built / "cli/msready", target)
    return host


def test_a_file_that_the_generator_has_not_seen_yet(host):
    host.boot()
    assert "there is no unit" in host.run("msready", "bind", "dns", "edge", check=False).stderr
    host.write(f"{FOLDER}/site/edge.kube", "[Kube]\nYaml=/srv/edge.yaml\n[Install]\nRequiredBy=default.target\n")
    host.run("msready", "bind", "dns", "edge", timeout=20)
    assert "After=default.target\n" in host.output("cat", DROP_IN) + "\n"
    host.wait_state("msready-gate@dns.service", "activating")
    standin.open_gate(host, "dns")
    host.wait_active("edge.service")
    host.run("msready", "unbind", "dns", "edge")
    # One of which the generator makes nothing: it has no section of its kind.
    host.write(f"{FOLDER}/bare.container", "[Install]\nWantedBy=multi-user.target\n")
    done = host.run("msready", "bind", "dns", "bare.service", check=False)
    assert done.returncode == 1
    assert f"podman's generator makes no unit bare.service of {FOLDER}/bare.container" in done.stderr


def test_no_way_of_being_pulled_in_holds_up_the_boot(host):
    """Each was bound where the image is built. Below 254 systemd knows no .upholds and passes it over."""
    units = "/etc/systemd/system"
    vendor = "/usr/lib/systemd/system"
    for name in ("vendor", "wanted", "upheld", "dropped", "edge"):
        host.write(f"{units}/{name}.service", standin.application(name))
    for kind, name in ("wants", "vendor"), ("upholds", "upheld"):
        folder = host.path(f"{vendor}/multi-user.target.{kind}")
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.service").symlink_to(f"../{name}.service")
    host.write(f"{vendor}/edge.target", "[Unit]\nWants=wanted.service\n[Install]\nWantedBy=multi-user.target\n")
    host.write(f"{units}/multi-user.target.d/more.conf", "[Unit]\nUpholds=dropped.service\n")
    host.write(f"{FOLDER}/quadlet.container", EDGE)
    standin.systemctl(host, "enable", "edge.target")
    bound = ("vendor", "wanted", "upheld", "dropped", "quadlet")
    for name in bound:
        assert bind_offline(host, "bind", "dns", name).returncode == 0
    host.boot(wait="multi-user.target")
    host.wait_active("edge.target")
    for name in bound:
        assert host.state(f"{name}.service") == "inactive"
    standin.open_gate(host, "dns")
    for name in bound:
        host.wait_active(f"{name}.service")
    # What else upholds a unit does not bring it back.
    host.systemctl("stop", "msready-gate@dns.service")
    for name in bound:
        host.wait_state(f"{name}.service", "inactive")
    time.sleep(2)
    assert {host.state(f"{name}.service") for name in (*bound, "msready-gate@dns")} == {"inactive"}
