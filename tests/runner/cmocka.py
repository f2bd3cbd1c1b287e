# SPDX-License-Identifier: Apache-2.0
"""Counting what a cmocka executable said: single tests, not executables."""
import re

from tests.runner.tally import Tally

_COUNTS = {kind: re.compile(rf"\[  {kind:8}\] (\d+) test\(s\)") for kind in ("PASSED", "FAILED", "SKIPPED")}


def count(output, status):
    """A status that no counted failure explains is one: a crash, or a sanitizer's finding at the end."""
    tally = Tally(*(sum(map(int, _COUNTS[kind].findall(output))) for kind in ("PASSED", "FAILED", "SKIPPED")))
    if status and not tally.failed:
        tally.failed += 1
    return tally
