# SPDX-License-Identifier: Apache-2.0
"""A table on a real Velero: what a move of data needs dies in each of its phases. Each row is a run; it ends with all of its data in the target,
or with the source as it was, or it holds and says what to do; never without an acknowledged record, never frozen in silence."""
import time
from dataclasses import dataclass
from typing import Callable

from tests.stories.crashes import die
from tests.stories.lab_volumes import MOVE_S, RATE, WORLDS, check_the_source_is_as_before, install, nothing_is_left, start, step
from tests.stories.lab_world import faults
from tests.stories.ledger import BOOK, CLAIMS, Appender, changes_of_side, check_nothing_is_lost
from tests.stories.registry import THOROUGH, story
from tests.stories.tale import TERMINAL

FILL = 20 * 10**6
AWAY_S = {"velero": 3, "bucket": 15}
PATIENCE_S = 90  # so long a hold may take to end by itself; then a person goes back
LOOK_S = 0.05


def part(number):
    """Of volume.final_sync: 0 backup, 1 hand over (which may be over at once: then what follows it), 2 restore."""

    def reached(steps, _):
        final = steps["volume.final_sync"]
        return final["state"] not in ("planned", "done") and ((final["observation"] or {}).get("part", 0) >= number)

    return reached


def under_way(kind):
    return lambda steps, _: steps[kind]["state"] in ("intent", "applied")


# Phase: whether a run is in it; the side on which Velero works then.
PHASES = {
    "live pass": (lambda steps, _: (steps["volume.sync"]["observation"] or {}).get("under", 0) > 0, "east"),
    "rehearsal": (lambda steps, _: (steps["volume.sync"]["observation"] or {}).get("done", 0) >= 1, "west"),
    "quiesce": (under_way("quiesce"), "east"),
    "last pass": (part(0), "east"),
    "hand over": (part(1), "west"),
    "restore": (part(2), "west"),
    "switch": (under_way("writers.switch"), "west"),
    "soak": (lambda _, run: run["weight"]["applied"] == 100, "west"),
}


def velero_dies(tale, side):
    faults.run(tale.stage.lab, ["kill", f"{side}/velero"])
    time.sleep(AWAY_S["velero"])
    faults.run(tale.stage.lab, ["start", f"{side}/velero"])


def bucket_is_away(tale, _):
    faults.run(tale.stage.lab, ["kill", "s3"])
    time.sleep(AWAY_S["bucket"])
    faults.run(tale.stage.lab, ["start", "s3"])


def agents_die(tale, side):
    for number in (1, 2, 3):
        faults.run(tale.stage.lab, ["kill-agent", f"{side}-n{number}"])


@dataclass(frozen=True)
class Fault:
    name: str
    happens: Callable


FAULTS = (Fault("service", lambda tale, _: die(tale)), Fault("velero", velero_dies), Fault("agents", agents_die), Fault("bucket", bucket_is_away))


def until_phase(tale, phase):
    reached = PHASES[phase][0]
    deadline = time.monotonic() + MOVE_S
    while True:
        listed = tale.service.rest.get(f"/api/v1/runs/{tale.run}/steps")["items"]
        steps = {s["kind"]: s for s in reversed(listed)}  # the first of each kind
        run = tale.get()
        if reached(steps, run):
            return
        assert run["state"] == "active", f"the run is {run['state']} before {phase}: {run.get('message')}"
        assert time.monotonic() < deadline, f"{phase} is never seen; the run says {run.get('message')}"
        time.sleep(LOOK_S)


def hold_of(run):
    return (run.get("hold") or {}).get("reason")


def until_end(tale):
    """The run has ended; where it holds for long, a person goes back as the hold says. Returns what it said."""
    said, since, lost = [], None, False
    deadline = time.monotonic() + MOVE_S
    while True:
        run = tale.get()
        if run["state"] in TERMINAL:
            return run, said, lost
        reason = hold_of(run)
        if reason and (not said or said[-1][0] != reason):
            assert run["hold"]["message"], f"hold {reason} does not say why"
            said.append((reason, run["hold"]["message"][:160]))
        since = (since or time.monotonic()) if reason else None
        if since and time.monotonic() - since > PATIENCE_S:
            lost = reason == "data-loss"
            tale.act("rollback", **({"expect": {"targetData": "discard"}} if lost else {}))
            since = time.monotonic()
        assert time.monotonic() < deadline, f"the run neither ends nor holds: {run.get('phase')}: {run.get('message')}; holds so far: {said}"
        time.sleep(0.3)


def check_end(tale, run, appender, lost):
    sides = changes_of_side(appender)
    if run["state"] == "completed":
        assert sides in ([], ["west"]), f"records were acknowledged in turn: {sides}"
        for claim in CLAIMS:
            source, target = tale.stage.files("east", claim), tale.stage.files("west", claim)
            source.pop(BOOK), target.pop(BOOK)  # it is being written in the target
            assert source and source == target, f"claim {claim} differs"
        check_nothing_is_lost(tale.stage, "west", appender.acknowledged)
        assert tale.stage.ready("west") == 2 and tale.stage.ready("east") == 0
        nothing_is_left(tale)
        return
    assert run["state"] in ("rolled-back", "canceled"), f"the run is {run['state']}: {run.get('message')}"
    assert sides in ([], ["west", "east"]), f"records were acknowledged in turn: {sides}"
    check_nothing_is_lost(tale.stage, "east", appender.of("east") if lost else appender.acknowledged)
    check_the_source_is_as_before(tale)


def tell_row(fault, phase, strategy):
    def tell(tale):
        install(tale, FILL)
        with tale.stage.witness("virtualservice", RATE), Appender(tale.stage) as appender:
            start(tale, strategy, back="reverse", passes=1, rehearse="true" if phase == "rehearsal" else "false")
            until_phase(tale, phase)
            fault.happens(tale, PHASES[phase][1])
            run, said, lost = until_end(tale)
            time.sleep(3)  # whoever serves now takes records
            appender.stop()
        tale.note(f"{fault.name} dies in {phase} ({strategy}): {run['state']}; {len(appender.acknowledged)} records, sides {changes_of_side(appender)}; "
                  f"holds {said}; froze {((step(tale, 'volume.sync')['observation'] or {}).get('freeze') or {}).get('ms')} ms")
        check_end(tale, run, appender, lost)

    tell.__name__ = f"ledger_faults_{fault.name}_{phase.replace(' ', '_')}"
    return tell


@story(worlds=WORLDS, velero=True)
def ledger_comes_back_when_the_bucket_stays_away(tale):
    """The freeze outlasts maxPause: the source's writers run again, with all that they had, while the bucket is still away."""
    install(tale, FILL)
    with tale.stage.witness("virtualservice", RATE), Appender(tale.stage) as appender:
        start(tale, "veleroFsBackup", back="reverse", passes=1, rehearse="false", pause="100s")
        until_phase(tale, "last pass")
        faults.run(tale.stage.lab, ["kill", "s3"])
        tale.until("the freeze", MOVE_S, lambda _: tale.stage.ready("east") == 0)
        before = len(appender.acknowledged)
        tale.until("the source's writers", MOVE_S, lambda _: tale.stage.ready("east") == 2 and len(appender.acknowledged) > before + 20)
        tale.note(f"after {appender.acknowledged[before].at - appender.acknowledged[before - 1].at:.0f} s records are taken again; the bucket is away")
        faults.run(tale.stage.lab, ["start", "s3"])
        tale.until_state("rolled-back", MOVE_S)
        appender.stop()
    assert not appender.of("west"), "the target took records"
    check_nothing_is_lost(tale.stage, "east", appender.acknowledged)
    check_the_source_is_as_before(tale)


# The whole table with CROSSFADE_TEST_ALL; these meet every fault and most phases.
SOME = {("service", "restore"), ("velero", "last pass"), ("agents", "live pass"), ("bucket", "restore"), ("service", "switch")}
for i, fault in enumerate(FAULTS):
    for j, phase in enumerate(PHASES):
        if THOROUGH or (fault.name, phase) in SOME:
            story(worlds=WORLDS, velero=True)(tell_row(fault, phase, ("veleroFsBackup", "veleroSnapshot")[(i + j) % 2]))
