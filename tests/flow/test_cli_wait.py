# SPDX-License-Identifier: Apache-2.0
"""wait, watch and hold: they subscribe, outlive the daemon, and tell systemd what they wait for."""

import copy
import json
import subprocess
import time

import pytest

from harness import process, world
from harness.client import Client, environment
from harness.daemon import NotifySocket
from harness.fakedaemon import MINUTE, Error, FakeDaemon, blocker, gate, verdict

READINESS = "io.msready.Readiness."


@pytest.fixture
def daemon(tmp_path):
    with FakeDaemon(tmp_path / "socket") as daemon:
        daemon.monitor(world.waiting())
        daemon.replies["ListGates"] = world.definitions()
        yield daemon


@pytest.fixture
def client(daemon):
    return Client(daemon.path)


@pytest.fixture
def notify(tmp_path):
    notify = NotifySocket(tmp_path / "notify")
    yield notify
    notify.running = False
    notify.thread.join()
    notify.socket.close()


@pytest.fixture
def start(client):
    """Starts msready; what still runs at the end is ended."""
    running = []

    def start(*arguments, **more):
        running.append(client.start(*arguments, **more))
        return running[-1]

    yield start
    for child in running:
        process.end(child)
        child.stdout.close()
        child.stderr.close()


def finish(child, timeout=60):
    out, err = child.communicate(timeout=timeout)
    return child.returncode, out, err


def lines_until(pipe, word):
    """The lines that come, up to the first one with this word."""
    made = []
    while not made or word not in made[-1]:
        line = pipe.readline()
        assert line, f"no {word!r} in {made}"
        made.append(line)
    return made


def change(*gates, state=None, removed=()):
    reply = {"gates": list(gates), "removedGates": list(removed)}
    if state:
        reply["verdict"] = verdict(state)
    return reply


def test_wait_for_what_is_ready(daemon, client):
    daemon.monitor(world.ready())
    done = client("wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:3] == ["api: ready", "node: ready", "dns: ready"]
    assert done.stdout.splitlines()[3].startswith("ready after ")
    assert daemon.calls == [(READINESS + "Monitor", {}, {"more"})]


def test_wait_tells_each_transition_once(daemon, start):
    child = start("wait")
    creating = blocker("dns", "Pod", "dns-default-x7k2p", "ContainerCreating", "openshift-dns")
    daemon.tell(change(gate("dns", "waiting", containers=(1, 2), blockers=[world.PULL])))
    daemon.tell(change(gate("dns", "waiting", blockers=[creating])))
    daemon.tell(change(gate("ingress", "waiting", required=False, blockers=[creating])))
    daemon.tell(change(gate("dns"), state="ready"))
    status, out, err = finish(child)
    assert (status, err) == (0, "")
    pod = "Pod openshift-dns/dns-default-x7k2p"
    assert out.splitlines()[:-1] == ["api: ready", "node: ready", f"dns: waiting, {pod}: ImagePullBackOff",
                                     f"dns: waiting, {pod}: ContainerCreating", "dns: ready"]


def test_wait_for_named_gates(daemon, start):
    daemon.monitor({"verdict": verdict("waiting"), "gates": [gate("a", "waiting"), gate("b", "waiting")]})
    child = start("wait", "a", "b")
    daemon.wait_for(lambda: daemon.subscribers)
    assert daemon.calls[0][1] == {"gates": ["a", "b"]}
    # The verdict alone does not do, nor does one of them.
    daemon.tell(change(gate("a"), state="ready"))
    time.sleep(0.2)
    assert child.poll() is None
    daemon.tell(change(gate("b")))
    assert finish(child)[0] == 0


def test_wait_with_a_time_limit(client):
    begun = time.monotonic()
    # In this time it has to learn what it then tells.
    done = client("wait", "--timeout=3s")
    assert done.returncode == 5
    assert done.stderr.startswith("msready: timed out after 3s: dns is waiting: "
                                  "Pod openshift-dns/dns-default-x7k2p: ImagePullBackOff\n")
    assert "quay.io" in done.stderr and world.PULL["hint"].split()[0] in done.stderr
    assert done.stderr.endswith("\nRun: msready explain\n")
    assert 3 <= time.monotonic() - begun < 30


def test_wait_with_no_time_looks_once(daemon, client):
    done = client("wait", "--timeout=0", "dns", "ingress")
    assert done.returncode == 5 and done.stderr.startswith("msready: not ready: dns is waiting: Pod ")
    assert done.stderr.endswith("\nRun: msready explain dns ingress\n")
    daemon.monitor(world.ready())
    assert client("wait", "--timeout=0").returncode == 0


def test_wait_that_stalls(daemon, start):
    child = start("wait", "--stall=4s")
    begun = time.monotonic()
    # What moves: an object, a container, what is waited for. What does not: the same again.
    for moved in ({"containers": (2, 3)}, {"containers": (3, 3)}, {"blockers": [blocker("dns", "Pod", "x", "Other")]}):
        daemon.tell(change(gate("dns", "waiting", **{"blockers": [world.PULL], **moved})))
        time.sleep(1.8)
    assert child.poll() is None
    last = {"blockers": [blocker("dns", "Pod", "x", "Other")]}
    while child.poll() is None and time.monotonic() - begun < 30:
        daemon.tell(change(gate("dns", "waiting", **last)), wait=False)
        time.sleep(0.3)
    assert child.poll() is not None, "what is the same again has counted as a move"
    status, _, err = finish(child)
    assert status == 5 and "no progress for 4s" in err
    assert time.monotonic() - begun > 2 * 1.8 + 4


@pytest.mark.parametrize("tries", [
    [("ImagePullBackOff", "Back-off pulling image"), ("ErrImagePull", "pulling quay.io/x"),
     ("ErrImagePull", "dial tcp 10.0.0.9:{i}->10.0.0.1:443: i/o timeout")],
    [("ContainerCreating", "secret not found"), ("ContainerCreating", "timed out waiting for volumes")],
    [("CrashLoopBackOff", "back-off 5m0s restarting failed container"), ("Error", "exit code 1")],
], ids=["pull", "mount", "crash"])
def test_what_is_tried_again_and_again_is_a_stall(daemon, start, tries):
    child = start("wait", "--stall=3s")
    begun = time.monotonic()
    while child.poll() is None and time.monotonic() - begun < 20:
        for reason, message in tries:
            again = blocker("dns", "Pod", "x", reason, message=message.format(i=int(time.monotonic() * 1000) % 65536))
            daemon.tell(change(gate("dns", "waiting", blockers=[again])), wait=False)
            time.sleep(0.2)
    assert child.poll() is not None, "a failure that comes again has counted as a move"
    status, _, err = finish(child)
    assert status == 5 and "no progress for 3s" in err


@pytest.mark.parametrize("error,status", [("NoSuchGate", 4), ("GateDisabled", 1), ("GateInvalid", 1)])
def test_wait_for_what_cannot_come(daemon, client, error, status):
    daemon.replies["Monitor"] = Error(error, gate="x", cause="because of this")
    done = client("wait", "x")
    assert done.returncode == status and "'x'" in done.stderr
    assert error == "NoSuchGate" or "because of this" in done.stderr


@pytest.mark.parametrize("state,error", [("disabled", "GateDisabled"), ("waiting", "GateInvalid")])
def test_wait_for_what_is_told_to_be_off(daemon, client, state, error):
    """Monitor may tell of such a gate; the cause is in the error of Wait."""
    wrong = [blocker("x", "Gate", "x", "InvalidGate")] if state == "waiting" else []
    daemon.monitor({"verdict": verdict("ready"), "gates": [gate("x", state, blockers=wrong)]})
    daemon.replies["Wait"] = Error(error, gate="x", cause="because of this")
    done = client("wait", "x")
    assert done.returncode == 1 and "because of this" in done.stderr
    assert daemon.calls[-1] == (READINESS + "Wait", {"gates": ["x"], "timeoutUSec": 0}, set())


def test_wait_if_enabled(daemon, client):
    daemon.monitor({"verdict": verdict("waiting"), "gates": [gate("x", "disabled"), gate("y")]})
    assert client("wait", "--if-enabled", "x", "y").returncode == 0
    assert client("wait", "--if-enabled", "y", "x", "x").returncode == 0
    done = client("wait", "--if-enabled", "x")
    assert done.returncode == 0 and done.stdout.endswith("nothing to wait for\n")
    # And where the daemon refuses: the others are waited for.
    daemon.replies["Monitor"] = lambda p: (Error("GateDisabled", gate="x", cause="c") if "x" in p["gates"]
                                           else {"verdict": verdict("waiting"), "gates": [gate("y")]})
    assert client("wait", "--if-enabled", "x", "y").returncode == 0
    assert daemon.calls[-1][1] == {"gates": ["y"]}
    assert client("wait", "--if-enabled", "x").returncode == 0


def test_wait_for_a_gate_that_is_removed(daemon, start):
    daemon.monitor({"verdict": verdict("waiting"), "gates": [gate("x", "waiting")]})
    child = start("wait", "x")
    daemon.tell(change(removed=["x"]))
    status, _, err = finish(child)
    assert status == 4 and "no gate 'x'" in err


def test_wait_survives_the_daemon(daemon, start):
    child = start("wait")
    daemon.wait_for(lambda: daemon.subscribers)
    daemon.stop()
    time.sleep(2.5)
    assert child.poll() is None
    daemon.start()
    # What was said before the daemon went is not said again.
    daemon.tell(change(gate("dns"), state="ready"))
    status, out, err = finish(child)
    assert status == 0
    assert out.count("dns: waiting") == 1 and out.count("dns: ready") == 1
    assert err.count("Waiting for it.") == 1


def test_wait_begins_before_the_daemon(tmp_path):
    client = Client(tmp_path / "socket")
    child = client.start("wait")
    said = lines_until(child.stderr, "there is no socket")
    time.sleep(0.5)
    with FakeDaemon(client.socket, [world.ready()]):
        status, _, err = finish(child)
    assert status == 0 and (said[-1] + err).count("there is no socket") == 1


def test_wait_is_never_69(tmp_path):
    done = Client(tmp_path / "socket")("wait", "--timeout=1500ms")
    assert done.returncode == 5 and "unreachable" in done.stderr


def test_wait_says_that_the_daemon_hangs(daemon, start):
    daemon.mute = True
    child = start("wait")
    lines_until(child.stderr, "did not answer within 5s")
    time.sleep(1)
    assert child.poll() is None
    child.terminate()
    _, _, err = finish(child)
    assert "did not answer" not in err, "it was said already"


def test_wait_json_is_the_shape_of_its_method(daemon, start):
    child = start("wait", "-j")
    daemon.tell(change(gate("dns"), state="ready"))
    status, out, _ = finish(child)
    reply = json.loads(out)
    assert status == 0 and out.count("\n") == 1
    assert reply["verdict"] == verdict("ready")
    assert [g["name"] for g in reply["gates"]] == ["api", "node", "dns", "ingress", "service-ca"]
    assert reply["gates"][2]["state"] == "ready"


def test_wait_whose_output_is_full(client):
    """What it gives up with cannot be printed: that is told, and is no crash."""
    for arguments in ("-j", "--timeout=2s"), ("-j", "--stall=2s"):
        with open("/dev/full", "w") as full:
            done = subprocess.run(client.command("wait", *arguments), stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=60, env=environment())
        assert (done.returncode, done.stderr.count("No space left on device")) == (1, 1), done.stderr


def test_wait_quiet(daemon, client):
    done = client("wait", "-q", "--timeout=300ms")
    assert (done.returncode, done.stdout) == (5, "")
    daemon.monitor(world.ready())
    done = client("wait", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_wait_tells_systemd(daemon, start, notify):
    child = start("wait", NOTIFY_SOCKET=str(notify.path))
    told = notify.wait(lambda n: n.value("STATUS"), 10)
    assert told.value("STATUS").startswith(
        "2 of 3 gates ready, 1 of 2 containers; dns: Pod openshift-dns/dns-default-x7k2p: ImagePullBackOff since ")
    # A gate that is open is not the cause, whatever is the matter with it.
    daemon.tell(change(gate("api", blockers=[blocker("api", "Api", "/readyz", "Doubt")])))
    daemon.tell(change(gate("dns", "waiting", blockers=[blocker("dns", "Pod", "x", "OtherReason")])))
    notify.wait(lambda n: "; dns: Pod x: OtherReason since " in (n.value("STATUS") or ""), 10)
    assert not notify.find(lambda n: "Doubt" in (n.value("STATUS") or ""))
    evil = blocker("dns", "Pod", "x", "Bad\nREADY=1\nSTOPPING=1" + "x" * 6000)
    daemon.tell(change(gate("dns", "waiting", blockers=[evil])))
    told = notify.wait(lambda n: "Bad" in (n.value("STATUS") or ""), 10)
    assert len(told.lines) == 1 and told.size < 4096
    # The same again is not told again.
    mark = notify.mark()
    daemon.tell(change(gate("dns", "waiting", blockers=[evil])))
    daemon.tell(change(gate("dns"), state="ready"))
    assert finish(child)[0] == 0
    assert len([n for n in notify.find(lambda n: n.value("STATUS"), mark)]) <= 1
    assert not notify.find(lambda n: "READY=1" in n)


@pytest.mark.parametrize("verb", [["wait"], ["watch"], ["hold", "g"]])
def test_more_gates_than_there_can_be(daemon, client, verb):
    """The client takes no more of them than a daemon may have, and says that, and nothing of its memory."""
    daemon.monitor({"verdict": verdict("waiting"), "gates": [gate(f"g{i}", "waiting") for i in range(600)]})
    done = client(*verb)
    cause = "the daemon reports more than this client can hold"
    assert (done.returncode, done.stderr) == (1, f"msready: {verb[0]} failed: {cause}.\n")


def test_watch_prints_changes(daemon, start):
    daemon.monitor(world.waiting())
    child = start("watch")
    daemon.tell(change(gate("dns"), state="ready"))
    daemon.tell(change(gate("dns"), removed=["service-ca"]))
    said = lines_until(child.stdout, "dns: ready")
    time.sleep(0.5)
    child.terminate()
    said += finish(child)[1].splitlines(True)
    assert said[0] == "cluster: waiting\n"
    assert said[-2:] == ["cluster: ready\n", "dns: ready\n"]


def test_watch_json_is_each_reply(daemon, start):
    child = start("watch", "-j")
    daemon.tell(change(gate("dns"), state="ready"))
    replies = [json.loads(child.stdout.readline()) for _ in range(2)]
    child.terminate()
    assert finish(child)[1] == ""
    assert replies == [world.waiting(), change(gate("dns"), state="ready")]


def test_watch_with_a_time_limit(client):
    assert client("watch", "--timeout=300ms").returncode == 5


class Holding:
    def __init__(self, daemon, start, notify, **definition):
        self.daemon, self.notify = daemon, notify
        definitions = copy.deepcopy(world.definitions())
        definitions["definitions"][0].update({"name": "g", **definition})
        daemon.replies["ListGates"] = definitions
        daemon.monitor({"verdict": verdict("waiting"), "gates": [gate("g", "waiting", blockers=[world.PULL])]})
        self.child = start("hold", "g", NOTIFY_SOCKET=str(notify.path))

    def status(self, words):
        assert self.notify.wait(lambda n: words in (n.value("STATUS") or ""), 10), words

    def open(self):
        self.daemon.tell(change(gate("g")))
        assert self.notify.wait(lambda n: "READY=1" in n, 10)

    def becomes(self, state):
        self.daemon.tell(change(gate("g", state, blockers=[world.PULL])))

    def holds(self, seconds=0.5):
        time.sleep(seconds)
        return self.child.poll() is None

    def ends(self, words):
        status, _, err = finish(self.child)
        assert status == 0 and words in err


@pytest.fixture
def holding(daemon, start, notify):
    return lambda **definition: Holding(daemon, start, notify, **definition)


def test_hold_opens_and_is_lost(holding, notify):
    h = holding()
    h.status("waiting: Pod openshift-dns/dns-default-x7k2p: ImagePullBackOff")
    assert not notify.find(lambda n: "READY=1" in n)
    h.open()
    h.becomes("ready")
    assert h.holds()
    h.becomes("lost")
    h.ends("is lost")
    assert len(notify.find(lambda n: "READY=1" in n)) == 1


def test_hold_through_unknown(holding):
    h = holding()
    h.open()
    h.becomes("unknown")
    assert h.holds()
    h.becomes("ready")
    assert h.holds()
    h.becomes("lost")
    h.ends("is lost")


def test_hold_closes_on_unknown_where_the_gate_says_so(holding):
    h = holding(onUnknown="close")
    h.open()
    h.becomes("unknown")
    h.ends("is unknown")


@pytest.mark.parametrize("on_unknown", ["hold", "close"])
def test_hold_while_the_daemon_is_away(daemon, holding, on_unknown):
    # It holds for a second where it will not hold for long.
    h = holding(onUnknown=on_unknown, unknownUSec=5_000_000 if on_unknown == "close" else 2_000_000)
    h.open()
    daemon.stop()
    assert h.holds(1)
    if on_unknown == "close":
        h.ends("is unknown")
        return
    assert h.holds(3)
    daemon.monitor({"verdict": verdict("ready"), "gates": [gate("g")]})
    daemon.start()
    h.becomes("lost")
    h.ends("is lost")


def test_hold_where_the_daemon_forgot(daemon, holding):
    """A daemon that lost its state says waiting: the gate has its grace, and is closed after it."""
    h = holding(unknownUSec=4_000_000)
    h.open()
    h.becomes("waiting")
    assert h.holds(1)
    h.becomes("ready")
    assert h.holds(4)
    h.becomes("waiting")
    h.ends("is not ready")


def test_hold_where_the_daemon_forgot_while_it_was_away_for_long(daemon, holding):
    """An absence uses up no grace where unknown holds: who comes back and has forgotten is given time to look."""
    h = holding(unknownUSec=2_000_000)
    h.open()
    daemon.stop()
    assert h.holds(4)
    daemon.start()
    h.becomes("waiting")
    assert h.holds(1)
    h.becomes("ready")
    assert h.holds(3)
    h.becomes("waiting")
    h.ends("is not ready")


def test_hold_where_the_daemon_cannot_tell(daemon, holding):
    """What the daemon fails at says nothing of the gate."""
    h = holding()
    h.open()
    daemon.replies["Monitor"] = Error("io.systemd.System", errno=12, errnoName="ENOMEM", origin="linux")
    daemon.stop()
    daemon.start()
    h.status("io.systemd.System")
    assert h.holds(1)
    daemon.monitor({"verdict": verdict("ready"), "gates": [gate("g")]})
    del daemon.replies["Monitor"]
    h.becomes("lost")
    h.ends("is lost")


def test_hold_closes_where_the_daemon_cannot_tell_for_long(daemon, holding):
    h = holding(onUnknown="close", unknownUSec=4_000_000)
    h.open()
    daemon.replies["Monitor"] = Error("io.systemd.System", errno=12, errnoName="ENOMEM", origin="linux")
    daemon.stop()
    daemon.start()
    assert h.holds(2)
    h.ends("is unknown")


def test_hold_goes_by_what_was_loaded_again(daemon, holding):
    h = holding()
    h.open()
    daemon.replies["ListGates"]["definitions"][0]["onUnknown"] = "close"
    h.becomes("unknown")
    h.ends("is unknown")


def test_hold_of_a_gate_that_is_removed(holding):
    h = holding()
    h.open()
    h.daemon.tell(change(removed=["g"]))
    h.ends("was removed")


def test_hold_waits_for_a_gate_that_may_come(daemon, start, notify):
    daemon.replies["Monitor"] = Error("NoSuchGate", gate="g")
    child = start("hold", "g", NOTIFY_SOCKET=str(notify.path))
    assert notify.wait(lambda n: "no such gate" in (n.value("STATUS") or ""), 10)
    daemon.replies["Monitor"] = Error("GateDisabled", gate="g", cause="ConditionX=")
    assert notify.wait(lambda n: "ConditionX=" in (n.value("STATUS") or ""), 10)
    daemon.monitor({"verdict": verdict("ready"), "gates": [gate("g")]})
    del daemon.replies["Monitor"]
    assert notify.wait(lambda n: "READY=1" in n, 10)
    assert child.poll() is None


def test_hold_names_the_gate_that_may_be_meant(daemon, start, notify):
    """The name of an instance of msready-gate@.service has nobody to check it."""
    daemon.replies["ListGates"] = world.definitions()
    daemon.replies["Monitor"] = Error("NoSuchGate", gate="dnss")
    start("hold", "dnss", NOTIFY_SOCKET=str(notify.path))
    text = "There is no such gate, waiting for it; did you mean dns?"
    assert notify.wait(lambda n: n.value("STATUS") == text, 10)


def test_hold_keeps_its_start_alive(daemon, holding, notify):
    """Not only when nothing comes: changes must not put the heartbeat off."""
    h = holding()
    begun = time.monotonic()
    beats = []
    while time.monotonic() - begun < 60 and len(beats) < 2:
        h.becomes("waiting")
        time.sleep(0.5)
        beats = notify.find(lambda n: n.value("EXTEND_TIMEOUT_USEC"))
    assert [int(n.value("EXTEND_TIMEOUT_USEC")) for n in beats] == [MINUTE, MINUTE]
    # It was asked for a minute, and a beat may be missed.
    assert beats[1].time - beats[0].time < 30


def test_hold_with_a_time_limit(client):
    done = client("hold", "dns", "--timeout=500ms")
    assert done.returncode == 5
    pod = "Pod openshift-dns/dns-default-x7k2p: ImagePullBackOff"
    assert f"msready: timed out after 500ms: gate dns is not ready: waiting: {pod}: Back-off" in done.stderr
    assert done.stderr.endswith("\nRun: msready explain dns\n")
