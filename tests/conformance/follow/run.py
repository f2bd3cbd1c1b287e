# SPDX-License-Identifier: Apache-2.0
"""Runs a table in one world; prints and returns how many cases passed, failed and were skipped."""
from concurrent.futures import ThreadPoolExecutor

from tests.conformance.follow.play import Failed
from tests.conformance.follow.table import uses_faults
from tests.runner.tally import Tally

WORKERS = 4


def _one(play, world, case, words):
    """(name, "ok" | "FAIL" | "skip", difference)."""
    if uses_faults(case.steps) and not world.fault:
        return case.name, "skip", ""
    try:
        play(world, case, words).perform()
    except Failed as failed:
        return case.name, "FAIL", str(failed)
    except Exception as error:  # noqa: B902  whatever it is, the other cases go on
        return case.name, "FAIL", f"  {type(error).__name__}: {error}"
    return case.name, "ok", ""


def run(play, words, world, names=(), report=print, workers=WORKERS):
    """(passed, failed, skipped) of the table, or of the cases named. play: the class; words: the Table."""
    chosen = [c for c in words.load() if not names or any(n in c.name for n in names)]
    outcomes = []

    def tell(result):
        name, outcome, difference = result
        outcomes.append(outcome)
        report(f"{outcome:<4} {name}" + (f"\n{difference}" if difference else ""))

    with ThreadPoolExecutor(workers) as pool:
        for result in pool.map(lambda c: _one(play, world, c, words), [c for c in chosen if not c.alone]):
            tell(result)
    for case in chosen:  # what such a case does to a cluster or to a component would disturb the others
        if case.alone:
            tell(_one(play, world, case, words))
    return tuple(outcomes.count(o) for o in ("ok", "FAIL", "skip"))


def failures_only(line):
    """A report for callers with a report of their own."""
    if not line.startswith("ok"):
        print(line, flush=True)


def tally(name, results):
    """As one test of a part of tests/run; its cases are counted."""
    passed, failed, skipped = results
    print(f"{'FAIL' if failed else 'ok  '} {name}: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return Tally(passed=passed, failed=failed, skipped=skipped)
