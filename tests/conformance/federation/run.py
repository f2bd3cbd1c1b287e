# SPDX-License-Identifier: Apache-2.0
"""Runs the table of federations in one world; run(world) is for other programs. Returns and prints how many passed and failed."""
import argparse
import contextlib
import sys

from tests.conformance.federation import worlds
from tests.conformance.federation.play import Play
from tests.conformance.federation.table import TABLE
from tests.conformance.follow import run as follow

WORKERS = follow.WORKERS
failures_only = follow.failures_only


def run(world, names=(), report=print, workers=WORKERS):
    """(passed, failed, skipped) of the table, or of the cases named."""
    return follow.run(Play, TABLE, world, names, report, workers)


def tally(name, world):
    """As one test of a part of tests/run; its cases are counted."""
    return follow.tally(name, run(world, report=failures_only))


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
        print("\n".join(c.name for c in TABLE.load()))
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
