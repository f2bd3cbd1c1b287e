# SPDX-License-Identifier: Apache-2.0
"""The sandbox as a world: simulated clusters, real HTTP traffic. Each story has a sandbox of its own, on any free ports.

The application and its routes are the lab's (tests/lab/objects), so that a story says the same in both worlds.
"""
import contextlib
import importlib
import json
import os
import re
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

from tests.runner.tally import Tally

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OBJECTS = os.path.join(ROOT, "tests", "lab", "objects")
START_S = 30
READY_S = 30
END_S = 30
CALL_S = 90  # a rollout is waited for on the other side, up to 60 s
SLOW_MS = 400
STARTING_S = 1.5
REQUEST_DEFAULTS = {"cluster": "", "error": ""}


class SandboxWorld:
    side_by_side = 4  # on two cores: a story waits most of its time
    own_beside = True  # the tables too, and a sandbox of their own is nobody else's

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def own_test(self, name, binary):
        """The conformance tables, on a sandbox."""
        if name == "conformance":
            from tests.conformance import run as conformance
            passed, failed = conformance.run_sandbox(binary)
            return Tally(passed=passed, failed=failed)
        table = f"tests.conformance.{name.removesuffix('_conformance')}"
        with importlib.import_module(f"{table}.worlds").sandbox(binary) as world:
            return importlib.import_module(f"{table}.run").tally(name, world)

    def stage(self, story, binary, folder):
        return SandboxStage(story, binary, folder)


class SandboxStage:
    def __init__(self, story, binary, folder):
        self.story, self.binary, self.folder = story, binary, folder
        self.namespace = ("s-" + story.name.replace("_", "-"))[:40].rstrip("-")
        self.target = "crossfade"  # in the name of the backend that leads to the target: a bridge
        self.process, self.log, self.witnesses = None, None, []
        self.options = []  # further ones of `sandbox`

    # --- life

    def up(self):
        try:
            self._start()
            files = ["demo", *(f"route-{r}" for r in self.story.routes)]
            self._install("east", *files)
            for route in self.story.routes:
                self._until(f"the {route} in the gateway", lambda r=route: self._routed(r))  # first: a 503 would be in the metrics
                self._until(f"an answer through the {route}", lambda r=route: self._answers(r))
        except BaseException:
            self.down()
            raise

    def install(self, cluster):
        """The application, without routes, in another cluster too; returns when it can serve."""
        self._install(cluster, "demo")

    def application(self):
        """Its objects, as YAML."""
        return self._text("demo")

    def _text(self, *files):
        text = "\n---\n".join(open(os.path.join(OBJECTS, f + ".yaml")).read() for f in files)
        return re.sub(r"\bdemo\b", self.namespace, text)

    def _install(self, cluster, *files):
        self.apply(cluster, self._text(*files))
        self._until("the demo's pods", lambda: self._available(cluster))

    def apply(self, cluster, text):
        """Somebody else's objects, as YAML or JSON."""
        self._call("POST", f"/apply?cluster={cluster}", text.encode(), "application/yaml")

    def _start(self):
        state = os.path.join(self.folder, "sandbox")
        facts = os.path.join(state, "sandbox.json")
        self.log = open(os.path.join(self.folder, "sandbox.log"), "w")
        plane = [f"--{self.story.plane}", "hub"] if self.story.plane else []
        plane += ["--velero"] if self.story.velero else []
        plane += self.options
        self.process = subprocess.Popen([self.binary, "sandbox", "--clusters", "east,west", *plane, "--ports", "0", "--state-dir", state,
                                         "--die-with-parent"], subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError, ValueError):
                self.facts = json.load(open(facts))
                break
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the sandbox does not start:\n{open(self.log.name).read()[-2000:]}")
            time.sleep(0.02)
        self.clusters = {c["name"]: c for c in self.facts["clusters"] + self.facts.get("controlPlanes", [])}

    def down(self):
        for witness in self.witnesses:
            witness.__exit__()
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(timeout=END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                status = "not at all"
            self.log.close()
            self.process = None
            if status != 0:
                raise AssertionError(f"the sandbox ended with {status}:\n{open(self.log.name).read()[-4000:]}")

    @staticmethod
    def _until(what, condition, seconds=READY_S):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"after {seconds} s still waiting for {what}")
            time.sleep(0.02)

    def _available(self, cluster):
        deployment = self.get(cluster, f"/apis/apps/v1/namespaces/{self.namespace}/deployments/echo")
        status = deployment.get("status", {}) if deployment else {}
        return status.get("availableReplicas", 0) == 3 and status.get("replicas", 0) == 3

    def _routed(self, route):
        entry = self._call("GET", "/split?cluster=east")["east"].get(self.host(route))
        return entry and all(entry["ready"].values())

    def _answers(self, route):
        request = urllib.request.Request(self.clusters["east"]["gateway"] + "/", headers={"Host": self.host(route)})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.headers["Lab-Cluster"] == "east"
        except urllib.error.HTTPError:
            return False

    # --- where the service and its clients run

    def wrap(self, command):
        return command

    def inside(self):
        return contextlib.nullcontext()

    def kubeconfig(self, cluster):
        return self.clusters[cluster]["kubeconfig"]

    def metrics(self, cluster):
        return [{"type": "scrape", "urls": [self.clusters["east"]["metrics"]]}] if cluster == "east" else []

    def grant(self, cluster, rbac_yaml):
        """The sandbox knows tokens that may all or only read, and no rules between; so this only says that the objects are accepted."""
        self.apply(cluster, rbac_yaml)

    def keep_from_placing(self, rbac_yaml):
        """Bindings may not be patched, and whoever asks is told so."""
        self.control("PUT", "/faults/karmada", {"bindingsDenied": 1})

    def router_object(self, route):
        return "echo"

    def host(self, route):
        return f"{route}.{self.namespace}.example.com"

    # --- what happens in it

    def witness(self, route, rate=100, name=""):
        witness = Witness(self.binary, self.clusters["east"]["gateway"] + "/", self.host(route), rate,
                          os.path.join(self.folder, f"{route}{name}{len(self.witnesses)}.jsonl"))
        self.witnesses.append(witness)
        return witness

    def fault(self, cluster, **how):
        if "latency" in how:
            how["latency_ms"] = int(how.pop("latency").removesuffix("ms"))
        if "clear" in how:
            how["clear"] = bool(how["clear"])
        self._call("PUT", "/faults/app", {"cluster": cluster, "namespace": self.namespace, "app": "echo", **how})

    def control(self, method, path, body=None):
        """Anything else that the sandbox's control endpoint offers."""
        return self._call(method, path, body)

    @contextlib.contextmanager
    def stop_at(self, cluster, method, path):
        """As set_stop(), for the body; yields a function that waits for the first request to arrive."""
        self.set_stop(cluster, method, path)
        try:
            yield lambda seconds=60: self._until(f"{method} …{path} in {cluster}", lambda: self.stopped(cluster), seconds)
        finally:
            self.lift_stop(cluster)

    def set_stop(self, cluster, method, path):
        """From now on Crossfade's requests with `path` in their target wait there, without effect."""
        self._call("PUT", "/stops", {"cluster": cluster, "method": method, "path": path})

    def stopped(self, cluster):
        """The first request that waits there, "" while none does."""
        return self._call("GET", f"/stops?cluster={cluster}")["request"]

    def lift_stop(self, cluster):
        self._call("DELETE", f"/stops?cluster={cluster}")

    def get(self, cluster, path):
        query = urllib.parse.urlencode({"cluster": cluster, "path": path})
        return self._call("GET", f"/object?{query}", missing=None)

    def split(self, route):
        """Percent of the route that the gateway sends to the target at present."""
        entry = self._call("GET", "/split?cluster=east")["east"].get(self.host(route))
        if not entry or not sum(entry["backends"].values()):
            return -1
        to_target = sum(w for name, w in entry["backends"].items() if self.target in name)
        return round(100 * to_target / sum(entry["backends"].values()))

    def lag(self, route):
        """Seconds from split() until the gateway does what it said: split() is what it does."""
        return 0

    @contextlib.contextmanager
    def without_api(self, cluster):
        """For the body: that cluster's API server (or the control plane's) is gone; whatever it runs goes on."""
        self._call("PUT", "/faults/api", {"cluster": cluster, "away": True})
        try:
            yield
        finally:
            self._call("PUT", "/faults/api", {"cluster": cluster, "status": 403})  # as a real one that has yet to read its roles
            time.sleep(STARTING_S)
            self._call("PUT", "/faults/api", {"cluster": cluster})

    @contextlib.contextmanager
    def slow_routers(self):
        """For the body: the routers' API server answers late, so that a write stays under way."""
        self._call("PUT", "/faults/api", {"cluster": "east", "slow_ms": SLOW_MS})
        try:
            yield
        finally:
            self._call("PUT", "/faults/api", {"cluster": "east", "clear": True})

    def edit(self, cluster, path, manager, patch):
        """Somebody else's JSON Patch."""
        self._call("POST", "/edit", {"cluster": cluster, "path": path, "manager": manager, "patch": patch})

    def until(self, what, condition, seconds=READY_S):
        self._until(what, condition, seconds)

    # --- volumes

    def storage_class(self, strategy):
        """A class whose volumes the strategy can move."""
        return "standard"

    def files(self, cluster, claim):
        """{path: digest} of what is in the claim's volume."""
        listed = self._call("GET", f"/volumes/{cluster}/{self.namespace}/{claim}/files")
        return {f["path"]: f["sha256"] for f in listed["files"]}

    def write_file(self, cluster, claim, path, text):
        self._call("PUT", f"/volumes/{cluster}/{self.namespace}/{claim}/files/{path}", text.encode(), "application/octet-stream")

    def remove(self, cluster, path):
        """Somebody else deletes it."""
        facts = self.clusters[cluster]
        request = urllib.request.Request((facts.get("server") or facts["url"]) + path, method="DELETE",
                                         headers={"Authorization": "Bearer " + facts["tokens"]["admin"]})
        with urllib.request.urlopen(request, timeout=CALL_S, context=ssl.create_default_context(cafile=facts["ca"])):
            pass

    def roll(self, cluster):
        """The application's pods are replaced by new ones; returns when the last old one is gone."""
        self._call("POST", "/roll", {"cluster": cluster, "namespace": self.namespace, "deployment": "echo"})

    def _call(self, method, path, body=None, kind="application/json", **missing):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.facts["control"] + path, data, {"Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=CALL_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404 and "missing" in missing:
                return missing["missing"]
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error


@dataclass(frozen=True)
class Result:
    summary: dict
    log: str

    def entries(self):
        """Every request, in the order of their starts."""
        with open(self.log, encoding="utf-8") as lines:
            return sorted(({**REQUEST_DEFAULTS, **json.loads(line)} for line in lines), key=lambda e: e["t"])

    @property
    def sent(self):
        return self.summary["sent"]

    @property
    def failed(self):
        return self.summary["failed"]


class Witness:
    """An independent client: requests at a fixed rate until stop(), each one logged."""

    def __init__(self, binary, url, host, rate, log):
        self.log = log
        self._child = subprocess.Popen([binary, "sandbox", "load", "--url", url, "--host", host, "--rps", str(rate), "--log", log],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def stop(self):
        self._child.send_signal(signal.SIGTERM)
        text, _ = self._child.communicate(timeout=END_S)
        if self._child.returncode != 0:
            raise AssertionError(f"the load generator ended with {self._child.returncode}")
        return Result(json.loads(text), self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._child.poll() is None:
            self._child.kill()
            self._child.communicate()
