# SPDX-License-Identifier: Apache-2.0
"""Random events in random order: when they are over, the daemon says what is true, and sends no more requests.

MSREADY_SEED: of the first story. MSREADY_ROUNDS: how many stories there are.
"""

import os
import random
import time

import pytest

from harness import fake_cues, fakekubelet, guide, process

ROUNDS = int(os.environ.get("MSREADY_ROUNDS", "3"))
SEED = int(os.environ.get("MSREADY_SEED") or time.time_ns() % 1000000)
STEPS = 25
STREAMS = ("nodes", "pods", "daemonsets", "deployments", "replicasets", "leases", "events")
PODS = [w.pod for w in guide.WORKLOADS]
ANSWERS = (
    {"delay": 0.2},
    {"no_end_mark": True},
    fake_cues.too_many(1),
    fake_cues.unavailable(0),
    fake_cues.gone_event(),
    fake_cues.internal_error_event(),
    fake_cues.html(),
    {"cut_after": 700, "how": "eof"},
    {"cut_after": 3000, "how": "reset"},
)


class Story:
    """An edge node, and everything that may happen to it."""

    def __init__(self, edge, seed):
        self.edge = edge
        self.random = random.Random(seed)
        self.told = []

    def _pod(self):
        return self.random.choice(PODS)

    def pieces(self):
        self.edge.server.split = self.random.choice((None, 1, 7, 143))

    def connections_drop(self):
        self.edge.server.drop_connections(self.random.choice(("close", "eof", "reset")))

    def streams_end(self):
        self.edge.server.end_streams("clean", self.random.choice(STREAMS))

    def compaction(self):
        self.edge.server.store.compact()

    def not_ready(self):
        self.edge.server.ready = not self.edge.server.ready

    def server_goes(self):
        self.edge.server.stop_serving()

    def server_comes(self):
        self.edge.server.resume_serving()

    def answer(self):
        self.edge.server.cue(
            self.random.choice(("watch", "list")), self.random.choice(STREAMS), self.random.randint(1, 3), None,
            **self.random.choice(ANSWERS),
        )

    def reload(self):
        self.edge.daemon.reload()

    def daemon_restarts(self):
        self.edge.daemon.restart(kill=self.random.random() < 0.5)

    def microshift_restarts(self):
        path = self.edge.server.kubeconfig
        text = path.read_text()
        path.write_text(text[: self.random.randrange(len(text))])
        time.sleep(self.random.random() / 10)
        path.write_text(text)

    def host_reboots(self):
        # The daemon keeps its boot ID: to it, the API server reports another boot.
        self.edge.kubelet.patch_node(boot_id=fakekubelet.new_boot_id())

    def node_reports(self):
        self.edge.kubelet.patch_node()

    def node_goes(self):
        self.edge.server.rest.delete(self.edge.kubelet.node_path)

    def pod_waits(self):
        self.edge.kubelet.pod_waiting(self._pod(), "ImagePullBackOff", "no such image")

    def pod_runs(self):
        self.edge.kubelet.pod_up(self._pod())

    def container_dies(self):
        self.edge.kubelet.container_dies(self._pod(), remove=self.random.random() < 0.5)

    ACTIONS = (pieces, connections_drop, streams_end, compaction, not_ready, server_goes, server_comes, answer, answer,
               answer, reload, daemon_restarts, microshift_restarts, host_reboots, node_reports, node_goes, pod_waits,
               pod_runs, container_dies)

    def play(self):
        for _ in range(STEPS):
            action = self.random.choice(self.ACTIONS)
            self.told.append(action.__name__)
            try:
                action(self)
            except Exception as error:
                # The kubelet's reports go to the server, too: while that is away they are lost.
                self.told[-1] += f" ({type(error).__name__})"
            time.sleep(self.random.choice((0, 0, 0.01, 0.05, 0.3)))

    def heal(self):
        server = self.edge.server
        server.clear_cues()
        server.split, server.ready = None, True
        server.resume_serving()
        if not server.store.get("nodes", name=guide.NODE):
            server.store.put(guide.node())
        self.edge.up()


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_it_ends_well(edge, seed):
    edge.up()
    edge.start()
    story = Story(edge, seed)
    story.play()
    story.heal()
    daemon, server = edge.daemon, edge.server

    def is_well():
        edge.kubelet.renew_lease()
        told = daemon.describe()
        return told["verdict"]["state"] == "ready" and not any(
            g["blockers"] for g in told["gates"] if g["required"]
        )

    try:
        process.eventually(is_well, 30, 0.2, "an end to it")
        # Connections end, streams are replaced: after a while no request is left.
        edge.kubelet.renew_lease()

        def asks_for_nothing():
            mark = server.mark()
            time.sleep(2)
            return len(server.asked(since=mark)) <= 2

        process.eventually(asks_for_nothing, 20, 0, f"an end of asking; asked: {server.requests[-20:]}")
        assert daemon.describe()["verdict"]["state"] == "ready"
    except AssertionError as error:
        raise AssertionError(f"MSREADY_SEED={seed}: {error}\n{story.told}\n{daemon.log()[-3000:]}") from None
