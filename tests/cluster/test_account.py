# SPDX-License-Identifier: Apache-2.0
"""The account for an unprivileged daemon, where roles are enforced: what the shipped gates need, and no more."""

import json
import os
import stat
import subprocess

import pytest

from harness import cluster as _cluster
from harness import guide, process

FOLDER = process.REPOSITORY / "units/manifests/090-msready"
# What the shipped gates make the daemon ask for.
NEEDED = {
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/events",
    "/apis/apps/v1/daemonsets",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/replicasets",
    "/apis/apps/v1/statefulsets",
    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
}
REFUSED = {
    "/api/v1/secrets",
    "/api/v1/configmaps",
    "/api/v1/namespaces",
    "/api/v1/services",
    "/api/v1/serviceaccounts",
    "/apis/apps/v1/controllerrevisions",
    "/apis/batch/v1/jobs",
    "/apis/coordination.k8s.io/v1/leases",
    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
}


def kubectl(cluster, *words, **options):
    return subprocess.run(
        [str(cluster.assets / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", *map(str, words)],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **options,
    ).stdout


@pytest.fixture(scope="module")
def account(cluster):
    """A kubeconfig with the account's token. No controller runs here that would fill in the Secret."""
    kubectl(cluster, "apply", "-k", FOLDER)
    token = kubectl(cluster, "create", "token", "msready", "--namespace=msready").strip()
    path = cluster.folder / "account"
    path.write_text(_cluster.kubeconfig_text(cluster.url, cluster.pki.ca, token=token))
    path.chmod(0o600)
    # The API server caches roles, and learns of new ones a little later.
    process.eventually(lambda: all(get(cluster, path, needed) for needed in NEEDED), 20, 0.1, "the account's rights")
    return path


def get(cluster, account, path):
    """Whether the account may read this path."""
    done = subprocess.run(
        [str(cluster.assets / "kubectl"), f"--kubeconfig={account}", "get", "--raw", path],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    assert done.returncode == 0 or "Forbidden" in done.stderr, done.stderr
    return done.returncode == 0


def test_it_suffices(cluster, account):
    for path in NEEDED:
        assert get(cluster, account, path), path
        assert get(cluster, account, path + "?watch=1&timeoutSeconds=1"), path
    node = f"?fieldSelector=metadata.name%3D{guide.NODE}&watch=1&timeoutSeconds=1"
    assert get(cluster, account, "/api/v1/nodes" + node)
    for path in ("/readyz", "/version"):
        assert get(cluster, account, path), path


def test_nothing_else_is_granted(cluster, account):
    for path in REFUSED:
        assert not get(cluster, account, path), path
    assert not get(cluster, account, "/api/v1/namespaces/msready/secrets/msready-token")
    # Each rule, as the server itself tells it, beyond what every account has.
    def rules(kubeconfig, namespace):
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
                  "spec": {"namespace": namespace}}
        asked = subprocess.run(
            [str(cluster.assets / "kubectl"), f"--kubeconfig={kubeconfig}",
             "create", "--validate=false", "-f", "-", "-o", "json"],
            input=json.dumps(review), check=True, stdout=subprocess.PIPE, text=True,
        )
        return {(verb, resource) for rule in json.loads(asked.stdout)["status"]["resourceRules"]
                for verb in rule["verbs"] for resource in rule["resources"]}

    common = {("create", "selfsubjectaccessreviews"), ("create", "selfsubjectrulesreviews"),
              ("create", "selfsubjectreviews")}
    resources = ("nodes", "pods", "events", "daemonsets", "deployments", "replicasets", "statefulsets")
    everywhere = {(verb, resource) for verb in ("list", "watch") for resource in resources}
    assert rules(account, "kube-system") - common == everywhere
    assert rules(account, "kube-node-lease") - common == everywhere | {("list", "leases"), ("watch", "leases")}


def test_make_kubeconfig(cluster, account, tmp_path):
    """As the controller would, the test fills in a Secret; the script makes a kubeconfig of it."""
    script = process.REPOSITORY / "units/examples/make-kubeconfig"
    target = tmp_path / "kubeconfig"
    env = dict(os.environ, ADMIN_KUBECONFIG=str(cluster.kubeconfig), PATH=f"{cluster.assets}:/usr/bin:/bin",
               GROUP=str(os.getgid()))
    done = subprocess.run([str(script), str(target)], env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True)
    assert done.returncode == 1 and "not filled in yet" in done.stderr and not list(tmp_path.iterdir())

    token = kubectl(cluster, "create", "token", "msready", "--namespace=msready").strip()
    patch = json.dumps({"stringData": {"token": token, "ca.crt": cluster.pki.ca.read_text()}})
    kubectl(cluster, "patch", "secret", "msready-token", "--namespace=msready", "--patch", patch)
    subprocess.run([str(script), str(target)], env=env, check=True, stdin=subprocess.DEVNULL)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["kubeconfig"]
    assert get(cluster, target, "/api/v1/pods") and not get(cluster, target, "/api/v1/secrets")


@pytest.mark.parametrize("cluster", ["old"], indirect=True)
def test_an_old_server_takes_it(cluster):
    kubectl(cluster, "apply", "-k", FOLDER)
