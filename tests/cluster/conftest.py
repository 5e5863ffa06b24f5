# SPDX-License-Identifier: Apache-2.0
"""Clocks of a daemon that a test can set wrong."""

import pathlib
import struct

import pytest

from harness import process


@pytest.fixture
def clock(tmp_path):
    """clock(SECONDS, SLEPT): the daemon's wall clock is off by so many, and its host has slept for so many."""
    file = tmp_path / "wall-clock"
    file.write_bytes(bytes(16))

    def put_off(seconds=0, slept=0):
        with open(file, "r+b") as out:
            out.write(struct.pack("=qq", int(seconds), int(slept)))

    put_off.env = {
        "LD_PRELOAD": str(process.build_folder() / "tests/cluster/libwall-clock.so"),
        "WALL_CLOCK": str(file),
    }
    assert pathlib.Path(put_off.env["LD_PRELOAD"]).exists()
    return put_off
