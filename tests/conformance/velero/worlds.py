# SPDX-License-Identifier: Apache-2.0
"""The worlds that the table is run in: the lab's two clusters with a real Velero, or a sandbox of ours.

Faults are words of the table: "kill velero west", "start velero west", "stop s3", "start s3", "away node-agent east",
"back node-agent east", "kill node-agent east NODE".
"""
import contextlib
import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

from tests.conformance import run as api_table
from tests.conformance.client import Caller, Target, read_kubeconfig
from tests.conformance.velero.play import World
from tests.runner.build import ROOT

PLACES = ("east", "west")
LAB_LIMIT_S = 180
FETCH_LIMIT_S = 20
# What a case may ask for by name, as the lab has it; "big" is a file that takes seconds to move.
LAB_NAMES = {"class": "lab-csi", "otherClass": "lab-csi-other", "waitingClass": "lab-csi-wait", "hostPathClass": "lab-immediate",
             "pause": "lab/pause:v1", "big": 200_000_000}
# Slower than a sandbox goes by itself: what a case looks at in passing must be there for a look.
SANDBOX_PERCENT = 15
SANDBOX_NAMES = {"class": "standard", "otherClass": "standard-other", "waitingClass": "standard-wait", "hostPathClass": "host-path",
                 "pause": "pause:v1", "big": 4_000_000_000}


def seeded(content):
    """The bytes of {"size": N, "seed": S}, or of a text."""
    if isinstance(content, str):
        return content.encode()
    return random.Random(content["seed"]).randbytes(content["size"])


def known(data):
    return len(data), hashlib.sha256(data).hexdigest()


class Folders:
    """The lab's volumes are folders of this machine."""

    def __init__(self, clusters):
        self._clusters = clusters

    def _get(self, place, path):
        caller = Caller(self._clusters[place])
        try:
            answer = caller.call("admin", "GET", path)
        finally:
            caller.close()
        if answer.status != 200:
            raise OSError(f"{place}: GET {path}: {answer.status} {answer.text[:200]}")
        return answer.body

    def _folder(self, place, namespace, claim):
        volume = self._get(place, f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim}")["spec"].get("volumeName")
        if not volume:
            raise OSError(f"{place}: claim {namespace}/{claim} has no volume")
        spec = self._get(place, f"/api/v1/persistentvolumes/{volume}")["spec"]
        attributes = spec.get("csi", {}).get("volumeAttributes", {})
        return attributes.get("lab.crossfade.dev/folder") or spec["hostPath"]["path"]

    def put(self, place, namespace, claim, path, content):
        file = os.path.join(self._folder(place, namespace, claim), path)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as out:
            out.write(seeded(content))

    def remove(self, place, namespace, claim, path):
        file = os.path.join(self._folder(place, namespace, claim), path)
        shutil.rmtree(file) if os.path.isdir(file) else os.unlink(file)

    def files(self, place, namespace, claim):
        folder, found = self._folder(place, namespace, claim), {}
        for here, _, names in os.walk(folder):
            for name in names:
                file = os.path.join(here, name)
                if os.path.isfile(file):
                    with open(file, "rb") as source:
                        found[os.path.relpath(file, folder)] = known(source.read())
        return found

    def expected(self, content):
        return known(seeded(content))


def _target(kubeconfig, inside=contextlib.nullcontext):
    url, ca, admin = read_kubeconfig(kubeconfig)
    return Target(url, ca, {"admin": admin}, inside)


def _lab_words(words):
    match words.split(" "):
        case ["kill" | "start" as verb, "velero", place]:
            return [verb, f"{place}/velero"]
        case ["stop" | "start" as verb, "s3"]:
            return [{"stop": "kill", "start": "start"}[verb], "s3"]
        case ["away" | "back" as verb, "node-agent", place]:
            return [f"agents-{verb}", place]
        case ["kill", "node-agent", _, node]:
            return ["kill-agent", node]
    raise ValueError(f"no such fault: {words}")


def lab():
    """The lab's clusters, from within its network."""
    sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))
    from lablib.layout import Layout
    from lablib.netns import inside
    layout = Layout()
    if not layout.kubeconfig("east").exists() or not (layout.run / "s3.pid").exists():
        raise SystemExit(f"no lab with a Velero is up in {layout.state}: `tests/lab/lab up velero` starts one, $CROSSFADE_LAB_STATE names another")
    hub = layout.netns("hub")

    def fault(words):
        command = [os.path.join(ROOT, "tests/lab/lab"), "fault", *_lab_words(words)]
        done = subprocess.run(command, timeout=LAB_LIMIT_S, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise OSError(f"fault {words}: {done.stderr.strip()}")

    def download(url):
        with inside(hub):  # the namespace is the thread's, and urllib works in this one
            return _fetch(url)

    clusters = {place: _target(layout.kubeconfig(place), lambda: inside(hub)) for place in PLACES}
    return World(clusters, Folders(clusters), download, LAB_NAMES, fault)


class Control:
    """The sandbox's volumes, through its control endpoint."""

    def __init__(self, base):
        self._base = base

    def _ask(self, method, path, body=None, kind="application/json"):
        request = urllib.request.Request(self._base + path, body, {"Content-Type": kind} if body is not None else {}, method=method)
        with urllib.request.urlopen(request, timeout=FETCH_LIMIT_S) as answer:
            return answer.read()

    def put(self, place, namespace, claim, path, content):
        if isinstance(content, str):
            self._ask("PUT", f"/volumes/{place}/{namespace}/{claim}/files/{path}", content.encode(), "application/octet-stream")
        else:
            self._ask("PUT", f"/volumes/{place}/{namespace}/{claim}/files/{path}", json.dumps(content).encode())

    def remove(self, place, namespace, claim, path):
        self._ask("DELETE", f"/volumes/{place}/{namespace}/{claim}/files/{path}")

    def files(self, place, namespace, claim):
        try:
            listed = json.loads(self._ask("GET", f"/volumes/{place}/{namespace}/{claim}/files"))
        except urllib.error.HTTPError as error:
            raise OSError(f"{place}: files of {namespace}/{claim}: {error.code} {error.read()[:200]!r}") from error
        return {f["path"]: (f["size"], f["sha256"]) for f in listed["files"]}

    def expected(self, content):
        """A file of a size and a seed has no bytes there: its digest is that of its description."""
        if isinstance(content, str):
            return known(content.encode())
        description = f"described file\nsize={content['size']}\nseed={content['seed']}\n"
        return content["size"], known(description.encode())[1]

    def fault(self, words):
        """The words of the table as switches (deploy/sandbox/velero/README.md)."""
        match words.split(" "):
            case ["kill", "velero", place]:
                self._throw("serverAway", place)
            case ["start", "velero", place]:
                self._heal("serverAway", place)
            case ["stop", "s3"]:
                self._throw("storageAway")
            case ["start", "s3"]:
                self._heal("storageAway")
            case ["away", "node-agent", place]:
                self._throw("agentAway", place)
            case ["back", "node-agent", place]:
                self._heal("agentAway", place)
            case ["kill", "node-agent", place, node]:  # it comes back by itself
                self._throw("agentAway", place, node)
                self._heal("agentAway", place)
            case _:
                raise ValueError(f"no such fault: {words}")

    def _throw(self, name, place=None, value=None):
        body = {"fault": name} | ({"cluster": place} if place else {}) | ({"value": value} if value else {})
        self._ask("PUT", "/faults/velero", json.dumps(body).encode())

    def _heal(self, name, place=None):
        self._ask("DELETE", f"/faults/velero?fault={name}" + (f"&cluster={place}" if place else ""))


def _fetch(url):
    with urllib.request.urlopen(url, timeout=FETCH_LIMIT_S) as answer:
        return gzip.decompress(answer.read())


@contextlib.contextmanager
def sandbox(binary, environment=None):
    """A sandbox of two clusters with a Velero each, for as long as the body runs."""
    options = ["--clusters", ",".join(PLACES), "--velero", "--velero-wait", str(SANDBOX_PERCENT)]
    with api_table.sandbox(binary, environment, options) as facts:
        clusters = {c["name"]: Target(c["url"], c.get("ca"), {"admin": api_table.Credentials(c["tokens"]["admin"])})
                    for c in facts["clusters"] if c["name"] in PLACES}
        control = Control(facts["control"])
        yield World(clusters, control, _fetch, SANDBOX_NAMES, control.fault, SANDBOX_PERCENT / 100)
