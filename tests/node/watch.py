# SPDX-License-Identifier: Apache-2.0
"""A reboot of a real node, watched by a recorder that knows none of msready's rules."""

import glob
import subprocess

from harness import process, recorder


def _replay(node, watcher):
    """The pure rules, told of this boot, say at each moment what the recorder says."""
    file = node.folder / "boot.txt"
    file.write_text(watcher.story("a boot"))
    done = subprocess.run([process.build_folder() / "tests/unit/test-ready-boot", file], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout + file.read_text()


def _proofs(node):
    told = node.query("objects")["objects"]
    return {(o["object"]["kind"], o["proof"]) for o in told
            if o["object"]["kind"] in ("Node", "Pod") and o["proof"] != "missing"}


def reboot(node, cut):
    """A power cut or a clean reboot, up to READY=1, which is compared with the recording. Returns when (monotonic
    seconds) READY=1 came."""
    old = {i.partition("://")[2] for _, ids in node.pods().values() for i in ids if i}
    node.power_cut() if cut else node.poweroff()
    # A kernel that restarts would forget these.
    assert not glob.glob(f"/sys/fs/cgroup/*/msready-{node.name}")
    node.boot(wait="lab-apiserver.service")
    watcher = node.record()
    node.wait_usable(240)
    process.eventually(lambda: recorder.usable(watcher.seen()[-1][2], node.boot_id, old), 10, 0.1, "usable")
    recording = watcher.stop()
    ready = node.usec("msready.service", "ActiveEnterTimestampMonotonic")
    before, at = next((before, at) for before, at, state in recording if recorder.usable(state, node.boot_id, old))
    assert ready > before, f"READY=1 {before - ready:.2f} s before the cluster was usable: {recording}"
    assert ready < at + 3, f"READY=1 {ready - at:.2f} s after the cluster was usable"
    _replay(node, watcher)
    assert _proofs(node) == {("Node", "bootId"), ("Pod", "cgroup")}
    assert node.show("msready.service", "NRestarts") == "0"
    print(f"READY=1 {ready - before:.2f} s after the last sight of an unusable cluster")
    return ready
