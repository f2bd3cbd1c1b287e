# SPDX-License-Identifier: Apache-2.0
"""The parts of tests/run, in order, and their sum.

Each part returns a Tally. A part that cannot even start counts as one failure: nothing is skipped in silence.
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.runner import guard, parts  # noqa: E402
from tests.runner.tally import Tally  # noqa: E402

FAST = ["house", "unit", "sandbox"]
ALL = ["house", "unit", "sandbox", "federations", "tsan", "lab"]


def chosen(argv):
    """(part names, names inside the part, only list)"""
    if argv and argv[0] == "--list":
        return argv[1:2] or ALL, [], True
    if argv and argv[0] == "--fast":
        return FAST, argv[1:], False
    if argv:
        return [argv[0]], argv[1:], False
    return ALL, [], False


total = Tally()


def last_words():
    return f"{total + Tally(failed=1)}"


def main(argv):
    global total
    names, wanted, only_list = chosen(argv)
    unknown = [n for n in names if n not in parts.PARTS]
    if unknown:
        print(f"tests/run: no part named {unknown[0]}; there are {', '.join(parts.PARTS)}", file=sys.stderr)
        return 2
    for name in names:
        part = parts.PARTS[name]
        if only_list:
            print("\n".join(part.list()))
            continue
        print(f"\n=== {name}", flush=True)
        started = time.monotonic()
        try:
            tally = part.run(wanted)
        except parts.CannotRun as why:
            print(f"{name}: {why}", flush=True)
            tally = Tally(failed=1)
        print(f"=== {name}: {tally} ({time.monotonic() - started:.0f} s)", flush=True)
        total += tally
    if only_list:
        return 0
    for line in guard.left_running():
        print(f"left running: {line}")
        total += Tally(failed=1)
    print(f"\n{total}")
    return 1 if total.failed or (wanted and not total.ran) else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    guard.run(lambda: main(sys.argv[1:]), last_words)
