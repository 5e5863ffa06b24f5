# SPDX-License-Identifier: Apache-2.0
"""Hosts with msready's units, and programs of a few lines in place of msreadyd and msready.

How systemd treats the units depends only on when the programs say READY=1 and when they end. Here a test decides
both, by files: a gate is open while its file exists.
"""

import pathlib
import re
import subprocess

OPEN = "/run/stand-in"

DAEMON = f"""#!/bin/bash
trap 'exit 0' TERM
trap : HUP
ready=
while sleep 0.1; do
        systemd-notify WATCHDOG=1 EXTEND_TIMEOUT_USEC=5000000 "STATUS=stand-in"
        if [ -z "$ready" ] && [ -e {OPEN}/cluster ]; then systemd-notify READY=1; ready=1; fi
done
"""

CLIENT = f"""#!/bin/bash
trap 'exit 0' TERM
gate=cluster limit=infinity verb=$1
shift
for word; do
        case $word in
        --timeout=*) limit=${{word#*=}} ;;
        --*) ;;
        *) gate=$word ;;
        esac
done
limit=${{limit%s}}
[ "$limit" = infinity ] || end=$((SECONDS + limit))
is_open() {{ [ -e {OPEN}/$gate ]; }}
case $verb in
status) is_open || exit 3 ;;
wait)
        until is_open; do
                if [ -n "$end" ] && [ $SECONDS -ge $end ]; then echo "$gate: ImagePullBackOff" >&2; exit 5; fi
                sleep 0.1
        done ;;
hold)
        until is_open; do systemd-notify EXTEND_TIMEOUT_USEC=5000000; sleep 0.1; done
        systemd-notify READY=1
        while is_open; do sleep 0.1; done ;;
explain) echo "$gate: ImagePullBackOff" ;;
esac
"""

MICROSHIFT = """[Unit]
Description=MicroShift, as far as systemd sees it
[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/sh -c 'echo microshift >>/var/stopped'
[Install]
WantedBy=multi-user.target
"""


def application(name, unit="", install="", service=""):
    """A unit's text: an application that writes down when it has stopped."""
    return (f"[Unit]\nDescription=Application {name}\n{unit}\n[Service]\nExecStart=/bin/sleep infinity\n"
            f"ExecStopPost=/bin/sh -c 'sleep 0.3; echo {name} >>/var/stopped'\n{service}\n[Install]\n{install}\n")


def prepare(host, build, units=None, enable=(), preset=True):
    """Installs the units and the stand-ins into a host that has not been booted yet.

    units: more unit files, or drop-ins (a path with a slash), by name. enable: units to enable.
    """
    host.install_msready(build)
    unit, = {path.resolve() for path in host.root.glob("*/lib/systemd/system/msready.service")} | {
        path.resolve() for path in host.root.glob("lib/systemd/system/msready.service")}
    daemon = re.search(r"^ExecStart=(\S+)", unit.read_text(), re.M).group(1)
    host.write(daemon, DAEMON, 0o755)
    host.write(str(pathlib.PurePath(daemon).with_name("msready")), CLIENT, 0o755)
    for name in ("msready.service", "msready-gate@.service"):
        # The stand-ins notify by a child.
        host.write(f"/etc/systemd/system/{name}.d/stand-in.conf", "[Service]\nNotifyAccess=all\n")
    host.write("/etc/systemd/system/microshift.service", MICROSHIFT)
    for name, text in (units or {}).items():
        host.write(f"/etc/systemd/system/{name}", text)
    systemctl(host, "enable", "microshift.service", *enable)
    if preset:
        systemctl(host, "preset", "msready.socket", "msready.service", "microshift-ready.target")
    return host


def systemctl(host, *words):
    """systemctl on the files of a host that is not booted."""
    subprocess.run(["systemctl", f"--root={host.root}", *words], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def open_gate(host, *gates):
    host.run("mkdir", "-p", OPEN)
    host.run("touch", *(f"{OPEN}/{gate}" for gate in gates or ("cluster",)))


def shut_gate(host, *gates):
    host.run("rm", "-f", *(f"{OPEN}/{gate}" for gate in gates or ("cluster",)))


def jobs(host):
    """The units that have a job."""
    return {line.split()[1] for line in host.output("systemctl", "list-jobs", "--no-legend").splitlines() if line}
