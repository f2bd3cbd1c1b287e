# SPDX-License-Identifier: Apache-2.0
"""Fault to last failed request on real clusters: a total failure of the target at 10 % of 100 requests a second, again and again.

python3 -m tests.bench.rollback BINARY [RUNS]        (root; brings the lab up and leaves it as it was found)
"""
import os
import statistics
import sys
import time

from tests.runner.postgres import Postgres
from tests.stories.breaks import break_at
from tests.stories.lab_world import LabWorld
from tests.stories.registry import Story
from tests.stories.tale import Tale, failed_request


def one(world, binary, postgres):
    story = Story("bench_rollback", ("lab",), ("virtualservice",), None)
    with Tale(world, story, binary, postgres, dict(os.environ)) as tale:
        fault_ns, result = break_at(tale, 10, error=1)
        bad = [e for e in result.entries() if failed_request(e)]
        report = tale.report()["rollback"]
        return (bad[-1]["t"] - fault_ns) / 1e9, len(bad), report.get("patchMs") or 0


def spread(values, unit):
    ordered = sorted(values)
    return (f"p50 {statistics.median(ordered):.2f} {unit}, p95 {ordered[int(len(ordered) * 0.95)]:.2f} {unit}, "
            f"max {ordered[-1]:.2f} {unit}")


def main(binary, runs):
    rows = []
    with Postgres() as postgres, LabWorld() as world:
        for n in range(runs):
            rows.append(one(world, binary, postgres))
            print(f"run {n + 1}: last failed request {rows[-1][0]:.2f} s after the fault, {rows[-1][1]} failed, "
                  f"decision to patch {rows[-1][2]} ms", flush=True)
            time.sleep(1)
    print(f"fault -> last failed request over {runs} runs: {spread([r[0] for r in rows], 's')}")
    print(f"failed requests per fault: {spread([r[1] for r in rows], 'requests')}")
    print(f"decision -> patch answered: {spread([r[2] for r in rows], 'ms')}")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20)
