# SPDX-License-Identifier: Apache-2.0
"""The parts of tests/run, in order, and their sum.

Each part returns a Tally. A part that cannot even start counts as one failure: nothing is skipped in silence.
"""
import os
import queue
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.runner import guard, parts  # noqa: E402
from tests.runner.tally import Tally  # noqa: E402

FAST = ["house", "unit", "sandbox"]
ALL = ["house", "unit", "sandbox", "federations", "lab"]
# Told one after the other behind the parts from BEHIND_FROM on, which wait much of their time, and give way to them.
BEHIND = ["drivers", "tsan-unit", "tsan-stories"]
APART = "tsan-stories"  # of these: its stories print as they go, so it is a process of its own, whose words are kept
BEHIND_FROM = "sandbox"
GIVES_WAY = 15


def chosen(argv):
    """(part names, names inside the part, only list)"""
    if argv and argv[0] == "--list":
        return argv[1:2] or [*ALL, *BEHIND], [], True
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


def run_apart(name):
    done = subprocess.run([sys.executable, os.path.abspath(__file__), name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    said = [line for line in done.stdout.splitlines() if line and line != f"=== {name}"]
    tally = Tally.parse(said[-1]) if said else None
    return (tally, said[:-1]) if tally else (Tally(failed=1), said)


def run_behind(told):
    """In a thread whose children give way; what a part has to say is put into `told` when it is over."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), GIVES_WAY)
    for name in BEHIND:
        if name == APART:
            tally, said = run_apart(name)
        else:
            said = []
            tally, end = run_part(name, [], say=said.append)
            said.append(end)
        told.put((tally, [f"\n=== {name}, behind the parts before", *said]))


def tell(told):
    global total
    while not told.empty():
        tally, lines = told.get()
        print("\n".join(lines), flush=True)
        total += tally


def main(argv):
    global total
    names, wanted, only_list = chosen(argv)
    unknown = [n for n in names if n not in parts.PARTS]
    if unknown:
        print(f"tests/run: no part named {unknown[0]}; there are {', '.join(parts.PARTS)}", file=sys.stderr)
        return 2
    if only_list:
        for name in names:
            print("\n".join(parts.PARTS[name].list()))
        return 0
    told = queue.SimpleQueue()
    with ThreadPoolExecutor(1) as pool:
        behind = None
        for name in names:
            if names is ALL and name == BEHIND_FROM:
                behind = pool.submit(run_behind, told)
            print(f"\n=== {name}", flush=True)
            tally, end = run_part(name, wanted)
            print(end, flush=True)
            total += tally
            tell(told)
        if behind:
            behind.result()
            tell(told)
    for line in guard.left_running():
        print(f"left running: {line}")
        total += Tally(failed=1)
    print(f"\n{total}")
    return 1 if total.failed or (wanted and not total.ran) else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    guard.run(lambda: main(sys.argv[1:]), last_words)
