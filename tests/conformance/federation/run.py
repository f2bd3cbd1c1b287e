# SPDX-License-Identifier: Apache-2.0
"""Runs the table of federations in one world; run(world) is for other programs. Returns and prints how many passed and failed."""
import argparse
import contextlib
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.conformance.federation import table, worlds
from tests.conformance.federation.play import Failed, Play
from tests.runner.tally import Tally

WORKERS = 4


def _one(world, case, paths, objects):
    """(name, "ok" | "FAIL" | "skip", difference)."""
    if table.uses_faults(case.steps) and not world.fault:
        return case.name, "skip", ""
    try:
        Play(world, case, paths, objects).perform()
    except Failed as failed:
        return case.name, "FAIL", str(failed)
    except Exception as error:  # noqa: B902  whatever it is, the other cases go on
        return case.name, "FAIL", f"  {type(error).__name__}: {error}"
    return case.name, "ok", ""


def run(world, names=(), report=print, workers=WORKERS):
    """(passed, failed, skipped) of the table, or of the cases named."""
    paths, objects = table.shared("paths"), table.shared("objects")
    chosen = [c for c in table.load() if not names or any(n in c.name for n in names)]
    outcomes = []

    def tell(result):
        name, outcome, difference = result
        outcomes.append(outcome)
        report(f"{outcome:<4} {name}" + (f"\n{difference}" if difference else ""))

    with ThreadPoolExecutor(workers) as pool:
        for result in pool.map(lambda c: _one(world, c, paths, objects), [c for c in chosen if not c.alone]):
            tell(result)
    for case in chosen:  # what such a case does to a cluster or to a component would disturb the others
        if case.alone:
            tell(_one(world, case, paths, objects))
    return tuple(outcomes.count(o) for o in ("ok", "FAIL", "skip"))


def tally(name, world):
    """As one test of a part of tests/run; its cases are counted."""
    passed, failed, skipped = run(world, report=failures_only)
    print(f"{'FAIL' if failed else 'ok  '} {name}: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return Tally(passed=passed, failed=failed, skipped=skipped)


def failures_only(line):
    """A report for callers with a report of their own."""
    if not line.startswith("ok"):
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="python3 -m tests.conformance.federation", description=__doc__.splitlines()[0])
    parser.add_argument("--karmada", metavar="KUBECONFIG", help="of a real control plane, with all rights")
    parser.add_argument("--member", action="append", default=[], metavar="east|west=KUBECONFIG", help="of its members, with all rights")
    parser.add_argument("--lab", action="store_true", help="the control plane of tests/lab, whose processes can be stopped")
    parser.add_argument("--sandbox", metavar="BINARY", help="start a sandbox of this crossfade binary and run there")
    parser.add_argument("--workers", type=int, default=WORKERS, help="cases at a time")
    parser.add_argument("--list", action="store_true", help="print the cases' names")
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of names of cases")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    if options.list:
        print("\n".join(c.name for c in table.load()))
        return 0
    with contextlib.ExitStack() as stack:
        if options.sandbox:
            world = stack.enter_context(worlds.sandbox(options.sandbox))
        elif options.lab:
            world = worlds.lab()
        elif options.karmada:
            members = dict(m.split("=", 1) for m in options.member)
            if set(members) != set(worlds.MEMBERS):
                parser.error("--member east=KUBECONFIG and --member west=KUBECONFIG are needed")
            world = worlds.real(options.karmada, members)
        else:
            parser.error("--karmada, --lab or --sandbox is needed")
        passed, failed, skipped = run(world, options.names, workers=options.workers)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0
