#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whoever is killed, nothing stays: tests/runner/guard.py.

A small program under the guard starts, from a thread that is gone by then, a process, one that ignores SIGTERM, and one whose
parent ends at once. Then the program, its worker, or both are ended in each way there is. Afterwards all that they started must
be gone, with the folder, and what was to be done at the end must be done; only a process with a session of its own, as the lab's
have, must live on.
"""
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.runner import guard  # noqa: E402

LIMIT_S = 30  # for what takes a second; a loaded machine may take its time
GRACE_S = 1

# What is ended and how, the exit status (None: of no interest), what must be printed.
CASES = {
    "the caller is told to end": ("caller", signal.SIGTERM, 1, "stopped by SIGTERM\nlast words\n"),
    "the caller is interrupted": ("caller", signal.SIGINT, 1, "stopped by SIGINT\nlast words\n"),
    "the caller is killed": ("caller", signal.SIGKILL, -signal.SIGKILL, "stopped by SIGTERM\nlast words\n"),
    "the worker is killed": ("worker", signal.SIGKILL, 128 + signal.SIGKILL, ""),
    "the worker and then the caller are killed": ("worker caller", signal.SIGKILL, -signal.SIGKILL, ""),
    "the caller and then the worker are killed": ("caller worker", signal.SIGKILL, -signal.SIGKILL, None),
    "the worker ends by itself": ("", None, 7, "1 left running\n"),
}


def play(folder, stays):
    """The program: starts its processes and writes the worker's id when they all are there."""
    mark = os.path.join(folder, "mark")

    def start():
        subprocess.Popen(["sh", "-c", "sleep 1000; :", mark])
        subprocess.Popen(["sh", "-c", f"trap '' TERM; touch {folder}/deaf; while :; do sleep 1; done", mark])
        subprocess.run(["sh", "-c", f"sh -c 'touch {folder}/orphan; sleep 1000; :' {mark} &"])
        subprocess.Popen(["sh", "-c", f"touch {folder}/apart; sleep 1000; :", os.path.join(folder, "apart")], start_new_session=True)

    def main():
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        litter = os.path.join(folder, "litter")
        os.mkdir(litter)
        with guard.remember_folder(litter), guard.remember_command(["touch", os.path.join(folder, "done")]):
            with guard.remember_command(["touch", os.path.join(folder, "never")]):
                pass
            while not all(os.path.exists(os.path.join(folder, name)) for name in ("deaf", "orphan", "apart")):
                time.sleep(0.01)
            with open(os.path.join(folder, "worker.new"), "w") as out:
                out.write(str(os.getpid()))
            os.rename(os.path.join(folder, "worker.new"), os.path.join(folder, "worker"))
            if stays:
                time.sleep(1000)
            print(f"{bool(guard.left_running()):d} left running", flush=True)
            os._exit(7)

    for number in guard.HANDED_ON:
        signal.signal(number, signal.SIG_DFL)  # a shell's background job is born deaf to SIGINT
    guard.run(main, lambda: "last words", GRACE_S)


def running(mark):
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/cmdline") as line:
                if mark in line.read().split("\0"):
                    found.append(int(name))
    return found


def until(condition, what):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"still waiting until {what}"
        time.sleep(0.02)


def check(name, who, how, status, said):
    with tempfile.TemporaryDirectory(prefix="crossfade-guard-") as folder:
        mark, apart = os.path.join(folder, "mark"), os.path.join(folder, "apart")
        command = [sys.executable, os.path.abspath(__file__), "--play", folder, "stays" if who else ""]
        output = open(os.path.join(folder, "output"), "w+")  # no pipe: who lives on would keep it open
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output)
        try:
            until(lambda: os.path.exists(os.path.join(folder, "worker")), "the program has started everything")
            if who:  # a shell's child has its shell's name until it is the other program
                until(lambda: len(running(mark)) == 3, f"three processes run, not {running(mark)}")
            with open(os.path.join(folder, "worker")) as file:
                ids = {"worker": int(file.read()), "caller": program.pid}
            for one in who.split():
                os.kill(ids[one], how)
            until(lambda: program.poll() is not None, "the program has ended")
            until(lambda: not running(mark), "what it started is gone")
            until(lambda: os.path.exists(os.path.join(folder, "done")), "the command has run")
            assert program.returncode == status, f"exit status {program.returncode}, not {status}"
            output.seek(0)
            printed = output.read()
            assert said is None or printed.strip() == said.strip(), f"printed {printed!r}"
            until(lambda: not os.path.exists(os.path.join(folder, "litter")), "the folder is gone")
            assert not os.path.exists(os.path.join(folder, "never")), "a command was run that was no longer wanted"
            assert len(running(apart)) == 1, "a process with a session of its own was ended"
        except AssertionError as failure:
            return f"{name}: {failure}"
        finally:
            for pid in running(apart):  # with its own child: it leads its group
                os.killpg(pid, signal.SIGKILL)
            for pid in running(mark):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            program.kill()
            program.wait()
            output.close()
    return None


def main():
    with ThreadPoolExecutor(len(CASES)) as pool:
        results = list(pool.map(lambda case: check(case[0], *case[1]), CASES.items()))
    failures = [r for r in results if r]
    print("\n".join(failures) or f"{len(CASES)} ways to end")
    return 1 if failures else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--play"]:
        play(sys.argv[2], bool(sys.argv[3]))
    sys.exit(main())
