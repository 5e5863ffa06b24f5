# SPDX-License-Identifier: Apache-2.0
"""A real node with msready installed."""

import subprocess

import pytest

from harness import cluster as _cluster
from harness import host, process, realnode


@pytest.fixture(scope="module")
def make_real_node():
    """make_real_node(config, ...) makes a RealNode, not yet booted, that ends with the module."""
    nodes = []

    def make(config="", **options):
        try:
            host.check()
            assets = _cluster.assets("current", "all")
        except host.CannotBoot as error:
            pytest.skip(str(error))
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no parts of Kubernetes: {' '.join(error.cmd)} ended with {error.returncode}")
        build = process.build_folder()
        if not (build / "daemon/msreadyd").exists():
            pytest.skip(f"msreadyd is not built in {build}")
        nodes.append(realnode.RealNode(assets, **options))
        nodes[-1].install(build, config)
        return nodes[-1]

    yield make
    for made in nodes:
        made.close()
