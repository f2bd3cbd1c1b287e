# SPDX-License-Identifier: Apache-2.0
"""A run with data as a list of phases that it can be stopped at, and what must hold in all of them.

The routed application is itself the writer: a ledger of one pod with two claims, to which a client appends through the gateway all the
time. Each append that was acknowledged must be in the volume on which the ledger runs at the end. Somebody looks all the time that
nothing mounts a claim in both clusters at once, and that a run whose writers stand still says why.
"""
import hashlib
import json
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from tests.stories.tale import TERMINAL

RPS = 5
LOOK_S = 0.25
WATCH_EVERY_S = 1.0
SPEAK_S = 20.0  # a run whose writers stand still has said why within this time, even where calls hang for ten seconds
ARRIVE_S = 300  # from one phase to the next: several attempts, on a machine that does other things
RUN_EVERY_S = 2.0
HELP_S = 3.0
HELP = {"step-failed": "resume", "data-loss": "resume", "pause-too-long": "advance"}

LEDGER = """\
apiVersion: v1
kind: Service
metadata: {{name: ledger, namespace: {ns}}}
spec: {{selector: {{app: ledger}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: ledger, namespace: {ns}}}
spec:
  serviceName: ledger
  replicas: 1
  selector: {{matchLabels: {{app: ledger}}}}
  template:
    metadata: {{labels: {{app: ledger}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: ledger
          ports: [{{name: http, containerPort: 8080}}]
          volumeMounts: [{{name: data, mountPath: /data}}, {{name: more, mountPath: /more}}]
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec: {{accessModes: [ReadWriteOnce], storageClassName: standard, resources: {{requests: {{storage: 1Gi}}}}}}
    - metadata: {{name: more}}
      spec: {{accessModes: [ReadWriteOnce], storageClassName: standard, resources: {{requests: {{storage: 1Gi}}}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: ledger, namespace: {ns}}}
spec:
  hosts: [ledger.{ns}.example.com]
  gateways: [gateways/istio]
  http: [{{name: primary, route: [{{destination: {{host: ledger.{ns}.svc.cluster.local, port: {{number: 80}}}}}}]}}]
"""
PLAN = """\
apiVersion: crossfade.dev/v1alpha1
kind: MigrationPlan
metadata: {{name: {name}}}
spec:
  source: {{cluster: east, namespace: {ns}}}
  target: {{cluster: west}}
  workloads: {{include: [{{kind: StatefulSet, name: ledger}}], start: now}}
  volumes:
    default: {{strategy: veleroFsBackup, verify: checksum}}
    passes: 1
    finalSync: {{maxPause: {pause}}}
    velero: {{location: there, backLocation: back, image: "busybox:stable"}}
  traffic:
    router: {{type: virtualService, name: ledger}}
    steps: [100]
    hold: 1s
  rollback: {{targetData: reverse}}
"""
CLAIMS = ("data-ledger-0", "more-ledger-0")
STATEFUL_SET = "/statefulsets/ledger"


@dataclass(frozen=True)
class Phase:
    """Where a run is stopped: the request that begins it. What Velero does in it begins at `at` and leads to `to`."""
    name: str
    kind: str
    cluster: str
    method: str
    path: str
    at: str = "east"
    to: str = "west"


def way(prefix, at, to):
    """The phases of a pass that is restored."""
    return [
        Phase(prefix + "stage", "stage", at, "POST", "/pods", at, to),
        Phase(prefix + "backup", "backup", at, "POST", "/backups", at, to),
        Phase(prefix + "hand over", "hand over", to, "GET", "/backups/", at, to),
    ]


FORWARD = [
    Phase("preflight", "preflight", "east", "GET", "/backupstoragelocations"),
    *way("live ", "east", "west"),
    Phase("rehearsal", "restore", "west", "POST", "/restores"),
    Phase("quiesce", "quiesce", "east", "PATCH", STATEFUL_SET),
    *way("final ", "east", "west"),
    Phase("restore", "restore", "west", "POST", "/restores"),
    Phase("verify", "verify", "east", "POST", "/pods"),
    Phase("writers.switch", "switch", "west", "PATCH", STATEFUL_SET),
    Phase("shift", "shift", "east", "PATCH", "/virtualservices/"),
]
BACK = [
    Phase("back: stop the target", "stop", "west", "PATCH", STATEFUL_SET, "west", "east"),
    *way("back: ", "west", "east"),
    Phase("back: set aside", "set aside", "east", "DELETE", "/persistentvolumeclaims/", "west", "east"),
    Phase("back: restore", "restore", "east", "POST", "/restores", "west", "east"),
    Phase("back: verify", "verify", "west", "POST", "/pods", "west", "east"),
    Phase("back: start the source", "start", "east", "PATCH", STATEFUL_SET, "west", "east"),
    Phase("clean up", "clean up", "east", "POST", "/deletebackuprequests"),
]
PHASES = FORWARD + BACK
QUIESCE = next(n for n, p in enumerate(PHASES) if p.kind == "quiesce")
SWITCH = next(n for n, p in enumerate(PHASES) if p.kind == "switch")


def install(tale):
    ns = tale.stage.namespace
    tale.stage.apply("east", LEDGER.format(ns=ns))
    tale.stage.until("the ledger", lambda: serves(tale))
    for number in range(3):
        tale.stage.write_file("east", CLAIMS[1], f"files/{number}", f"file {number}\n" * 50)


def host(tale):
    return f"ledger.{tale.stage.namespace}.example.com"


def records(tale):
    """What the ledger has, wherever it runs; None: nobody answers."""
    request = urllib.request.Request(tale.stage.clusters["east"]["gateway"] + "/records", headers={"Host": host(tale)})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return [json.loads(line)["body"] for line in answer.read().decode().splitlines()]
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def serves(tale):
    return records(tale) is not None


def stateful_set(tale, cluster):
    return tale.stage.get(cluster, f"/apis/apps/v1/namespaces/{tale.stage.namespace}/statefulsets/ledger") or {}


def writers(tale, cluster):
    """The pods that may write: they run, and are not ours."""
    listed = tale.stage.get(cluster, f"/api/v1/namespaces/{tale.stage.namespace}/pods")
    return {p["metadata"]["uid"]: p["metadata"]["name"] for p in (listed or {}).get("items", [])
            if p["metadata"].get("labels", {}).get("app") == "ledger" and p.get("status", {}).get("phase") == "Running"}


def said(run):
    hold = run.get("hold") or {}
    return f"{hold['reason']}: {hold['message']}" if hold.get("reason") else run.get("message") or ""


def speaks(run):
    """Whether a run, or the step that it is at, says what it waits for."""
    return bool(said(run)) or any(s.get("message") for s in run.get("steps", []) if s["state"] in ("intent", "applied", "undoing"))


def is_home(run):
    """Before anything is written a run is canceled, and then rolled back."""
    return run["state"] in ("rolled-back", "canceled")


class Watch:
    """Two writers at once, or a standstill without a word: looked for until stop(), which says what was seen."""

    def __init__(self, tale):
        self.tale, self.seen, self.silent_since = tale, [], None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def _run(self):
        while not self.stopping.wait(WATCH_EVERY_S):
            try:
                self._look()
            except (AssertionError, OSError):
                pass  # a cluster that is away for the moment

    def _look(self):
        first, other = (writers(self.tale, c) for c in ("east", "west"))
        if first and other and set(first) & set(writers(self.tale, "east")):
            self.seen.append(f"{list(first.values())} of east and {list(other.values())} of west run at once")
        if first or other or speaks(self.tale.get()):
            self.silent_since = None
            return
        self.silent_since = self.silent_since or time.monotonic()
        if time.monotonic() - self.silent_since > SPEAK_S:
            run = self.tale.get()
            self.seen.append(f"for {SPEAK_S} s nobody writes and the run says nothing: {run['state']} {run.get('phase')}")

    def check(self):
        assert not self.seen, self.seen[0]


class Client:
    """Appends all the time; what was acknowledged is asked for at the end."""

    def __init__(self, tale):
        self.tale = tale
        self.id = tale.stage.control("POST", "/load", {"cluster": "east", "host": host(tale), "path": "/append", "rps": RPS,
                                                       "timeout_ms": 5000, "writes": True})["id"]

    def stop(self):
        self.tale.stage.control("POST", f"/load/{self.id}/stop")

    def check_nothing_is_lost(self):
        told = self.tale.stage.control("GET", f"/load/{self.id}/acknowledged")
        self.tale.stage.until("the ledger answers", lambda: serves(self.tale))
        kept = set(records(self.tale))
        lost = [n for n in told["acknowledged"] if f"{told['prefix']}{n}" not in kept]
        assert not lost, f"{len(lost)} of {len(told['acknowledged'])} acknowledged records are lost, such as {lost[:5]}"
        return len(told["acknowledged"])


def backups_and_restores(tale):
    """Those of the run that was started last, as "KIND NAME in CLUSTER"."""
    digest = hashlib.sha256(tale.run.encode()).hexdigest()[:10]
    return [f"{kind} {o['metadata']['name']} in {cluster}" for cluster in ("east", "west") for kind in ("backups", "restores")
            for o in tale.stage.get(cluster, f"/apis/velero.io/v1/namespaces/velero/{kind}")["items"]
            if o["metadata"]["name"].startswith(f"crossfade-{digest}-")]


def nothing_is_left(tale, but_for_velero=False):
    """Of what a run makes on both sides; but for what a Velero would not let go."""
    left = backups_and_restores(tale)
    assert but_for_velero or not left, f"left: {left}"
    for cluster in ("east", "west"):
        for ns in tale.stage.get(cluster, "/api/v1/namespaces")["items"]:
            assert not ns["metadata"]["name"].endswith("-rehearsal"), f"namespace {ns['metadata']['name']} is left in {cluster}"
        listed = tale.stage.get(cluster, f"/api/v1/namespaces/{tale.stage.namespace}/pods") or {"items": []}
        staged = [p["metadata"]["name"] for p in listed["items"] if "crossfade.dev/stage" in p["metadata"].get("labels", {})]
        assert not staged, f"pods of ours are left in {cluster}: {staged}"


def source_is_as_it_was(tale):
    assert stateful_set(tale, "east").get("spec", {}).get("replicas") == 1, "the source's ledger does not have its one replica"
    assert writers(tale, "east") and not writers(tale, "west"), "the ledger does not run in east alone"


def plan(tale, name, pause):
    tale.service.rest.call("PUT", f"/api/v1/plans/{name}", PLAN.format(name=name, ns=tale.stage.namespace, pause=pause),
                           content_type="application/yaml", headers={"If-None-Match": "*"})


class Journey:
    """One run, brought from phase to phase."""

    def __init__(self, tale):
        self.tale, self.helped = tale, 0.0

    def start(self, plan_name):
        self.arm(FORWARD[0])
        self.tale.start(plan_name)

    def go_back(self, **how):
        self.arm(BACK[0])
        self.tale.act("rollback", **how)

    def look(self):
        """The run; None while the service is away."""
        try:
            return self.tale.get()
        except OSError:
            return None

    def arm(self, phase):
        if phase:
            self.tale.stage.set_stop(phase.cluster, phase.method, phase.path)

    def is_at(self, phase):
        return bool(phase and self.tale.stage.stopped(phase.cluster))

    def go_on(self, here, following):
        """What waits at a phase goes on, up to the next."""
        self.arm(following)
        if not following or following.cluster != here.cluster:
            self.tale.stage.lift_stop(here.cluster)

    def help(self, run):
        """What a person does: resumes what has failed, once its cause is mended; agrees to a freeze that may be long."""
        reason = (run.get("hold") or {}).get("reason")
        if reason in HELP and time.monotonic() - self.helped > HELP_S:
            self.tale.act(HELP[reason])
            self.helped = time.monotonic()

    def wait(self, what, condition, seconds=ARRIVE_S):
        deadline = time.monotonic() + seconds
        while True:
            run = self.look()
            if run and condition(run):
                return run
            if run and run["state"] in TERMINAL:
                raise AssertionError(f"waiting for {what}, the run is {run['state']}: {said(run)}")
            if time.monotonic() > deadline:
                raise AssertionError(f"after {seconds} s still waiting for {what}: {run and run['state']} {said(run) if run else 'no answer'}")
            if run:
                self.help(run)
            time.sleep(LOOK_S)

    def arrive(self, phase):
        """Asks where requests stop, which costs little, and only now and then how the run is. False: a clean-up that found
        nothing to delete, for somebody had done it, asks for nothing."""
        deadline = time.monotonic() + ARRIVE_S
        while not self.is_at(phase):
            asked = time.monotonic()
            run = self.look()
            assert asked < deadline, f"after {ARRIVE_S} s still waiting for phase {phase.name}: {said(run or {})}"
            if run and run["state"] == "rolled-back" and phase.kind == "clean up":
                return False
            assert not run or run["state"] not in TERMINAL, f"waiting for phase {phase.name}, the run is {run['state']}: {said(run)}"
            if run:
                self.help(run)
            while not self.is_at(phase) and time.monotonic() - asked < RUN_EVERY_S:
                time.sleep(LOOK_S)
        return True

    def through(self, phases, after=None):
        """From the first, which is armed, to the end of the last, unharmed."""
        for here, following in zip(phases, [*phases[1:], after]):
            self.arrive(here)
            self.go_on(here, following)

    def until_hold(self, reason):
        return self.wait(f"hold {reason}", lambda run: (run.get("hold") or {}).get("reason") == reason)

    def until_home(self):
        return self.wait("the way home", is_home)
