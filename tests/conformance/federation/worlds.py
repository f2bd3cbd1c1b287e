# SPDX-License-Identifier: Apache-2.0
"""The worlds that the table is run in: a real control plane by its kubeconfigs, the lab's, or a sandbox of ours.

Faults are words of the table ("kill webhook", "start webhook", "pause scheduler", "resume scheduler", "cut east", "join east");
a world that cannot do them has none, and the cases that need them are skipped there.
"""
import contextlib
import json
import os
import subprocess
import sys
import urllib.request

from tests.conformance import run as api_table
from tests.conformance.client import Caller, Target, read_kubeconfig
from tests.conformance.federation.play import World
from tests.runner.build import ROOT

MEMBERS = ("east", "west")
LAB_LIMIT_S = 90
# The table's names of components, as the lab calls its processes.
LAB_PROCESSES = {"scheduler": "karmada/scheduler", "webhook": "karmada/webhook", "controllers": "karmada/karmada-controller-manager",
                 "aggregated": "karmada/aggregated-apiserver", "apiserver": "karmada/apiserver"}
# The same as switches of the sandbox's control plane (deploy/sandbox/karmada/README.md).
SANDBOX_SWITCHES = {"scheduler": "schedulerPaused", "webhook": "webhookDown", "controllers": "controllersPaused", "aggregated": "aggregatedDown"}
BEGINNINGS = ("kill", "pause", "cut")
LAB_VERBS = {"kill": "kill", "start": "start", "pause": "stop", "resume": "cont", "cut": "partition", "join": "join"}


def _get(target, path):
    caller = Caller(target)
    try:
        answer = caller.call("admin", "GET", path)
    finally:
        caller.close()
    if answer.status != 200:
        raise OSError(f"GET {target.url}{path}: {answer.status} {answer.text[:300]}")
    return answer.body


def make(karmada, members, fault=None):
    """The world of these targets: which Cluster is which member is told by identity, never by name."""
    ids = {c["spec"].get("id"): c["metadata"]["name"] for c in _get(karmada, "/apis/cluster.karmada.io/v1alpha1/clusters")["items"]}
    clusters = {}
    for name, target in members.items():
        uid = _get(target, "/api/v1/namespaces/kube-system")["metadata"]["uid"]
        if uid not in ids:
            raise ValueError(f"{name} ({target.url}) is no member of {karmada.url}")
        clusters[name] = ids[uid]
    return World(karmada, members, clusters, fault)


def _target(kubeconfig, inside=contextlib.nullcontext):
    url, ca, admin = read_kubeconfig(kubeconfig)
    return Target(url, ca, {"admin": admin}, inside)


def real(karmada, members, inside=contextlib.nullcontext, fault=None):
    """By kubeconfigs: of the control plane, and {"east": file, "west": file}."""
    return make(_target(karmada, inside), {name: _target(file, inside) for name, file in members.items()}, fault)


def from_environment():
    """KARMADA_KUBECONFIG and KARMADA_MEMBERS (east=FILE,west=FILE); None when the first is not set."""
    karmada = os.environ.get("KARMADA_KUBECONFIG")
    if not karmada:
        return None
    members = dict(part.split("=", 1) for part in os.environ.get("KARMADA_MEMBERS", "").split(",") if "=" in part)
    if set(members) != set(MEMBERS):
        raise ValueError("KARMADA_MEMBERS must be east=KUBECONFIG,west=KUBECONFIG")
    return real(karmada, members)


def lab():
    """The lab's control plane, from within its network, with faults."""
    sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))
    from lablib.layout import Layout
    from lablib.netns import inside
    layout = Layout()

    def fault(words):
        verb, name = words.split(" ", 1)
        command = ["fault", LAB_VERBS[verb], LAB_PROCESSES.get(name, name)]
        subprocess.run([os.path.join(ROOT, "tests/lab/lab"), *command], check=True, timeout=LAB_LIMIT_S, stdin=subprocess.DEVNULL)

    return real(layout.kubeconfig("karmada"), {m: layout.kubeconfig(m) for m in MEMBERS}, lambda: inside(layout.netns("hub")), fault)


def _control(facts, what, body):
    request = urllib.request.Request(f"{facts['control']}/faults/{what}", json.dumps(body).encode(), {"Content-Type": "application/json"}, method="PUT")
    urllib.request.urlopen(request, timeout=LAB_LIMIT_S).close()


@contextlib.contextmanager
def sandbox(binary, environment=None):
    """A sandbox with two members under a control plane, for as long as the body runs."""
    more = ["--clusters", ",".join(MEMBERS), "--karmada", "hub"]
    with api_table.sandbox(binary, environment, more) as facts:
        members = {c["name"]: Target(c["url"], c.get("ca"), {"admin": api_table.Credentials(c["tokens"]["admin"])})
                   for c in facts["clusters"] if c["name"] in MEMBERS}
        plane = next(p for p in facts["controlPlanes"] if p["kind"] == "karmada")

        def fault(words):
            verb, name = words.split(" ", 1)
            on = verb in BEGINNINGS
            if name == "apiserver":
                _control(facts, "api", {"cluster": plane["name"], "away": on})
            elif name in MEMBERS:
                _control(facts, "karmada", {"member": name, "unreachable": on})
            else:
                _control(facts, "karmada", {SANDBOX_SWITCHES[name]: on})

        yield make(_target(plane["kubeconfig"]), members, fault)
