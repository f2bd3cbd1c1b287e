# SPDX-License-Identifier: Apache-2.0
"""How many tests passed, failed and were skipped."""
import re
from dataclasses import dataclass


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    @classmethod
    def parse(cls, line):
        """Of what str() makes; None: it is something else."""
        numbers = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", line)
        return cls(*map(int, numbers.groups())) if numbers else None

    @property
    def ran(self):
        return self.passed + self.failed
