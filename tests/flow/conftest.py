# SPDX-License-Identifier: Apache-2.0
"""The daemon before a scripted API server, with the guide's node and pods."""

import pytest

from harness.daemon import Daemon
from harness.edge import Edge
from harness.fake_apiserver import FakeApiServer


@pytest.fixture
def server():
    with FakeApiServer() as made:
        yield made


@pytest.fixture
def make_edge(built, tmp_path):
    """make_edge(server) for a server of the test's own."""
    made = []

    def make(server):
        made.append(Edge(built, tmp_path, server))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def edge(make_edge, server):
    return make_edge(server)


@pytest.fixture
def ready_edge(edge):
    """A cluster that is ready, and a daemon that has said so."""
    edge.up()
    edge.start()
    edge.expect_ready()
    edge.expect_settled()
    return edge


@pytest.fixture
def run_without_cluster(built):
    """run_without_cluster(gates, ...) starts msreadyd with such gates (name -> text) and no API server."""
    daemons = []

    def start(gates, **options):
        daemon = Daemon(kubeconfig="/nonexistent/kubeconfig", gates=gates,
                        boot_id="2f6b1f0c58a44f0e9f2b6f0f4d3c2b1a", **options)
        daemons.append(daemon)
        return daemon.start()

    yield start
    for daemon in daemons:
        daemon.stop()
        daemon.notify.close()
        daemon._folder.clean()
