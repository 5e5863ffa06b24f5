# SPDX-License-Identifier: Apache-2.0
"""The verbs that answer at once: what they print, and what their exit status says."""

import json
import os
import pathlib
import re
import subprocess
import time

import pytest

from harness import process, world
from harness.client import Client, environment, golden, program
from harness.fakedaemon import Error, FakeDaemon, blocker, gate, verdict

READINESS = "io.msready.Readiness."


@pytest.fixture
def daemon(tmp_path):
    with FakeDaemon(tmp_path / "socket") as daemon:
        daemon.replies["Describe"] = world.waiting()
        daemon.replies["ListGates"] = world.definitions()
        daemon.replies["ListObjects"] = lambda _: world.objects()
        daemon.replies["GetTimeline"] = world.timeline()
        yield daemon


@pytest.fixture
def client(daemon):
    return Client(daemon.path)


@pytest.mark.parametrize("arguments,status", [
    ((), 3),
    (("status", "dns", "ingress"), 3),
    (("--no-legend",), 3),
    (("explain",), 3),
    (("gates",), 0),
    (("gates", "dns", "storage"), 0),
    (("objects",), 0),
    (("timeline",), 0),
    (("timeline", "dns"), 0),
    (("timeline", "--all"), 0),
    (("timeline", "--boots"), 0),
    (("help",), 0),
], ids=lambda a: "-".join(a).replace("--", "") or "default" if isinstance(a, tuple) else "")
def test_text(client, arguments, status):
    done = client(*arguments)
    assert (done.returncode, done.stderr) == (status, "")
    # Ages count from now, and a busy machine takes its time.
    text = re.sub("1min [1-9]s", "1min 1s", done.stdout)
    golden(("-".join(arguments).replace("--", "") or "default") + ".txt", text)


def test_ready(daemon, client):
    daemon.replies["Describe"] = world.ready()
    done = client()
    assert (done.returncode, done.stderr) == (0, "")
    golden("ready.txt", done.stdout)
    golden("explain-ready.txt", client("explain").stdout)


def test_ascii(client):
    done = client(LC_ALL="C")
    golden("ascii.txt", done.stdout)
    assert done.stdout.isascii()


@pytest.mark.parametrize("state,status", [("ready", 0), ("waiting", 3), ("lost", 3), ("unknown", 6), ("new", 3)])
def test_status_of_the_verdict(daemon, client, state, status):
    daemon.replies["Describe"] = {"verdict": verdict(state), "gates": []}
    done = client("status", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


@pytest.mark.parametrize("states,status", [
    (["ready"], 0),
    (["ready", "waiting"], 3),
    (["unknown"], 6),
    (["unknown", "lost"], 3),
    (["waiting", "unknown"], 3),
    (["ready", "disabled"], 1),
    (["disabled", "lost"], 1),
    (["lost", "invalid"], 1),
])
def test_status_of_named_gates(daemon, client, states, status):
    wrong = blocker("g1", "Gate", "g1", "InvalidGate", message="g1.gate:3: unknown section")
    gates = [gate(f"g{i}", "waiting" if s == "invalid" else s, blockers=[wrong] if s == "invalid" else ())
             for i, s in enumerate(states)]
    # The verdict says otherwise.
    daemon.replies["Describe"] = {"verdict": verdict("ready"), "gates": gates}
    assert client("-q", "status", *[g["name"] for g in gates]).returncode == status
    assert daemon.calls == [(READINESS + "Describe", {"gates": [g["name"] for g in gates]}, set())]


def test_a_pod_does_not_make_its_gate_invalid(daemon, client):
    """A pod's reason is the cluster's word, whatever it is."""
    odd = blocker("g", "Pod", "g", "InvalidGate")
    daemon.replies["Describe"] = {"verdict": verdict("waiting"), "gates": [gate("g", "waiting", blockers=[odd])]}
    assert client("-q", "status", "g").returncode == 3


def test_no_names_are_no_parameter(daemon, client):
    client()
    assert daemon.calls == [(READINESS + "Describe", {}, set())]


def test_all_asks_for_each_gate(daemon, client):
    client("--all")
    assert daemon.calls[-1][1] == {"gates": ["dns", "storage"]}


@pytest.mark.parametrize("arguments", [("status",), ("explain",), ("gates",), ("objects",), ("timeline",), ("plot",)])
def test_json_is_the_reply(daemon, client, arguments):
    short = client("-j", *arguments)
    replies = {"status": "Describe", "explain": "Describe", "gates": "ListGates", "timeline": "GetTimeline",
               "plot": "GetTimeline"}
    assert short.stdout.count("\n") == 1
    if arguments[0] in replies:
        assert json.loads(short.stdout) == daemon.replies[replies[arguments[0]]]
    pretty = client(*arguments, "--json", "pretty")
    assert pretty.stdout.count("\n") > 5
    if arguments[0] != "objects":
        assert json.loads(pretty.stdout) == json.loads(short.stdout)
        assert short.returncode == pretty.returncode
    assert client("--json=off", *arguments).stdout != short.stdout
    assert client("-q", "-j", *arguments).stdout == ""


def test_explain_a_gate_that_is_disabled(daemon, client):
    daemon.replies["Describe"] = {"verdict": verdict("ready"), "gates": [gate("storage", "disabled")]}
    done = client("explain", "storage")
    assert (done.returncode, done.stderr) == (1, "")
    assert "is disabled" in done.stdout and "  ConditionMicroShift= not met, line 11\n" in done.stdout
    assert "  ConditionMicroShift=storage.driver!=none (/usr/lib/msready/gates.d/storage.gate:11)\n" in done.stdout
    assert "$ msready gates storage\n" in done.stdout and "0 of 0" not in done.stdout


def test_explain_tells_a_cause_once(daemon, client):
    def shut(name, kind, obj):
        refused = blocker(name, kind, obj, "ApiUnreachable", message="refused: nobody listens", hint="Look at it.")
        return gate(name, "waiting", blockers=[refused])

    daemon.replies["Describe"] = {"verdict": verdict("waiting"), "gates": [
        shut("api", "Api", "/readyz"), shut("node", "Node", "edge-1")]}
    text = client("explain").stdout
    assert text.count("nobody listens") == text.count("Look at it.") == text.count("$ systemctl status") == 1
    assert re.search("  Node edge-1: ApiUnreachable for .*\n      Same cause as Api /readyz.\n"
                     r"      \$ oc describe node edge-1\n$", text)
    assert client("status", "api", "node").stdout.count("nobody listens") == 1


def test_explain_a_node_that_is_not_known(daemon, client):
    """No node is named local."""
    missing = blocker("node", "Node", "local", "NodeNotRegistered")
    daemon.replies["Describe"] = {"verdict": verdict("waiting"),
                                  "gates": [gate("node", "waiting", blockers=[missing])]}
    text = client("explain").stdout
    assert "      $ oc get nodes\n" in text and "oc describe" not in text


def test_explain_what_a_condition_looks_at(daemon, client):
    """Its kind is the plural, which oc takes."""
    claim = blocker("volume", "persistentvolumeclaims", "data", "status.phase", "shop")
    daemon.replies["Describe"] = {"verdict": verdict("waiting"),
                                  "gates": [gate("volume", "waiting", blockers=[claim])]}
    assert "      $ oc describe persistentvolumeclaims -n shop data\n" in client("explain").stdout
    claim["object"]["kind"] = "a;b"
    assert "$ oc describe" not in client("explain").stdout


def test_summary_of_gates_that_nobody_requires(daemon, client):
    daemon.replies["Describe"] = {"verdict": verdict("ready"), "gates": [gate("ingress", required=False)]}
    assert client("status", "ingress").stdout.endswith("\n1 of 1 gates ready\n")


def test_last_gate_of_a_boot(daemon, client):
    """The one that the cluster was waited for with, whatever opened in the hours after it."""
    told = world.timeline()
    told["boots"][0]["gates"].append({"name": "shop", "readyUSec": 9_000_000_000})
    told["boots"][1]["gates"] = [{"name": "shop", "readyUSec": 9_000_000_000}]
    daemon.replies["GetTimeline"] = told
    rows = client("timeline", "--boots").stdout.splitlines()
    assert rows[1].endswith("  dns: Pod dns-x: ContainerCreating") and rows[2].endswith("never  yes     shop")
    # One that is not required is not waited for; a record of an older version does not say which are.
    gates = told["boots"][0]["gates"]
    gates[:] = [{**gates[0], "required": True}, {**gates[1], "required": False}]
    assert client("timeline", "--boots").stdout.splitlines()[1].endswith("  api")


def test_status_of_a_gate_that_is_disabled(daemon, client):
    daemon.replies["Describe"] = {"verdict": verdict("ready"), "gates": [gate("storage", "disabled")]}
    done = client("status", "storage")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith("\nstorage is disabled on this host:\n    ConditionMicroShift= not met, line 11\n"
                                "    ConditionMicroShift=storage.driver!=none "
                                "(/usr/lib/msready/gates.d/storage.gate:11)\n")
    assert client("-q", "status", "storage").stdout == ""


def test_nothing_to_show(daemon, client):
    daemon.replies["GetTimeline"] = {"transitions": [], "boots": []}
    assert client("timeline").stdout == "-- no transitions --\n"
    assert client("timeline", "--boots").stdout == "-- no boots on record --\n"
    assert client("timeline", "--no-legend").stdout == ""
    done = client("timeline", "--boot=-1")
    assert (done.returncode, done.stdout) == (1, "") and "no earlier boot" in done.stderr


def test_large_integers_are_kept(daemon, client):
    daemon.replies["Describe"] = {"verdict": verdict("ready", changedRealtimeUSec=1763812345678901), "gates": []}
    assert '"changedRealtimeUSec":1763812345678901' in client("-j").stdout


@pytest.mark.parametrize("error,status,words", [
    (Error("NoSuchGate", gate="nope"), 4, ["no gate 'nope'", "msready gates"]),
    (Error("GateDisabled", gate="storage", cause="ConditionX="), 1, ["disabled", "ConditionX=", "msready gates"]),
    (Error("GateInvalid", gate="x", cause="x.gate:3: odd"), 1, ["invalid", "x.gate:3: odd", "check-config"]),
    (Error("org.varlink.service.PermissionDenied"), 1, ["root"]),
    (Error("org.varlink.service.MethodNotFound", method="x"), 1, ["version", "systemctl restart"]),
    (Error("io.systemd.System", errno=12, errnoName="ENOMEM"), 1, ["Cannot allocate memory", "journalctl"]),
    (Error("org.example.Odd", why="because"), 1, ["org.example.Odd", "because"]),
])
def test_errors_name_cause_and_next_step(daemon, client, error, status, words):
    daemon.replies["Describe"] = error
    done = client()
    assert (done.returncode, done.stdout) == (status, "")
    for word in words:
        assert word in done.stderr


def test_daemon_out_of_reach(tmp_path):
    client = Client(tmp_path / "socket")
    done = client()
    assert (done.returncode, done.stdout) == (69, "")
    assert "there is no socket" in done.stderr and "systemctl enable --now msready.socket" in done.stderr

    with FakeDaemon(client.socket) as daemon:
        daemon.stop()
        done = client()
        assert done.returncode == 69 and "nothing listens" in done.stderr
        daemon.start()

    client.socket.write_text("no socket")
    assert client().returncode == 69
    assert Client(tmp_path / ("x" * 200))().returncode == 69


def test_daemon_that_hangs(daemon, client):
    daemon.mute = True
    begun = time.monotonic()
    done = client()
    assert done.returncode == 69 and "did not answer within 5s" in done.stderr
    assert 4.5 < time.monotonic() - begun < 30


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_no_permission(daemon, tmp_path):
    daemon.path.chmod(0o600)
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_mode & 0o005 != 0o005:
            parent.chmod(parent.stat().st_mode | 0o055)
        if parent == parent.parent or str(parent) == "/tmp":
            break
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = subprocess.run([*nobody, *Client(daemon.path).command()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env=environment())
    assert done.returncode == 69 and "permission denied" in done.stderr and "root" in done.stderr


def test_text_of_the_cluster_is_no_terminal_command(daemon, client):
    evil = "\x1b[2J\x1b]0;owned\x07\r\nREADY\u009b31m"
    told = {"verdict": verdict("waiting", node=evil, server=evil, reason=evil),
            "gates": [gate("dns" + evil, "waiting", description=evil,
                           blockers=[blocker("dns" + evil, "Pod", evil, evil, evil, message=evil, hint=evil)])]}
    daemon.replies["Describe"] = told
    daemon.replies["ListGates"] = {"definitions": [{"name": evil, "description": evil, "cause": evil, "files": [evil],
                                                    "checks": [evil]}]}
    daemon.replies["ListObjects"] = {"objects": [{"object": {"kind": evil, "name": evil}, "gates": [evil],
                                                  "proof": evil, "status": evil}]}
    daemon.replies["GetTimeline"] = {"transitions": [world.transition(1, evil, evil, evil)], "boots": []}
    for verb in "status", "explain", "gates", "objects", "timeline", "plot":
        done = client(verb)
        for bad in "\x1b", "\x07", "\r", "\u009b":
            assert bad not in done.stdout + done.stderr, verb
        assert "owned" in done.stdout
    daemon.replies["Describe"] = Error("NoSuchGate", gate=evil)
    done = client("status", "x")
    assert "\x1b" not in done.stderr and "owned" in done.stderr


def test_no_command_with_a_name_that_is_none(daemon, client):
    bad = blocker("dns", "Pod", "x; rm -rf /", "ImagePullBackOff", "openshift-dns")
    daemon.replies["Describe"] = {"verdict": verdict("waiting"), "gates": [gate("dns", "waiting", blockers=[bad])]}
    assert "$ oc describe" not in client("explain").stdout


@pytest.mark.parametrize("arguments,word", [
    (("xyzzy",), "unknown verb 'xyzzy'. Try: msready help"),
    (("--xyzzy",), "unknown option '--xyzzy'. Try: msready help"),
    (("stauts",), "unknown verb 'stauts'. Did you mean status?"),
    (("dns",), "unknown verb 'dns'. Did you mean: msready status dns?"),
    (("storge", "--timeout=3"), "unknown verb 'storge'. Did you mean: msready status storage?"),
    (("get", "pods"), "Did you mean: msready objects?"),
    (("logs",), "Did you mean: journalctl -b -u msready.service?"),
    (("wait", "--tiemout=3"), "unknown option '--tiemout'. Did you mean --timeout?"),
    (("timeline", "--boo"), "Did you mean --boot?"),
    (("-o", "json"), "unknown option '-o'. Did you mean --json=pretty?"),
    (("wait", "--for=condition=Ready", "dns"), "unknown option '--for'. Did you mean: msready wait [GATE]?"),
    (("wait", "--for", "condition=Ready"), "unknown option '--for'. Did you mean: msready wait [GATE]?"),
    (("-w",), "unknown option '-w'. Did you mean: msready watch?"),
    (("-qx",), "unknown option '-x'. Try: msready help"),
    (("--all", "-xq"), "unknown option '-x'. Try: msready help"),
    (("--quiet=3",), "--quiet takes no value"),
    (("status", "--timeout=3"), "does not take --timeout"),
    (("wait", "--timeout=soon"), "time span"),
    (("wait", "--timeout"), "--timeout takes a value"),
    (("--json=xml",), "pretty, short or off"),
    (("hold",), "too few arguments"),
    (("objects", "a", "b"), "too many arguments"),
    (("log-level", "loud"), "not a log level"),
    (("bind", "dns"), "too few arguments"),
    (("bind", "../x", "y.service"), "is not a valid name"),
    (("bind", "dns", "../../etc/x.service"), "is not a valid name"),
    (("timeline", "--boot=-x"), "--boot="),
    (("timeline", "--boots", "dns"), "takes no gates"),
    (("status", "--socket="), "path of a socket"),
])
def test_wrong_usage(client, arguments, word):
    done = client(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr


def test_a_wrong_word_without_the_daemon(tmp_path):
    done = Client(tmp_path / "socket")("dns")
    assert (done.returncode, done.stderr) == (2, "msready: unknown verb 'dns'. Try: msready help\n")


@pytest.mark.parametrize("verb", ["status", "explain", "gates", "timeline"])
def test_the_nearest_gate(daemon, client, verb):
    daemon.replies["Describe"] = Error("NoSuchGate", gate="storge")
    done = client(verb, "storge")
    assert (done.returncode, done.stderr) == (4, "msready: there is no gate 'storge'. Did you mean storage?\n"
                                                 "To list them: msready gates\n")
    daemon.replies["ListGates"] = {"definitions": [{"name": "storge\x1b[2J"}, {}, {"name": 3}]}
    assert "mean" not in client(verb, "storge").stderr


@pytest.mark.parametrize("verb", ["status", "explain", "gates", "objects", "timeline", "plot"])
def test_cluster_is_no_gate(daemon, client, verb):
    whole, named = client(verb), client(verb, "cluster")
    assert (named.returncode, named.stderr) == (whole.returncode, "")
    assert len(daemon.calls) % 2 == 0 and daemon.calls[:len(daemon.calls) // 2] * 2 == daemon.calls


def test_cluster_beside_a_gate_is_a_gate(daemon, client):
    client("status", "cluster", "dns")
    assert daemon.calls == [(READINESS + "Describe", {"gates": ["cluster", "dns"]}, set())]


def test_options_stand_anywhere(daemon):
    socket = str(daemon.path)
    expected = Client(daemon.path)("-j", "status", "dns").stdout
    for arguments in (["status", "--socket", socket, "dns", "-j"], ["--socket", socket, "-j", "status", "dns"],
                      ["status", "dns", "--json=short", f"--socket={socket}"],
                      ["-j", "status", f"--socket={socket}", "--", "dns"]):
        done = subprocess.run([program(), *arguments], stdout=subprocess.PIPE, text=True, env=environment())
        assert (done.returncode, done.stdout) == (3, expected), arguments


def test_help_and_version_whatever_else(client):
    assert client("status", "--help").stdout == client("help").stdout
    assert client("--version", "wait").stdout == client("version").stdout
    assert re.fullmatch(r"msready \d+\.\d+\.\d+\n", client("version").stdout)


def test_timeline_of_a_gate_that_is_not_there(daemon, client):
    daemon.replies["Describe"] = Error("NoSuchGate", gate="dsn")
    done = client("timeline", "dsn")
    assert (done.returncode, done.stdout) == (4, "") and "no gate 'dsn'" in done.stderr
    done = client("timeline", "-j", "dsn")
    assert (done.returncode, done.stdout) == (4, "") and "no gate 'dsn'" in done.stderr


def test_json_of_some_gates(daemon, client):
    told = json.loads(client("gates", "-j", "storage").stdout)
    assert [d["name"] for d in told["definitions"]] == ["storage"]
    done = client("gates", "-j", "storage", "dsn")
    assert (done.returncode, done.stdout) == (4, "") and "no gate 'dsn'" in done.stderr
    told = json.loads(client("timeline", "-j", "dns").stdout)
    assert {t.get("gate") for t in told["transitions"]} == {"dns"} and any("object" in t for t in told["transitions"])
    assert told["boots"] == world.timeline()["boots"]


def test_output_that_is_full(client):
    for arguments in ("status",), ("-j",), ("gates",), ("plot",), ("help",), ("version",):
        with open("/dev/full", "w") as full:
            done = subprocess.run(client.command(*arguments), stdout=full, stderr=subprocess.PIPE, text=True,
                                  env=environment())
        assert (done.returncode, done.stderr.count("No space left on device")) == (1, 1), arguments


def test_timeline_of_an_earlier_boot(daemon, client):
    assert client("timeline", "--boot=-1").returncode == 0
    assert daemon.calls[-1] == (READINESS + "GetTimeline", {"bootId": world.EARLIER}, set())
    assert client("timeline", "--boot", world.EARLIER).returncode == 0
    assert daemon.calls[-1][1] == {"bootId": world.EARLIER}
    # As narrow terminals show it.
    assert client("timeline", "--boot", world.EARLIER[:12]).returncode == 0
    assert daemon.calls[-1][1] == {"bootId": world.EARLIER}
    assert client("plot", "--boot=" + world.EARLIER[:2]).returncode == 0
    assert client("timeline", "--boot=-0").returncode == 0
    assert daemon.calls[-1][1] == {}
    done = client("timeline", "--boot=-2")
    assert done.returncode == 1 and "fewer than 2" in done.stderr
    told = world.timeline()
    told["boots"][0]["bootId"] = world.BOOT[:8] + world.EARLIER[8:]
    daemon.replies["GetTimeline"] = told
    done = client("timeline", "--boot=" + world.BOOT[:8])
    assert done.returncode == 1 and "several boots" in done.stderr
    daemon.replies["GetTimeline"] = Error("NoSuchBoot", bootId="x")
    done = client("timeline", "--boot=x")
    assert done.returncode == 1 and "--boots" in done.stderr


def test_masked_gates(daemon, client):
    mask = "/etc/msready/gates.d/ovn.gate"
    masked = {"name": "ovn", "description": "OVN", "required": False, "enabled": False, "masked": mask,
              "cause": f"masked by {mask}", "files": [mask], "conditions": [], "checks": []}
    daemon.replies["ListGates"]["definitions"].append(masked)
    ready = world.ready()
    daemon.replies["Describe"] = ready
    assert "required gates ready, 2 of 2 others\n" in client().stdout
    for names, told in (["ovn"], "; ovn is masked and not required\n"), (
            ["node", "ovn"], "; node, ovn are masked and not required\n"):
        ready["verdict"]["maskedGates"] = names
        assert f"required gates ready, 2 of 2 others{told}" in client().stdout
    row = next(row for row in client("gates").stdout.splitlines() if row.startswith("ovn"))
    assert row.split() == ["ovn", "masked", "no", mask, "masked", "by", mask]
    assert "Enabled: masked\n" in client("gates", "ovn").stdout
    daemon.replies["Describe"] = {"verdict": verdict("ready"), "gates": [gate("ovn", "disabled", required=False)]}
    assert client("status", "ovn").stdout.endswith(f"\n\ngate ovn is masked by {mask}\n")
    assert f"  masked by {mask}\n" in client("explain", "ovn").stdout


def test_reload_tells_what_is_wrong(daemon, client):
    daemon.replies["io.systemd.service.Reload"] = {}
    told = daemon.replies["ListGates"]
    told["warnings"] = ["F:3: odd \x1b[2J"]
    done = client("reload")
    assert (done.returncode, done.stdout, done.stderr) == (
        0, "warning: F:3: odd [2J\n2 gates, no errors, see the warnings\n", ""), done
    told["errors"] = ["gate dns: F:2: wrong"]
    done = client("reload")
    assert (done.returncode, done.stdout) == (1, "error: gate dns: F:2: wrong\nwarning: F:3: odd [2J\n")
    done = client("reload", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    # A daemon that is older has nothing to tell.
    del told["errors"], told["warnings"]
    assert client("reload").returncode == 0


def test_reload_and_log_level(daemon, client):
    daemon.replies["io.systemd.service.Reload"] = {}
    daemon.replies["io.systemd.service.SetLogLevel"] = {}
    done = client("reload")
    assert (done.returncode, done.stdout) == (0, "2 gates, no errors\n")
    for word, level in ("debug", 7), ("info", 6), ("3", 3):
        assert client("log-level", word).returncode == 0
        assert daemon.calls[-1] == ("io.systemd.service.SetLogLevel", {"level": level}, set())


def test_objects_of_a_gate(daemon, client):
    client("objects", "dns")
    assert daemon.calls[-1] == (READINESS + "ListObjects", {"gate": "dns"}, set())


def test_one_cause_of_many_gates_is_told_once(daemon, client):
    """As when the API server is out of reach."""
    def unreachable(name):
        return blocker(name, "Pod", f"of-{name}", "ApiUnreachable", message="Connection refused", hint="Look there.")

    gates = [gate(name, "waiting", blockers=[unreachable(name)]) for name in ("api", "ovn", "node")]
    daemon.replies["Describe"] = {"verdict": verdict("waiting"), "gates": gates}
    text = client().stdout
    assert text.count("Connection refused") == 1 and text.count("Look there.") == 1
    assert text.endswith("    Also blocked by this: ovn, node\n")


@pytest.mark.parametrize("kind,names,reason,message,same", [
    ("Socket", ("localhost:1883", "localhost:5432"), "ConnectionRefused", "connection refused", False),
    ("Socket", ("localhost:1883", "localhost:1883"), "ConnectionRefused", "connection refused", True),
    ("Endpoint", ("http://a.example/", "http://b.example/"), "NameServerSilent", "no name server answers", True),
    ("Deployment", ("web", "shop"), "NotFound", "the cluster has no such object", False),
    ("Pod", ("web-1", "shop-1"), "Error", "container main ended with exit code 1", False),
    ("Pods", ("app=web", "app=shop"), "NoPods", "no pod of this node matches", False)])
def test_what_is_missing_is_a_cause_of_its_own(daemon, client, kind, names, reason, message, same):
    """Two ports that refuse have the same message, and nothing else in common."""
    gates = [gate(g, "waiting", blockers=[blocker(g, kind, name, reason, message=message, hint="Look.")])
             for g, name in zip(("of-0", "of-1"), names)]
    daemon.replies["Describe"] = {"verdict": verdict("waiting"), "gates": gates}
    for verb, words in ("status", "Also blocked by this: of-1"), ("explain", "Same cause as"):
        text = client(verb).stdout
        assert text.count("Look.") == 2 - same and (words in text) == same


@pytest.mark.parametrize("state,first", [("lost", "ovn"), ("unknown", "dns"), ("waiting", "node"), ("ready", "api")])
def test_cause_of_the_verdict_is_told_first(daemon, client, state, first):
    """What is the matter with an open gate comes after that; the gates stand in their order."""
    states = {"api": "ready", "olm": "lost", "node": "waiting", "ovn": "lost", "dns": "unknown"}
    gates = [gate(n, s, required=n != "olm", blockers=[blocker(n, "Pod", f"of-{n}", "Bad", message=f"m {n}")])
             for n, s in states.items()]
    daemon.replies["Describe"] = {"verdict": verdict(state), "gates": gates}
    told = re.findall(r"^(\w+) ← ", client("status").stdout, re.M)
    assert told[0] == first and sorted(told) == ["api", "dns", "node", "ovn"]
    shown = client("status", "--all").stdout
    assert re.findall(r"^(\w+) +(?:ready|lost|waiting|unknown) ", shown, re.M) == list(states)
    assert re.findall(r"^(\w+) ← ", shown, re.M)[0] == first
    if state != "ready":
        assert re.findall(r"^(\w+) \(Gate ", client("explain").stdout, re.M)[0] == first
    # Of gates that were named, the worst; nobody asks for their verdict.
    assert re.findall(r"^(\w+) ← ", client("status", *states).stdout, re.M)[:2] == ["olm", "ovn"]


def test_a_gate_with_clock_is_explained(daemon, client):
    ends = world.NOW + 4_000_000
    for clock, words in (("settle", "opens in 4s"), ("hold", "lost in 4s"), ("grace", "unknown in 4s")):
        told = {"verdict": verdict("ready"), "gates": [gate("dns", clock=clock, clockEndsBoottimeUSec=ends)]}
        daemon.replies["Describe"] = told
        assert words in client("explain").stdout


def test_a_running_clock_stands_in_the_row_of_its_gate(daemon, client):
    ends = world.NOW + 12_000_000
    for clock, state, words in (("settle", "waiting", "ready in 12s"), ("hold", "ready", "lost in 12s"),
                                ("grace", "ready", "unknown in 12s")):
        told = {"verdict": verdict("ready"), "gates": [gate("dns", state, clock=clock, clockEndsBoottimeUSec=ends)]}
        daemon.replies["Describe"] = told
        row = next(line for line in client("status").stdout.splitlines() if line.startswith("dns"))
        assert f"{state} ({words})" in row


SECOND = 1_000_000


def doubting(name, reason="ApiUnreachable", since=12 * SECOND, ends=288 * SECOND, clock="grace", **more):
    """A gate that is ready for its grace, or for its hold."""
    member = "doubtSinceBoottimeUSec" if clock == "grace" else "failingSinceBoottimeUSec"
    running = {"clock": clock, "clockEndsBoottimeUSec": world.NOW + ends} if ends else {}
    return gate(name, blockers=[blocker(name, "Api", "/readyz", reason)],
                **{member: world.NOW - since}, **running, **more)


def failing(name, **more):
    return doubting(name, "CrashLoopBackOff", **{"since": 3 * SECOND, "ends": 12 * SECOND, "clock": "hold", **more})


@pytest.mark.parametrize("state,since,line", [
    ("ready", 120, "has been ready for 2min, since 11:58:00"),
    ("ready", 0.2, "has been ready since 11:59:59"),
    ("waiting", 120, "has been waiting for 2min, since 11:58:00"),
    ("waiting", 0, "has been waiting since 12:00:00"),
    ("lost", 2, "was ready, lost 2s ago, at 11:59:58"),
    ("lost", 0, "was ready, lost just now, at 12:00:00"),
    ("unknown", 120, "was ready, unknown for 2min, since 11:58:00"),
    ("unknown", 0, "was ready, unknown for less than a second, since 12:00:00"),
])
def test_headline(daemon, client, state, since, line):
    daemon.replies["Describe"] = {"verdict": verdict(state, since=int(since * SECOND)), "gates": []}
    assert client().stdout.splitlines()[0] == "● cluster " + line


@pytest.mark.parametrize("gates,line", [
    ([doubting("api"), doubting("dns")], "in doubt for 12s: ApiUnreachable (unknown in 4min 48s)"),
    ([gate("api"), doubting("dns", "NotSynced")], "dns in doubt for 12s: NotSynced (unknown in 4min 48s)"),
    ([doubting("api", ends=300), doubting("dns")],
     "in doubt for 12s: ApiUnreachable (unknown in less than a second)"),
    ([doubting("api", ends=None), doubting("dns", "NotSynced", since=0)],
     "in doubt for less than a second: NotSynced (unknown in 4min 48s)"),
    ([doubting("api", ends=None)], "api in doubt for 12s: ApiUnreachable"),
    ([doubting("api"), failing("dns")], "dns failing for 3s: CrashLoopBackOff (lost in 12s)"),
    ([failing("api"), failing("dns", ends=None)], "api failing for 3s: CrashLoopBackOff (lost in 12s)"),
    ([doubting("api", ends=5 * SECOND), failing("dns")], "in doubt for 12s: ApiUnreachable (unknown in 5s)"),
    ([gate("api"), doubting("ingress", required=False)], None),
    ([gate("api", clock="grace", clockEndsBoottimeUSec=world.NOW + 5 * SECOND)], "api in doubt (unknown in 5s)"),
])
def test_headline_in_doubt(daemon, client, gates, line):
    """Of what the required gates rest on, what ends first."""
    daemon.replies["Describe"] = {"verdict": verdict("ready"), "gates": gates}
    head = "● cluster is ready, " + line if line else "● cluster has been ready for 2min, since 11:58:00"
    assert client().stdout.splitlines()[0] == client("explain").stdout.splitlines()[0] == head
    daemon.replies["Describe"]["verdict"] = verdict("lost")
    assert client().stdout.startswith("● cluster was ready, lost 2min ago")


@pytest.mark.parametrize("gates,plain,fresh", [
    ([gate("api"), gate("dns")], 0, 0),
    ([gate("api"), doubting("dns")], 0, 6),
    ([gate("api"), doubting("dns", ends=None)], 0, 6),
    ([doubting("api"), failing("dns")], 0, 3),
    ([gate("api"), failing("dns", ends=None)], 0, 3),
    ([gate("api"), gate("dns", "lost"), doubting("node")], 3, 3),
    ([gate("api"), gate("dns", "unknown"), doubting("node")], 6, 6),
    ([gate("api", clock="grace", clockEndsBoottimeUSec=world.NOW)], 0, 6),
])
def test_fresh(daemon, client, gates, plain, fresh):
    worst = {0: "ready", 3: "lost", 6: "unknown"}[plain]
    tracked = [doubting("ingress", required=False), failing("olm", required=False)]
    daemon.replies["Describe"] = {"verdict": verdict(worst), "gates": [*gates, *tracked]}
    names = [g["name"] for g in gates]
    for words in ([], ["status"], ["status", *names]):
        assert client("-q", *words).returncode == plain
        assert client("-q", "--fresh", *words).returncode == fresh
        assert client("-j", *words, "--fresh").returncode == fresh
    assert client("-q", "--fresh", "status", "api", "ingress").returncode in (3, 6)
    refused = client("explain", "--fresh")
    assert refused.returncode == 2 and "'explain' does not take --fresh" in refused.stderr


def test_watch_tells_the_doubt(daemon, client):
    daemon.monitor({"verdict": verdict("ready"), "gates": [doubting("api"), doubting("dns")]})
    daemon.replies["Describe"] = world.ready()
    done = client("watch", "--timeout=300ms")
    assert "cluster: ready, in doubt: ApiUnreachable\n" in done.stdout
    assert re.search("^api: ready, in doubt: .*: ApiUnreachable$", done.stdout, re.M)
    # So does wait, which then returns.
    daemon.monitor({"verdict": verdict("ready"), "gates": [doubting("api"), failing("dns")]})
    told = client("wait").stdout
    assert "\napi: ready, in doubt: " in "\n" + told and "\ndns: ready, failing: " in told


def unasked(name, reason="NotAsked", since=0, **more):
    return gate(name, "waiting", blockers=[blocker(name, "Api", "/readyz", reason, since=since)], **more)


def answers(daemon, *replies):
    """Describe answers these in turn, the last one for ever."""
    left = list(replies)
    daemon.replies["Describe"] = lambda _: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize("reason", ["NotAsked", "NotSynced"])
@pytest.mark.parametrize("words", [(), ("-q",), ("-j",), ("explain",), ("status", "api", "dns")],
                         ids=lambda words: "-".join(words) or "default")
def test_the_first_answer_is_awaited(daemon, client, words, reason):
    """A daemon that has just started knows nothing; a moment later it does."""
    begun = {"verdict": verdict("waiting"), "gates": [unasked("api", reason), gate("dns")]}
    daemon.monitor(begun, {"verdict": verdict("ready"), "gates": [gate("api")]})
    took = 9
    for _ in range(3):
        if took < 0.9:
            break
        answers(daemon, begun, world.ready())
        started = time.monotonic()
        done = client(*words)
        took = time.monotonic() - started
        assert (done.returncode, done.stderr) == (0, "")
        assert "NotAsked" not in done.stdout
    assert took < 0.9
    named = {"gates": ["api", "dns"]} if "dns" in words else {}
    methods = [(method.removeprefix(READINESS), parameters) for method, parameters, _ in daemon.calls]
    assert methods[:3] == [("Describe", named), ("Monitor", named), ("Describe", named)]


def test_the_first_answer_is_awaited_for_a_second(daemon, client):
    begun = {"verdict": verdict("waiting"), "gates": [unasked("api")]}
    daemon.monitor(begun)
    answers(daemon, begun)
    started = time.monotonic()
    done = client()
    assert 0.9 < time.monotonic() - started < 4
    assert done.returncode == 3 and "api ← Api /readyz: NotAsked for less than a second\n" in done.stdout
    assert "for 0" not in done.stdout


def test_an_answer_that_is_late_is_not_awaited(daemon, client):
    """What has not been asked for longer has a fault, which the daemon tells."""
    answers(daemon, {"verdict": verdict("waiting"), "gates": [unasked("api", since=1_000_000)]})
    assert client().returncode == 3
    assert [method for method, _, _ in daemon.calls] == [READINESS + "Describe"]


def test_objects_await_the_first_answer(daemon, client):
    begun = {"verdict": verdict("waiting"), "gates": [unasked("dns")]}
    lists = [world.objects(), world.objects()]
    lists[0]["objects"][1]["status"] = "NotSynced"
    daemon.replies["ListObjects"] = lambda _: lists.pop(0)
    daemon.monitor(begun, world.ready())
    answers(daemon, begun, world.ready())
    done = client("objects")
    assert done.returncode == 0 and "ImagePullBackOff" in done.stdout and not lists


def test_status_takes_little_memory(daemon, client):
    """Looked at while it writes, which a full pipe makes last: all of its work is done then."""
    out, into = os.pipe()
    os.set_blocking(into, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(into, b"x" * 4096)
    os.set_blocking(into, True)
    child = process.spawn(client.command(), stdout=into, env=environment())
    try:
        proc = pathlib.Path(f"/proc/{child.pid}")
        daemon.wait_for(lambda: daemon.calls)
        asleep = 0
        while asleep < 10:
            asleep = asleep + 1 if (proc / "stat").read_text().split()[2] == "S" else 0
            time.sleep(0.02)
        kib = int(re.search(r"VmHWM:\s+(\d+) kB", (proc / "status").read_text()).group(1))
        assert 500 < kib < (80 if process.is_sanitized() else 5) * 1024
    finally:
        process.end(child)
        os.close(out)
        os.close(into)
