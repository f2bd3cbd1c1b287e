# SPDX-License-Identifier: Apache-2.0
"""The stories: named tests that are told in one world or the other, each on a stage of its own.

A story is a function that gets a `Tale` (tale.py) and raises AssertionError when something is not as it should be. The world is
"sandbox" (simulated clusters, seconds) or "lab" (real ones). A story that is declared for both must hold in both.
"""
import contextlib
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Callable

from tests.runner.postgres import Postgres
from tests.runner.tally import Tally

_stories = []


@dataclass(frozen=True)
class Story:
    name: str
    worlds: tuple
    routes: tuple
    tell: Callable


def story(*routes, worlds=("sandbox", "lab")):
    """Declares a story; one per route when the name has {route} in it."""

    def declare(function):
        name = function.__name__
        _stories.append(Story(name, worlds, routes or ("virtualservice",), function))
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
    from tests.stories import breaks, crashes, moves, people, wire  # noqa: F401  (they declare themselves)


def stories(world):
    if not _stories:
        _load()
    return [s for s in _stories if world in s.worlds]


def _world(name):
    if name == "lab":
        from tests.stories.lab_world import LabWorld
        return LabWorld()
    from tests.stories.sandbox_world import SandboxWorld
    return SandboxWorld()


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


def run(world_name, binary, wanted, environment):
    chosen = [s for s in stories(world_name) if not wanted or any(w in s.name for w in wanted)]
    tally = Tally()
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        world = stack.enter_context(_world(world_name))
        with ThreadPoolExecutor(world.side_by_side) as pool:
            jobs = [pool.submit(_tell, world, s, binary, postgres, environment) for s in chosen]
            tally = sum((j.result() for j in jobs), tally)
        tally += world.own_tests(binary, wanted)
    return tally

