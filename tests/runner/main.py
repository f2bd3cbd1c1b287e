# SPDX-License-Identifier: Apache-2.0
"""The parts of tests/run, in order, and their sum.

Each part returns a Tally. A part that cannot even start counts as one failure: nothing is skipped in silence.
"""
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.runner import guard, parts  # noqa: E402
from tests.runner.tally import Tally  # noqa: E402

FAST = ["house", "unit", "sandbox"]
ALL = ["house", "unit", "sandbox", "federations", "tsan-stories", "lab"]
# Told beside a part that waits most of its time, and gives way to it.
BESIDE = {"federations": "drivers", "lab": "tsan-unit"}
GIVES_WAY = 15


def chosen(argv):
    """(part names, names inside the part, only list)"""
    if argv and argv[0] == "--list":
        return argv[1:2] or [*ALL, *BESIDE.values()], [], True
    if argv and argv[0] == "--fast":
        return FAST, argv[1:], False
    if argv:
        return [argv[0]], argv[1:], False
    return ALL, [], False


total = Tally()


def last_words():
    return f"{total + Tally(failed=1)}"


def run_part(name, wanted, **how):
    started = time.monotonic()
    try:
        tally = parts.PARTS[name].run(wanted, **how)
    except parts.CannotRun as why:
        print(f"{name}: {why}", flush=True)
        tally = Tally(failed=1)
    return tally, f"=== {name}: {tally} ({time.monotonic() - started:.0f} s)"


def run_beside(name):
    """In a thread whose children give way; what it has to say is kept until there is room for it."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), GIVES_WAY)
    said = []
    tally, end = run_part(name, [], say=said.append)
    return tally, [f"\n=== {name}, beside the part before", *said, end]


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
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(run_beside, BESIDE[name]) if names is ALL and name in BESIDE else None
            tally, end = run_part(name, wanted)
            print(end, flush=True)
            total += tally
            if other:
                tally, lines = other.result()
                print("\n".join(lines), flush=True)
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
