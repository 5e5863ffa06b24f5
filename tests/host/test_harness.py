# SPDX-License-Identifier: Apache-2.0
"""The harness itself: Debian with systemd as PID 1 boots, obeys, and leaves nothing behind."""

import pathlib
import socket
import subprocess

import pytest


def groups_of(host):
    mount = pathlib.Path("/sys/fs/cgroup")
    return [*mount.glob(f"msready-{host.name}"), *mount.glob(f"*/msready-{host.name}")]


@pytest.mark.parametrize("suite,version", [("bookworm", "systemd 252 "), ("trixie", "systemd 257 ")])
def test_boots_and_obeys(boot_host, suite, version):
    host = boot_host(suite).boot()
    assert host.output("systemctl", "--version").startswith(version)
    assert host.output("cat", "/proc/1/comm") == "systemd"
    assert host.output("stat", "-fc", "%T", "/sys/fs/cgroup") == "cgroup2fs"
    assert host.output("systemctl", "--failed", "--no-legend") == ""
    # A service sees this boot's ID as the unit's %b does.
    asked = host.output(
        "systemd-run",
        "--wait",
        "--pipe",
        "--quiet",
        "sh",
        "-c",
        "echo %b; cat /proc/sys/kernel/random/boot_id",
    )
    bare = [line.replace("-", "") for line in asked.splitlines()]
    assert len(bare[-1]) == 32


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_sandboxes_are_real(boot_host, suite):
    host = boot_host(suite).boot()

    def works(setting, command="true"):
        words = ["systemd-run", "--wait", "--quiet", "-p", setting, "bash", "-c", command]
        return host.run(*words, check=False).returncode == 0

    # The standard input of a service is /dev/null.
    assert works("DevicePolicy=closed") and not works("DevicePolicy=strict")
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = f"timeout 2 bash -c ': >/dev/tcp/127.0.0.1/{server.getsockname()[1]}'"
        assert works("IPAddressDeny=10.0.0.0/8", connect) and not works("IPAddressDeny=127.0.0.0/8", connect)


def test_varlinkctl_is_there(boot_host):
    host = boot_host("trixie").boot()
    assert "Vendor" in host.output("varlinkctl", "info", "/run/systemd/io.systemd.Hostname")


def test_files_survive_a_power_cut_and_the_boot_id_does_not(boot_host):
    host = boot_host(
        files={
            "/etc/systemd/system/marker.service": "[Service]\nType=oneshot\n"
            "ExecStart=/bin/sh -c 'echo x >>/var/marks'\n[Install]\nWantedBy=multi-user.target\n"
        }
    )
    host.boot()
    first = host.output("cat", "/proc/sys/kernel/random/boot_id")
    host.systemctl("enable", "--now", "marker.service")
    host.run("sync")
    host.reboot(cut=True)
    assert host.output("cat", "/proc/sys/kernel/random/boot_id") != first
    host.wait_state("marker.service", "inactive")
    assert host.output("cat", "/var/marks").split() == ["x", "x"]


def test_loopback_is_this_machines(boot_host):
    import http.server
    import threading

    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.handle_request, daemon=True)
    thread.start()
    host = boot_host().boot()
    try:
        # Debian's minimal tree has no curl; bash has sockets.
        asked = host.output(
            "bash",
            "-c",
            f"exec 3<>/dev/tcp/127.0.0.1/{server.server_port};"
            r"printf 'GET /nowhere HTTP/1.0\r\n\r\n' >&3; cat <&3",
            timeout=10,
        )
        assert "404" in asked
    finally:
        server.server_close()


def test_containers_have_real_cgroups(boot_host):
    """What a CRI-O of the systemd driver makes, systemd-run makes as well; killed, the group empties."""
    host = boot_host().boot()
    scope = "crio-" + "a" * 64 + ".scope"
    pod = "kubepods-burstable-pod3b1f8f0e_0d55_4c34_9d39_0f6b1ad2a4f1.slice"
    runner = host.spawn(
        "systemd-run", "--scope", "--quiet", f"--slice={pod}", f"--unit={scope}", "sleep", "1000"
    )
    host.wait_active(scope)
    events = f"/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/{pod}/{scope}/cgroup.events"
    assert "populated 1" in host.output("cat", events)
    host.systemctl("stop", "kubepods.slice")
    runner.wait(10)
    assert host.state(scope) == "inactive"


def test_nothing_is_left(boot_host):
    host = boot_host()
    host.boot()
    folder, leader = host.folder, host.leader
    host.poweroff()
    host.close()
    assert not folder.exists()
    assert not pathlib.Path(f"/proc/{leader}").exists()
    assert str(folder) not in subprocess.run(["mount"], stdout=subprocess.PIPE, text=True).stdout
    assert not groups_of(host)


def test_a_host_that_goes_down_by_itself_leaves_nothing_either(boot_host):
    host = boot_host().boot()
    assert groups_of(host)
    host.systemctl("poweroff", "--no-block")
    host.nspawn.wait(30)
    host.close()
    assert not groups_of(host)
