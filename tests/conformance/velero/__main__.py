# SPDX-License-Identifier: Apache-2.0
"""`python3 -m tests.conformance.velero`."""
from tests.conformance.velero.run import main
from tests.runner import guard

if __name__ == "__main__":
    guard.run(main, lambda: "0 passed, 1 failed, 0 skipped")
