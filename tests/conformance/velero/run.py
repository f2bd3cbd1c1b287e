# SPDX-License-Identifier: Apache-2.0
"""Runs the table of Velero in one world; run(world) is for other programs. Returns and prints how many passed and failed."""
import argparse
import contextlib
import sys

from tests.conformance.follow import run as follow
from tests.conformance.velero import worlds
from tests.conformance.velero.play import Play
from tests.conformance.velero.table import TABLE

WORKERS = 12  # they wait most of the time


def run(world, names=(), report=print, workers=WORKERS):
    """(passed, failed, skipped) of the table, or of the cases named."""
    return follow.run(Play, TABLE, world, names, report, workers)


def tally(name, world):
    """As one test of a part of tests/run; its cases are counted."""
    return follow.tally(name, run(world, report=follow.failures_only))


def main():
    parser = argparse.ArgumentParser(prog="python3 -m tests.conformance.velero", description=__doc__.splitlines()[0])
    parser.add_argument("--lab", action="store_true", help="the Velero of tests/lab (`lab up velero`), whose processes can be stopped")
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
        else:
            parser.error("--lab or --sandbox is needed")
        passed, failed, skipped = run(world, options.names, workers=options.workers)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0
