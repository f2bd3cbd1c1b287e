# SPDX-License-Identifier: Apache-2.0
"""python3 -m tests.stories sandbox|federations|lab|karmada|volumes path/to/crossfade [NAME...]"""
import os
import sys

from tests.runner import guard
from tests.runner.tally import Tally
from tests.stories import registry


def main():
    tally = registry.run(sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3:], dict(os.environ))
    print(tally)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    guard.run(main, lambda: str(Tally(failed=1)))
