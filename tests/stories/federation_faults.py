# SPDX-License-Identifier: Apache-2.0
"""Every fault of a control plane, at every stage of a copy through it, under traffic.

A run goes through its stages one after the other, and is stopped at each by holding a request of Crossfade's that has arrived and has had
no effect yet. There a fault begins; the run goes on under it until it says why it waits, or reaches the next stage unharmed; the fault ends,
and the run goes on. Story k injects fault (k + j) at stage j, so all stories together are the whole table; each prints its row.

What must hold whatever happens: no request fails, the source's objects and pods are what they were until the commit, a run that waits says
so with a reason of the fault's row, and once the fault is over it reaches its end.
"""
import json
import time
from dataclasses import dataclass
from typing import Callable

from tests.stories.registry import THOROUGH, story

RATE = 50
ARRIVE_S = 60     # from the end of a fault to the next stage: the longest back-off of a member's object, and room
WATCH_S = 4.0     # a fault that has not shown in this time does not touch the stage
HANG_S = 15.0     # a call that gets no answer ends after ten seconds, and says so
LOOK_S = 0.05
SHOWN = 160  # of what a run says, in the table
NORMAL = ("undecided", "commit")  # holds of any run
BY_PERSON = ("step-failed",)  # holds that do not end by themselves


def control(tale, **switches):
    tale.stage.control("PUT", "/faults/karmada", switches)


def switch(on, off=0, member=None, **at):
    """A fault that is a switch of the control plane, or of the target as its member."""
    name, = at or {"": 0}
    who = {"member": member} if member else {}
    return (lambda tale: control(tale, **who, **{name: on}), lambda tale: control(tale, **who, **{name: off}))


def server(cluster, **fault):
    """A fault of an API server."""
    return (lambda tale: tale.stage.control("PUT", "/faults/api", {"cluster": cluster, **fault}),
            lambda tale: tale.stage.control("PUT", "/faults/api", {"cluster": cluster}))


def once(begin):
    """Something that happens and needs no end."""
    return begin, lambda tale: None


def taint(tale, on):
    value = [{"key": "maintenance", "effect": "NoSchedule"}] if on else []
    tale.stage.edit("hub", "/apis/cluster.karmada.io/v1alpha1/clusters/west", "an-admin",
                    [{"op": "add", "path": "/spec/taints", "value": value}])


@dataclass(frozen=True)
class Fault:
    name: str
    begin: Callable
    end: Callable
    holds: frozenset  # the reasons by which a run may wait under it
    shows_s: float  # by then a run has said something, or is not touched


def fault(name, actions, *holds, shows_s=WATCH_S):
    return Fault(name, *actions, frozenset(holds), shows_s)


BINDINGS_DENIED = "bindings may not be written"
FEDERATION = ("federation",)
AWAY = ("federation", "cluster-unreachable")
TARGET = ("federation", "cluster-unreachable", "not-ready", "probe-failed")

FAULTS = [
    fault("webhook down", switch(1, webhookDown=1), *FEDERATION),
    fault("scheduler paused", switch(1, schedulerPaused=1), *FEDERATION),
    fault("controllers paused", switch(1, controllersPaused=1), *FEDERATION),
    fault("aggregated API down", switch(1, aggregatedDown=1), *AWAY),
    fault("bindings change under us", switch(3, bindingConflicts=3), *FEDERATION),
    fault(BINDINGS_DENIED, switch(1, bindingsDenied=1), *FEDERATION, "step-failed"),
    fault("status of the target frozen", switch(1, member="west", statusFrozen=1), *FEDERATION, "not-ready"),
    fault("writes into the target fail", switch(-1, member="west", applyFails=-1), *FEDERATION, "not-ready"),
    fault("writes into the target flap", switch(2, member="west", applyFails=2), *FEDERATION, "not-ready"),
    fault("target not Ready", switch(1, member="west", ready=1), *FEDERATION),
    fault("target Unknown", switch(2, member="west", ready=2), *FEDERATION),
    fault("target unreachable for the control plane", switch(1, member="west", unreachable=1), *FEDERATION),
    fault("control plane away", server("hub", away=True), *AWAY),
    fault("control plane hangs", server("hub", hang=True), *AWAY, shows_s=HANG_S),
    fault("control plane answers 503", server("hub", status=503), *AWAY),
    fault("control plane answers 429", server("hub", status=429), *AWAY),
    fault("control plane slow", server("hub", slow_ms=300), *AWAY, shows_s=1.0),
    fault("connections of the control plane cut", once(server("hub", cut_watches=True)[0]), *AWAY),
    fault("history of the control plane gone", once(server("hub", forget_history=True)[0])),
    fault("target away", server("west", away=True), *TARGET),
    fault("target answers 503", server("west", status=503), *TARGET),
    fault("target tainted", (lambda t: taint(t, True), lambda t: taint(t, False)), *FEDERATION),
    fault("the control plane's clock is ahead", switch(3600000, clockAheadMs=3600000), *FEDERATION),
    fault("proxy answers 403", switch(403, proxyStatus=403)),
    fault("source away", server("east", away=True), "cluster-unreachable", "no-way-back", "drift", "federation", "probe-failed"),
]


@dataclass(frozen=True)
class Stage:
    """Where a run is stopped: a request that begins the stage."""
    name: str
    cluster: str
    method: str
    path: str


BEGINNING = [
    Stage("check", "hub", "GET", "/apis/cluster.karmada.io/v1alpha1/clusters"),
    Stage("namespace", "west", "PATCH", "/api/v1/namespaces/{namespace}"),
    Stage("namespace of the control plane", "hub", "POST", "/api/v1/namespaces"),
    Stage("templates", "hub", "PATCH", "/deployments/echo?"),
    Stage("policies", "hub", "POST", "/propagationpolicies"),
    Stage("bindings", "hub", "PATCH", "/resourcebindings/"),
]
TRAFFIC = [
    Stage("bridge", "east", "POST", "/services"),
    Stage("first raise", "east", "PATCH", "/virtualservices/"),
    Stage("second raise", "east", "PATCH", "/virtualservices/"),
]
# By the copy's mode, the rows of its table (federation/propagate/karmada_rows.c) from the first write on, then the traffic.
STAGES = {
    "targetOnly": BEGINNING + [
        Stage("rehearsal in the target", "west", "PATCH", "dryRun=All"),
        Stage("dispatch", "hub", "PATCH", "/propagationpolicies/"),
    ] + TRAFFIC,
    "adopt": BEGINNING + [
        Stage("rehearsal in the source", "east", "PUT", "dryRun=All"),
        Stage("take over", "hub", "PATCH", "/propagationpolicies/"),
        Stage("back to Abort", "hub", "PATCH", "/propagationpolicies/"),
        Stage("expand", "hub", "PATCH", "/propagationpolicies/"),
        Stage("rehearsal in the target", "west", "PATCH", "dryRun=All"),
        Stage("dispatch", "hub", "PATCH", "/propagationpolicies/"),
    ] + TRAFFIC,
}


def source(tale):
    """What must not change before the commit: the objects' specs, the pods' identities."""
    ns = tale.stage.namespace
    paths = (f"/apis/apps/v1/namespaces/{ns}/deployments/echo", f"/api/v1/namespaces/{ns}/services/echo",
             f"/api/v1/namespaces/{ns}/serviceaccounts/echo")
    objects = [tale.stage.get("east", p) for p in paths]
    assert all(objects), "something of the source is gone"
    return json.dumps([[o["metadata"]["uid"], o.get("spec")] for o in objects] + pods(tale), sort_keys=True)


def pods(tale):
    listed = tale.stage.get("east", f"/api/v1/namespaces/{tale.stage.namespace}/pods")
    return sorted(p["metadata"]["uid"] for p in listed["items"])


class Row:
    """One run through all stages."""

    def __init__(self, tale, mode, first):
        self.tale, self.first, self.cells = tale, first, []
        # Who may not write bindings leaves them to Karmada's scheduler, from the check on.
        left_to_scheduler = FAULTS[first].name == BINDINGS_DENIED
        self.stages = [s for s in STAGES[mode] if s.name != "bindings" or not left_to_scheduler]

    def arm(self, stage):
        self.tale.stage.set_stop(stage.cluster, stage.method, stage.path.format(namespace=self.tale.stage.namespace))

    def wait_for(self, stage):
        self.tale.until(f"stage {stage.name}", ARRIVE_S, lambda _: self.tale.stage.stopped(stage.cluster))

    def under(self, one, j):
        """The run goes on under the fault, from stage j; returns what it said."""
        following = self.stages[j + 1] if j + 1 < len(self.stages) else None
        here = self.stages[j]
        earlier = self.tale.get().get("hold")  # of the fault before: it is said until the pass under way is over
        if following and following.cluster == here.cluster:
            self.arm(following)  # what waited before goes on
        else:
            if following:
                self.arm(following)
            self.tale.stage.lift_stop(here.cluster)
        deadline = time.monotonic() + one.shows_s
        said = ""  # last; a step that has just begun has not said anything yet
        while time.monotonic() < deadline:
            run = self.tale.get()
            assert run["state"] == "active", f"{one.name} at {here.name}: the run is {run['state']}: {run.get('message')}"
            said = run.get("message") or said
            reason = (run.get("hold") or {}).get("reason")
            if reason and reason not in NORMAL and run["hold"] != earlier:
                assert reason in one.holds or (j == 0 and reason == "preflight"), f"{one.name} at {here.name} holds with {reason}: {run['hold']['message']}"
                assert run["hold"]["message"], f"{one.name} at {here.name}: the hold does not say why"
                return f"{reason}: {run['hold']['message'][:SHOWN]}"
            if following and self.tale.stage.stopped(following.cluster):
                return "passes"
            time.sleep(LOOK_S)
        assert said or one.shows_s < WATCH_S, f"{one.name} at {here.name}: the run waits and does not say why"
        return f"waits: {said[:SHOWN]}"

    def through(self):
        before = source(self.tale)
        self.arm(self.stages[0])
        self.tale.start()
        for j, stage in enumerate(self.stages):
            self.wait_for(stage)
            one = FAULTS[(self.first + j) % len(FAULTS)]
            one.begin(self.tale)
            try:
                said = self.under(one, j)
            finally:
                one.end(self.tale)
            if said.split(":")[0] in BY_PERSON:
                self.tale.act("resume")
            self.cells.append(f"{stage.name}: {one.name}: {said}")
            assert source(self.tale) == before, f"{one.name} at {stage.name}: the source is not what it was"


def tell_row(mode, first):
    def tell(tale):
        with tale.stage.witness("virtualservice", RATE) as witness:
            tale.plan(steps="[30, 100]", hold="1s", commit="manual", more=f"  copy: {{method: karmada, controlPlane: hub, mode: {mode}}}\n")
            row = Row(tale, mode, first)
            try:
                row.through()
                tale.until_hold("commit", 120)
                tale.act("commit")
                tale.until_state("completed", 120)
            finally:
                tale.stage.control("DELETE", "/stops")
                tale.stage.control("DELETE", "/faults")
                for cell in row.cells:
                    tale.note(cell)
            tale.no_failures(witness.stop())
    tell.__name__ = f"faults_{mode.lower()}_{first:02d}"
    return tell


# Each story is a row of a Latin square: all of them are the table; these meet every stage and every fault.
SOME = {"targetOnly": (0,), "adopt": (0, 12)}
for mode in STAGES:
    for k in range(len(FAULTS)) if THOROUGH else SOME[mode]:
        story("virtualservice", worlds=("federations",), plane="karmada")(tell_row(mode, k))
