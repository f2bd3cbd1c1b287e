# SPDX-License-Identifier: Apache-2.0
"""The stories: named tests that are told in one world or the other, each on a stage of its own.

The world "federations" is the sandbox again, for what is about control planes and data: it takes minutes. The world
"karmada" is the lab with a real Karmada over its clusters; it is told only where the user gives one (docs/testing.md). The world
"volumes" is the lab with a real Velero in both clusters, and only told by its name. A story with a `plane` is about a federation: a control plane named `hub` is over east and west and registered with the service.

A story is a function that gets a `Tale` (tale.py) and raises AssertionError when something is not as it should be. The world is
"sandbox" (simulated clusters, seconds) or "lab" (real ones). A story that is declared for both must hold in both.
"""
import contextlib
import os
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Callable

from tests.runner import guard
from tests.runner.build import ROOT
from tests.runner.postgres import Postgres
from tests.runner.tally import Tally

# The tests of each world that are no stories.
OWN_TESTS = {"sandbox": ("conformance",), "federations": ("velero_conformance", "federation_conformance"),
             "lab": ("lab_kube_client", "lab_router_protocol", "lab_bridge_by_name", "conformance"), "karmada": ("federation_conformance",),
             "volumes": ()}

# Whether also what takes minutes and tells of more of the same is told in the sandbox (docs/testing.md).
THOROUGH = "CROSSFADE_TEST_ALL" in os.environ

_stories = []


@dataclass(frozen=True)
class Story:
    name: str
    worlds: tuple
    routes: tuple
    tell: Callable
    plane: str = ""
    velero: bool = False


def story(*routes, worlds=("sandbox", "lab"), plane="", velero=False):
    """Declares a story. plane: "karmada" or "clusternet"; such a story names its worlds. velero: one runs in each cluster."""

    def declare(function):
        name = function.__name__
        _stories.append(Story(name, worlds, routes or ("virtualservice",), function, plane, velero))
        return function

    return declare


def each_route(*routes, worlds=("sandbox", "lab")):
    """Declares the story once per route."""

    def declare(function):
        for route in routes:
            _stories.append(Story(f"{function.__name__}_{route}", worlds, (route,), function))
        return function

    return declare


def _load():
    # They declare themselves. The longest come first, so that they are not waited for alone at the end.
    from tests.stories import crashes, moves, drift, gates, reach, wire, people, by_hand, breaks, members, closures, waves, volume_faults, volumes, gitops, federations, federation_breaks, federation_placed, federation_faults, clusternet, lab_volumes, lab_volume_faults  # noqa: F401,I001


def stories(world):
    if not _stories:
        _load()
    return [s for s in _stories if world in s.worlds]


@contextlib.contextmanager
def world(name):
    if name in ("lab", "karmada", "volumes"):
        from tests.stories.lab_velero import VeleroWorld
        from tests.stories.lab_world import KarmadaWorld, LabWorld
        kind = {"lab": LabWorld, "karmada": KarmadaWorld, "volumes": VeleroWorld}[name]
        # The lab's components have sessions of their own: they would outlive us.
        keep = os.environ.get("CROSSFADE_LAB_KEEP")
        with contextlib.nullcontext() if keep else guard.remember_command([os.path.join(ROOT, "tests/lab/lab"), "down"]):
            with kind() as made:
                yield made
        return
    from tests.stories.sandbox_world import SandboxWorld
    with SandboxWorld() as made:
        yield made


def _tell(world, one, binary, postgres, environment):
    from tests.stories.tale import Tale
    started = time.monotonic()
    notes = []
    try:
        with Tale(world, one, binary, postgres, environment) as tale:
            notes = tale.notes
            one.tell(tale)
    except BaseException as failure:  # noqa: B902  a story may fail in any way, and the others go on
        # What went wrong stands on the first line: whoever shortens the output leaves that.
        print(f"FAIL {one.name} ({time.monotonic() - started:.1f} s): {failure!s:.400}", flush=True)
        print("\n".join("    " + n for n in traceback.format_exc().splitlines() + notes), flush=True)
        return Tally(failed=1)
    print(f"ok   {one.name} ({time.monotonic() - started:.1f} s)" + "".join(f"\n       {n}" for n in notes), flush=True)
    return Tally(passed=1)


def run(world_name, binary, wanted, environment, left_out=()):
    """Tells the chosen stories, and the world's own tests; as many at a time as the world can bear."""
    chosen = [s for s in stories(world_name) if s.name not in left_out and (not wanted or any(w in s.name for w in wanted))]
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        here = stack.enter_context(world(world_name))
        pool = stack.enter_context(ThreadPoolExecutor(here.side_by_side))
        jobs = [pool.submit(_tell, here, s, binary, postgres, environment) for s in chosen]
        own = [name for name in OWN_TESTS[world_name] if not wanted or any(w in name for w in wanted)]
        beside = stack.enter_context(ThreadPoolExecutor(1)) if here.own_beside else pool
        jobs += [beside.submit(here.own_test, name, binary) for name in own]
        return sum((j.result() for j in jobs), Tally())
